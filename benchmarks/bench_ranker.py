"""Do models help each other? The hybrid ranker with and without each of its parts, and rankers of shown lists.

    python benchmarks/bench_ranker.py [FOLDER [RANKLENS]]

FOLDER holds sequences or pairs (see `data.sources.sequences`), by default MovieLens 100K, which is fetched; RANKLENS
is a RankLens events file. `run()` returns the machine and

next_item     HR@10 and NDCG@10 of the full hybrid, of the hybrid without each component, and of each component alone;
              `difference` is that of NDCG@10 to the full hybrid. With the package torch the sequence model is one
              of the components, and "sequence fed with factors" is the hybrid whose sequence model starts from the
              factorization's title vectors
strong        NDCG@100 of the hybrid for members whom nothing was fitted on, and of each component alone
shown_lists   NDCG@10 and AUC a list of list rankers with content, with collaborative features, with both, without the
              treatment of places, and with LightGBM's binary objective on the same features

Every figure is [mean, low, high]: 95 % bootstrap intervals over members, 1,000 draws, seed 0; differences are paired.
Components are fitted twice, without and with the answers that the second stage learns from, and shared by all rows.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import numpy as np
from machine import machine
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from matinee.boards import board_of
from matinee.data.dataset import Dataset
from matinee.data.sources import movielens, ranklens, sequences
from matinee.decision import Requests, Scorer, Tell, quiet
from matinee.evaluate.protocols import NEXT_ITEM, SHOWN_LISTS, STRONG
from matinee.evaluate.summarise import by_member
from matinee.evaluate.trial import Trial, prepare
from matinee.history import TrainingData
from matinee.maths.intervals import bootstrap_weights, percentile_interval, resampled_means
from matinee.maths.ranking_metrics import hit_rate, hits, ndcg
from matinee.models.factors import Factors, FactorsConfig
from matinee.models.linear_autoencoder import Ease, EaseConfig
from matinee.models.popularity import Popularity, PopularityConfig
from matinee.models.ranking.folds import Labels
from matinee.models.ranking.list_ranker import ListRanker, ListRankerConfig
from matinee.models.ranking.ranker import Ranker, RankerConfig
from matinee.models.ranking.trees import TreesConfig
from matinee.models.slim import Slim

DRAWS = 1_000
CACHE = Path("var/data")
FULL = "hybrid"
STRONG_CONFIG = RankerConfig(candidates=200, labels=Labels.MEMBERS, share=0.3, trees=TreesConfig(depth=200))
LIST_RANKERS: Mapping[str, ListRankerConfig] = {
    FULL: ListRankerConfig(),
    "content only": ListRankerConfig(collaborative=False),
    "collaborative only": ListRankerConfig(content=False),
    "places not handled": ListRankerConfig(position=False),
    "LightGBM, binary": ListRankerConfig(objective="binary"),
}

Doubles = NDArray[np.float64]


def run(
    progress: Tell | None = None, folder: Path | None = None, lists: Path | None = None, deep: bool | None = None
) -> dict[str, Any]:
    """Measure what the arguments allow; see the top of this file for the keys. `deep`: None = where torch is there."""
    tell = progress or quiet
    fetched = folder or movielens.fetch_100k(CACHE, lambda line: tell(line, 0.0))
    pairs = sequences.read(fetched, pairs=True) if folder else movielens.read(fetched)
    ordered = sequences.read(fetched) if folder else pairs
    deep = find_spec("torch") is not None if deep is None else deep
    found = {"machine": machine(), "data": ordered.name, "next_item": next_item(ordered, deep, tell)}
    found["strong"] = strong(pairs, tell)
    return found | ({"shown_lists": shown_lists(ranklens.read(lists), tell)} if lists else {})


class Once:
    """A component that is fitted once for each training set it meets, whoever asks; for this benchmark only."""

    def __init__(self, make: Callable[[], Scorer]) -> None:
        self._make = make
        self._fitted: dict[int, Scorer] = {}
        self._now = make()

    def fit(self, data: TrainingData, rng: np.random.Generator, tell: Tell = quiet) -> Self:
        """The scorer fitted on as many events before, or a new one; components have seeds of their own."""
        events = data.events.height
        if events not in self._fitted:
            self._fitted[events] = self._make().fit(data, np.random.default_rng(0), tell)
        self._now = self._fitted[events]
        return self

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


def next_item(dataset: Dataset, deep: bool, tell: Tell) -> list[dict[str, Any]]:
    """The full hybrid, without each component, and each alone."""
    trial, board = prepare(dataset, NEXT_ITEM, np.random.default_rng(0)), board_of(NEXT_ITEM.name)
    parts: dict[str, Scorer] = {name: once_like(scorer) for name, scorer in Ranker.standard()}
    if deep:
        parts["sequence"] = Once(board["sequence"])
    compositions = {FULL: parts}
    compositions |= {f"without {left}": {n: one for n, one in parts.items() if n != left} for left in parts}
    if deep:
        compositions["sequence fed with factors"] = {**parts, "sequence": Once(board["sequence from factors"])}
    scorers = {name: Ranker(RankerConfig(refit=False), tuple(some.items())) for name, some in compositions.items()}
    return compare(trial, scorers | {f"{name} alone": one for name, one in parts.items()}, measure_ten, tell)


def strong(dataset: Dataset, tell: Tell) -> list[dict[str, Any]]:
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
    return compare(trial, scorers | {f"{name} alone": one for name, one in parts.items()}, measure_hundred, tell)


def shown_lists(dataset: Dataset, tell: Tell) -> list[dict[str, Any]]:
    """List rankers beside what most members liked."""
    trial = prepare(dataset, SHOWN_LISTS, np.random.default_rng(0))
    scorers: dict[str, Scorer] = {name: ListRanker(config) for name, config in LIST_RANKERS.items()}
    scorers["popularity"] = Popularity(PopularityConfig(half_life_days=None, contexts=()))
    return compare(trial, scorers, measure_shown, tell)


Measure = Callable[[Trial, Scorer, NDArray[np.int64]], dict[str, Doubles]]


def compare(trial: Trial, scorers: Mapping[str, Scorer], measure: Measure, tell: Tell) -> list[dict[str, Any]]:
    """One row a scorer; the last metric's difference to the first scorer is paired over members."""
    values: dict[str, dict[str, Doubles]] = {}
    for at, (name, scorer) in enumerate(scorers.items()):
        tell(name, at / len(scorers))
        scorer.fit(trial.data, np.random.default_rng(0))
        blocks = [measure(trial, scorer, rows) for rows in trial.blocks()]
        joined = {metric: np.concatenate([block[metric] for block in blocks]) for metric in blocks[0]}
        values[name] = {key: by_member(one[:, None], trial.members)[:, 0] for key, one in joined.items()}
    weights = bootstrap_weights(trial.n_members, DRAWS, np.random.default_rng(0))
    first = values[next(iter(values))]
    rows = []
    for name, one in values.items():
        last = next(reversed(one))
        figures = {metric: interval(column, weights) for metric, column in one.items()}
        rows.append({"name": name, **figures, "difference": interval(one[last] - first[last], weights)})
    return rows


