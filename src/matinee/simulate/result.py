"""What a simulation found: numbers by policy and day, and by policy over members, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from matinee.maths.arrays import Doubles
from matinee.maths.intervals import NORMAL_95
from matinee.simulate.tally import Tally

MEASURES = ("visits", "plays", "reward", "enjoyment", "satisfaction", "stayed", "lately")


@dataclass(frozen=True, repr=False)
class SimulationResult:
    """Columns from which tables and reports are drawn.

    days         a row a policy and day: policy, day, visits, decisions, plays (from what was shown), found (plays by
                 search and link), reward (a decision), enjoyment (a play), value, best and regret (expected reward of
                 sampled decisions, of the best instead, and the difference), satisfaction (mean of those who stay),
                 members (who stay), cancels, visitors, returned (share of the visitors who came again within 7 days),
                 new_shown and new_plays (share of titles shown and plays that launched in the last 28 days)
    members      a row a policy and measure: mean over all members and its 95 % interval (low, high). Measures: visits,
                 plays, reward and enjoyment (sums over all days), satisfaction at the end, stayed (0 or 1), lately (0
                 or 1: visited in the last 7 days)
    differences  a row a further policy and measure: its mean minus that of the first policy, member by member, with
                 the 95 % interval, and `variance_ratio`: how many times the variance is that of unpaired members
    """

    policies: tuple[str, ...]
    size: int
    titles: int
    seed: int
    start: int
    days: pl.DataFrame
    members: pl.DataFrame
    differences: pl.DataFrame

    def __repr__(self) -> str:
        days = self.days["day"].n_unique()
        return f"SimulationResult({', '.join(self.policies)}: {self.size:,} members, {days:,} days)"

    def json(self) -> dict[str, Any]:
        """All of it as plain values."""
        frames = {name: getattr(self, name).to_dicts() for name in ("days", "members", "differences")}
        plain = {name: getattr(self, name) for name in ("size", "titles", "seed", "start")}
        return {"policies": list(self.policies), **plain, **frames}


def result_of(tallies: Sequence[Tally]) -> SimulationResult:
    """The result of one tally a policy, all of worlds of one seed."""
    world = tallies[0].world
    measured = [_of_members(one) for one in tallies]
    return SimulationResult(
        policies=tuple(one.policy for one in tallies),
        size=len(world.members),
        titles=len(world.titles),
        seed=world.seed,
        start=world.config.start,
        days=pl.concat([one.days() for one in tallies], how="vertical_relaxed"),
        members=pl.DataFrame(
            [
                {"policy": tally.policy, "measure": name, **_interval(values[name])}
                for tally, values in zip(tallies, measured, strict=True)
                for name in MEASURES
            ]
        ),
        differences=_differences(tallies, measured),
    )


def _of_members(tally: Tally) -> dict[str, Doubles]:
    """(members,) each measure."""
    members = tally.world.members
    return {
        **tally.sums,
        "satisfaction": members.satisfaction.astype(np.float64),
        "stayed": (members.left < 0).astype(np.float64),
        "lately": tally.lately.astype(np.float64),
    }


def _differences(tallies: Sequence[Tally], measured: Sequence[dict[str, Doubles]]) -> pl.DataFrame:
    schema = {"policy": pl.String, "than": pl.String, "measure": pl.String, "mean": pl.Float64, "low": pl.Float64}
    schema |= {"high": pl.Float64, "variance_ratio": pl.Float64}
    rows = [
        {
            "policy": tally.policy,
            "than": tallies[0].policy,
            "measure": name,
            **_interval(values[name] - measured[0][name]),
            "variance_ratio": _ratio(values[name], measured[0][name]),
        }
        for tally, values in zip(tallies[1:], measured[1:], strict=True)
        for name in MEASURES
    ]
    return pl.DataFrame(rows, schema)


def _interval(values: Doubles) -> dict[str, float]:
    """The mean over members and its normal 95 % interval."""
    mean = float(values.mean())
    half = NORMAL_95 * float(values.std(ddof=1)) / np.sqrt(len(values)) if len(values) > 1 else np.inf
    return {"mean": mean, "low": mean - half, "high": mean + half}


def _ratio(one: Doubles, other: Doubles) -> float:
    """How many times the variance of the difference were what it is, if the members were others."""
    paired = float(np.var(one - other))
    return float(np.var(one) + np.var(other)) / paired if paired > 0 else np.inf
