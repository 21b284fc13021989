"""What came of an experiment: panels by arithmetic, bands that err as seldom as they promise and find what is there."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from matinee.decision import Cells
from matinee.errors import BadRequest
from matinee.events import DAY, SCHEMA
from matinee.experiment.analyse import Verdict, analyse
from matinee.experiment.definition import Arm, Experiment
from matinee.experiment.panel import Panel, panel_of
from matinee.profile import Profile
from matinee.testing import make_decisions

START = 20_000 * DAY
AA = Experiment("aa", "s", (Arm("one", 0.5), Arm("two", 0.5)), START)


def drawn(rng, accounts=400, days=28, effect=0.0, imbalance=0.0) -> Panel:
    """Accounts that come again: each plays gamma many titles a day, `effect` more of it in arm two; they enter over
    half the time.
    """
    arms = (rng.random(accounts) < 0.5 + imbalance).astype(np.int8)
    heavy = rng.gamma(2.0, 0.5, accounts)
    entered = rng.integers(0, days // 2, accounts).astype(np.int32)
    plays = rng.poisson(heavy * (1 + effect * arms), (days, accounts)).astype(float)
    day, account = np.nonzero((plays > 0) & (np.arange(days)[:, None] >= entered))
    before = rng.poisson(28 * heavy).astype(float)
    return Panel(arms, entered, before, account.astype(np.int32), day.astype(np.int32), plays[day, account], days, {})


def test_bands_over_days_err_seldom_also_for_the_same_accounts_every_day():
    """300 A/A panels looked at on each of 28 days: at most 5 % false alarms, and at most 2 % of the ratio check."""
    rng = np.random.default_rng(1)
    found = [analyse(AA, drawn(rng), "played") for _ in range(300)]
    assert np.mean([np.nanmin(one.courses[0].p) < 0.05 for one in found]) <= 0.05
    assert np.mean([one.ratio.alarm for one in found]) <= 0.02


def test_the_better_arm_is_found_and_its_effect_bracketed():
    """20 panels of 2,000 accounts with a tenth more plays, 1 a day otherwise: found in all, bracketed in all."""
    rng = np.random.default_rng(2)
    for _ in range(20):
        (course,) = analyse(AA, drawn(rng, 2_000, effect=0.1), "played").courses
        assert course.verdict is Verdict.BETTER
        assert course.lows[-1] < 0.1 < course.highs[-1]
        assert course.relative == pytest.approx(0.1, abs=0.08)


def test_cuped_narrows_the_band():
    panel = drawn(np.random.default_rng(3), 2_000)
    with_past, without = (analyse(AA, one, "played") for one in (panel, replace(panel, before=np.zeros(2_000))))
    assert with_past.variance_left < 0.6
    assert without.variance_left == 1
    width = [one.courses[0].highs[-1] - one.courses[0].lows[-1] for one in (with_past, without)]
    assert width[0] < 0.8 * width[1]


def test_a_planted_imbalance_raises_the_alarm():
    assert analyse(AA, drawn(np.random.default_rng(4), 4_000, imbalance=0.05), "played").ratio.alarm
    assert not analyse(AA, drawn(np.random.default_rng(4), 4_000), "played").ratio.alarm


def test_nothing_is_said_of_a_few_accounts():
    found = analyse(AA, drawn(np.random.default_rng(5), 60), "played")
    assert found.courses[0].verdict is Verdict.EARLY
    assert np.isnan(found.courses[0].values).all()


def test_several_arms_share_the_level():
    two = replace(AA, arms=(*AA.arms[:1], Arm("two", 0.25), Arm("three", 0.25)))
    panel = drawn(np.random.default_rng(6), 1_000)
    three = replace(panel, arms=np.where(panel.arms == 1, np.arange(1_000) % 2 + 1, 0).astype(np.int8))
    found = analyse(two, three, "played")
    assert [one.arm for one in found.courses] == ["two", "three"]
    assert [one.accounts for one in found.arms] == np.bincount(three.arms).tolist()
    alone = analyse(AA, replace(three, arms=np.minimum(three.arms, 1)), "played")
    assert alone.level == found.level == 0.95


def seen(user, arm, day=0.0, account="", surface="home"):
    """A decision for a member in an arm of the experiment; None: in no experiment."""
    cells = None if arm is None else Cells(("aa",), np.array([[arm]], np.int8))
    profiles = [Profile(user, account)]
    return make_decisions([START + round(day * DAY)], [user], [user], surface=surface, profiles=profiles, cells=cells)


def happened(user, day, kind="play", value=1.0, item="a"):
    return {"user_id": user, "timestamp": START + round(day * DAY), "kind": kind, "value": value, "item_id": item}


def events_of(*rows):
    rows = [{"event_id": f"e{at}", **row} for at, row in enumerate(rows)]
    return pl.DataFrame(rows, schema_overrides={"timestamp": pl.Datetime("us", "UTC")}).select(
        (pl.col(name) if name in rows[0] else pl.lit(None)).cast(kind).alias(name) for name, kind in SCHEMA.items()
    )


def lines(panel):
    return sorted(zip(panel.accounts.tolist(), panel.days.tolist(), panel.values.tolist(), strict=True))


def test_a_panel_by_hand():
    decisions = [
        seen("ann", 0, 0.5, "home"),
        seen("bob", 0, 1.5, "home"),  # the same account
        seen("cat", 1, 2.0),
        seen("dan", None),  # in no arm
        seen("eve", -1),
        seen("fay", 1, surface="similar"),  # not the experiment's surface
        seen("gus", 0, 1.0), seen("gus", 1, 2.0, "moved"), seen("hal", 0, 2.5, "moved"),
        seen("ivy", 7),
    ]  # fmt: skip
    events = events_of(
        happened("ann", -1), happened("ann", -29),  # before: within 28 days, and not
        happened("ann", 0.4),  # the first day, before the first decision
        happened("ann", 0.6), happened("ann", 0.7, item="b"), happened("ann", 0.8, value=0.05, item="c"),
        happened("bob", 1.6), happened("cat", 2.0), happened("dan", 2.1), happened("cat", 3.5),
        happened("cat", 4.5, item="z"), happened("cat", 4.6, "play_clear", None, item="z"),
    )  # fmt: skip
    panel = panel_of(AA, decisions, events, "played", START + 4 * DAY)
    assert panel.arms.tolist() == [0, 0, 1]  # home, gus alone, cat: as they came
    assert panel.entered.tolist() == [0, 1, 2]
    assert panel.before.tolist() == [1, 0, 0]
    # the account "home": two plays and a taste (0) on day 0, one of bob's on day 1; cat's play at 4.5 was taken back
    assert lines(panel) == [(0, 0, 2.0), (0, 1, 1.0), (2, 2, 1.0), (2, 3, 1.0)]
    assert panel.length == 4
    assert panel.left_out == {"seen in two arms": 1, "damaged decisions": 1}


def test_returns_are_later_days_with_a_play():
    events = events_of(happened("ann", 0.6), happened("ann", 1.2), happened("ann", 1.3, item="b"), happened("ann", 2.5))
    panel = panel_of(AA, [seen("ann", 0, 0.5)], events, "returned", START + 3 * DAY)
    assert lines(panel) == [(0, 1, 1.0), (0, 2, 1.0)]


def test_after_the_end_nothing_counts():
    ended = replace(AA, end=START + 2 * DAY)
    events = events_of(happened("ann", 1.9), happened("ann", 2.0))
    panel = panel_of(ended, [seen("ann", 0)], events, "played", START + 9 * DAY)
    assert (lines(panel), panel.length) == ([(0, 1, 1.0)], 2)


def test_an_empty_log_is_too_early_and_another_metric_is_refused():
    panel = panel_of(AA, [], events_of(happened("ann", 1)), "played", START + DAY)
    found = analyse(AA, panel, "played")
    assert found.courses[0].verdict is Verdict.EARLY
    assert found.accounts == (0,)
    not_begun = analyse(AA, panel_of(AA, [], events_of(happened("ann", 1)), "played", START), "played")
    assert not_begun.courses[0].verdict is Verdict.EARLY
    with pytest.raises(BadRequest, match="choose from opened, played"):
        panel_of(AA, [], events_of(happened("ann", 1)), "money", START + DAY)
