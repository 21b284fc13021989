"""Fairness to new titles: what score scaling and an exposure floor give to the worst served, and cost in NDCG.

    python benchmarks/bench_fairness.py [FOLDER]

MovieLens 100K (or FOLDER). As in Zhu et al. (SIGIR 2021) three tenths of the titles, drawn at random, are new: content
learns from the likes of the others and lists `N` of the new ones for every member who likes any. Mean discounted
gain is of titles that at least `WANTED` members like; with fewer nearly all gains are 0 or chance. `DRAWS` times.
Scaled: `maths.fairness.scaled`, for each draw as strongly as costs at most `SPENT` of NDCG on each of the others.
Floor: the last `PLACES` by `maths.fairness.quantiles`.

Keys of the result: `as it is`, `scaled`, `floor`: the mean over draws and its t interval of `ndcg`, of the four tails
of mean discounted gain, and of the relative `change` of NDCG; `curve`: the same of each strength for all draws;
`strengths` chosen, `machine`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from machine import machine
from scipy import sparse

from matinee.cli.data import fetch
from matinee.data.dataset import Dataset
from matinee.data.histories import training_data
from matinee.data.sources.reading import Source, read
from matinee.decision import Progress, Requests, no_progress
from matinee.evaluate.fairness import KEYS
from matinee.evaluate.measure import NDCG, Cutoff, measure_hits
from matinee.events import END_OF_TIME
from matinee.maths.arrays import Doubles, Int32s
from matinee.maths.fairness import Gains, gains_of, quantiles, scaled, tails, with_floor
from matinee.maths.mean_intervals import student
from matinee.maths.ragged import Ragged
from matinee.maths.ranking_metrics import top_n
from matinee.recipes.registry import MODELS

N, NEW, WANTED, SPENT, PLACES, DRAWS = 100, 0.3, 10, 0.04, 20, 5
STRENGTHS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)


class Asked:
    """Members who like some of the titles that one draw makes new, what they like, and content's scores for them."""

    def __init__(self, dataset: Dataset, seed: int) -> None:
        catalog, rng = dataset.catalog, np.random.default_rng(seed)
        new = np.sort(rng.permutation(len(catalog))[: round(NEW * len(catalog))])
        named = pl.Series(catalog.item_ids).gather(new).implode()
        every = training_data(dataset.events, catalog, END_OF_TIME)
        known = training_data(dataset.events.filter(~pl.col("item_id").is_in(named)), catalog, END_OF_TIME)
        scorer = MODELS["content"].make().fit(known, rng)
        rows = {user: row for row, user in enumerate(every.user_ids)}
        likes = sparse.csr_matrix(every.matrix[[rows[user] for user in known.user_ids]][:, new])
        some = np.diff(likes.indptr) > 0
        scores = scorer.score(Requests.of_histories(known.histories))[:, new].astype(np.float64)
        self.scores, self.titles = scores[some], len(new)
        self.targets = Ragged(likes[some].indptr.astype(np.int64), likes[some].indices.astype(np.int32))

    def lists(self, strength: float) -> Int32s:
        """(members, N) the best titles after scaling."""
        scores = scaled(self.scores, self.scores, strength).astype(np.float32)
        return top_n(scores, N, np.arange(self.titles), np.ones(scores.shape, np.bool_))

    def floored(self) -> Int32s:
        """The lists as they are, the last places by quantiles."""
        return with_floor(self.lists(0.0), quantiles(self.scores, self.scores), PLACES)

    def ndcg(self, lists: Int32s) -> Doubles:
        """(members,) NDCG."""
        return measure_hits(lists, self.targets, [Cutoff(NDCG, N)])[:, 0]

    def gains(self, lists: Int32s) -> Gains:
        """Of the titles that enough members like."""
        gains = gains_of(lists, self.targets, self.titles)
        enough = sparse.diags_array((np.asarray(gains.wanted.sum(axis=0)).ravel() >= WANTED).astype(np.float64))
        return Gains(sparse.csr_matrix(gains.gained @ enough), sparse.csr_matrix(gains.wanted @ enough))


def run(progress: Progress = no_progress, folder: Path | None = None) -> dict[str, Any]:
    """Every strength on every draw; then for each draw the strength that the others allow."""
    dataset = read(Source.MOVIELENS, folder or fetch())
    draws = []
    for draw in range(DRAWS):
        progress(f"draw {draw + 1} of {DRAWS}", draw / DRAWS)
        draws.append(_measured(Asked(dataset, draw)))
    lost = np.array([[1 - one[strength][0] / one[0.0][0] for strength in STRENGTHS] for one in draws])
    chosen = [_chosen(np.delete(lost, draw, axis=0)) for draw in range(DRAWS)]
    ways = {"as it is": [0.0] * DRAWS, "scaled": chosen, "floor": ["floor"] * DRAWS}
    found: dict[str, Any] = {name: _line(draws, which) for name, which in ways.items()}
    curve = {f"{one:g}": _line(draws, [one] * DRAWS) for one in STRENGTHS}
    return {**found, "curve": curve, "strengths": chosen, "machine": machine()}


def _measured(asked: Asked) -> dict[Any, Doubles]:
    """By strength, and of the floor: NDCG and the tails of mean discounted gain."""
    lists: dict[Any, Int32s] = {one: asked.lists(one) for one in STRENGTHS}
    lists["floor"] = asked.floored()
    everybody = np.ones((1, len(asked.scores)))
    return {
        name: np.append(asked.ndcg(one).mean(), tails(asked.gains(one).weighed(everybody)[0]))
        for name, one in lists.items()
    }


def _chosen(lost: Doubles) -> float:
    """The largest strength that costs at most `SPENT` on each of these draws (draws, strengths)."""
    return max(one for one, worst in zip(STRENGTHS, lost.max(axis=0), strict=True) if worst <= SPENT)


def _line(draws: list[dict[Any, Doubles]], which: list[Any]) -> dict[str, tuple[float, ...]]:
    values = np.array([one[way] for one, way in zip(draws, which, strict=True)])
    base = np.array([one[0.0][0] for one in draws])
    whole = np.column_stack([values, values[:, 0] / base - 1])
    ends = np.stack(student(whole), axis=1).round(4)
    return dict(zip(("ndcg", *KEYS, "change"), map(tuple, ends.tolist()), strict=True))


if __name__ == "__main__":
    for key, value in run(folder=Path(sys.argv[1]) if len(sys.argv) > 1 else None).items():
        print(key, value)
