"""A simulated log: pages with planted position bias, of titles whose chance to be liked when looked at is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from matinee.decision import Choices, Decisions, Maker, Pages, Requests, RowName
from matinee.events import DAY, clean
from matinee.history import Histories
from matinee.page import Attention, Layout, RowKind
from matinee.profile import Profile
from matinee.situation import Context

NOW = 1_700_000_000_000_000 + 30 * DAY  # microseconds
LAYOUT = Layout(rows=4, columns=10, visible=3, billboard=False)
ATTENTION = Attention(0.6, 0.8, 0.5)
NAMES = (RowName(RowKind.TOP_PICKS),)


@dataclass(frozen=True)
class World:
    """Title k is liked with chance `truth[k]` by whoever looks; pages show the titles of highest `scores` first."""

    scores: np.ndarray
    truth: np.ndarray
    members: int = 120
    pages: int = 5  # of each member

    def decisions(self, rng: np.random.Generator, device: str = "web") -> Decisions:
        batch = self.members * self.pages
        who = np.arange(batch) % self.members
        requests = Requests.of_histories(
            Histories.empty(batch),
            NOW - 20 * DAY + np.arange(batch) * 60_000_000,
            profiles=tuple(Profile(f"m{k}") for k in who),
            contexts=(Context(device=device),) * batch,
            layout=LAYOUT,
        )
        pages = Pages.empty(batch, LAYOUT, NAMES)
        places = LAYOUT.rows * LAYOUT.columns
        for b in range(batch):
            offered = rng.choice(len(self.scores), places, replace=False)
            best = offered[np.argsort(-self.scores[offered], kind="stable")]
            pages.items[b] = best.reshape(LAYOUT.rows, LAYOUT.columns)
        pages.rows[:], pages.row_kinds[:] = 0, RowKind.TOP_PICKS
        pages.scores[:] = self.scores[pages.items]
        counts = np.full((batch, LAYOUT.rows), places)
        return Decisions(
            requests, tuple(f"{device}{b}" for b in range(batch)), (Maker("home", "a"),),
            Choices.of_pages(pages, counts, counts), np.full(batch, places, np.int32),
            np.zeros(batch, np.uint64), NAMES,
        )  # fmt: skip

    def answers(self, decisions: Decisions, rng: np.random.Generator, attention: Attention = ATTENTION) -> pl.DataFrame:
        """Impressions of what was looked at, down and along as a cascade, and a play of what was liked."""
        pages, rows = decisions.page(), []
        for b in range(len(decisions)):
            depth = rng.geometric(1 - attention.row_decay)
            for i in range(min(depth, LAYOUT.rows)):
                for j in range(LAYOUT.columns):
                    screen = attention.scroll if j % LAYOUT.visible == 0 else 1.0
                    if j and rng.random() >= attention.column_decay * screen:
                        break
                    rows += self._look(decisions, b, i, j, int(pages.items[b, i, j]), rng)
        return clean(pl.DataFrame(rows))[0]

    def _look(
        self, decisions: Decisions, b: int, i: int, j: int, item: int, rng: np.random.Generator
    ) -> list[dict[str, Any]]:
        moment = int(decisions.requests.times[b]) / 1e6 + 1
        seen = {
            "event_id": f"{decisions.ids[b]}:{i}:{j}", "user_id": decisions.requests.user_ids[b],
            "kind": "impression", "item_id": f"t{item}", "timestamp": moment + 0.01 * j, "value": None,
            "decision_id": decisions.ids[b], "row": i, "column": j,
        }  # fmt: skip
        played = {**seen, "event_id": seen["event_id"] + "p", "kind": "play", "value": 1.0, "timestamp": moment + 9}
        return [seen, played] if rng.random() < self.truth[item] else [seen]


def silent(decisions: Decisions) -> Decisions:
    """The same pages for nobody known."""
    nobody = tuple(Profile("") for _ in range(len(decisions)))
    return replace(decisions, requests=replace(decisions.requests, people=decisions.requests.people.of(nobody)))
