"""Splits of the literature: next item, NCF's 100 candidates, strong generalization. Every interaction is a like."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.catalog import Catalog
from matinee.data.dataset import Dataset, Questions
from matinee.data.splits.split import Part, Split, canonical, grouped, leave_last_out, nested
from matinee.errors import BadData, BadRequest
from matinee.events import SCHEMA, liked
from matinee.maths.ragged import Ragged

PARTS: tuple[Part, ...] = get_args(Part)
NEGATIVES = 99
SEED = 98765  # of Liang et al., for the order of members and for what is held out of each
LEAST_TITLES = 5  # of a member who is asked for some of them
ASKED = 0.2  # share of a held-out member's titles


@dataclass(frozen=True, slots=True)
class Form:
    """How Liang et al. cut a data set of `size` members or more: `held_out` of them for the test and as many for the
    validation; without ratings below `least`, titles of fewer than `members` and then members of fewer than `titles`.
    """

    size: int
    held_out: int
    least: float | None = None
    members: int = 1
    titles: int = LEAST_TITLES


FORMS = (
    Form(500_000, 50_000, least=0.8, members=200, titles=20),  # MSD, which has no ratings
    Form(300_000, 40_000, least=0.8),  # Netflix
    Form(100_000, 10_000, least=0.8),  # MovieLens 20M
    Form(5_000, 1_000),  # MovieLens 1M
)


def binarised(events: pl.DataFrame, least: float | None = None) -> pl.DataFrame:
    """Plays, ratings and likes as full plays: all, or what is liked where ratings need `least` (four of five: 0.8)."""
    spoken = pl.col("kind").is_in(["play", "rating", "thumbs_up"])
    good = (
        spoken
        if least is None
        else pl.when(pl.col("kind") == "rating").then(pl.col("value") >= least).otherwise(liked())
    )
    return events.filter(good).with_columns(pl.lit("play").alias("kind"), pl.lit(1.0).alias("value"))


def next_item(dataset: Dataset, part: Part = "test") -> Split:
    """Each member's last title out of the whole catalogue, from everything that the member did before.

    Source: Kang and McAuley 2018 (SASRec), ranked in full as by antklen/sasrec-bert4rec-recsys23.
    Split: a member's last title is the test, the one before it the validation; no filter on ratings. Models are fitted
    on neither; for the test the validation title is history.
    Seed: none. Ties: equal scores in one random order of the catalogue for all models; order within equal times is the
    source's, which moves NDCG@10 by up to a tenth on MovieLens.
    """
    last, before = (nested(leave_last_out, binarised(dataset.events), dataset.catalog, one) for one in PARTS)
    if part == "validation":
        return before
    return replace(last, train_events=before.train_events, known_events=last.train_events)


def next_item_refitted(dataset: Dataset, part: Part = "test") -> Split:
    """As next-item, but models are fitted on the validation's titles too, as a service would.

    Source: next-item, with one title of each member more to learn from than the published results had; that is worth
    .001 to EASE's NDCG@10 on MovieLens 1M.
    Split: a member's last title is the test, the one before it the validation, hidden while tuning only.
    Seed: none. Ties: one random order of the catalogue for all models.
    """
    return nested(leave_last_out, binarised(dataset.events), dataset.catalog, part)


def ncf(dataset: Dataset, part: Part = "test") -> Split:
    """One title of each member among 99 that the member never turned to.

    Source: He et al. 2017 (hexiangnan/neural_collaborative_filtering), as used by Rendle et al. 2020.
    Split: the published test titles and negatives, which must come with the data. Validation: one title of each member
    with two or more, and 99 others that the member has not turned to in training.
    Seed: published; validation numpy default_rng(98765). Ties: one random order of the catalogue for all models.
    """
    if dataset.questions is None:
        raise BadData(
            f"{dataset.name} comes without test questions; give a folder with ncf_test.parquet or *.test.negative"
        )
    events = canonical(binarised(dataset.events), dataset.catalog)
    split = _asking(events, dataset.catalog, dataset.questions)
    if part == "test":
        return split
    left = canonical(split.train_events, dataset.catalog)
    return _asking(left, dataset.catalog, _drawn_questions(left, dataset.catalog))


def strong(dataset: Dataset, part: Part = "test", least: float | None = None, held_out: int | None = None) -> Split:
    """A fifth of the titles of members that no model has seen, from the other four fifths.

    Source: Liang et al. 2018, Variational autoencoders for collaborative filtering (dawenl/vae_cf).
    Split: of the members with at least 5 titles in random order the first 1,000 (MovieLens 1M; 10,000 on 20M, 40,000 on
    Netflix, 50,000 on MSD, a sixth below 5,000 members) are the test, as many after them the validation. The others
    alone are fitted on, and their titles are the catalogue. 80 % of a member's titles at random are given, 20 % asked
    for. On MSD members need 20 songs, and songs 200 members, as published; the number of members tells which form it
    is, see `FORMS`. (vae_cf takes its members from the other end of the permutation, and seeds each part anew: another
    sample of the same size.)
    Seed: numpy RandomState(98765), one stream for members, validation and test. Ties: one random order of the catalogue
    for all models.

    `least` keeps ratings from there on (0..1); left out, from four stars of five in data of 100,000 members or more, as
    published for MovieLens 20M and Netflix, and every rating in smaller data.
    """
    form = _form(len(dataset.profiles))
    events = canonical(binarised(dataset.events, form.least if least is None else least), dataset.catalog)
    events = events.unique(["user_id", "item"], keep="first", maintain_order=True)
    events = events.filter(pl.len().over("item") >= form.members).filter(pl.len().over("user_id") >= form.titles)
    members = _numbers_first(events["user_id"].unique())
    held = _form(len(members)).held_out if held_out is None else held_out
    if not 0 < 2 * held < len(members):
        raise BadRequest(f"{2 * held} of {len(members)} members cannot be held out; give more members or less held_out")
    rng = np.random.RandomState(SEED)
    members = members.gather(rng.permutation(len(members)))
    train = events.filter(pl.col("user_id").is_in(members[2 * held :].implode()))
    catalog = dataset.catalog.take(np.unique(train["item"].to_numpy()))
    known = events.filter(pl.col("item_id").is_in(catalog.titles["item_id"].implode()))
    validation = _folded_in(catalog, train, known, members[held : 2 * held], rng)
    return validation if part == "validation" else _folded_in(catalog, train, known, members[:held], rng)


def _folded_in(
    catalog: Catalog, train: pl.DataFrame, events: pl.DataFrame, members: pl.Series, rng: np.random.RandomState
) -> Split:
    """Of each of `members`, in this order, four fifths of the titles as the history and one fifth as targets."""
    number = pl.col("item_id").cast(pl.Int64, strict=False)
    theirs = members.to_frame("user_id").join(events.sort(number, "item_id"), on="user_id", maintain_order="left_right")
    lengths = theirs.group_by("user_id", maintain_order=True).agg(pl.len())["len"]
    asked = np.concatenate([_drawn(rng, length) for length in lengths])
    items = pl.Series("item", catalog.indexes_of(theirs["item_id"]))
    answers = theirs.with_columns(items).filter(asked).group_by("user_id", maintain_order=True).agg("item")
    return Split(
        catalog,
        train.select(SCHEMA.keys()),
        answers["user_id"].to_list(),
        np.full(answers.height, _end(events), np.int64),
        grouped(answers["item"]),
        known_events=theirs.filter(~asked).select(SCHEMA.keys()),
    )


def _drawn(rng: np.random.RandomState, length: int) -> NDArray[np.bool_]:
    """Which of a member's titles are asked for; none where there are fewer than 5."""
    drawn = np.zeros(length, np.bool_)
    if length >= LEAST_TITLES:
        drawn[rng.choice(length, size=int(ASKED * length), replace=False)] = True
    return drawn


