"""Offline evaluation: the flow from a data set and some models to a report. Read `evaluate` first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.catalog import Catalog, Ragged
from matinee.data.dataset import Dataset
from matinee.data.histories import histories_of, training_data
from matinee.decision import Policy, Requests, Scorer
from matinee.eligibility import eligible
from matinee.errors import BadRequest
from matinee.evaluate.measure import (
    LIST_METRICS,
    NDCG,
    NDCG_2D,
    RECALL,
    Audience,
    Titles,
    measure_lists,
    measure_pages,
    page_metrics,
)
from matinee.evaluate.protocols import PROTOCOLS, Protocol
from matinee.evaluate.report import Report
from matinee.evaluate.results import Group, ProtocolReport, Results, Table
from matinee.evaluate.summarise import DRAWS, summarise
from matinee.history import SPEAKING, Histories, TrainingData
from matinee.maths.arrays import Doubles, Flags, Int32s, Int64s
from matinee.maths.beyond_accuracy import shown
from matinee.maths.ranking_metrics import top_n
from matinee.page import Layout
from matinee.profile import Profile

BASELINES = ("popularity", "popularity-7d")
TESTED = (RECALL.key, NDCG.key)
BYTES_PER_SCORE = 40  # the score, its eligibility, and the exact sort's keys and places
SCORES_BYTES = 256 * 2**20  # what ranking may hold at one time, whatever the number of members
PAGES_AT_ONCE = 500

MakeScorer = Callable[[], Scorer]
MakePolicy = Callable[[TrainingData, np.random.Generator], Policy]
Progress = Callable[[str, str], None]
Say = Callable[[str], None]

METHOD = (
    "Every title of the catalogue is a candidate: no sampled negatives. Titles that the guarantees forbid (closed, "
    "outside their window, blocked, above a profile's limit) and titles the member had already watched or rated at "
    "the time of asking are left out of the lists; titles merely shown or opened are not.",
    "A hit is a title that the member went on to like and had not watched or rated before. Members without such a "
    "title are not asked.",
    "Equal scores stand in one random order of the catalogue, the same for all models.",
    "Intervals: 95 % bootstrap over members, 1,000 resamples shared by all models (percentiles; coverage and Gini: "
    "± 1.96 standard deviations of 200 resamples, because resampling itself lowers coverage).",
    "p: two-sided paired sign-flip test over members with 10,000 patterns, corrected by Holm over the models compared "
    "with one baseline. A model beats a baseline when its difference is above 0 and the corrected p below 0.05.",
)


@dataclass(frozen=True)
class _Trial:
    """One protocol cut and ready: what may be learned, who asks, and what they liked; `warm` (members,)."""

    data: TrainingData
    requests: Requests
    targets: Ragged
    warm: Flags
    priority: Int64s


def evaluate(
    dataset: Dataset,
    scorers: Mapping[str, MakeScorer],
    rng: np.random.Generator,
    *,
    protocols: Sequence[Protocol] = PROTOCOLS,
    policies: Mapping[str, MakePolicy] | None = None,
    layout: Layout = Layout(),
    n: int = 20,
    baselines: Sequence[str] = BASELINES,
    progress: Progress = lambda protocol, stage: None,
) -> Report:
    """Measure every scorer (and every policy's pages) under every protocol, with intervals and paired tests.

    `scorers` name -> maker of an unfitted scorer; the `baselines` must be among them. `policies` name -> maker of a
    policy from the training data (pages should be decided at temperature 0); each is compared with the first.
    `progress` is told protocol and stage. Raises `BadRequest` when a baseline is missing, `n` is not positive or a
    protocol leaves nobody to ask.
    """
    missing = [name for name in baselines if name not in scorers]
    if missing or not scorers or n < 1:
        raise BadRequest(
            f"evaluation got the scorers {list(scorers)}, the baselines {list(baselines)} and n = {n}; "
            f"give at least one scorer, every baseline among the scorers (missing: {missing}) and n of at least 1"
        )
    reports = []
    for protocol, own in zip(protocols, rng.spawn(len(protocols)), strict=True):
        say = partial(progress, protocol.name)
        trial = _prepare(dataset, protocol, own, say)
        lists, seconds = _all_lists(trial, scorers, n, own, say)
        pages = _all_pages(trial, policies or {}, layout, own, say)
        say("intervals and tests")
        groups = tuple(_groups(trial, lists, pages, layout, baselines, own))
        reports.append(_protocol_report(protocol, trial, groups, seconds))
    results = Results(dataset.name, dataset.licence, len(dataset.catalog), n, DRAWS, tuple(reports), METHOD)
    return Report(results)


def _prepare(dataset: Dataset, protocol: Protocol, rng: np.random.Generator, say: Say) -> _Trial:
    say("cut")
    split = protocol.cut(dataset.events, dataset.catalog)
    as_of = int(max(split.as_of.max(initial=0), _end(split.train_events)))
    data = training_data(split.train_events, dataset.catalog, as_of)
    histories = histories_of(split.train_events, split.user_ids, dataset.catalog, split.as_of)
    asked, targets = _unseen(split.targets, histories)
    if not len(asked):
        raise BadRequest(
            f"the protocol {protocol.name!r} leaves no member with a newly liked title to foretell in "
            f"{dataset.events.height:,} events; give more events or another protocol"
        )
    profiles = tuple(dataset.profiles.get(user, Profile(user)) for user in split.user_ids)
    requests = Requests.of_histories(histories, split.as_of, profiles=profiles).take(asked)
    return _Trial(data, requests, targets, split.warm[asked], rng.permutation(len(dataset.catalog)))


def _end(events: pl.DataFrame) -> int:
    return int(events["timestamp"].cast(pl.Int64).to_numpy().max(initial=-1)) + 1


def _unseen(targets: Ragged, histories: Histories) -> tuple[Int64s, Ragged]:
    """The requests that still have a target, and their targets, after dropping what was seen before."""
    owners, items = _seen(histories)
    wanted_by = np.repeat(np.arange(len(targets)), np.diff(targets.offsets))
    stride = int(max(items.max(initial=0), targets.values.max(initial=0))) + 1
    new = ~np.isin(wanted_by * stride + targets.values, owners * stride + items)
    counts = np.bincount(wanted_by[new], minlength=len(targets))
    asked = np.flatnonzero(counts)
    return asked, Ragged(np.append(0, np.cumsum(counts[asked])), targets.values[new])


def _seen(histories: Histories) -> tuple[Int64s, Int64s]:
    """(owner, title) of everything watched, rated, thumbed or dismissed."""
    spoken = np.isin(histories.kinds, SPEAKING)
    owners = np.repeat(np.arange(len(histories)), np.diff(histories.offsets))
    return owners[spoken], histories.items[spoken].astype(np.int64)


def _all_lists(
    trial: _Trial, scorers: Mapping[str, MakeScorer], n: int, rng: np.random.Generator, say: Say
) -> tuple[dict[str, tuple[Doubles, Int32s]], dict[str, tuple[float, float]]]:
    """Per model: (values (members, metrics), lists (members, n)), and the seconds of fitting and of ranking."""
    titles = Titles.of(trial.data)
    lists, seconds = {}, {}
    for name, make in scorers.items():
        say(f"fit {name}")
        start = time.perf_counter()
        scorer = make().fit(trial.data, rng.spawn(1)[0])
        fitted = time.perf_counter()
        say(f"rank {name}")
        blocks = list(_ranked_blocks(trial, titles, scorer, n))
        lists[name] = (np.concatenate([b[0] for b in blocks]), np.concatenate([b[1] for b in blocks]))
        seconds[name] = (fitted - start, time.perf_counter() - fitted)
    return lists, seconds


def _ranked_blocks(trial: _Trial, titles: Titles, scorer: Scorer, n: int) -> Iterator[tuple[Doubles, Int32s]]:
    """Rank and measure so many members at a time that their scores stay within `SCORES_BYTES`."""
    at_once = max(1, SCORES_BYTES // (BYTES_PER_SCORE * max(1, len(trial.data.catalog))))
    for rows in _blocks(len(trial.requests), at_once):
        requests = trial.requests.take(rows)
        ranked = rank(trial.data.catalog, scorer, requests, n, trial.priority)
        targets = Ragged.of([trial.targets[b] for b in rows])
        yield measure_lists(ranked, Audience(titles, requests.histories, targets)), ranked


def rank(catalog: Catalog, scorer: Scorer, requests: Requests, n: int, priority: Int64s) -> Int32s:
    """Each request's `n` best eligible titles that its member has not seen, best first, -1 = none left: (batch, n)."""
    scores = scorer.score(requests)
    if not np.isfinite(scores).all():
        raise BadRequest(f"{type(scorer).__name__} scored with numbers that are not finite; a scorer must not")
    allowed = eligible(catalog, requests)
    allowed[_seen(requests.histories)] = False
    return top_n(np.where(allowed, scores, np.float32(-np.inf)), n, priority)


def _all_pages(
    trial: _Trial,
    policies: Mapping[str, MakePolicy],
    layout: Layout,
    rng: np.random.Generator,
    say: Say,
) -> dict[str, Doubles]:
    """Per policy: page metrics (members, metrics) of the pages it decides for the same requests."""
    requests = replace(trial.requests, layout=layout)
    pages = {}
    for name, make in policies.items():
        say(f"fit {name}")
        policy = make(trial.data, rng.spawn(1)[0])
        say(f"pages of {name}")
        blocks = []
        for rows in _blocks(len(requests), PAGES_AT_ONCE):
            items = policy.decide(requests.take(rows), rng).items
            blocks.append(measure_pages(items, layout, Ragged.of([trial.targets[b] for b in rows])))
        pages[name] = np.concatenate(blocks)
    return pages


def _blocks(members: int, at_once: int) -> Iterator[Int64s]:
    for start in range(0, members, at_once):
        yield np.arange(start, min(start + at_once, members))


def _groups(
    trial: _Trial,
    lists: dict[str, tuple[Doubles, Int32s]],
    pages: dict[str, Doubles],
    layout: Layout,
    baselines: Sequence[str],
    rng: np.random.Generator,
) -> Iterator[Group]:
    """All members, then, where there are both, the warm and the cold."""
    masks = {"all": np.ones(len(trial.warm), np.bool_)}
    if trial.warm.any() and not trial.warm.all():
        masks |= {"warm": trial.warm, "cold": ~trial.warm}
    for name, members in masks.items():
        values = {model: one[members] for model, (one, _) in lists.items()}
        exposure = {model: shown(ranked[members], len(trial.data.catalog)) for model, (_, ranked) in lists.items()}
        table = summarise(LIST_METRICS, values, baselines, TESTED, rng, exposure)
        targets = int(np.diff(trial.targets.offsets)[members].sum())
        yield Group(name, int(members.sum()), targets, table, _page_table(pages, members, layout, rng))


def _page_table(
    pages: dict[str, Doubles], members: NDArray[np.bool_], layout: Layout, rng: np.random.Generator
) -> Table | None:
    if not pages:
        return None
    values = {policy: one[members] for policy, one in pages.items()}
    first = [next(iter(pages))] if len(pages) > 1 else []
    return summarise(page_metrics(layout), values, first, [NDCG_2D.key], rng)


def _protocol_report(
    protocol: Protocol, trial: _Trial, groups: tuple[Group, ...], seconds: Mapping[str, tuple[float, float]]
) -> ProtocolReport:
    as_of = datetime.fromtimestamp(trial.data.as_of / 1e6, UTC)
    return ProtocolReport(
        name=protocol.name,
        about=protocol.about,
        as_of=f"{as_of:%Y-%m-%d %H:%M} UTC",
        train_events=trial.data.events.height,
        train_members=len(trial.data.user_ids),
        groups=groups,
        seconds=seconds,
    )
