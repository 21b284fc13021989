"""Outreach: what choosing by effect adds in a world, what its log tells, and how long decisions take.

`matinee bench outreach`, or `python benchmarks/bench_outreach.py quality` or `speed` for a part.

Quality: worlds of `MEMBERS` members, one a seed. Ten days of random messages to a tenth of the members; then each way
to choose plays fourteen days under the same luck. `..._gain`: days with a play that it added for each 1,000 members,
against no message; `uplift_ahead` and `half_ahead`: how far choosing by effect, with the same budget and with half of
it, is ahead of choosing by open rate; each with a 95 % interval over worlds. `told_right`: in how many of the estimates
from the random log, made before an arm is played, the 95 % interval holds the truth, the mean over `LUCKS` futures.

Speed: EASE over 10,000 titles; `one_p95_ms` one member in process on one core, with a history of 100, by the clock and,
for a machine that others use too, by the processor's time; `batch_seconds` 100,000 members with histories of 20 in one
call; `scorer_...` is the alternative that does less: the scorer alone, for the same requests.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from bench_page import make_policy
from machine import machine

from matinee.decision import Requests
from matinee.events import DAY
from matinee.history import Histories
from matinee.maths.mean_intervals import student
from matinee.models.effects import Effects
from matinee.page import ONE_TITLE
from matinee.profile import Profile
from matinee.recipes.outreach.trial import Arm, trial
from matinee.simulate.world import World
from matinee.situation import Context
from matinee.surfaces.outreach.config import By
from matinee.surfaces.outreach.features import FEATURES
from matinee.surfaces.outreach.policy import OutreachPolicy
from matinee.testing import make_catalog

SEEDS, MEMBERS, TITLES, LUCKS = 5, 20_000, 300, 5
ARMS = {
    "uplift": Arm(By.UPLIFT, 0.1),
    "half": Arm(By.UPLIFT, 0.05),
    "open_rate": Arm(By.OPEN_RATE, 0.1),
    "random": Arm(By.RANDOM, 0.1),
}
SINGLES, BATCH, CHUNK = 500, 100_000, 2_000


@dataclass(frozen=True)
class Near:
    """Titles near to those liked, by the world's vectors, and its appeal: what a good model would say."""

    near: np.ndarray
    appeal: np.ndarray

    def score(self, requests: Requests) -> np.ndarray:
        """(batch, titles)."""
        return np.asarray(requests.histories.tastes.matrix(len(self.appeal)) @ self.near + self.appeal, np.float32)


def run(progress: Callable[[str, float], None] = lambda what, done: None) -> dict[str, Any]:
    """Both parts."""
    return {**quality(progress), **speed(progress), "machine": machine()}


def quality(progress: Callable[[str, float], None] = lambda what, done: None) -> dict[str, Any]:
    """Ways to choose against each other in `SEEDS` worlds."""
    results = []
    for seed in range(SEEDS):
        progress(f"world {seed + 1} of {SEEDS}", seed / (SEEDS + 1))
        world = World.drawn(MEMBERS, make_catalog(TITLES), seed=seed)
        vectors = world.titles.vectors
        scorer = Near(vectors @ vectors.T, world.titles.appeal_on(0, world.config))
        results.append(trial(world, scorer, ARMS, lucks=LUCKS))
    told: dict[str, Any] = {}
    for name in ARMS:
        told[f"{name}_gain"] = _words([1_000 * one.gained(name) for one in results])
        told[f"{name}_left_more"] = float(np.mean([one.arms[name].left - one.silent.left for one in results]))
        told[f"{name}_sends"] = float(np.mean([one.arms[name].sends.sum() for one in results]))
    for name in ("uplift", "half"):
        told[f"{name}_ahead"] = _words([1_000 * one.ahead(name, "open_rate").value for one in results])
    judged = [each for one in results for each in one.judged.values()]
    right = sum(each.told.low <= each.truth <= each.told.high for each in judged)
    return {**told, "told_right": f"{right} of {len(judged)}", "worlds": SEEDS, "members": MEMBERS}


def speed(progress: Callable[[str, float], None] = lambda what, done: None) -> dict[str, Any]:
    """One member, and 100,000 in one call, beside the scorer alone."""
    progress("fitting EASE over 10,000 titles", 0.8)
    rng = np.random.default_rng(0)
    page, now = make_policy(rng, 10_000, "ease")
    knots = tuple((0.0, 1.0, 2.0, 3.0, 4.0) for _ in FEATURES)
    effects = Effects(knots, tuple(rng.normal(0.0, 0.02, 5 * len(FEATURES) + 1).tolist()))
    plain = OutreachPolicy("outreach", "bench", page.catalog, page.scorer, page.calibration, effects=effects)
    policy = plain.priced(plain.weighed(asking(rng, CHUNK, now, 20)), CHUNK / 10)
    progress("one member at a time", 0.9)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    singles = [asking(rng, 1, now, 100) for _ in range(SINGLES + 20)]
    alone = _milliseconds(lambda one: policy.decide(one, rng), singles)
    scorer = _milliseconds(page.scorer.score, singles)
    os.sched_setaffinity(0, cores)
    progress("100,000 members in one call", 0.95)
    everybody = asking(rng, BATCH, now, 20)
    seconds = _seconds(lambda: policy.decide(everybody, rng))
    parts = [everybody.take(np.arange(at, at + CHUNK)) for at in range(0, BATCH, CHUNK)]
    return {
        "one_p50_ms": float(np.percentile(alone[0], 50)),
        "one_p95_ms": float(np.percentile(alone[0], 95)),
        "one_p95_processor_ms": float(np.percentile(alone[1], 95)),
        "scorer_one_p95_ms": float(np.percentile(scorer[0], 95)),
        "scorer_one_p95_processor_ms": float(np.percentile(scorer[1], 95)),
        "batch_seconds": seconds,
        "scorer_batch_seconds": _seconds(lambda: [page.scorer.score(part) for part in parts]),
    }


def asking(rng: np.random.Generator, batch: int, now: int, liked: int) -> Requests:
    """Members who want messages, each with so many titles watched over the last months."""
    histories = Histories.of_items(list(rng.integers(0, 10_000, (batch, liked))))
    times = now - np.sort(rng.integers(DAY, 90 * DAY, (batch, liked)), axis=1)[:, ::-1]
    people = [Profile(f"m{k}", messages=True) for k in range(batch)]
    past = replace(histories, times=times.ravel())
    return Requests.of_histories(past, now, people, [Context(hour=18)] * batch, surface="outreach", layout=ONE_TITLE)


def _milliseconds(work: Callable[[Requests], object], singles: list[Requests]) -> np.ndarray:
    """(2, singles) milliseconds of each, by the clock on the wall and by the processor."""
    times = []
    for one in singles:
        wall, spent = time.perf_counter(), time.thread_time()
        work(one)
        times.append((time.perf_counter() - wall, time.thread_time() - spent))
    return 1e3 * np.array(times[20:]).T


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _words(values: list[float]) -> str:
    """The mean and its 95 % interval over worlds."""
    mean, low, high = student(np.array(values))
    return f"{mean:.1f} ({low:.1f} to {high:.1f})"


if __name__ == "__main__":
    part = {"quality": quality, "speed": speed}.get(sys.argv[-1], run)
    for key, value in part(lambda what, done: print(what, flush=True)).items():
        print(f"{key:24} {value}")
