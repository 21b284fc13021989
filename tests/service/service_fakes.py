"""Stand-ins for the service tests: a catalogue, a policy that is true to its contract, and bad ones."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.decision import Choices, Decisions, Layer, Maker, Pages, Requests, RowName, row_key, row_name
from matinee.decision.eligibility import eligible
from matinee.maths.calibration import Platt
from matinee.page import RowKind
from matinee.surfaces.outreach.policy import OutreachPolicy
from matinee.surfaces.play_something.policy import PlaySomethingPolicy

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


def growing(catalog: Catalog, kept: Callable[[Catalog], None] = lambda _: None):
    """What a deployment's `grow` is given: grows this catalogue, and hands it to `kept` when the block ends well."""

    @contextmanager
    def grow(told):
        nonlocal catalog
        new = catalog.put(told)
        policy = GenrePolicy(new, "grown")
        yield new, {"home": [("grown", policy)], "similar": [("grown", policy)]}
        catalog = new
        kept(new)

    return grow


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
        pages = Pages.empty(len(requests), requests.layout)
        among = np.ones(pages.rows.shape, np.int32)
        allowed = eligible(self.catalog, requests)
        names: dict[RowName, int] = {}
        bits = requests.bits(rng)
        for b in range(len(requests)):
            own = np.random.default_rng(int(bits[b]))
            self._fill(b, requests, allowed[b].copy(), own, pages, among, names)
        ids = tuple(uuid.UUID(bytes=rng.bytes(16), version=4).hex for _ in range(len(requests)))
        return Decisions(
            requests,
            ids,
            (Maker(self.name, "fake-1"),),
            Choices.of_pages(pages, np.ones_like(among), among),
            allowed.sum(axis=1, dtype=np.int32),
            bits,
            tuple(names),
            timings={"all": (time.perf_counter() - started) * 1e3},
        )

    def log_prob(self, decisions: Decisions) -> np.ndarray:
        """1 / candidates left at each place, -inf for titles that are none of them."""
        requests, pages = decisions.requests, decisions.page()
        allowed = eligible(self.catalog, requests)
        again = np.zeros(pages.items.shape)
        for b, r in zip(*np.nonzero(pages.rows >= 0), strict=True):
            name, shown = pages.name(b, r), pages.items[b, r][pages.items[b, r] >= 0]
            pool = self._pool(requests, name.kind, row_key(name, self.catalog), allowed[b])
            again[b, r, : len(shown)] = -np.log(np.arange(len(pool), len(pool) - len(shown), -1))
            again[b, r, : len(shown)][~np.isin(shown, pool)] = -np.inf
            allowed[b, shown] = False
        title = decisions.layer(Layer.TITLE)
        choices, log_probs = decisions.choices, np.zeros(len(decisions.choices.actions))
        at = choices.decisions[title], choices.rows[title], choices.columns[title]
        log_probs[title] = again[at]
        return log_probs

    def _fill(
        self,
        b: int,
        requests: Requests,
        left: np.ndarray,
        rng: np.random.Generator,
        pages: Pages,
        among: np.ndarray,
        names: dict[RowName, int],
    ) -> None:
        for r, (kind, key) in enumerate(self._rows(b, requests)):
            if kind == RowKind.SIMILAR and not left[key]:
                continue  # a row about a title names it
            pool = self._pool(requests, kind, key, left)
            width = 1 if kind == RowKind.BILLBOARD else requests.layout.columns
            shown = rng.permutation(pool)[:width]
            if not len(shown):
                continue
            n, name = len(shown), row_name(kind, key, self.catalog)
            pages.items[b, r, :n] = shown
            pages.scores[b, r, :n] = 0.5
            pages.item_log_probs[b, r, :n] = -np.log(np.arange(len(pool), len(pool) - n, -1))
            pages.row_kinds[b, r], pages.rows[b, r] = kind, names.setdefault(name, len(names))
            among[b, r] = len(pool)
            left[shown] = False

    def _rows(self, b: int, requests: Requests) -> list[tuple[int, int]]:
        if requests.surface == "similar":
            return [(RowKind.SIMILAR, int(requests.about[b]))]
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


class Plain:
    """A scorer: titles in their order, whoever asks, and no reason for any."""

    def __init__(self, titles: int) -> None:
        self.titles = titles

    def score(self, requests: Requests) -> np.ndarray:
        """(batch, titles) the same row for all."""
        return np.tile(np.linspace(0.5, -0.5, self.titles).astype(np.float32), (len(requests), 1))

    def explain(self, requests: Requests, items: np.ndarray) -> np.ndarray:
        """No title of the history speaks for any."""
        return np.full(items.shape, -1, np.int32)


def suggestions_of(catalog: Catalog) -> PlaySomethingPolicy:
    """The real policy over a plain scorer."""
    made = (catalog, Plain(len(catalog)), Platt(1.0, -1.0), ())
    return PlaySomethingPolicy("play-something", "fixed", *made)


def outreach_of(catalog: Catalog) -> OutreachPolicy:
    """The real policy over a plain scorer, which writes to everybody who may be written to."""
    return OutreachPolicy("outreach", "fixed", catalog, Plain(len(catalog)), Platt(1.0, -1.0), share=1.0)


class Changed:
    """A policy whose answer something else has changed: slow, raising, leaking, or dishonest about its chances."""

    def __init__(self, inner: GenrePolicy, before=lambda requests: None, after=lambda decisions: decisions) -> None:
        self.inner, self.before, self.after = inner, before, after

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """The inner policy's answer, after `before` and through `after`."""
        self.before(requests)
        return self.after(self.inner.decide(requests, rng))

    def log_prob(self, decisions: Decisions) -> np.ndarray:
        """The inner policy's."""
        return self.inner.log_prob(decisions)


def with_titles(made: Decisions, wanted) -> Decisions:
    """The decisions with every title (dense indexes) replaced by what `wanted` makes of them."""
    title, actions = made.layer(Layer.TITLE), made.choices.actions.copy()
    actions[title] = wanted(actions[title])
    return replace(made, choices=replace(made.choices, actions=actions))


def with_log_probs(made: Decisions, log_probs: np.ndarray) -> Decisions:
    """The decisions with these log-probabilities."""
    return replace(made, choices=replace(made.choices, log_probs=log_probs))