def _numbers_first(ids: pl.Series) -> pl.Series:
    return ids.to_frame("id").sort(pl.col("id").cast(pl.Int64, strict=False), "id").to_series()


def _form(members: int) -> Form:
    return next((form for form in FORMS if members >= form.size), Form(0, members // 6))


def _asking(events: pl.DataFrame, catalog: Catalog, questions: Questions) -> Split:
    """All but the answers is for training; everybody asks at the end."""
    answers = pl.DataFrame({"user_id": questions.user_ids, "item_id": questions.answers})
    train = events.join(answers, on=["user_id", "item_id"], how="anti", maintain_order="left")
    return Split(
        catalog,
        train.select(SCHEMA.keys()),
        questions.user_ids,
        np.full(len(questions.user_ids), _end(events), np.int64),
        Ragged(np.arange(len(answers) + 1), catalog.indexes_of(answers["item_id"])),
        candidates=questions.candidates,
    )


def _drawn_questions(events: pl.DataFrame, catalog: Catalog) -> Questions:
    """For every member with two titles or more: one of them, and up to 99 that the member has not turned to."""
    rng = np.random.default_rng(SEED)
    per_member = events.group_by("user_id").agg(pl.col("item").unique().sort()).sort("user_id")
    able = per_member.filter(pl.col("item").list.len().is_between(2, len(catalog) - 1))
    answers, candidates = [], []
    for items in able["item"]:
        answer = int(rng.choice(items))
        other = np.ones(len(catalog), np.bool_)
        other[items] = False
        others = np.flatnonzero(other)
        drawn = others[rng.choice(len(others), min(NEGATIVES, len(others)), replace=False)]
        answers.append(catalog.item_ids[answer])
        candidates.append(np.append(drawn, answer))
    return Questions(able["user_id"].to_list(), answers, Ragged.of(candidates))


def _end(*frames: pl.DataFrame) -> int:
    return max(int(frame["timestamp"].cast(pl.Int64).to_numpy().max(initial=-1)) for frame in frames) + 1
