"""How often 95 % intervals hold the truth, and how wide they are, over 2,000 logs of light and of heavy weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from off_policy_curves import World, estimates, log_of, world

from matinee.maths import off_policy
from matinee.maths.mean_intervals import Interval, betting, bootstrap, cressie_read, normal
from matinee.maths.off_policy_blend import no_narrower
from matinee.report.curves import Rows, Section

REPLICATIONS, DRAWS = 2_000, 200
WORLDS = {"light weights": (1.0, 1.0), "heavy weights": (2.5, 3.0)}  # how strongly each policy aims
SIZES = (300, 2_000)
ARMS = 20


def coverage(replications: int = REPLICATIONS) -> tuple[dict[str, Any], Section]:
    """The share of logs whose interval holds the truth, and mean widths."""
    numbers, rows = dict[str, float](), list[tuple[str, ...]]()
    for name, (logging, aim) in WORLDS.items():
        known = world(ARMS, 1, logging, aim)
        for rounds in SIZES:
            held, widths, effective = _over_logs(known, rounds, replications)
            for kind in held:
                numbers[f"{name}, {rounds:,} rounds, {kind}: held"] = held[kind]
                numbers[f"{name}, {rounds:,} rounds, {kind}: width"] = widths[kind]
                rows.append((kind, name, f"{rounds:,}", f"{effective:.0f}", f"{held[kind]:.3f}", f"{widths[kind]:.4f}"))
    heads = ("interval", "world", "rounds", "effective", "held", "mean width")
    about = f"{replications:,} logs each; the bootstrap takes {DRAWS} draws."
    section = Section("Intervals", about, tables=[Rows("95 % intervals of a value", heads, rows)])
    return {"numbers": numbers, "findings": [_finding(numbers)]}, section


def _over_logs(known: World, rounds: int, replications: int) -> tuple[dict[str, float], dict[str, float], float]:
    held, widths, effective = dict[str, list[bool]](), dict[str, list[float]](), []
    for seed in range(replications):
        rng = np.random.default_rng([6, rounds, seed])
        log = log_of(known, rounds, rng)
        weights = (known.target / known.logged)[log.contexts, log.arms]
        effective.append(off_policy.effective_size(weights))
        for kind, one in _intervals(known, log, weights, rng).items():
            held.setdefault(kind, []).append(one.low <= known.truth <= one.high)
            widths.setdefault(kind, []).append(min(one.high, 1.0) - max(one.low, 0.0))
    means = [{kind: float(np.mean(one)) for kind, one in every.items()} for every in (held, widths)]
    return means[0], means[1], float(np.mean(effective))


def _intervals(known: World, log: Any, weights: Any, rng: np.random.Generator) -> dict[str, Interval]:
    values, ceiling = off_policy.ips(weights, log.rewards), float((known.target / known.logged).max())
    meta = estimates(known, log)["Meta-OPE"]
    likely = cressie_read(weights, values, ceiling, (0.0, ceiling))
    return {
        "normal": normal(values),
        "bootstrap": bootstrap(values, rng, DRAWS),
        "Cressie-Read": likely,
        "betting": betting(weights, log.rewards),
        "Meta-OPE, normal": normal(meta),
        "Meta-OPE, no narrower than Cressie-Read": no_narrower(normal(meta), likely),
    }


def _finding(numbers: dict[str, float]) -> str:
    at = f"heavy weights, {SIZES[0]:,} rounds"
    told = {kind: numbers[f"{at}, {kind}: held"] for kind in ("normal", "bootstrap", "Cressie-Read", "betting")}
    return (
        f"Of 95 % intervals under {at}, these hold the truth: "
        + ", ".join(f"{k} {v:.3f}" for k, v in told.items())
        + "."
    )
