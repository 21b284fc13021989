"""Offline evaluation: the flow from a data set and some models to a report. Read `evaluate` first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from matinee.data.dataset import Dataset
from matinee.decision import Policy, Progress, Scorer, no_progress, part_of
from matinee.errors import BadData, BadRequest, MatineeError
from matinee.evaluate.fairness import fairness
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
from matinee.evaluate.results import Group, ProtocolReport, Results, Table
from matinee.evaluate.summarise import DRAWS, summarise
from matinee.evaluate.trial import Trial, prepare
from matinee.history import TrainingData
from matinee.maths.arrays import Doubles, Int32s
from matinee.maths.beyond_accuracy import shown
from matinee.page import Layout

BASELINES = ("popularity", "popularity-7d")
TESTED = (RECALL.key, NDCG.key)
PAGES_AT_ONCE = 500

MakeScorer = Callable[[], Scorer]
MakePolicy = Callable[[TrainingData, np.random.Generator], Policy]

METHOD = (
    "Every title of the catalogue is a candidate: no sampled negatives. Titles that the guarantees forbid (closed, "
    "outside their window, blocked, above a profile's limit) and titles the member had already watched or rated at "
    "the time of asking are left out of the lists; titles merely shown or opened are not.",
    "A hit is a title that the member went on to like and had not watched or rated before. Members without such a "
    "title are not asked.",
    "Equal scores stand in one random order of the catalogue, the same for all models.",
    "Searching members: on plays that nobody recommended, found by search or a link. There no system chose what could "
    "be liked, but members seek what they know: read both.",
    "Intervals: 95 % bootstrap over members, 1,000 resamples shared by all models (percentiles; coverage and Gini: "
    "± 1.96 standard deviations of 200 resamples, cut to 0..1, because resampling itself lowers coverage).",
    "p: two-sided paired sign-flip test over members with 10,000 patterns, corrected by Holm over the models compared "
    "with one baseline. A model beats a baseline when its difference is above 0 and the corrected p below 0.05.",
)


def evaluate(
    dataset: Dataset,
    scorers: Mapping[str, MakeScorer],
    rng: np.random.Generator,
    *,
    protocols: Sequence[Protocol] | None = None,
    policies: Mapping[str, MakePolicy] | None = None,
    layout: Layout = Layout(),
    n: int = 20,
    baselines: Sequence[str] = BASELINES,
    progress: Progress = no_progress,
) -> Results:
    """Measure every scorer (and every policy's pages) under every protocol, with intervals and paired tests.

    `protocols` are by default both of `protocols.PROTOCOLS`, of data without times only the first.
    `scorers` name -> maker of an unfitted scorer; the `baselines` must be among them. `policies` name -> maker of a
    policy from the training data (pages should be decided at temperature 0); each is compared with the first.
    A scorer or policy that ends in an error of ours is refused: the others go on, and the report gives the reason.
    `progress` is told what is being done and the share of the protocols done. Raises `BadRequest` when a
    baseline is missing, `n` is not positive or a protocol leaves nobody to ask; `BadData` when every scorer was
    refused.
    """
    missing = [name for name in baselines if name not in scorers]
    if missing or not scorers or n < 1:
        raise BadRequest(
            f"evaluation got the scorers {list(scorers)}, the baselines {list(baselines)} and n = {n}; "
            f"give at least one scorer, every baseline among the scorers (missing: {missing}) and n of at least 1"
        )
    protocols = protocols or (PROTOCOLS if dataset.timed else PROTOCOLS[:1])
    reports = []
    for at, (protocol, own) in enumerate(zip(protocols, rng.spawn(len(protocols)), strict=True)):
        done = part_of(progress, protocol.name, at / len(protocols), (at + 1) / len(protocols))
        done("cut", 0.0)
        trial = prepare(dataset, protocol, own)
        refused: dict[str, str] = {}
        lists, seconds = _all_lists(trial, scorers, n, own, part_of(done, "models", 0.0, 0.8), refused)
        pages = _all_pages(trial, policies or {}, layout, own, part_of(done, "pages", 0.8, 0.95), refused)
        done("intervals and tests", 0.95)
        groups = tuple(_groups(trial, lists, pages, layout, [name for name in baselines if name in lists], own))
        reports.append(_protocol_report(protocol, trial, groups, seconds, refused))
    return Results(dataset.name, dataset.licence, len(dataset.catalog), n, DRAWS, tuple(reports), METHOD)


def _all_lists(
    trial: Trial,
    scorers: Mapping[str, MakeScorer],
    n: int,
    rng: np.random.Generator,
    progress: Progress,
    refused: dict[str, str],
) -> tuple[dict[str, tuple[Doubles, Int32s]], dict[str, tuple[float, float]]]:
    """Per model: (values (members, metrics), lists (members, n)), and the seconds of fitting and of ranking."""
    titles = Titles.of(trial.data)
    lists, seconds = {}, {}
    for at, (name, make) in enumerate(scorers.items()):
        with _noting(refused, name):
            progress(f"fit {name}", at / len(scorers))
            start = time.perf_counter()
            scorer = make().fit(trial.data, rng.spawn(1)[0])
            fitted = time.perf_counter()
            progress(f"rank {name}", (at + 0.8) / len(scorers))
            blocks = list(_ranked_blocks(trial, titles, scorer, n))
            lists[name] = (np.concatenate([b[0] for b in blocks]), np.concatenate([b[1] for b in blocks]))
            seconds[name] = (fitted - start, time.perf_counter() - fitted)
    if not lists:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in refused.items())
        raise BadData(f"every model was refused, so there is nothing to compare: {reasons}")
    return lists, seconds


@contextmanager
def _noting(refused: dict[str, str], name: str) -> Iterator[None]:
    """An error of ours inside is the reason why `name` is refused."""
    try:
        yield
    except MatineeError as error:
        refused[name] = str(error)


def _ranked_blocks(trial: Trial, titles: Titles, scorer: Scorer, n: int) -> Iterator[tuple[Doubles, Int32s]]:
    """Rank and measure block by block."""
    for rows in trial.blocks():
        ranked = trial.rank(scorer, rows, n)
        histories = trial.requests.histories.take(rows)
        yield measure_lists(ranked, Audience(titles, histories, trial.targets.take(rows))), ranked


def _all_pages(
    trial: Trial,
    policies: Mapping[str, MakePolicy],
    layout: Layout,
    rng: np.random.Generator,
    progress: Progress,
    refused: dict[str, str],
) -> dict[str, Doubles]:
    """Per policy: page metrics (members, metrics) of the pages it decides for the same requests."""
    requests = replace(trial.requests, layout=layout)
    pages = {}
    for at, (name, make) in enumerate(policies.items()):
        with _noting(refused, name):
            progress(f"fit {name}", at / len(policies))
            policy = make(trial.data, rng.spawn(1)[0])
            progress(f"pages of {name}", (at + 0.5) / len(policies))
            blocks = []
            for rows in np.array_split(np.arange(len(requests)), len(requests) // PAGES_AT_ONCE + 1):
                items = policy.decide(requests.take(rows), rng).page().items
                blocks.append(measure_pages(items, layout, trial.targets.take(rows)))
            pages[name] = np.concatenate(blocks)
    return pages


def _groups(
    trial: Trial,
    lists: dict[str, tuple[Doubles, Int32s]],
    pages: dict[str, Doubles],
    layout: Layout,
    baselines: Sequence[str],
    rng: np.random.Generator,
) -> Iterator[Group]:
    """All members, then, where there are both, the warm and the cold, and those who sought what they liked."""
    masks = {"all": np.ones(len(trial.warm), np.bool_)}
    if trial.warm.any() and not trial.warm.all():
        masks |= {"warm": trial.warm, "cold": ~trial.warm}
    if trial.sought.any() and not trial.sought.all():
        masks["searching"] = trial.sought
    for name, members in masks.items():
        values = {model: one[members] for model, (one, _) in lists.items()}
        exposure = {model: shown(ranked[members], len(trial.data.catalog)) for model, (_, ranked) in lists.items()}
        table = summarise(LIST_METRICS, values, baselines, TESTED, rng, exposure)
        targets = int(np.diff(trial.targets.offsets)[members].sum())
        fair = _fairness(trial, lists, rng) if members.all() else None
        yield Group(name, int(members.sum()), targets, table, _page_table(pages, members, layout, rng), fairness=fair)


def _fairness(trial: Trial, lists: dict[str, tuple[Doubles, Int32s]], rng: np.random.Generator) -> Table:
    ndcg = {name: values[:, LIST_METRICS.index(NDCG)] for name, (values, _) in lists.items()}
    ranked = {name: one for name, (_, one) in lists.items()}
    return fairness(ndcg, ranked, trial.requests.histories, trial.targets, len(trial.data.catalog), rng.spawn(1)[0])


def _page_table(
    pages: dict[str, Doubles], members: NDArray[np.bool_], layout: Layout, rng: np.random.Generator
) -> Table | None:
    if not pages:
        return None
    values = {policy: one[members] for policy, one in pages.items()}
    first = [next(iter(pages))] if len(pages) > 1 else []
    return summarise(page_metrics(layout), values, first, [NDCG_2D.key], rng)


def _protocol_report(
    protocol: Protocol,
    trial: Trial,
    groups: tuple[Group, ...],
    seconds: Mapping[str, tuple[float, float]],
    refused: Mapping[str, str],
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
        refused=refused,
    )
