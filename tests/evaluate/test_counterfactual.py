"""The value of a policy that never ran, in worlds where the truth is arithmetic."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from matinee.errors import BadData
from matinee.evaluate.counterfactual import Asked, Counterfactual, gathered, judged, part
from matinee.evaluate.results import Estimate
from matinee.evaluate.reward_model import FOLDS, TitleMeans
from matinee.report.counterfactual import CounterfactualReport, verdict

LOGGED, TARGET = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.3, 0.6])
EARNS = np.array([[0.1, 0.2, 0.5], [0.4, 0.3, 0.1], [0.2, 0.2, 0.2]])  # by row and choice
ROWS = 2


def drawn(decisions, seed, logged=LOGGED, target=TARGET, rows=ROWS):
    """Pages of `rows` rows of one title each, every choice independent, each member twice; rewards Bernoulli."""
    rng = np.random.default_rng(seed)
    choice = rng.choice(3, (decisions, rows), p=logged)
    earned = rng.random((decisions, rows)) < EARNS[np.arange(rows), choice]
    with np.errstate(divide="ignore"):
        return Asked(
            offsets=np.arange(decisions + 1) * rows,
            rows=np.tile(np.arange(rows), decisions),
            logged=np.log(logged)[choice].ravel(),
            target=np.log(target)[choice].ravel(),
            rewards=earned.astype(float).ravel(),
            members=np.arange(decisions) // 2,
        )


def named(asked):
    return {one.name: one for one in judged(asked)}


def test_every_part_finds_its_truth():
    found = named(drawn(20_000, seed=0))
    first, second = EARNS[:2] @ TARGET
    before = EARNS[:2] @ LOGGED
    assert list(found) == ["first title", "whole page", "one by one"]
    for name, truth, was in (
        ("first title", first, before[0]),
        ("whole page", first + second, before.sum()),
        ("one by one", first + second, before.sum()),
    ):
        one = found[name]
        assert one.reason == ""
        assert one.new.low < truth < one.new.high
        assert one.logged.low < was < one.logged.high
        assert one.difference.low < truth - was < one.difference.high
        assert one.relative.low < truth / was - 1 < one.relative.high
        assert one.new.high - one.new.low < 0.1
    assert found["first title"].effective > found["whole page"].effective
    assert verdict(found["first title"]).startswith("better by ")


def test_the_effective_size_is_what_arithmetic_says():
    """n / sum_a target^2 / logged a row, to the power of the rows."""
    found, one_row = named(drawn(40_000, seed=1)), 1 / (TARGET**2 / LOGGED).sum()
    assert found["first title"].effective / 40_000 == pytest.approx(one_row, rel=0.02)
    assert found["whole page"].effective / 40_000 == pytest.approx(one_row**2, rel=0.05)


@pytest.mark.slow
def test_the_truth_lies_in_95_intervals_of_a_hundred():
    """1,000 logs of 1,000 decisions; of 95 % intervals, 930 to 970 hold it but for 1 in 300 such tests."""
    truth = float(EARNS[0] @ (TARGET - LOGGED))
    held = 0
    for seed in range(1_000):
        one = judged(drawn(1_000, seed, rows=1))[0]
        held += one.difference.low <= truth <= one.difference.high
    assert 930 <= held <= 970


def test_the_policy_that_logged_is_the_same_to_the_last_digit():
    found = named(drawn(500, seed=2, target=LOGGED))
    for one in found.values():
        assert one.relative == Estimate(0.0, 0.0, 0.0)
        assert verdict(one) == "the same in every decision"
        assert one.new.value == pytest.approx(one.logged.value)


def test_what_cannot_be_told_says_why():
    few = named(drawn(120, seed=3))["whole page"]
    assert verdict(few) == f"cannot be told from this log: effective sample size {few.effective:,.0f} of 120"
    certain = np.array([1.0, 0.0, 0.0])
    same, other = (named(drawn(500, 4, certain, target))["first title"] for target in (certain, TARGET))
    assert "the same here, with certainty" in verdict(same)
    assert "nothing was left to chance" in verdict(other)
    outside = named(drawn(20_000, 5, np.array([0.5, 0.5, 0.0]), TARGET))["first title"]
    assert outside.lost == pytest.approx(0.6, abs=0.02)
    assert "60 % of its choices are such as the log never makes" in verdict(outside)
    silent = part("x", np.tile([0.5, 1.5], 500), np.zeros(1_000), np.zeros(1_000), np.arange(1_000), {})
    assert "none of these decisions was answered" in verdict(silent)
    alone = part("x", np.tile([0.5, 1.5], 500), np.ones(1_000), np.ones(1_000), np.arange(1_000) % 20, {})
    assert "only 20 members" in verdict(alone)
    with pytest.raises(BadData, match="no decision of this log can be asked"):
        gathered([])


def test_decisions_that_can_tell_nothing_are_named():
    """Where the log was certain and the target is not, the decision says nothing of it."""
    asked = drawn(1_000, seed=12)
    certain = np.repeat(np.arange(1_000) % 200 == 0, ROWS)
    ids = [f"d{k}" for k in range(1_000)]
    logged = np.where(certain, 0.0, asked.logged)
    found = {one.name: one for one in judged(replace(asked, logged=logged, ids=ids))}
    assert (found["first title"].stuck, found["first title"].named) == (5, "d0, d200, d400, ...")
    told = judged(replace(asked, logged=logged, target=np.where(certain, 0.0, asked.target)))
    assert {one.stuck for one in told} == {0}
    report = CounterfactualReport(Counterfactual("x", "home", "played", 1.0, 1_000, tuple(found.values())))
    assert any("5 of 1,000 decisions nothing was left to chance" in one for one in report.json()["findings"])
    assert gathered([replace(asked, ids=ids)] * 2).ids == [*ids, *ids]


def test_choices_without_a_probability_are_refused():
    asked = drawn(10, seed=13)
    for wrong in (np.nan, -np.inf, 0.1):
        with pytest.raises(BadData, match=r"1 of 20 rounds have no probability above 0"):
            replace(asked, logged=np.append(asked.logged[:-1], wrong))


def test_members_who_come_often_are_one_member():
    """What each member earns is the same each time: ten times as many decisions tell no more."""
    once = drawn(1_000, seed=6, rows=1)
    often = gathered([once] * 10)
    narrow, wide = (judged(one)[0].difference for one in (once, often))
    assert wide.high - wide.low == pytest.approx(narrow.high - narrow.low, rel=0.05)


def test_impossible_choices_weigh_nothing():
    asked = drawn(4_000, seed=7, target=np.array([0.0, 0.5, 0.5]))
    found = named(asked)
    assert "one by one" not in found
    assert found["first title"].new.low < EARNS[0, 1:].mean() < found["first title"].new.high


def test_a_reward_model_makes_it_doubly_robust():
    asked = drawn(4_000, seed=10, rows=1)
    choice = np.abs(asked.logged[:, None] - np.log(LOGGED)).argmin(axis=1)
    q = EARNS[0][choice]
    baseline = np.full(4_000, EARNS[0] @ TARGET)
    plain, robust = judged(asked)[0], judged(asked, q, baseline)[0]
    assert robust.estimates["DM"] == pytest.approx(EARNS[0] @ TARGET)
    assert robust.new.low < EARNS[0] @ TARGET < robust.new.high
    assert robust.new.high - robust.new.low < plain.new.high - plain.new.low


def test_the_reward_model_never_saw_who_is_judged():
    items, members = np.array([0, 0, 1, 1], np.int32), np.array([0, 1, 2, 5])
    model = TitleMeans.fit(items, np.array([1.0, 0.0, 1.0, 1.0]), members, 3)
    assert model.of_title.shape == (FOLDS, 3)
    others = (0.0 + 1.0) / 2  # without members 0 and 5, which share a fold
    titles, first = np.arange(3, dtype=np.int32), np.zeros(3, np.int64)
    np.testing.assert_allclose(model.of(first, titles), [10 * others / 11, (1 + 10 * others) / 11, others])
    np.testing.assert_array_equal(model.of(first, titles), model.of(first + FOLDS, titles))


def test_the_report_says_it_in_three_forms(tmp_path):
    found = Counterfactual("home:<b>", "home", "played", 1.0, 2_000, judged(drawn(2_000, seed=9)), ("A note.",))
    report = CounterfactualReport(found)
    console = Console(width=100, record=True)
    console.print(report.table())
    said = console.export_text()
    assert "First title: better by" in said
    assert "within 1 day of 2,000 decisions" in said
    assert "A note." in said
    assert all(len(line) <= 100 for line in said.splitlines())
    told = json.loads(json.dumps(report.json()))
    assert [one["name"] for one in told["parts"]] == ["first title", "whole page", "one by one"]
    assert told["parts"][0]["verdict"] in told["findings"][0]
    report.write_html(tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert "home:&lt;b&gt;" in page
    assert "home:<b>" not in page
    assert "<svg" in page


def test_one_heavy_choice_among_many_is_not_lost_in_the_mean():
    """Of two rows the first alone differs: one by one its interval is as wide as the first title's."""
    asked = drawn(2_000, seed=11, logged=np.array([0.9, 0.05, 0.05]), target=np.array([0.1, 0.3, 0.6]))
    same = np.arange(len(asked.rows)) % ROWS > 0
    found = named(replace(asked, target=np.where(same, asked.logged, asked.target)))
    alone, first = found["one by one"].difference, found["first title"].difference
    assert alone.high - alone.low == pytest.approx(first.high - first.low, rel=0.35)
