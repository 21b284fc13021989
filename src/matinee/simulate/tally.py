"""The numbers of a policy's days: a row a day, and sums by member for intervals."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl

from matinee.decision import Layer
from matinee.maths.arrays import Doubles, Flags, Int32s
from matinee.simulate.answers import Answers, Found, by_decision
from matinee.simulate.truth import best_values, values
from matinee.simulate.visits import Visits
from matinee.simulate.world import World

SAMPLE = 500  # decisions a day whose regret is measured
FRESH = 28  # days after its launch for which a title is new
SOON = 7  # days within which a member who comes again has returned
NEVER = -10_000  # the day of the last visit of somebody who made none
Row = dict[str, float | int | str | None]


class Tally:
    """What `simulate` counts for one policy in its world. Memory: 36 bytes a member."""

    def __init__(self, policy: str, world: World, sample: int = SAMPLE) -> None:
        members = len(world.members)
        self.policy, self.world = policy, world
        self.sums = {name: np.zeros(members) for name in ("visits", "plays", "reward", "enjoyment")}
        self._rows: list[Row] = []
        self._stride = max(1, round(members * world.config.visits / max(sample, 1)))
        self._last = np.full(members, NEVER, np.int32)
        self._returned: Counter[int] = Counter()
        self._begin()

    def count(self, day: int, visits: Visits, found: Found, answers: Answers) -> None:
        """Count a batch of the day, before it is lived."""
        decisions, played = answers.decisions, answers.clicked
        choices, title = decisions.choices, decisions.layer(Layer.TITLE)
        new = (self.world.titles.launched >= day - FRESH)[np.where(title, choices.actions, 0)] & title
        self._day["visits"] += len(visits)
        self._day["decisions"] += len(decisions)
        self._day["found"] += len(found.items)
        self._day["titles"] += _count(title)
        self._day["plays"] += _count(played)
        self._day["new"] += _count(new)
        self._day["new_plays"] += _count(new & played)
        self._by_member(decisions.requests.members, answers)
        self._return(day, visits.members)
        self._measure(day, answers)

    def close(self, day: int) -> Row:
        """End the day; its row, where the share that returned is not known yet."""
        members, told = self.world.members, self._day
        stays = members.left < 0
        value, best = (float(np.mean(one)) if one.size else None for one in self._measured())
        row: Row = {
            "policy": self.policy,
            "day": day,
            "visits": told["visits"],
            "decisions": told["decisions"],
            "plays": told["plays"],
            "found": told["found"],
            "reward": _share(_sum(self._rewards), told["decisions"]),
            "enjoyment": _share(_sum(self._enjoyments), told["plays"]),
            "value": value,
            "best": best,
            "regret": None if value is None or best is None else best - value,
            "satisfaction": float(members.satisfaction[stays].mean(dtype=np.float64)) if stays.any() else None,
            "members": int(np.count_nonzero(stays)),
            "cancels": int(np.count_nonzero(members.left == day)),
            "visitors": told["visitors"],
            "returned": None,
            "new_shown": _share(told["new"], told["titles"]),
            "new_plays": _share(told["new_plays"], told["plays"]),
        }
        self._rows.append(row)
        self._begin()
        return row

    def days(self) -> pl.DataFrame:
        """All rows; `returned` is null for the last `SOON` days, whose visitors may still come."""
        last = int(self._rows[-1]["day"] or 0) if self._rows else 0
        rows = [{**row, "returned": self._returned_of(row, last)} for row in self._rows]
        return pl.DataFrame(rows, infer_schema_length=None)

    @property
    def lately(self) -> Flags:
        """(members,) who visited in the last `SOON` days."""
        last = int(self._rows[-1]["day"] or 0) if self._rows else 0
        return np.asarray(self._last > last - SOON)

    def _begin(self) -> None:
        self._day: Counter[str] = Counter()
        self._rewards: list[Doubles] = []
        self._enjoyments: list[Doubles] = []
        self._values: list[tuple[Doubles, Doubles]] = []

    def _by_member(self, members: Int32s, answers: Answers) -> None:
        """Add to the sums of the members of a batch, each of whom is in it once."""
        decisions = answers.decisions
        enjoyed = np.where(answers.clicked, answers.enjoyment, 0).astype(np.float64)
        reward, enjoyment = answers.totals, by_decision(decisions, enjoyed)
        self.sums["plays"][members] += by_decision(decisions, answers.clicked.astype(np.float64))
        self.sums["reward"][members] += reward
        self.sums["enjoyment"][members] += enjoyment
        self._rewards.append(reward)
        self._enjoyments.append(enjoyment)

    def _return(self, day: int, members: Int32s) -> None:
        """Count who visits on this day for the first time, and whose visit before was not long ago."""
        self.sums["visits"][members] += 1
        before = self._last[members]
        first = before < day
        self._day["visitors"] += _count(first)
        self._returned.update(before[first & (before >= day - SOON)].tolist())
        self._last[members] = day

    def _measure(self, day: int, answers: Answers) -> None:
        """Keep the value of some decisions, chosen by member and day, and that of the best."""
        members = answers.decisions.requests.members
        sampled = np.flatnonzero(members % self._stride == day % self._stride)
        if len(sampled):
            chosen = answers.decisions.take(sampled)
            self._values.append((values(self.world, chosen), best_values(self.world, chosen)))

    def _measured(self) -> tuple[Doubles, Doubles]:
        value = [one for one, _ in self._values] or [np.empty(0)]
        best = [other for _, other in self._values] or [np.empty(0)]
        return np.concatenate(value), np.concatenate(best)

    def _returned_of(self, row: Row, last: int) -> float | None:
        day, visitors = int(row["day"] or 0), float(row["visitors"] or 0)
        return _share(self._returned[day], visitors) if day <= last - SOON else None


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def _sum(parts: list[Doubles]) -> float:
    """The sum of a day, the same to the last bit whatever its batches."""
    return float(np.concatenate(parts).sum()) if parts else 0.0


def _count(flags: Flags) -> int:
    return int(np.count_nonzero(flags))
