"""What one service is made of. Built by the composition root; nothing here reads files or the environment."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeAlias

from matinee.catalog import Catalog
from matinee.clock import require_zone
from matinee.data.log import EventLog
from matinee.data.tunings import Tuning
from matinee.decision import Policy
from matinee.errors import BadRequest
from matinee.experiment.definition import Experiment
from matinee.service.keys import Keys
from matinee.service.studio import Studio
from matinee.service.surfaces import SURFACES
from matinee.service.visitors import Visitors
from matinee.service.watched import Watched

Policies: TypeAlias = Mapping[str, Sequence[tuple[str, Policy]]]
Offer: TypeAlias = tuple[Catalog, Policies]  # what may serve together next


def _no_studio() -> None:
    """Nothing learns beside the service."""


@dataclass(frozen=True)
class Deployment:
    """One service. `policies` gives each surface of `surfaces.SURFACES` its named policies from best to simplest.

    Without `keys` the service is open: it shows the web page and answers its own machine only. `deadline` is in seconds
    per decision, `max_in_flight` requests are answered at a time and the rest are shed, a body has at most `max_body`
    bytes and arrives within `body_seconds`, `max_waiting` of them are awaited at a time, each step has `threads` of its
    own, `max_members` histories stay in memory. `time_zone` is the clock of members whose profile and country tell
    none. `reload` reads the catalogue and builds its policies anew for POST /v1/artifacts/reload; `grow` does so with
    what POST /v1/titles tells of titles, and keeps the catalogue when its block has ended well. `refusals` tells of
    models whose last training was not kept, `loops` the numbers of feedback loops by measure. `experiments` tells of
    the experiments; accounts are in the arms of those that run. `tunings` tells how surfaces are tuned where a
    request does not say, `watched` how what learns beside the service is doing, `studio` what it knows. `visitors`:
    what those who are just looking may see, and when they are forgotten. `clock` gives seconds since 1970. All chance
    in members' pages follows `secret`; left empty, the id of the log, so that after a restart and on another server
    pages are drawn alike.
    """

    log: EventLog
    catalog: Catalog
    policies: Policies
    keys: Keys = Keys()
    secret: bytes = b""
    deadline: float = 0.25
    max_in_flight: int = 32
    max_body: int = 2_000_000
    body_seconds: float = 5.0
    max_waiting: int = 64
    max_members: int = 10_000
    threads: int = 2
    time_zone: str = "UTC"
    reload: Callable[[], Offer] | None = None
    grow: Callable[[Sequence[Mapping[str, Any]]], AbstractContextManager[Offer]] | None = None
    refusals: Callable[[], Collection[str]] = tuple
    loops: Callable[[], Mapping[str, float]] = dict
    experiments: Callable[[], Sequence[Experiment]] = tuple
    tunings: Callable[[], Mapping[str, Tuning]] = dict
    watched: Callable[[], Watched] = Watched
    studio: Callable[[], Studio | None] = _no_studio
    visitors: Visitors = Visitors()
    clock: Callable[[], float] = time.time
    note: str = ""

    def __post_init__(self) -> None:
        require_zone(self.time_zone)
        for surface in SURFACES.values():
            if surface.required and not self.policies.get(surface.name):
                named = sorted(self.policies)
                raise BadRequest(
                    f"the surface {surface.name!r} has no policy; policies name {named}; give it at least one"
                )
        for name in ("deadline", "max_in_flight", "max_body", "body_seconds", "max_waiting", "max_members", "threads"):
            if not getattr(self, name) > 0:
                raise BadRequest(f"{name} is {getattr(self, name)}; give a number above 0")
