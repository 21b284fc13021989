"""Watching together: who gains by taking turns and what it costs, several tastes in one history, and how fast.

    python benchmarks/bench_together.py

Evenings: a world after MovieLens 100K; pairs of its members watch 20 nights what the page puts first, as the rule says.
The worst-off of a pair is who enjoyed less over all nights. Intervals: 95 %, paired, bootstrap over pairs.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import thread_time
from typing import Any

import numpy as np
from bench_page import TITLES, make_policy, requests
from machine import machine

from matinee.data.dataset import Dataset
from matinee.data.histories import training_data
from matinee.data.sources import movielens
from matinee.decision import Company, Progress, Requests, no_progress
from matinee.events import END_OF_TIME
from matinee.history import Histories, TrainingData
from matinee.maths.arrays import Doubles, Floats, Int64s
from matinee.maths.mean_intervals import bootstrap
from matinee.models.factors import Factors
from matinee.models.interests import Interests
from matinee.models.neighbors import Neighbors
from matinee.models.user_neighbors import UserNeighbors
from matinee.page import WEB
from matinee.recipes.registry import MODELS
from matinee.simulate.evenings import evenings
from matinee.simulate.world import World
from matinee.surfaces.charts import charts
from matinee.surfaces.home import HomePolicy
from matinee.surfaces.together.policy import TogetherPolicy
from matinee.surfaces.together.wishes import Rule, TogetherConfig
from matinee.train import train

SEED, NIGHTS, PAIRS = 0, 20, 300
PAGES, WARM = 400, 50
FOLDS = 5
BASES = {"neighbors": Neighbors, "user-neighbors": UserNeighbors, "factors": Factors}
RULES = {
    "average": TogetherConfig(Rule.AVERAGE, fairness=0.0),
    "average, taking turns": TogetherConfig(Rule.AVERAGE),
    "least misery": TogetherConfig(Rule.LEAST_MISERY, fairness=0.0),
    "approval": TogetherConfig(Rule.APPROVAL, fairness=0.0),
    "approval, taking turns": TogetherConfig(Rule.APPROVAL),
}


def run(progress: Progress = no_progress, pairs: int = PAIRS) -> dict[str, Any]:
    """The enjoyment of the worst-off and of both, by rule, and the differences to the average."""
    data = movielens.read(movielens.fetch_100k(Path("var/data"), print))
    learned = training_data(data.events, data.catalog, END_OF_TIME)
    fitted = train(learned, MODELS["ease"].make(), np.random.default_rng(SEED))
    drawn = charts(learned.events, learned.catalog, learned.as_of)
    home = HomePolicy("home", "unsaved", data.catalog, fitted.scorer, fitted.calibration, drawn)
    results: dict[str, Any] = {"machine": machine(), "seed": SEED}
    results |= nights(World.from_data(data, seed=SEED), home, pairs, progress)
    return results | shared(data, progress=progress) | times(progress)


def times(progress: Progress = no_progress) -> dict[str, str]:
    """Milliseconds of one core at 10,000 titles: a page for two, one person's home page, and both of theirs."""
    progress("a service of 10,000 titles", 0.8)
    rng = np.random.default_rng(SEED)
    home, now = make_policy(rng, TITLES, "ease")
    known = np.arange(TITLES, dtype=np.int32)
    home.warm(known)
    both = TogetherPolicy("together", home)
    asked = [requests(rng, 2, now, WEB, known) for _ in range(PAGES + WARM)]
    alone = [[one.take(np.array([b])) for b in range(2)] for one in asked]
    together = [replace(a, together=Company.of([[0]], b.histories)) for a, b in alone]
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    spent = {
        "for two": [_milliseconds(lambda one=one: both.decide(one, rng)) for one in together],
        "home, for one": [_milliseconds(lambda one=one: home.decide(one[0], rng)) for one in alone],
        "home, for each": [_milliseconds(lambda one=one: [home.decide(a, rng) for a in one]) for one in alone],
    }
    os.sched_setaffinity(0, cores)
    return {
        f"10,000 titles, a page {name}": "p50 {:.1f} ms, p95 {:.1f} ms".format(*np.percentile(values[WARM:], (50, 95)))
        for name, values in spent.items()
    }


def _milliseconds(page: Callable[[], object]) -> float:
    start = thread_time()
    page()
    return 1e3 * (thread_time() - start)