def interval(column: Doubles, weights: Doubles) -> list[float]:
    """[mean, low, high] of one value a member."""
    low, high = percentile_interval(resampled_means(column[:, None], weights))
    return [float(np.nanmean(column)), float(low[0]), float(high[0])]


def measure_ten(trial: Trial, scorer: Scorer, rows: NDArray[np.int64]) -> dict[str, Doubles]:
    hit, wanted = _hits(trial, scorer, rows, 10)
    return {"HR@10": hit_rate(hit), "NDCG@10": ndcg(hit, wanted)}


def measure_hundred(trial: Trial, scorer: Scorer, rows: NDArray[np.int64]) -> dict[str, Doubles]:
    return {"NDCG@100": ndcg(*_hits(trial, scorer, rows, 100))}


def measure_shown(trial: Trial, scorer: Scorer, rows: NDArray[np.int64]) -> dict[str, Doubles]:
    longest = int(np.diff(trial.candidates.offsets).max()) if trial.candidates else 0
    ranked = trial.rank(scorer, rows, longest)
    targets = trial.targets.take(rows)
    hit, wanted = hits(ranked, targets.offsets, targets.values), np.diff(targets.offsets)
    others = (ranked >= 0) & ~hit
    below = others[:, ::-1].cumsum(axis=1)[:, ::-1]
    auc = (hit * below).sum(axis=1) / (wanted * others.sum(axis=1))
    return {"AUC": np.asarray(auc), "NDCG@10": ndcg(hit[:, :10], wanted)}


def _hits(trial: Trial, scorer: Scorer, rows: NDArray[np.int64], n: int) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    targets = trial.targets.take(rows)
    return hits(trial.rank(scorer, rows, n), targets.offsets, targets.values), np.diff(targets.offsets)


def once_like(scorer: Scorer) -> Scorer:
    """A component of the same type and settings, fitted once a training set."""
    kind, config = type(scorer), getattr(scorer, "config")  # noqa: B009
    return Once(lambda: kind(config))  # type: ignore[call-arg]


def show(result: dict[str, Any], console: Console) -> None:
    """Print what `run` found."""
    for part in ("next_item", "strong", "shown_lists"):
        if part not in result:
            continue
        rows = result[part]
        metrics = [name for name in rows[0] if name != "name"]
        table = Table(title=f"{part} ({result['data'] if part != 'shown_lists' else 'RankLens'}, {result['machine']})")
        for name in ("model", *metrics):
            table.add_column(name, justify="left" if name == "model" else "right")
        for row in rows:
            table.add_row(row["name"], *("{:.4f} [{:.4f}, {:.4f}]".format(*row[metric]) for metric in metrics))
        console.print(table)


if __name__ == "__main__":
    out = Console()
    paths = [Path(one) for one in sys.argv[1:]]
    folder, lists = (*paths, None, None)[:2]
    show(run(lambda what, done: out.print(f"[dim]{done:.0%} {what}[/dim]"), folder, lists), out)
