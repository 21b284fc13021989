"""The studio: a page for the people who run the service, about the billboard that learns."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from matinee.service.core import Service
from matinee.service.studio import DayShown, TitleBelief, VersionKept
from matinee.service.web.pages import templates
from matinee.service.web.words import moment


def studio_page(service: Service) -> APIRouter:
    """The page at /studio. Where keys are set it asks for one that may write, as all that tells of members together."""
    router, render = APIRouter(include_in_schema=False), templates()

    @router.get("/studio")
    async def studio() -> Response:
        told = await asyncio.to_thread(service.deployment.studio)
        values: dict[str, Any] = {"studio": told, "alarms": service.deployment.watched().alarms}
        if told is not None:
            values |= {"rows": _titles(told.titles), "days": _days(told.days), "versions": _versions(told.versions)}
        page = render.get_template("studio.html").render(values)
        return HTMLResponse(page, headers={"cache-control": "no-store"})

    return router


def _titles(titles: Sequence[TitleBelief]) -> list[tuple[str, ...]]:
    return [
        (
            one.title,
            _signed(one.mean),
            f"{_signed(one.low)} to {_signed(one.high)}",
            f"{100 * one.chance:.2f} %",
            f"{one.looks:,.1f}",
            "–" if one.reward is None else _signed(one.reward),
            f"{one.shown:,}",
        )
        for one in titles
    ]


def _signed(value: float) -> str:
    """Three decimals, with the minus that the plots have."""
    return f"{value:.3f}".replace("-", "−")


def _days(days: Sequence[DayShown]) -> list[tuple[str, ...]]:
    return [(one.day, f"{one.decisions:,}", f"{one.titles:,}", f"{one.entropy:.2f}") for one in days]


def _versions(versions: Sequence[VersionKept]) -> list[tuple[str, ...]]:
    return [
        (f"{one.version:,}", moment(one.as_of) if one.version else "–", f"{one.looks:,.1f}", f"{one.regret:.4f}")
        for one in versions
    ]