def shared(data: Dataset, folds: Sequence[int] = range(FOLDS), progress: Progress = no_progress) -> dict[str, str]:
    """Recall@20 and NDCG@20 of both people's held-out titles on merged histories: with interests over without.

    Members in `FOLDS` parts; those of one are paired at random and keep 80 % of their likes, models know the others.
    """
    learned, rng = training_data(data.events, data.catalog, END_OF_TIME), np.random.default_rng(SEED)
    parts, gains = np.array_split(rng.permutation(len(learned.user_ids)), FOLDS), defaultdict(list)
    for fold in folds:
        known = learned.of_members(np.sort(np.concatenate([one for k, one in enumerate(parts) if k != fold])))
        asked, wanted = _merged(learned, parts[fold], rng)
        for name, base in BASES.items():
            progress(f"{name} on shared profiles", (fold + 1) / (FOLDS + 1))
            scorer = Interests(base=base()).fit(known, np.random.default_rng(SEED))
            both = [_found(one.score(asked), asked, wanted) for one in (scorer, scorer.base)]
            gains[name].append(np.concatenate(both))
    said = {}
    for name, found in gains.items():
        of_pair = np.concatenate(found, axis=1)
        for at, measure in enumerate(("recall@20", "NDCG@20")):
            told = f"{of_pair[2 + at].mean():.4f}, {_over(of_pair[at], of_pair[2 + at])}"
            said[f"shared profiles, {name}, {measure}"] = told
    return said


def _merged(learned: TrainingData, members: Int64s, rng: np.random.Generator) -> tuple[Requests, list[set[int]]]:
    """Histories of two members as one, and the titles that both keep back."""
    tastes, histories, wanted = learned.histories.tastes, [], []
    for pair in members[: len(members) // 2 * 2].reshape(-1, 2):
        likes = [rng.permutation(tastes.items[tastes.offsets[u] : tastes.offsets[u + 1]]).tolist() for u in pair]
        kept = [one[: max(1, int(0.8 * len(one)))] for one in likes]
        history = sorted({*kept[0], *kept[1]})
        back = {item for one in likes for item in one} - set(history)
        if back:
            histories.append(history)
            wanted.append(back)
    return Requests.of_histories(Histories.of_items(histories)), wanted


def _found(scores: Floats, asked: Requests, wanted: Sequence[set[int]]) -> Doubles:
    """(2, pairs) recall and NDCG of the first 20 titles that are not in the history."""
    discounts, found = 1.0 / np.log2(np.arange(20) + 2.0), np.empty((2, len(wanted)))
    for b, back in enumerate(wanted):
        ranked = scores[b].copy()
        ranked[asked.histories.take(np.array([b])).items] = -np.inf
        hits = np.isin(np.argsort(-ranked, kind="stable")[:20], list(back))
        most = min(20, len(back))
        found[:, b] = hits.sum() / most, hits @ discounts / discounts[:most].sum()
    return found


def nights(world: World, home: HomePolicy, pairs: int, progress: Progress = no_progress) -> dict[str, Any]:
    """What each rule gives over `NIGHTS` nights."""
    groups = np.random.default_rng(SEED).permutation(len(world.members))[: 2 * pairs].reshape(pairs, 2).astype(np.int32)
    enjoyed = {}
    for at, (name, config) in enumerate(RULES.items()):
        progress(name, at / len(RULES))
        policy = TogetherPolicy(name, home, config)
        enjoyed[name] = evenings(world, policy, groups, NIGHTS, np.random.default_rng(SEED)).mean(axis=0)
    said: dict[str, Any] = {}
    for name, of_pair in enjoyed.items():
        said[f"{name}: worst-off"] = float(of_pair.min(axis=1).mean())
        said[f"{name}: both"] = float(of_pair.mean())
        if name != "average":
            said[f"{name}: worst-off over average"] = _over(of_pair.min(axis=1), enjoyed["average"].min(axis=1))
            said[f"{name}: both over average"] = _over(of_pair.mean(axis=1), enjoyed["average"].mean(axis=1))
    return said


def _over(one: np.ndarray, other: np.ndarray) -> str:
    difference = bootstrap(one - other, np.random.default_rng(SEED))
    share = difference.value / other.mean()
    return f"{difference.value:+.4f} ({difference.low:+.4f}..{difference.high:+.4f}), {share:+.1%}"


if __name__ == "__main__":
    for key, value in run().items():
        print(f"{key:45} {value}", file=sys.stdout)
