"""Stand-ins for the service tests: a catalogue, a policy that is true to its contract, and bad ones."""

from __future__ import annotations

import time
import uuid

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.decision import Decisions, Requests
from matinee.eligibility import eligible
from matinee.page import RowKind

GENRES = (
    "Western",
    "Comedy",
    "Sci-Fi",
    "Drama",
    "Horror",
    "Children's",
    "Film-Noir",
    "Action",
    "Musical",
    "Documentary",
)


def small_catalog(n: int = 60) -> Catalog:
    """`n` titles in ten genres; every sixth may be seen at 6, the others are unrated."""
    return Catalog.from_frame(
        pl.DataFrame(
            {
                "item_id": [f"t{i}" for i in range(n)],
                "title": [f"{GENRES[i % 10]} Story {i} ({1950 + i % 60})" for i in range(n)],
                "genres": [[GENRES[i % 10]] for i in range(n)],
                "maturity": [6 if i % 6 == 0 else None for i in range(n)],
            }
        )
    )


class GenrePolicy:
    """Uniform over eligible titles, each row from a uniform draw of one genre; liked genres come first, for sure.

    Row probabilities are 1, title probabilities 1 / (candidates left): `log_prob` can be checked by hand.
    """

    def __init__(self, catalog: Catalog, name: str = "genres") -> None:
        self.catalog = catalog
        self.name = name

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """One page per request."""
        started = time.perf_counter()
        rows, columns = requests.layout.rows, requests.layout.columns
        blank = _blank(len(requests), rows, columns)
        allowed = eligible(self.catalog, requests)
        for b in range(len(requests)):
            self._fill(b, requests, allowed[b].copy(), rng, blank)
        return Decisions(
            tuple(uuid.UUID(bytes=rng.bytes(16), version=4).hex for _ in range(len(requests))),
            self.name,
            "fake-1",
            requests.surface,
            tuple(profile.user_id for profile in requests.profiles),
            requests.times,
            requests.layout,
            timings={"all": (time.perf_counter() - started) * 1e3},
            **blank,
        )

    def log_prob(self, requests: Requests, decisions: Decisions) -> np.ndarray:
        """The product of 1 / candidates left over all places."""
        out = np.zeros(len(requests))
        allowed = eligible(self.catalog, requests)
        for b in range(len(requests)):
            left = allowed[b].copy()
            for r, row in enumerate(decisions.items[b]):
                pool = self._pool(requests, decisions.row_kinds[b, r], decisions.row_keys[b, r], left)
                shown = row[row >= 0]
                out[b] -= np.log(np.arange(len(pool), len(pool) - len(shown), -1)).sum() if len(shown) else 0.0
                left[shown] = False
        return out

    def _fill(self, b: int, requests: Requests, left: np.ndarray, rng: np.random.Generator, blank: dict) -> None:
        for r, (kind, key) in enumerate(self._rows(b, requests)):
            pool = self._pool(requests, kind, key, left)
            width = 1 if kind == RowKind.BILLBOARD else requests.layout.columns
            shown = rng.permutation(pool)[:width]
            if not len(shown):
                continue
            n = len(shown)
            blank["items"][b, r, :n] = shown
            blank["scores"][b, r, :n] = 0.5
            blank["item_log_probs"][b, r, :n] = -np.log(np.arange(len(pool), len(pool) - n, -1))
            blank["row_kinds"][b, r], blank["row_keys"][b, r] = kind, key
            left[shown] = False

    def _rows(self, b: int, requests: Requests) -> list[tuple[int, int]]:
        if requests.surface == "similar":
            return [(RowKind.SIMILAR, int(requests.seeds[b]))]
        history = requests.histories.take(np.array([b]))
        liked = [int(self.catalog.title_genres[i][0]) for i in history.tastes.items]
        by_taste = sorted(range(len(self.catalog.genres)), key=lambda g: (-liked.count(g), g))
        head = [(int(RowKind.BILLBOARD), -1)] if requests.layout.billboard else []
        return (head + [(int(RowKind.GENRE), g) for g in by_taste])[: requests.layout.rows]

    def _pool(self, requests: Requests, kind: int, key: int, left: np.ndarray) -> np.ndarray:
        if kind == RowKind.GENRE:
            titles = self.catalog.genre_titles[int(key)]
            return titles[left[titles]]
        return np.flatnonzero(left).astype(np.int32)


class Changed:
    """A policy whose answer something else has changed: slow, raising, leaking, or dishonest about its chances."""

    def __init__(self, inner: GenrePolicy, before=lambda requests: None, after=lambda decisions: decisions) -> None:
        self.inner, self.before, self.after = inner, before, after

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """The inner policy's answer, after `before` and through `after`."""
        self.before(requests)
        return self.after(self.inner.decide(requests, rng))

    def log_prob(self, requests: Requests, decisions: Decisions) -> np.ndarray:
        """The inner policy's."""
        return self.inner.log_prob(requests, decisions)


def _blank(batch: int, rows: int, columns: int) -> dict:
    page = (batch, rows, columns)
    return {
        "items": np.full(page, -1, np.int32),
        "scores": np.zeros(page, np.float32),
        "row_kinds": np.full(page[:2], RowKind.EMPTY, np.int8),
        "row_keys": np.full(page[:2], -1, np.int32),
        "row_log_probs": np.zeros(page[:2]),
        "item_log_probs": np.zeros(page),
        "evidence": np.full(page, -1, np.int32),
    }
