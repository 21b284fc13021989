"""Do models help each other? The hybrid ranker with and without each of its parts, and rankers of shown lists.

    python benchmarks/bench_ranker.py [FOLDER [RANKLENS]]

FOLDER is any data set that `matinee leaderboard` reads without being told its source, by default MovieLens 100K, which
is fetched; RANKLENS is a RankLens events file. `run()` returns the machine and

next_item     ndcg@10 and hit_rate@10 of the full hybrid, of the hybrid without each component, and of each component
              alone. With the package torch the sequence model is one of the components; "sequence fed with factors"
              is the hybrid whose sequence model starts from the factorization's title vectors, "factors fed with
              sequence" the reverse
strong        ndcg@100 of the hybrid for members whom nothing was fitted on, and of each component alone
shown_lists   ndcg@10 and auc of list rankers with content, with collaborative features, with both, without the
              treatment of places, and with LightGBM's binary objective on the same features

Rows have a name, and a difference, that of the first metric to the first row, paired. Every figure is [mean, low,
high] with the 95 % bootstrap interval over members, 1,000 draws, seed 0. Components are fitted twice, without and with
the answers that the second stage learns from, and shared by all rows.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import numpy as np
from comparing import CACHE, compare, table_of
from machine import machine
from numpy.typing import NDArray
from rich.console import Console

from matinee.data.dataset import Dataset
from matinee.data.sources import movielens, ranklens
from matinee.data.sources.reading import Source, guess, read
from matinee.decision import Progress, Requests, Scorer, no_progress
from matinee.evaluate.protocols import NEXT_ITEM, SHOWN_LISTS, STRONG
from matinee.evaluate.trial import prepare
from matinee.history import TrainingData
from matinee.models.factors import Factors, FactorsConfig
from matinee.models.linear_autoencoder import Ease, EaseConfig
from matinee.models.popularity import Popularity, PopularityConfig
from matinee.models.ranking.folds import Labels
from matinee.models.ranking.list_ranker import ListRanker, ListRankerConfig
from matinee.models.ranking.ranker import Ranker, RankerConfig
from matinee.models.ranking.trees import TreesConfig
from matinee.models.slim import Slim
from matinee.recipes.leaderboards import board_of

FULL = "hybrid"
STRONG_CONFIG = RankerConfig(candidates=200, labels=Labels.MEMBERS, share=0.3, trees=TreesConfig(depth=200))
LIST_RANKERS: Mapping[str, ListRankerConfig] = {
    FULL: ListRankerConfig(),
    "content only": ListRankerConfig(collaborative=False),
    "collaborative only": ListRankerConfig(content=False),
    "places not handled": ListRankerConfig(position=False),
    "LightGBM, binary": ListRankerConfig(objective="binary"),
}


def run(
    progress: Progress | None = None, folder: Path | None = None, lists: Path | None = None, deep: bool | None = None
) -> dict[str, Any]:
    """Measure what the arguments allow; see the top of this file for the keys. `deep`: None = where torch is there."""
    progress = progress or no_progress
    path = folder or movielens.fetch_100k(CACHE, lambda line: progress(line, 0.0))
    source = guess(path)
    ordered = read(source, path)
    pairs = read(source, path, pairs=True) if source is Source.SEQUENCES else ordered
    deep = find_spec("torch") is not None if deep is None else deep
    found = {"machine": machine(), "data": ordered.name, "next_item": next_item(ordered, deep, progress)}
    found["strong"] = strong(pairs, progress)
    return found | ({"shown_lists": shown_lists(ranklens.read(lists), progress)} if lists else {})


class Once:
    """A component that is fitted once for each training set it meets, whoever asks; for this benchmark only."""

    def __init__(self, make: Callable[[], Scorer]) -> None:
        self._make = make
        self._fitted: dict[int, Scorer] = {}
        self._now = make()

    def fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """The scorer fitted on as many events before, or a new one; components have seeds of their own."""
        events = data.events.height
        if events not in self._fitted:
            self._fitted[events] = self._make().fit(data, np.random.default_rng(0), progress)
        self._now = self._fitted[events]
        return self

    def vectors(self, data: TrainingData, rng: np.random.Generator) -> NDArray[np.float32]:
        """Title vectors of the sequence model fitted on it, without their biases."""
        vectors: NDArray[np.float32] = self.fit(data, rng)._now.title_vectors[:, :-1]  # type: ignore[attr-defined]
        return vectors

    def score(self, requests: Requests) -> NDArray[np.float32]:
        """What the scorer fitted last says."""
        return self._now.score(requests)

    def explain(self, requests: Requests, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """What the scorer fitted last says."""
        return self._now.explain(requests, items)

    def save(self, folder: Path) -> None:
        """Nothing here is kept."""
        raise NotImplementedError

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Nothing here is kept."""
        raise NotImplementedError


