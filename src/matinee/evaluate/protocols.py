"""The protocols: ways to cut what happened into what may be learned and what is predicted, and how it is scored."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from matinee.data.dataset import Dataset
from matinee.data.splits.moments import own_times, shown_lists, time_split
from matinee.data.splits.published import ncf, next_item, next_item_refitted, strong
from matinee.data.splits.split import Part, Split, leave_last_out, nested
from matinee.evaluate.measure import AUC, CAPPED_RECALL, HIT_RATE, MRR, NDCG, RECALL, Cutoff
from matinee.evaluate.published import ML1M_NCF, ML1M_NEXT_ITEM, STRONG_TABLES, Published

Cut = Callable[[Dataset, Part], Split]


@dataclass(frozen=True, slots=True)
class Protocol:
    """A named way to cut a data set for the test or for validation (`cut`), with what is measured.

    `about` says what it asks, where it comes from, its split, seed and ties, for the reader of the report. The first of
    `metrics` is the one by which models are compared. `pairs`: it takes every pair of a member and a title, ordered or
    not. `published`: data set -> results that others published under it.
    """

    name: str
    about: str
    cut: Cut
    metrics: tuple[Cutoff, ...] = (Cutoff(NDCG, 10), Cutoff(HIT_RATE, 10), Cutoff(RECALL, 20), Cutoff(MRR, 20))
    pairs: bool = False
    published: Mapping[str, tuple[Published, ...]] = field(default_factory=dict)


def _last_out(dataset: Dataset, part: Part = "test") -> Split:
    return nested(leave_last_out, dataset.events, dataset.catalog, part)


def _about(cut: Cut) -> str:
    """What the docstring says in its first two paragraphs."""
    return " ".join(" ".join((inspect.getdoc(cut) or "").split("\n\n")[:2]).split())


LEAVE_LAST_OUT = Protocol(
    "leave-last-out",
    "Predict each member's last liked title from what that member did before it. Models are fitted on everything "
    "else, other members' later events too: the test of the literature, kinder than life. Popularity of the last 7 "
    "days is that of the last 7 days of the data.",
    _last_out,
)
GLOBAL_TIME = Protocol(
    "global-time",
    "Cut all events at one moment, learn from before, predict what each member first liked after. The test closest "
    "to life: what is popular drifts, and new members come.",
    time_split,
)
PROTOCOLS = (LEAVE_LAST_OUT, GLOBAL_TIME)

NCF = Protocol(
    "ncf",
    _about(ncf),
    ncf,
    (Cutoff(NDCG, 10), Cutoff(HIT_RATE, 10)),
    pairs=True,
    published={"MovieLens 1M": ML1M_NCF},
)
NEXT_ITEM = Protocol(
    "next-item",
    _about(next_item),
    next_item,
    (Cutoff(NDCG, 10), Cutoff(HIT_RATE, 10), Cutoff(NDCG, 20), Cutoff(HIT_RATE, 20), Cutoff(MRR, 20)),
    published={"MovieLens 1M": ML1M_NEXT_ITEM},
)
NEXT_ITEM_REFITTED = replace(
    NEXT_ITEM, name="next-item-refitted", about=_about(next_item_refitted), cut=next_item_refitted, published={}
)
STRONG = Protocol(
    "strong",
    _about(strong),
    strong,
    (Cutoff(NDCG, 100), Cutoff(CAPPED_RECALL, 20), Cutoff(CAPPED_RECALL, 50)),
    pairs=True,
    published=STRONG_TABLES,
)
TIME_SPLIT = Protocol("time-split", _about(time_split), time_split)
OWN_TIMES = Protocol("own-times", _about(own_times), own_times)
SHOWN_LISTS = Protocol(
    "shown-lists", _about(shown_lists), shown_lists, (Cutoff(NDCG, 10), Cutoff(AUC, None), Cutoff(MRR, 10))
)
LEADERBOARDS = (NCF, NEXT_ITEM, NEXT_ITEM_REFITTED, STRONG, TIME_SPLIT, OWN_TIMES, SHOWN_LISTS)
