"""The split in which titles are new: what can be predicted of a title before anybody has watched it?"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.splits.split import AT, Part, Split, canonical, first_likes, grouped
from matinee.errors import BadData, BadRequest
from matinee.events import SCHEMA
from matinee.maths.ragged import Ragged

NEVER = np.iinfo(np.int64).max
SHARE = 0.1


def new_titles(dataset: Dataset, part: Part = "test") -> Split:
    """Which titles that training never saw does the member like?

    Source: item cold start under a time split, as in Volkovs et al. 2017 (DropoutNet) and the RecSys Challenge 2017.
    Split: the cut is the first event of the newest tenth of the titles (newest by first event); everything strictly
    before it is fitted on. Each member who likes any of these titles asks once, at the moment of the first such like;
    the new titles are the candidates, those that the member likes from then on the answers, and all that the member did
    before, after the cut too, is the history. Validation: the same of what lies before the cut.
    Seed: none. Ties: one random order of the catalogue for all models; a model without content ranks by it alone.
    """
    if not dataset.timed:
        raise BadData(f"{dataset.name} has an order but no times, so no title is newer than another; give times")
    split = unseen_titles(dataset.events, dataset.catalog)
    return split if part == "test" else unseen_titles(split.train_events, dataset.catalog)


def unseen_titles(events: pl.DataFrame, catalog: Catalog, share: float = SHARE) -> Split:
    """`new_titles` for the newest `share` (0..1) of the titles that have an event; titles of one moment stay together.

    Raises `BadData` when nothing lies before the cut, or nobody likes a new title.
    """
    if not 0.0 < share < 1.0:
        raise BadRequest(f"share is {share}; give a number between 0 and 1")
    ordered = canonical(events, catalog)
    times, items = ordered["timestamp"].cast(pl.Int64).to_numpy(), ordered["item"].to_numpy()
    first = np.full(len(catalog), NEVER)
    np.minimum.at(first, items, times)
    cut = _cut(first[first < NEVER], share)
    new = (first >= cut) & (first < NEVER)
    train = ordered.filter(times < cut)
    answers = first_likes(ordered.filter(new[items])).sort("user_id", AT)
    if train.is_empty() or answers.is_empty():
        raise BadData(
            f"of {ordered.height:,} events {train.height:,} lie before the newest {share:.0%} of titles appear, and "
            f"{answers.height:,} like one of these; give events of a longer time or another share"
        )
    members = answers.group_by("user_id", maintain_order=True).agg("item", pl.col("timestamp").first().cast(pl.Int64))
    return Split(
        catalog,
        train.select(SCHEMA.keys()),
        members["user_id"].to_list(),
        members["timestamp"].to_numpy(),
        grouped(members["item"]),
        known_events=ordered.select(SCHEMA.keys()),
        candidates=_for_all(np.flatnonzero(new), members.height),
    )


def _cut(first: NDArray[np.int64], share: float) -> int:
    """The first moment of the newest `share` of titles, given every title's `first` moment."""
    newest = max(1, round(share * len(first)))
    return int(np.sort(first)[-newest]) if len(first) else 0


def _for_all(items: NDArray[np.int64], requests: int) -> Ragged:
    """The same titles for every request."""
    return Ragged(np.arange(requests + 1) * len(items), np.tile(items.astype(np.int32), requests))
