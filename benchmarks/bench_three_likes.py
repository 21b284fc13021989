"""Three likes show: a new member likes three titles of a genre; how much of the first page is of that genre?

For each genre with 20 titles of MovieLens 100K, three well-liked titles of the genre get a thumbs up from a member who
did nothing else. Asked for `DRAWS` pages with the service's exploration, and for the best page: is a row of the genre
among the first three, and what share of the first 21 places is of the genre?

    python benchmarks/bench_three_likes.py
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from matinee.catalog import Catalog
from matinee.data.histories import training_data
from matinee.data.sources import movielens
from matinee.decision import Decisions, Progress, Requests, no_progress
from matinee.events import Kind
from matinee.history import Histories
from matinee.page import RowKind
from matinee.recipes.registry import MODELS
from matinee.recipes.serving import home_config
from matinee.surfaces.charts import charts
from matinee.surfaces.home import HomePolicy
from matinee.train import train

MODELS_SHOWN = ("transition-graph", "ease-recent", "popularity")
DRAWS = 10
TITLES = 20  # a genre needs as many to be asked about: film noir and westerns of MovieLens 100K have 24 and 27
ROWS, PLACES = 3, 21  # what a person sees at first
NEWCOMERS = 300
MINUTE = 60_000_000


@dataclass(frozen=True)
class Shown:
    """Of each page: is a row of the genre among the first `ROWS`, and the genre's share of the first `PLACES`."""

    row: np.ndarray
    share: np.ndarray


def made(model: str, seed: int = 0) -> HomePolicy:
    """The home page of a model trained on MovieLens 100K."""
    dataset = movielens.read(movielens.fetch_100k(Path("var/data"), print))
    catalog, now = dataset.catalog, int(dataset.events["timestamp"].dt.epoch("us").max()) + 1
    data = training_data(dataset.events, catalog, now)
    fitted = train(data, MODELS[model].make(), np.random.default_rng(seed))
    drawn = charts(data.events, catalog, now)
    return HomePolicy("home", "bench", catalog, fitted.scorer, fitted.calibration, drawn, home_config(model))


def genres_of(catalog: Catalog) -> list[int]:
    """The genres with enough titles."""
    return [g for g in range(len(catalog.genres)) if len(catalog.genre_titles[g]) >= TITLES]


def likes_of(policy: HomePolicy, genre: int) -> list[int]:
    """The three most liked titles of a genre among those with the fewest genres: what somebody would pick for it."""
    catalog = policy.catalog
    rank = {int(item): at for at, item in enumerate(policy.charts.popular[None].items)}
    sizes = np.diff(catalog.title_genres.offsets)
    titles = [int(item) for item in catalog.genre_titles[genre]]
    return sorted(titles, key=lambda item: (sizes[item] > 2, rank.get(item, len(rank))))[:3]


def asked(policy: HomePolicy, likes: Sequence[int], exploration: float | None, draws: int, seed: int = 1) -> Decisions:
    """Pages for a member who gave these titles a thumbs up, one a minute, and nothing else."""
    one = Histories.of_items([list(likes)])
    n, now = len(likes), policy.charts.as_of
    thumbs = Histories(
        one.offsets,
        one.items,
        np.full(n, Kind.THUMBS_UP, np.int8),
        np.zeros(n, np.float32),
        now - MINUTE * np.arange(n, 0, -1),
    )
    histories = thumbs.take(np.zeros(draws, np.int64))
    return policy.decide(Requests.of_histories(histories, now, exploration=exploration), np.random.default_rng(seed))


def seen_of(decisions: Decisions, catalog: Catalog, genre: int) -> Shown:
    """How much of these pages is of the genre."""
    pages, name = decisions.page(), catalog.genres[genre]
    is_of = np.append(np.isin(np.arange(len(catalog)), catalog.genre_titles[genre]), False)
    row, share = [], []
    for b in range(len(decisions)):
        first = [pages.name(b, r) for r in range(ROWS) if pages.rows[b, r] >= 0]
        row.append(any(one.kind in (RowKind.GENRE, RowKind.GENRE_TAG) and one.about[0] == name for one in first))
        places = np.concatenate([one[one >= 0][:7] for one in pages.items[b]])[:PLACES]
        share.append(is_of[places].mean())
    return Shown(np.array(row), np.array(share))


def table(policy: HomePolicy, exploration: float | None = None) -> dict[str, tuple[float, float, bool, float]]:
    """By genre: share of draws with a row of it, mean share of the first places; the same of the best page."""
    found = {}
    for genre in genres_of(policy.catalog):
        likes = likes_of(policy, genre)
        drawn = seen_of(asked(policy, likes, exploration, DRAWS), policy.catalog, genre)
        best = seen_of(asked(policy, likes, 0.0, 1), policy.catalog, genre)
        found[policy.catalog.genres[genre]] = (
            float(drawn.row.mean()),
            float(drawn.share.mean()),
            bool(best.row[0]),
            float(best.share[0]),
        )
    return found


def unnamed(policy: HomePolicy, seed: int = 0) -> float:
    """The share of newcomers whose best page has no row that names what they picked."""
    popular, rng = policy.charts.popular[None].items[:100], np.random.default_rng(seed)
    pages = [asked(policy, rng.choice(popular, 3, replace=False).tolist(), 0.0, 1).page() for _ in range(NEWCOMERS)]
    return float(np.mean([not (page.row_kinds == RowKind.BECAUSE_YOU_LIKED).any() for page in pages]))


def run(progress: Progress = no_progress) -> dict[str, Any]:
    """The table of each model of a service's home page, as keys `MODEL, GENRE`."""
    results: dict[str, Any] = {}
    for at, model in enumerate(MODELS_SHOWN):
        progress(model, at / len(MODELS_SHOWN))
        policy = made(model)
        if policy.config.rows.because_rows:
            results[f"{model}, pages that name no pick"] = f"{unnamed(policy):.1%}"
        for genre, (rows, share, best_row, best_share) in table(policy).items():
            best = f"row {best_row}, share {best_share:.2f}"
            results[f"{model}, {genre}"] = f"row {rows:.1f}, share {share:.2f}; best page: {best}"
    return results


if __name__ == "__main__":
    for key, value in run().items():
        print(f"{key:28} {value}")
