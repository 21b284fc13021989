"""Request-level control: what a filter, boosts and promotions cost a home page, against the plain page in one run.

Synthetic catalogues of 10,000 and 100,000 titles, popularity as the scorer, the web layout, histories of 100; each
request is asked plainly and with every control, by turns, one after the other. Times are those that the thread works,
so that a busy machine says the same.

Keys: `KIND_N_p50_ms` and `_p95_ms` of single decisions; `fresh_filter_N_ms` the first page under an expression that was
never asked before; `pass_N_ms` such an expression's mask alone, `machine`, `seed`, `decisions`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from bench_page import make_policy, requests
from machine import machine

from matinee.decision import Boost, Control, Promotion
from matinee.decision.filters import passing
from matinee.page import WEB

SIZES, DECISIONS, WARM, FRESH, SEED = (10_000, 100_000), 100, 10, 20, 0
KNOWN = 1_000
FILTER = 'genre in ("genre 1", "genre 2", "genre 3", "genre 4") and not id = "t7"'
BOOSTS = (Boost('genre = "genre 1"', 3.0), Boost('genre = "genre 9"', 0.5))
PROMOTIONS = (Promotion('genre = "genre 2"', 0.2),)
CONTROLS = {
    "plain": Control(),
    "filter": Control(FILTER),
    "boosts": Control(boosts=BOOSTS),
    "promotion": Control(promotions=PROMOTIONS),
    "all": Control(FILTER, BOOSTS, PROMOTIONS),
}


def run(progress: Callable[[str, float], None] = lambda what, done: None) -> dict[str, Any]:
    """Milliseconds by control and size."""
    result: dict[str, Any] = {}
    for k, titles in enumerate(SIZES):
        progress(f"{titles:,} titles", k / len(SIZES))
        result |= of_size(titles)
    return {**result, "decisions": DECISIONS, "seed": SEED, "machine": machine()}


def of_size(titles: int) -> dict[str, float]:
    """The figures of one catalogue."""
    rng = np.random.default_rng(SEED)
    policy, now = make_policy(rng, titles, "popularity")
    known = np.arange(0, titles, titles // KNOWN, dtype=np.int32)
    asked = [requests(rng, 1, now, WEB, known) for _ in range(DECISIONS + WARM)]
    spent: dict[str, list[float]] = {name: [] for name in CONTROLS}
    for turn, request in enumerate(asked):
        for name, control in np.roll(np.array([*CONTROLS.items()], object), turn, axis=0):
            spent[name].append(milliseconds(lambda at=replace(request, control=control): policy.decide(at, rng)))
    fresh = [Control(f"{FILTER} and not id = {k!r}") for k in map(str, range(FRESH))]
    first = [milliseconds(lambda at=replace(asked[0], control=one): policy.decide(at, rng)) for one in fresh]
    alone = [f"{FILTER} or id = {k!r}" for k in map(str, range(FRESH))]
    masks = [milliseconds(lambda at=text: passing(policy.catalog, at, now)) for text in alone]
    found = {f"{name}_{titles}": times[WARM:] for name, times in spent.items()}
    return {
        **{f"{name}_p{share}_ms": float(np.percentile(of, share)) for name, of in found.items() for share in (50, 95)},
        f"fresh_filter_{titles}_ms": float(np.median(first)),
        f"pass_{titles}_ms": float(np.median(masks)),
    }


def milliseconds(call: Callable[[], object]) -> float:
    """How long the calling thread works on a call, whatever else the machine does meanwhile."""
    start = time.thread_time()
    call()
    return 1e3 * (time.thread_time() - start)


if __name__ == "__main__":
    for key, value in run(print).items():
        print(f"{key}: {value}")
