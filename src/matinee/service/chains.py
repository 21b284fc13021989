"""Chains of decisions over HTTP: what went before a decision, and the answer to it, logged before the next is made.

Suggestions are answered one by one; pages go on without what was shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from secrets import randbits
from typing import Any

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Decisions, Episodes
from matinee.decision.episodes import UNANSWERED
from matinee.errors import NotFound
from matinee.events import KIND_NAMES
from matinee.history import Histories
from matinee.maths.ragged import Ragged
from matinee.service.requests import AskIn, FollowIn, PageIn


@dataclass(frozen=True)
class Chain:
    """What a decision follows: the one `before` it (a batch of one; None: it is the first) and the `answer` to that."""

    number: int
    before: Decisions | None = None
    answer: int = UNANSWERED

    def episodes(self, histories: Histories) -> Episodes:
        """The episode of the decision to be made (a batch of one), with all that its member said since the last."""
        if self.before is None or self.before.requests.episodes is None:
            return Episodes(np.array([self.number], np.uint64), np.zeros(1, np.int32))
        titles = self.before.titles if len(self.before.titles) else np.array([-1], np.int32)
        told = self.before.requests.episodes.then(titles, np.array([self.answer], np.int8))
        return told.heard(histories, self.before.requests.times)


async def following(asked: FollowIn, surface: str, get: Any) -> Chain:
    """The chain that `asked` goes on with; `get(decision_id)` reads a decision.

    Raises `NotFound` where there is none of that id that this member was shown here.
    """
    if asked.after is None and asked.answer is not None:
        raise NotFound(f"{asked.answer!r} answers no decision; name the one in `after`, or leave `answer` out")
    if asked.after is None:
        return Chain(randbits(64))
    before: Decisions = await asyncio.to_thread(get, asked.after)
    requests = before.requests
    if requests.episodes is None or (requests.surface, requests.user_ids[0]) != (surface, asked.user_id or ""):
        raise NotFound(
            f"the decision {asked.after[:100]!r} is no suggestion for this member; leave `after` out to begin anew"
        )
    answer = UNANSWERED if asked.answer is None else KIND_NAMES.index(asked.answer)
    return Chain(int(requests.episodes.chains[0]), before, answer)


async def page_after(asked: PageIn, surface: str, get: Any) -> Episodes | None:
    """The episode of a page (a batch of one) that goes on after another, None for a first one.

    Raises `NotFound` where there is no decision of that id that this member was shown here.
    """
    if asked.after is None:
        return None
    before: Decisions = await asyncio.to_thread(get, asked.after)
    if (before.requests.surface, before.requests.user_ids[0]) != (surface, asked.user_id or ""):
        raise NotFound(
            f"the decision {asked.after[:100]!r} is no page of {surface!r} for this member; leave `after` out to begin"
        )
    return going_on(before)


def going_on(before: Decisions) -> Episodes:
    """One step on, every title of the page shown and unanswered. The chain of a first page follows from its id."""
    told = before.requests.episodes
    if told is None:
        number = int.from_bytes(blake2b(before.ids[0].encode(), digest_size=8).digest())
        told = Episodes(np.array([number], np.uint64), np.zeros(1, np.int32))
    new = np.setdiff1d(before.titles, told.suggested.values)
    shown = np.concatenate([told.suggested.values, new]).astype(np.int32)
    answers = np.concatenate([told.answers, np.full(len(new), UNANSWERED, np.int8)])
    return Episodes(told.chains, (told.steps + 1).astype(np.int32), Ragged.of([shown]), answers)


def answered(chain: Chain, asked: AskIn, surface: str, catalog: Catalog) -> Sequence[Mapping[str, Any]]:
    """The answer as an event as a client would send it; none where nothing is answered, or nobody known answers.

    Its id follows from decision and answer, so that who asks again because no reply came answers once.
    """
    if chain.before is None or chain.answer == UNANSWERED or not asked.user_id or not len(chain.before.titles):
        return ()
    decision_id, kind, context = chain.before.ids[0], KIND_NAMES[chain.answer], asked.context
    told = {"country": context.country, "device": context.device, "language": context.language}
    return (
        {
            "event_id": f"{kind}:{decision_id}",
            "user_id": asked.user_id,
            "kind": kind,
            "item_id": catalog.item_ids[int(chain.before.titles[0])],
            "decision_id": decision_id,
            "row": 0,
            "column": 0,
            "source": surface,
            **{name: value for name, value in told.items() if value is not None},
        },
    )
