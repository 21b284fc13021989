"""Features of titles in shown lists: what they are, who liked them, and where they stood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.data.histories import histories_of
from matinee.data.shown import LIST, chosen_from, shown_titles
from matinee.decision import Requests, Scorer, Situations, situations_of
from matinee.events import Kind
from matinee.history import Histories, TrainingData
from matinee.maths.ragged import offsets_of, owners_of
from matinee.models.ranking.features import (
    LATEST,
    Candidates,
    Rows,
    TitleFacts,
    standardised,
)
from matinee.models.reasons import top_reasons

CONTENT, GENRES, YEARS = 0, 1, 3  # columns of `TitleFacts.near`
EVER = LATEST[-1]
PRIOR_SHOWN = 10.0  # impressions added to each title's, at the rate of all
RIDGE = 30.0  # penalty on what content says about a title's appeal


@dataclass(frozen=True)
class ShownLists:
    """Lists that were shown, in order of time: list k holds `candidates.items[offsets[k]:offsets[k + 1]]`.

    `members` (lists,) their number in `data.user_ids`, `times` (lists,), `situations` one each; `columns` and `liked`
    (rows,) the place of each title in its list and whether it was liked there.
    """

    members: NDArray[np.int64]
    times: NDArray[np.int64]
    situations: Situations
    candidates: Candidates
    columns: NDArray[np.int32]
    liked: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.times)

    def requests(self, data: TrainingData) -> Requests:
        """Who was shown each list, with what that member did strictly before it."""
        user_ids = [data.user_ids[at] for at in self.members]
        histories = histories_of(data.events, user_ids, data.catalog, self.times)
        return Requests.of_histories(histories, self.times, situations=self.situations)

    @classmethod
    def of(cls, data: TrainingData) -> ShownLists:
        """The lists of `data.events` with a title that was liked in the same decision and one that was not."""
        return cls._grouped(chosen_from(shown_titles(data.events)), data)

    @classmethod
    def _grouped(cls, rows: pl.DataFrame, data: TrainingData) -> ShownLists:
        lists = rows.group_by(LIST, maintain_order=True).agg(
            pl.len(),
            pl.col("country", "device", "language").first(),
            pl.col("timestamp").min(),
        )
        number = {user: at for at, user in enumerate(data.user_ids)}
        offsets = offsets_of(lists["len"].to_numpy())
        return cls(
            np.array([number[user] for user in lists["user_id"]], np.int64),
            lists["timestamp"].dt.epoch("us").to_numpy(),
            situations_of(lists, data.clocks),
            Candidates(offsets, rows["item"].to_numpy().astype(np.int64)),
            rows["column"].fill_null(0).to_numpy(),
            rows["liked"].to_numpy(),
        )

    def take(self, lists: NDArray[np.bool_]) -> ShownLists:
        """The lists of this mask (lists,)."""
        lengths = np.diff(self.candidates.offsets)
        rows = np.repeat(lists, lengths)
        offsets = offsets_of(lengths[lists])
        situations = self.situations.take(np.flatnonzero(lists))
        candidates = Candidates(offsets, self.candidates.items[rows])
        return ShownLists(
            self.members[lists], self.times[lists], situations, candidates, self.columns[rows], self.liked[rows]
        )


@dataclass(frozen=True)
class Appeal:
    """How much titles are liked when shown: `rates` (2, titles), the smoothed share of a title's impressions that were
    liked and what a ridge from `TitleFacts.content` to it makes of the title; `shown` (titles,) log(1 + impressions).

    All lists count, those in which nothing was liked too: being passed over speaks against a title in each of them.
    """

    rates: NDArray[np.float32]
    shown: NDArray[np.float32]

    @classmethod
    def fit(cls, data: TrainingData, content: NDArray[np.float32]) -> Appeal:
        """Count, and solve (CᵀNC + ridge) b = CᵀN(rate - mean), N the impressions."""
        n = len(content)
        titles = shown_titles(data.events)
        items = titles["item"].to_numpy()
        shown = np.bincount(items, minlength=n)
        likes = np.bincount(items, titles["liked"].to_numpy(), minlength=n)
        mean = likes.sum() / max(shown.sum(), 1)
        rate = (likes + PRIOR_SHOWN * mean) / (shown + PRIOR_SHOWN)
        weighted = content.T.astype(np.float64) * shown
        system = weighted @ content + RIDGE * np.eye(content.shape[1])
        by_content = content @ np.linalg.solve(system, weighted @ (rate - mean)) + mean
        return cls(np.stack([rate, np.round(by_content, 6)]).astype(np.float32), np.log1p(shown).astype(np.float32))


def passed_over(histories: Histories) -> Histories:
    """The titles that were shown to each member and not liked, as if they had been watched."""
    tastes = histories.tastes
    owners = owners_of(histories.offsets)
    stride = int(max(histories.items.max(initial=0), tastes.items.max(initial=0))) + 1
    taste_of = np.repeat(np.arange(len(histories)), tastes.lengths)
    liked_ones = np.isin(owners * stride + histories.items, taste_of * stride + tastes.items)
    left = histories.keep((histories.kinds == Kind.IMPRESSION) & ~liked_ones)
    ones = np.ones(len(left.items), np.float32)
    return replace(left, kinds=np.full(len(left.items), Kind.PLAY, np.int8), values=ones)


def collaborative_features(
    requests: Requests, candidates: Candidates, models: Sequence[Scorer], appeal: Appeal
) -> tuple[Rows, Rows]:
    """Leading (rows, models + 1): what each model makes of the liked titles, and the titles' appeal.

    Further (rows, models + 1): what each makes of the titles passed over, and how often the title was shown.
    """
    at = candidates.owners, candidates.items
    passed = replace(requests, histories=passed_over(requests.histories))
    liking = [standardised(model.score(requests))[at] for model in models]
    passing = [standardised(model.score(passed))[at] for model in models]
    leading = [*liking, standardised(appeal.rates[:1])[0, at[1]]]
    return np.column_stack(leading), np.column_stack([*passing, appeal.shown[at[1]]])


def content_features(
    requests: Requests, candidates: Candidates, facts: TitleFacts, appeal: Appeal
) -> tuple[Rows, Rows]:
    """Leading (rows, 2): content's cosine with all liked titles, and the appeal that content predicts.

    Further: cosines of content and genres and distances in years to the liked titles, latest first, and to those passed
    over; release year; one column a genre.
    """
    owners, items = candidates.owners, candidates.items
    liking = [facts.near(requests.histories, last, owners, items) for last in LATEST]
    passing = facts.near(passed_over(requests.histories), EVER, owners, items)
    near = [one[:, [CONTENT, GENRES, YEARS]] for one in (*liking, passing)]
    leading = [liking[-1][:, CONTENT], standardised(appeal.rates[1:])[0, items]]
    return np.column_stack(leading), np.hstack([*near, facts.years[items, None], facts.genres[items]])


def nearest_liked(histories: Histories, items: NDArray[np.int32], content: NDArray[np.float32]) -> NDArray[np.int32]:
    """(batch, k): the liked title whose content is nearest to each item's by cosine, -1 where none is near at all."""
    n, tastes = len(content), histories.tastes

    def told(b: int, asked: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        mine = tastes.items[tastes.offsets[b] : tastes.offsets[b + 1]]
        mine = mine[mine < n]
        return mine, np.asarray(content[asked] @ content[mine].T)

    return top_reasons(items, (items >= 0) & (items < n), told)
