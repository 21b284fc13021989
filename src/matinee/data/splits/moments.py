"""Splits in which the moment of asking counts: requests at each member's own times, and lists that were shown."""

from __future__ import annotations

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.clock import Clocks
from matinee.data.dataset import Dataset
from matinee.data.exposures import open_loop
from matinee.data.shown import LIST, chosen_from, shown_titles
from matinee.data.splits.split import AT, Part, Split, canonical, first_likes, global_time, grouped
from matinee.decision import situations_of
from matinee.errors import BadData
from matinee.events import SCHEMA

MOST_MOMENTS = 20  # of one member, the first after the cut
HELD_OUT = 0.2  # share of the members whose lists are asked about


def time_split(dataset: Dataset, part: Part = "test") -> Split:
    """What each member first likes after one moment, asked for at that moment.

    Source: Meng et al. 2020, Exploring data splitting strategies; the test closest to life.
    Split: the last tenth of the events lies after the cut, everything before it is fitted on. Validation: the same cut
    of what lies before the first. Members who come after the cut are cold.
    Seed: none. Ties: one random order of the catalogue for all models.
    """
    _require_times(dataset)
    split = global_time(dataset.events, dataset.catalog)
    return split if part == "test" else global_time(split.train_events, dataset.catalog)


def own_times(dataset: Dataset, part: Part = "test") -> Split:
    """What each member likes next, asked for at the moment it happens, by models fitted before one moment.

    Source: the time split, with requests as a service gets them: models are hours to weeks old, histories are fresh.
    Split: the last tenth of the events lies after the cut, everything before it is fitted on. Each moment after it at
    which a member newly likes something is a request, the first 20 of a member; titles liked at one moment are its
    answers together, and what the member did strictly before is the history. The request knows its time and, where the
    answering event has them, country, device and language; hours and weekdays are local. Validation: the same before
    the first cut. Seed: none. Ties: one random order of the catalogue for all models.
    """
    _require_times(dataset)
    split = global_time(dataset.events, dataset.catalog)
    clocks = Clocks(profiles=dataset.profiles)
    if part == "test":
        return _at_own_times(dataset.events, dataset.catalog, split, clocks)
    earlier = split.train_events
    return _at_own_times(earlier, dataset.catalog, global_time(earlier, dataset.catalog), clocks)


def shown_lists(dataset: Dataset, part: Part = "test", seed: int = 0) -> Split:
    """Which titles of a list that a member was shown does the member like?

    Source: RankLens (metarank): real lists shown, with what people said they like; any log with decision_id on
    impressions and likes will do.
    Split: a fifth of the members is the test, another fifth the validation; fitted on are the members of neither (for
    the test: all but the test's). Every list of theirs with a like and a title not liked is a request at its own time;
    its titles are the candidates, and what the member did before, earlier lists included, is the history.
    Seed: numpy default_rng(0) for the order of members. Ties: one random order of the catalogue for all models.
    """
    events = canonical(dataset.events, dataset.catalog)
    lists = _lists(events)
    members = lists["user_id"].unique().sort()
    held = int(HELD_OUT * len(members))
    if not held:
        raise BadData(
            f"{dataset.name} has {lists.height:,} lists of {len(members)} members that hold a like and something else; "
            "give events with impressions and likes that name their decision_id, of 5 members or more"
        )
    shuffled = members.gather(np.random.default_rng(seed).permutation(len(members)))
    tested, validated = shuffled[:held], shuffled[held : 2 * held]
    asking, hidden = (tested, tested) if part == "test" else (validated, shuffled[: 2 * held])
    asked = lists.filter(pl.col("user_id").is_in(asking.implode()))
    return Split(
        dataset.catalog,
        events.filter(~pl.col("user_id").is_in(hidden.implode())).select(SCHEMA.keys()),
        asked["user_id"].to_list(),
        asked["timestamp"].cast(pl.Int64).to_numpy(),
        grouped(asked["liked"]),
        known_events=events.filter(pl.col("user_id").is_in(asking.implode())).select(SCHEMA.keys()),
        candidates=grouped(asked["shown"]),
        situations=situations_of(asked, Clocks(profiles=dataset.profiles)),
    )


def _lists(events: pl.DataFrame) -> pl.DataFrame:
    """One row a list: who saw it when and where, the dense titles shown and, of these, liked; in order of time."""
    return (
        chosen_from(shown_titles(events))
        .group_by(LIST, maintain_order=True)
        .agg(
            pl.col("timestamp").min(),
            pl.col("country", "device", "language").first(),
            pl.col("item").sort().alias("shown"),
            pl.col("item").filter("liked").sort().alias("liked"),
        )
    )


def _at_own_times(events: pl.DataFrame, catalog: Catalog, split: Split, clocks: Clocks) -> Split:
    """The requests of a cut in time, made at the members' own moments instead of at the cut."""
    ordered = canonical(events, catalog)
    cut = int(split.as_of.min(initial=np.iinfo(np.int64).max))
    later = first_likes(ordered).filter(pl.col("timestamp").cast(pl.Int64) >= cut)
    moments = (
        later.sort("user_id", AT)
        .group_by("user_id", "timestamp", maintain_order=True)
        .agg("item", pl.col("country", "device", "language").first(), open_loop().all().alias("sought"))
        .filter(pl.int_range(pl.len()).over("user_id") < MOST_MOMENTS)
    )
    return Split(
        catalog,
        split.train_events,
        moments["user_id"].to_list(),
        moments["timestamp"].cast(pl.Int64).to_numpy(),
        grouped(moments["item"]),
        known_events=ordered.select(SCHEMA.keys()),
        situations=situations_of(moments, clocks),
        sought=moments["sought"].to_numpy(),
    )


def _require_times(dataset: Dataset) -> None:
    if not dataset.timed:
        raise BadData(
            f"{dataset.name} has an order but no times, so it cannot be cut in time; take the protocol next-item"
        )