def next_item(dataset: Dataset, deep: bool, progress: Progress) -> list[dict[str, Any]]:
    """The full hybrid, without each component, and each alone."""
    trial, board = prepare(dataset, NEXT_ITEM, np.random.default_rng(0)), board_of(NEXT_ITEM.name)
    parts: dict[str, Scorer] = {name: once_like(scorer) for name, scorer in Ranker.standard()}
    if deep:
        parts["sequence"] = network = Once(board["sequence"])
    compositions = {FULL: parts}
    compositions |= {f"without {left}": {n: one for n, one in parts.items() if n != left} for left in parts}
    if deep:
        compositions["sequence fed with factors"] = {**parts, "sequence": Once(board["sequence from factors"])}
        compositions["factors fed with sequence"] = {**parts, "factors": Once(lambda: Factors(initial=network.vectors))}
    scorers = {name: Ranker(RankerConfig(refit=False), tuple(some.items())) for name, some in compositions.items()}
    return compare(
        trial, scorers | {f"{name} alone": one for name, one in parts.items()}, NEXT_ITEM.metrics[:2], progress
    )


def strong(dataset: Dataset, progress: Progress) -> list[dict[str, Any]]:
    """The hybrid of models of the whole matrix, and each alone, for members nobody was fitted on."""
    trial = prepare(dataset, STRONG, np.random.default_rng(0))
    made: dict[str, Callable[[], Scorer]] = {
        "popularity": lambda: Popularity(PopularityConfig(half_life_days=None, contexts=())),
        "ease": lambda: Ease(EaseConfig(l2=700.0)),
        "edlae": lambda: Ease(EaseConfig(l2=300.0, dropout=0.5)),
        "slim": Slim,
        "factors-64": lambda: Factors(FactorsConfig(size=64, reg=0.007)),
        "factors-512": lambda: Factors(FactorsConfig(size=512, reg=0.007)),
    }
    parts: dict[str, Scorer] = {name: Once(make) for name, make in made.items()}
    scorers = {FULL: Ranker(STRONG_CONFIG, tuple(parts.items()))}
    return compare(trial, scorers | {f"{name} alone": one for name, one in parts.items()}, STRONG.metrics[:1], progress)


def shown_lists(dataset: Dataset, progress: Progress) -> list[dict[str, Any]]:
    """List rankers beside what most members liked."""
    trial = prepare(dataset, SHOWN_LISTS, np.random.default_rng(0))
    scorers: dict[str, Scorer] = {name: ListRanker(config) for name, config in LIST_RANKERS.items()}
    scorers["popularity"] = Popularity(PopularityConfig(half_life_days=None, contexts=()))
    return compare(trial, scorers, SHOWN_LISTS.metrics[:2], progress)


def once_like(scorer: Scorer) -> Scorer:
    """A component of the same type and settings, fitted once a training set."""
    kind, config = type(scorer), getattr(scorer, "config")  # noqa: B009
    return Once(lambda: kind(config))  # type: ignore[call-arg]


def show(result: dict[str, Any], console: Console) -> None:
    """Print what `run` found."""
    for part, data in (("next_item", result["data"]), ("strong", result["data"]), ("shown_lists", "RankLens")):
        if part in result:
            console.print(table_of(result[part], f"{part} ({data}, {result['machine']})"))


if __name__ == "__main__":
    out = Console()
    paths = [Path(one) for one in sys.argv[1:]]
    folder, lists = (*paths, None, None)[:2]
    show(run(lambda what, done: out.print(f"[dim]{done:.0%} {what}[/dim]"), folder, lists), out)
