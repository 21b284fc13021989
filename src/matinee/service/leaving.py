"""Visitors who have gone: a service forgets all of them now and then, in the way in which a member is deleted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from matinee.errors import MatineeError
from matinee.service.core import Service

EVERY = 3_600.0  # seconds between two looks: a deletion takes time in proportion to the log
log = logging.getLogger("matinee.service")


class Leaving:
    """Forgets visitors of whom nothing was logged for `Visitors.hours`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._met: dict[str, int] = {}  # since when there was something of a visitor, as far as this process knows

    async def forget(self) -> list[str]:
        """Forget who has gone by now; returns their ids. One of whom only a wish is stored counts from when we met."""
        now, deployment = self._service.clock.now(), self._service.deployment
        known = await asyncio.to_thread(deployment.log.visitors)
        self._met = {one: self._met.get(one, now) for one in known}
        latest = {one: time or self._met[one] for one, time in known.items()}
        gone = [one for one, time in latest.items() if time < now - round(deployment.visitors.hours * 3_600e6)]
        if gone:
            await self._service.delete(*gone)
        return gone

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Forget now and then while the block runs."""
        task = asyncio.create_task(self._now_and_then())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _now_and_then(self) -> None:
        while True:
            try:
                await self.forget()
            except MatineeError as error:
                log.warning("visitors who have gone are still in the log: %s", error)
            await asyncio.sleep(EVERY)
