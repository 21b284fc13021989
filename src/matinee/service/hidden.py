"""All that a member does not want to meet, in one place, each with why, so that each can be taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from matinee.decision import People
from matinee.decision.eligibility import eligible
from matinee.service.core import Service
from matinee.service.responses import HiddenOut
from matinee.service.state import TitleState, states_of

Why: TypeAlias = Literal["blocked", "dismissed", "disliked", "seen"]


async def hidden(service: Service, user_id: str) -> HiddenOut:
    """What `user_id` hid, of titles that they might see if they had not; latest first, blocked titles last.

    Titles of a hidden genre are not named: they come back with it.
    """
    edition, requests, _ = await service.allowed(user_id)
    profile, catalog = requests.profile(0), edition.catalog
    unblocked = replace(requests, people=People.of([replace(profile, blocked_titles=())]))
    may_see = eligible(catalog, unblocked)[0]
    blocked = [item for name in profile.blocked_titles for item in catalog.titles_named(name)]
    why = dict(_turned_down(states_of(requests.histories)))
    why |= dict.fromkeys(blocked, "blocked")
    titles = [{**edition.presenter.title(item), "why": reason} for item, reason in why.items() if may_see[item]]
    return {
        "user_id": user_id,
        "genres": list(profile.blocked_genres),
        "less_genres": list(profile.less_genres),
        "titles": titles,  # type: ignore[typeddict-item]
    }


def _turned_down(states: dict[int, TitleState]) -> Iterator[tuple[int, Why]]:
    for item, state in states.items():
        words: Sequence[tuple[bool, Why]] = (
            (state.hidden, "dismissed"),
            (state.thumb == "down", "disliked"),
            (state.seen, "seen"),
        )
        yield from [(item, why) for holds, why in words if holds][:1]
