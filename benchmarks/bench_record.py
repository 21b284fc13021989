"""What a single-title decision costs from request to record: batches of 100,000 over 10,000 eligible titles, one core.

    python benchmarks/bench_record.py

The policy costs nothing (uniform). Five rounds after one to warm up, the least and the median of microseconds a
decision; beside them the same batch as JSON lines and as one Parquet file, in the same run.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from machine import machine

from matinee.catalog import Catalog
from matinee.decision import Decisions, People, Requests, Situations
from matinee.history import Histories
from matinee.policies.uniform import Uniform
from matinee.profile import Profile

BATCH, TITLES, ROUNDS, LINES = 100_000, 10_000, 5, 10_000


def run(say: Callable[[str], None] = print) -> dict[str, Any]:
    """Microseconds a decision for each part."""
    titles = pl.DataFrame({"item_id": [f"t{k}" for k in range(TITLES)], "maturity": [0] * TITLES})
    policy = Uniform(Catalog.from_frame(titles))
    people = People.of([Profile(f"m{k}", maturity_limit=(None, 12)[k % 2]) for k in range(10_000)])
    rng = np.random.default_rng(0)
    found = [_round(policy, people, rng) for _ in range(ROUNDS + 1)][1:]
    parts = {
        name: {"least": min(times), "median": float(np.median(times))}
        for name in found[0]
        if (times := [one[name] for one in found])
    }
    say(f"{BATCH:,} decisions, {TITLES:,} titles, {machine()}")
    for name, one in parts.items():
        say(f"{name:24} least {one['least']:8.2f}   median {one['median']:8.2f}")
    return {**parts, "machine": machine()}


def _round(policy: Uniform, people: People, rng: np.random.Generator) -> dict[str, float]:
    marks = [time.perf_counter()]

    def lap(decisions: int = BATCH) -> float:
        marks.append(time.perf_counter())
        return 1e6 * (marks[-1] - marks[-2]) / decisions

    requests = _requests(people, rng)
    told = {"request_us": lap()}
    decisions = policy.decide(requests, rng)
    told["decide_us"] = lap()
    told["request_to_decision_us"] = told["request_us"] + told["decide_us"]
    frame = _frame(decisions)
    told["frame_us"] = lap()
    lines = "\n".join(map(json.dumps, frame.head(LINES).iter_rows(named=True)))
    told["json_lines_us"] = lap(LINES)
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    told["parquet_us"] = lap()
    return {**told, "json_lines_bytes": len(lines) / LINES, "parquet_bytes": len(buffer.getvalue()) / BATCH}


def _requests(people: People, rng: np.random.Generator) -> Requests:
    return Requests(
        np.full(BATCH, 1_700_000_000_000_000),
        rng.integers(len(people), size=BATCH, dtype=np.int32),
        people,
        Histories.empty(BATCH),
        Situations.unknown(BATCH),
        surface="billboard",
    )


def _frame(decisions: Decisions) -> pl.DataFrame:
    choices = decisions.choices
    return pl.DataFrame(
        {
            "decision_id": pl.Series(decisions.ids),
            "user_id": decisions.requests.user_ids,
            "time": decisions.requests.times,
            "action": choices.actions,
            "log_prob": choices.log_probs,
            "among": choices.among,
        }
    )


if __name__ == "__main__":
    run()
