"""What a single-title decision costs from request to record: batches of 100,000 over 10,000 eligible titles, one core.

    python benchmarks/bench_record.py

The policy costs nothing (uniform). Five rounds after one to warm up, the least and the median of microseconds a
decision; beside them the same batch as JSON lines and as one Parquet file, in the same run. Then `LOGGED` decisions go
into a log (`log_append_us` each), are read back with a tenth answered and outcomes joined (`log_read_us` each), and
are sealed (`log_sealed_bytes` each).
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
from machine import machine

from matinee.catalog import Catalog
from matinee.data.log import EventLog
from matinee.data.outcomes import with_outcomes
from matinee.data.shown_choices import shown_choices
from matinee.decision import Decisions, People, Requests, Situations
from matinee.events import clean
from matinee.history import Histories
from matinee.policies.uniform import Uniform
from matinee.profile import Profile

BATCH, TITLES, ROUNDS, LINES = 100_000, 10_000, 5, 10_000
LOGGED = 1_000_000
START = 1_700_000_000_000_000


def run(say: Callable[[str], None] = print) -> dict[str, Any]:
    """Microseconds a decision for each part."""
    titles = pl.DataFrame({"item_id": [f"t{k}" for k in range(TITLES)], "maturity": [0] * TITLES})
    catalog = Catalog.from_frame(titles)
    policy = Uniform(catalog)
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
    logged = _logged(policy, catalog, people, rng)
    for name, value in logged.items():
        say(f"{name:24} {value:8.2f}")
    return {**parts, **logged, "machine": machine()}


def _logged(policy: Uniform, catalog: Catalog, people: People, rng: np.random.Generator) -> dict[str, float]:
    """What a decision costs in the log, in batches: to append, to read back with outcomes, and sealed."""
    with TemporaryDirectory() as folder, EventLog(Path(folder) / "log.sqlite3") as log:
        append, events = 0.0, []
        for _ in range(LOGGED // BATCH):
            decisions = policy.decide(_requests(people, rng), rng)
            started = time.perf_counter()
            log.decisions.append(decisions)
            append += time.perf_counter() - started
            events.append(_answers(decisions))
        answers = pl.concat(events)
        started = time.perf_counter()
        shown = shown_choices(log.decisions.read(2**62))
        joined = with_outcomes(shown, answers, catalog, 86_400.0)
        read = time.perf_counter() - started
        assert joined.height == LOGGED
        assert joined["examined"].sum() == answers.height
        log.seal(date(2023, 11, 16))
        sealed = sum(path.stat().st_size for path in Path(folder).rglob("decisions-*.parquet"))
    each = 1e6 / LOGGED
    return {"log_append_us": append * each, "log_read_us": read * each, "log_sealed_bytes": sealed / LOGGED}


def _answers(decisions: Decisions) -> pl.DataFrame:
    """A play of every tenth title, a second later."""
    requests, titles = decisions.requests, decisions.titles
    frame = pl.DataFrame(
        {
            "event_id": [f"e-{one}" for one in decisions.ids],
            "user_id": requests.user_ids,
            "item_id": [f"t{title}" for title in titles],
            "kind": "play",
            "value": 1.0,
            "timestamp": requests.times / 1e6 + 1,
            "decision_id": pl.Series(decisions.ids),
        }
    )
    return clean(frame[::10])[0]


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
        START + np.sort(rng.integers(3_600_000_000, size=BATCH)),
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
