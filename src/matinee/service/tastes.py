"""What the home page believes of a member, as an answer: of genres and titles that they may see, each with why."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Requests
from matinee.decision.beliefs import GenreBelief
from matinee.decision.contracts import beliefs_by
from matinee.events import KIND_NAMES, NEEDS_VALUE, TAKES_BACK, Kind
from matinee.service.core import Service
from matinee.service.responses import BeliefsOut, CountsOut, GenreBeliefOut

COUNTS = (Kind.PLAY, Kind.RATING, Kind.THUMBS_UP)


async def tastes(service: Service, user_id: str) -> BeliefsOut:
    """What the best policy of the home page believes of `user_id`. Raises `NotFound` where it does not say."""
    edition, plain, allowed = await service.allowed(user_id)
    policy, catalog = edition.fallback("home").steps[0].policy, edition.catalog
    requests = replace(plain, layout=edition.layouts.of("web"))
    found = await asyncio.to_thread(beliefs_by, policy, requests)
    profile = requests.profile(0)
    genres = (_genre(one, catalog, profile.less_genres) for one in found.genres)
    return {
        "user_id": user_id,
        "likes": found.likes,
        "genres": [one for one in genres if one["genre"] not in profile.blocked_genres],
        "titles": [
            {
                **edition.presenter.title(one.item),
                "weight": one.weight,
                "because": list(_because(one.item, requests, catalog)),
            }
            for one in found.titles
            if allowed[one.item]
        ],
        "people": [{"name": one.name, "titles": one.titles} for one in found.people],
        "screens": [{"device": one.device, "share": one.share} for one in found.screens],
        "tone": found.tone,
        "usual_tone": found.usual_tone,
    }


def _genre(belief: GenreBelief, catalog: Catalog, less: tuple[str, ...]) -> GenreBeliefOut:
    name = catalog.genres[belief.genre]
    told = {"share": belief.share, "usual": belief.usual, "titles": belief.titles}
    return {"genre": name, **told, "less": name in less}  # type: ignore[typeddict-item]


def _because(item: int, requests: Requests, catalog: Catalog) -> Iterator[CountsOut]:
    """What counts for a title: of each id (its own or an episode's) and kind the latest event, the latest first."""
    past, told = requests.histories, set[tuple[str, str]]()
    for at in np.flatnonzero((past.items == item) & np.isin(past.kinds, COUNTS))[::-1].tolist():
        episode, kind = int(past.episodes[at]), KIND_NAMES[past.kinds[at]]
        item_id = catalog.item_ids[item] if episode < 0 else catalog.series.frame["item_id"][episode]
        if (item_id, kind) not in told:
            told.add((item_id, kind))
            yield {
                "item_id": item_id,
                "kind": kind,
                "value": round(float(past.values[at]), 3) if kind in NEEDS_VALUE else None,
                "timestamp": datetime.fromtimestamp(int(past.times[at]) / 1e6, UTC).isoformat().replace("+00:00", "Z"),
                "cleared_by": TAKES_BACK[kind],
            }
