"""A panel: what each account of an experiment did on each of its days, out of the log's decisions and events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from matinee.data.rewards import REWARDS, played
from matinee.decision import Decisions
from matinee.errors import BadData, BadRequest
from matinee.events import DAY, END_OF_TIME, standing
from matinee.experiment.allocate import NO_ARM
from matinee.experiment.definition import Experiment
from matinee.maths.arrays import Doubles, Int8s, Int32s

RETURNED = "returned"
METRICS = (*REWARDS, RETURNED)
BEFORE_DAYS = 28  # before the start, for what was known of an account beforehand

_ENTRY: Mapping[str, pl.DataType] = {
    "user_id": pl.String(),
    "account_id": pl.String(),
    "arm": pl.Int8(),
    "time": pl.Int64(),
}


@dataclass(frozen=True)
class Panel:
    """Accounts of an experiment, and what each did on which day.

    arms (accounts,) each one's arm; entered (accounts,) the day of its first decision, 0 = the experiment's first;
    before (accounts,) its metric in the `BEFORE_DAYS` before the start. accounts, days, values (lines,): what was
    measured of which account on which day, from its first decision on; of a day without a line nothing came.
    `length`: days looked at. `left_out`: what is not in it, as a count by reason.
    """

    arms: Int8s
    entered: Int32s
    before: Doubles
    accounts: Int32s
    days: Int32s
    values: Doubles
    length: int
    left_out: Mapping[str, int]

    def __post_init__(self) -> None:
        assert len(self.arms) == len(self.entered) == len(self.before), "accounts differ in number"
        assert len(self.accounts) == len(self.days) == len(self.values), "lines differ in number"

    @property
    def mean(self) -> float:
        """Of all arms together, per account and day in the experiment; NaN without an account."""
        age = (self.length - self.entered).sum()
        return float(self.values.sum() / age) if age else np.nan


def panel_of(
    experiment: Experiment, batches: Iterable[Decisions], events: pl.DataFrame, metric: str, now: int
) -> Panel:
    """The panel of an experiment at `now` (microseconds since 1970, UTC).

    `batches` what `DecisionLog.read` gives from the start on; `events` (`events.SCHEMA`) from `BEFORE_DAYS`
    before it on. `metric`: the sum of a reward of `data.rewards`, or "returned": 1 for each later day with a play.
    Everything that an account does counts, on whatever surface, as what one surface wins another may lose. An account
    that was seen in two arms (its profile moved to another account) is left out and counted. Raises `BadData` where
    decisions of its time were thinned, in an arm or in none: who entered when is no longer known of all.
    """
    if metric not in METRICS:
        raise BadRequest(f"metric is {metric!r:.100}; choose from {', '.join(METRICS)}")
    entries, damaged = _entries(experiment, batches)
    firsts = entries.group_by("account_id", maintain_order=True).agg(
        pl.col("arm").first(), pl.col("time").min(), pl.col("arm").n_unique().alias("seen")
    )
    whole = firsts.filter(pl.col("seen") == 1).with_row_index("account")
    end = now if experiment.end is None else min(now, experiment.end)
    lines = _measured(experiment, entries, whole, events, metric, end)
    during = lines.filter(pl.col("day") >= 0)
    earlier = lines.filter(pl.col("day") < 0).group_by("account").agg(pl.col("value").sum())
    before = np.zeros(whole.height)
    before[earlier["account"].to_numpy()] = earlier["value"].to_numpy()
    return Panel(
        arms=whole["arm"].to_numpy(),
        entered=((whole["time"].to_numpy() - experiment.start) // DAY).astype(np.int32),
        before=before,
        accounts=during["account"].to_numpy().astype(np.int32),
        days=during["day"].to_numpy().astype(np.int32),
        values=during["value"].to_numpy(),
        length=max(0, -((experiment.start - end) // DAY)),
        left_out=_counted({"seen in two arms": firsts.height - whole.height, "damaged decisions": damaged}),
    )


def _entries(experiment: Experiment, batches: Iterable[Decisions]) -> tuple[pl.DataFrame, int]:
    """A line for each decision in an arm, oldest first, and how many are in an arm that the experiment has not."""
    found = pl.concat([pl.DataFrame(schema=_ENTRY), *(_lines(experiment, one) for one in batches)]).sort("time")
    known = pl.col("arm") < len(experiment.arms)
    return found.filter(known), found.filter(~known).height


def _lines(experiment: Experiment, batch: Decisions) -> pl.DataFrame:
    """The decisions of a batch that are in an arm."""
    _require_whole(experiment, batch)
    requests, cells = batch.requests, batch.requests.cells
    if cells is None or experiment.name not in cells.names or requests.surface != experiment.surface:
        return pl.DataFrame(schema=_ENTRY)
    told = {
        "user_id": requests.user_ids,
        "account_id": requests.people.account_ids.gather(requests.members),
        "arm": cells.arms[:, cells.names.index(experiment.name)],
        "time": requests.times,
    }
    lines = pl.DataFrame(told, schema=_ENTRY).filter(pl.col("arm") != NO_ARM)
    alone = pl.when(pl.col("account_id") == "").then("user_id").otherwise("account_id")
    return lines.with_columns(alone.alias("account_id"))


def _require_whole(experiment: Experiment, batch: Decisions) -> None:
    """None of its time may have been thinned away, which shows in what stayed of those days, in an arm or in none."""
    times, end = batch.requests.times, END_OF_TIME if experiment.end is None else experiment.end
    if ((batch.stands_for > 1) & (times >= experiment.start) & (times < end)).any():
        raise BadData(
            f"decisions of the time of the experiment {experiment.name!r} were thinned, so who entered it when is not "
            "known of all; read experiments before their days are thinned"
        )


def _measured(
    experiment: Experiment, entries: pl.DataFrame, whole: pl.DataFrame, events: pl.DataFrame, metric: str, end: int
) -> pl.DataFrame:
    """Columns account, day and value: a line an account and day, days before the start below 0."""
    members = entries.unique("user_id", keep="last", maintain_order=True).select("user_id", "account_id")
    own = members.join(whole.select("account", "account_id", "time"), on="account_id")
    stands = standing(events.sort("timestamp", maintain_order=True)).join(own, on="user_id")
    reward = played if metric == RETURNED else REWARDS[metric]
    at = pl.col("timestamp").cast(pl.Int64)
    day = (at - experiment.start).floordiv(DAY).cast(pl.Int32)
    told = stands.select("account", "time", day.alias("day"), at.alias("at"), reward().cast(pl.Float64).alias("value"))
    counted = told.filter(
        pl.col("value").is_not_null(),
        (pl.col("at") < experiment.start) | (pl.col("at") >= pl.col("time")),
        pl.col("at") < end,
        pl.col("day") >= -BEFORE_DAYS,
    )
    if metric != RETURNED:
        return counted.group_by("account", "day").agg(pl.col("value").sum())
    first = (pl.col("time") - experiment.start).floordiv(DAY)
    later = counted.filter(pl.col("value") > 0, (pl.col("day") < 0) | (pl.col("day") > first))
    return later.group_by("account", "day").agg(pl.lit(1.0).alias("value"))


def _counted(counts: Mapping[str, int]) -> dict[str, int]:
    return {reason: count for reason, count in counts.items() if count}
