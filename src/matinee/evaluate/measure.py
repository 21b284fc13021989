"""What is measured: the metrics by name, and how lists and pages of many members become one value per member."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matinee.history import Histories, TrainingData
from matinee.maths import beyond_accuracy as beyond
from matinee.maths import ranking_metrics as ranking
from matinee.maths.arrays import Doubles, Flags, Int32s, Int64s
from matinee.maths.page_metrics import page_ndcg, page_recall
from matinee.maths.ragged import Ragged, offsets_of, owners_of
from matinee.page import Layout


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured quantity: `better` is "higher", "lower" or "" when more is neither; `about` says what it means."""

    key: str
    label: str
    better: str
    about: str


RECALL = Metric("recall", "Recall", "higher", "share of the titles the member went on to like that are in the list")
CAPPED_RECALL = Metric("capped_recall", "Recall", "higher", "titles hit, of those that the list has room for")
NDCG = Metric("ndcg", "NDCG", "higher", "titles hit, each counted more the nearer it stands to the top")
MRR = Metric("mrr", "MRR", "higher", "1 / place of the first such title")
HIT_RATE = Metric("hit_rate", "Hit rate", "higher", "share of members with at least one such title in their list")
AUC = Metric("auc", "AUC", "higher", "share of the pairs of a liked and another title with the liked one first")
NDCG_2D = Metric("ndcg2d", "2-D NDCG", "higher", "liked titles, counted by how likely their place is looked at")
ACCURACY = (RECALL, NDCG, MRR, HIT_RATE)
PER_MEMBER = (
    Metric("novelty", "Novelty", "", "mean surprise of the titles listed, in bits: -log2 of the share who know them"),
    Metric("diversity", "Diversity", "", "mean distance between the genres of two titles of a list, 0 to 1"),
    Metric(
        "miscalibration", "Miscal.", "lower", "distance of the list's mix of genres from the member's (Steck), nats"
    ),
    Metric("popularity_lift", "Pop. lift", "", "how much more popular the list is than what the member likes; 0 = as"),
)
EXPOSURE = (
    Metric("coverage", "Coverage", "", "share of the catalogue that stands in at least one list"),
    Metric("gini", "Gini", "", "inequality of exposure over titles, 0 = equal, 1 = one title has it all"),
)
LIST_METRICS = ACCURACY + PER_MEMBER
OF_HITS: Mapping[Metric, Callable[[Flags, Int64s, Int64s], Doubles]] = {  # of hits, number wanted, length of list
    RECALL: lambda hit, wanted, _: ranking.recall(hit, wanted),
    CAPPED_RECALL: lambda hit, wanted, _: ranking.capped_recall(hit, wanted),
    NDCG: lambda hit, wanted, _: ranking.ndcg(hit, wanted),
    MRR: lambda hit, _, __: ranking.reciprocal_rank(hit),
    HIT_RATE: lambda hit, _, __: ranking.hit_rate(hit),
    AUC: lambda hit, _, listed: ranking.auc(hit, listed),
}
EXPOSURE_OF: dict[str, Callable[[Doubles], Doubles]] = {"coverage": beyond.coverage, "gini": beyond.gini}


@dataclass(frozen=True, slots=True)
class Cutoff:
    """A metric of hits, of the first `n` places of a list; None = of the whole list."""

    metric: Metric
    n: int | None

    @property
    def named(self) -> Metric:
        """The metric with its number of places in key and label, such as ndcg@10."""
        at = "" if self.n is None else f"@{self.n}"
        return Metric(self.metric.key + at, self.metric.label + at, self.metric.better, self.metric.about)


@dataclass(frozen=True)
class Titles:
    """What is known of the titles at training time: how often each is liked, by which share, and its genres.

    `likes` (titles,); `probability` (titles,) = (likes + 1) / (members + 1); `genres` (titles, genres) rows of
    equal shares summing to one, or to zero where a title has none.
    """

    likes: Doubles
    probability: Doubles
    genres: Doubles

    @classmethod
    def of(cls, data: TrainingData) -> Titles:
        """Count the likes and genres of training data."""
        likes = np.bincount(data.matrix.indices, minlength=len(data.catalog)).astype(np.float64)
        of_title = data.catalog.title_genres
        lengths = np.diff(of_title.offsets)
        shares = np.repeat(1.0 / np.maximum(lengths, 1), lengths)
        shape = (len(data.catalog), len(data.catalog.genres))
        genres = sparse.csr_matrix((shares, of_title.values, of_title.offsets), shape=shape).toarray()
        return cls(likes, (likes + 1.0) / (len(data.user_ids) + 1.0), genres)


