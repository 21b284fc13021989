"""Decisions as members stand when they are done: made again for those who changed meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from secrets import token_hex
from typing import NamedTuple, TypeAlias

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Decisions, Requests
from matinee.decision.eligibility import check
from matinee.errors import Overloaded
from matinee.service.edition import Edition
from matinee.service.fallback import Served
from matinee.service.members import Member

ATTEMPTS = 3  # at a page whose member changes while it is made
AT_A_TIME = 64  # requests of a batch that have the time of one


class Batch(NamedTuple):
    """What is asked alike: `requests`, with their places `at` among the members asked for, and the seed of each."""

    at: Sequence[int]
    requests: Requests
    seeds: Sequence[int]


class Made(NamedTuple):
    """The decisions for some `rows` of what was asked, and who watches each: `members`, who asks first."""

    rows: Sequence[int]
    edition: Edition
    served: Served
    members: Sequence[Sequence[Member]]

    def logged(self, milliseconds: float) -> Made:
        """With how long the log took to keep them."""
        decisions = self.served.decisions
        timed = replace(decisions, timings={**decisions.timings, "log": milliseconds})
        return self._replace(served=replace(self.served, decisions=timed))


Watching: TypeAlias = Sequence[Sequence[str | None]]  # who watch together, who asks first; None: anybody
Known: TypeAlias = Callable[[Watching], Awaitable[tuple[list[list[Member]], Edition]]]
Ask: TypeAlias = Callable[[Edition, Sequence[int], Sequence[Sequence[Member]]], Sequence[Batch]]


async def settled(surface: str, watching: Watching, ask: Ask, known: Known, deadline: float) -> list[Made]:
    """Decisions for each of those who are `watching`, with new ids; not yet logged.

    `ask(edition, rows, members)` says what is asked for the `members` of these rows of `watching`. Members and the
    edition that serves when they are `known` belong together: every other edition forgot them. Each `AT_A_TIME`
    requests that are asked alike have `deadline` seconds. Raises `Overloaded`.
    """
    done, left = list[Made](), list(range(len(watching)))
    members, edition = await known(watching)
    for _ in range(ATTEMPTS):
        batches = ask(edition, left, members)
        served = [await _served(edition, surface, one, deadline) for one in batches]
        before = members
        members, now_serving = await known([watching[row] for row in left])
        changed = {row for row, *both in zip(left, before, members, strict=True) if any(map(_outdated, *both))}
        for batch, found in zip(batches, served, strict=True):
            rows, who = [left[at] for at in batch.at], [members[at] for at in batch.at]
            done.append(_without(changed, Made(rows, edition, found, who)))
        if not changed:
            return [one for one in done if one.rows]
        members = [who for row, who in zip(left, members, strict=True) if row in changed]
        edition, left = now_serving, sorted(changed)
    raise Overloaded(
        f"member {watching[left[0]][0]!r:.100} changed {ATTEMPTS} times while the page was made", retry_after=1.0
    )


async def _served(edition: Edition, surface: str, batch: Batch, deadline: float) -> Served:
    enough = deadline * -(-len(batch.requests) // AT_A_TIME)
    checked = partial(_check, edition.catalog)
    served = await edition.fallback(surface).decide(batch.requests, batch.seeds, enough, checked)
    ids = tuple(token_hex(16) for _ in batch.at)
    return replace(served, decisions=replace(served.decisions, ids=ids))


def _without(changed: set[int], made: Made) -> Made:
    """What still holds."""
    kept = [at for at, row in enumerate(made.rows) if row not in changed]
    if len(kept) == len(made.rows):
        return made
    decisions = made.served.decisions.take(np.array(kept, np.int64))
    rows, members = [made.rows[at] for at in kept], [made.members[at] for at in kept]
    return Made(rows, made.edition, replace(made.served, decisions=decisions), members)


def _check(catalog: Catalog, requests: Requests, decisions: Decisions) -> None:
    check(catalog, replace(decisions, requests=requests))


def _outdated(known: Member, now: Member) -> bool:
    """Whether a page made for the member as `known` may break what holds `now`: another profile, or actions deleted."""
    return known.profile != now.profile or len(known.history.items) > len(now.history.items)