@dataclass(frozen=True)
class Audience:
    """The members asked about: what they liked before (`histories`) and what they went on to like (`targets`)."""

    titles: Titles
    histories: Histories
    targets: Ragged

    @cached_property
    def profile(self) -> sparse.csr_matrix:
        """Members x titles, 1 where a title is liked before."""
        matrix = self.histories.tastes.matrix(len(self.titles.likes))
        return (matrix > 0).astype(np.float64)

    @cached_property
    def genre_mix(self) -> Doubles:
        """(members, genres) what each member likes, rows summing to one or zero."""
        return _shares(self.profile @ self.titles.genres)

    @cached_property
    def profile_popularity(self) -> Doubles:
        """(members,) mean likes of what each member likes, 0 where nothing."""
        return np.asarray(self.profile @ self.titles.likes) / np.maximum(self.histories.tastes.lengths, 1)


def measure_hits(ranked: Int32s, targets: Ragged, cutoffs: Sequence[Cutoff], counted: Flags | None = None) -> Doubles:
    """Every cutoff for every list: (lists, cutoffs); NaN where nothing is wanted. `ranked` (lists, n), -1 = empty.

    `counted` (titles,): only these titles are wanted; where they stand among the others counts as it is.
    """
    kept = np.ones(len(targets.values), np.bool_) if counted is None else counted[targets.values]
    owners = owners_of(targets.offsets)[kept]
    wanted = np.bincount(owners, minlength=len(targets))
    some = wanted > 0
    offsets = offsets_of(wanted[some])
    hit = ranking.hits(ranked[some], offsets, targets.values[kept])
    listed = (ranked[some] >= 0).sum(axis=1)
    values = np.full((len(ranked), len(cutoffs)), np.nan)
    for column, cutoff in enumerate(cutoffs):
        values[some, column] = OF_HITS[cutoff.metric](hit[:, : cutoff.n], wanted[some], listed)
    return values


def measure_lists(ranked: Int32s, audience: Audience) -> Doubles:
    """Every metric of `LIST_METRICS` for every member: (members, metrics); NaN where a metric has no meaning."""
    hit = measure_hits(ranked, audience.targets, [Cutoff(metric, None) for metric in ACCURACY])
    return np.column_stack([hit, measure_beyond(ranked, audience)])


def measure_beyond(ranked: Int32s, audience: Audience) -> Doubles:
    """Every metric of `PER_MEMBER` for every member: (members, metrics); NaN where a metric has no meaning."""
    titles = audience.titles
    given = _shares(beyond.shown(ranked, len(titles.likes)) @ titles.genres)
    by_metric = {
        "novelty": beyond.novelty(ranked, titles.probability),
        "diversity": beyond.intra_list_diversity(ranked, (titles.genres > 0).astype(np.float64)),
        "miscalibration": beyond.miscalibration(audience.genre_mix, given),
        "popularity_lift": beyond.popularity_lift(beyond.mean_of(ranked, titles.likes), audience.profile_popularity),
    }
    return np.column_stack([by_metric[metric.key] for metric in PER_MEMBER])


def page_metrics(layout: Layout) -> tuple[Metric, ...]:
    """The page metrics of a layout: Recall@m-by-n for m = 1, 3 and all rows, n = the visible columns; 2-D NDCG."""
    windows = [(m, layout.visible) for m in (1, 3) if m < layout.rows] + [(layout.rows, layout.visible)]
    windows.append((layout.rows, layout.columns))
    recalls = tuple(
        Metric(f"recall@{m}x{n}", f"Recall {m}×{n}", "higher", f"share of the liked titles in {m} rows, {n} columns")
        for m, n in dict.fromkeys(windows)
    )
    return (*recalls, NDCG_2D)


def measure_pages(items: Int32s, layout: Layout, targets: Ragged) -> Doubles:
    """Every metric of `page_metrics(layout)` for every member: (members, metrics). `items` (members, rows, columns)."""
    ragged = (targets.offsets, targets.values)
    rows, columns = items.shape[1:]
    attention = layout.attention
    looked_at = np.outer(attention.rows(rows), attention.columns(columns, layout.visible))
    windows = [metric.key.removeprefix("recall@").split("x") for metric in page_metrics(layout)[:-1]]
    recalls = [page_recall(items, *ragged, int(m), int(n)) for m, n in windows]
    return np.column_stack([*recalls, page_ndcg(items, *ragged, looked_at)])


def _shares(amounts: NDArray[np.float64]) -> Doubles:
    total = amounts.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(amounts, total, out=np.zeros_like(amounts), where=total > 0))
