"""What a thinned log tells: as much on average as the whole one, with less certainty; what it cannot tell is said."""

from __future__ import annotations

from dataclasses import astuple, replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from looked_at import NOW, World
from test_counterfactual import drawn
from test_looks import SHOWN_TITLES, world
from test_loops import CATALOG, frame
from test_sought import played
from test_sought import shown as shown_at

from matinee.data.attention import attentions
from matinee.data.from_decisions import Decided
from matinee.data.looked import looks_of
from matinee.data.outcomes import with_outcomes
from matinee.data.rewards import played as reward
from matinee.data.seen import seen_pages
from matinee.data.shown_choices import SHOWN, STANDS_FOR, shown_choices, thinned_until
from matinee.decision import Cells
from matinee.errors import BadData
from matinee.evaluate.clicks import by_clicks
from matinee.evaluate.counterfactual import judged
from matinee.evaluate.loops import BY_NUMBER, MEASURES, loops_of, starved_of
from matinee.evaluate.reward_model import TitleMeans
from matinee.events import DAY
from matinee.experiment.definition import Arm, Experiment
from matinee.experiment.panel import panel_of
from matinee.maths.mean_intervals import by_cluster
from matinee.models.effects import Trials, chance_if_sent, effect_of_sending
from matinee.page import Layouts
from matinee.testing import make_catalog, make_decisions, make_events

KEEP = 0.2


def of(asked, rows: np.ndarray, often: np.ndarray | None):
    """Some decisions of two choices each."""
    lines = (2 * rows[:, None] + np.arange(2)).ravel()
    along = {name: getattr(asked, name)[lines] for name in ("rows", "logged", "target", "rewards")}
    return replace(asked, offsets=np.arange(len(rows) + 1) * 2, members=asked.members[rows], often=often, **along)


def test_every_estimator_is_the_whole_logs_on_average():
    """1,000 members, of whom the first half decided before the log was thinned at .2 and earned twice as much. Means of
    40 seeds lie within 4 standard errors of the whole log's; without weights they are beyond 8.
    """
    asked = drawn(2_000, seed=3)
    old = asked.members < 500
    asked = replace(asked, rewards=asked.rewards * np.where(np.repeat(old, 2), 2.0, 1.0))
    whole, found, naive = judged(asked), [], []
    for seed in range(40):
        stays = np.random.default_rng(seed).random(1_000) < np.where(np.arange(1_000) < 500, KEEP, 1.0)
        rows = np.flatnonzero(stays[asked.members])
        found.append(judged(of(asked, rows, np.where(old[rows], 1 / KEEP, 1.0))))
        naive.append(judged(of(asked, rows, None)))
    for k, part in enumerate(whole):
        for ask in (lambda one: one.logged.value, lambda one: one.new.value, lambda one: one.difference.value):
            _require_unbiased([ask(one[k]) for one in found], [ask(one[k]) for one in naive], ask(part))
        for name, value in part.estimates.items():
            _require_unbiased([one[k].estimates[name] for one in found], None, value)
        assert np.mean([one[k].effective for one in found]) < 0.6 * part.effective, "it knows that it knows less"
        width = [one[k].new.high - one[k].new.low for one in found]
        assert np.mean(width) > 1.2 * (part.new.high - part.new.low)


def _require_unbiased(found, naive, truth):
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found) - truth) < 4 * error
    if naive is not None and abs(truth) > 0.3:  # differences of policies need not move
        assert abs(np.mean(naive) - truth) > 8 * np.std(naive) / np.sqrt(len(naive))


def test_a_decision_that_stands_for_two_counts_as_two():
    values, members = np.array([1.0, 4.0, 2.0]), np.array([0, 1, 1])
    np.testing.assert_allclose(by_cluster(values, members, np.array([2.0, 1, 1])).mean(), (2 * 1 + 4 + 2) / 4)
    items, rewards = np.array([0, 0, 1], np.int32), np.array([1.0, 0.0, 1.0])
    twice = TitleMeans.fit(np.append(items, 0).astype(np.int32), np.append(rewards, 1), np.array([1, 2, 3, 1]), 2)
    once = TitleMeans.fit(items, rewards, np.array([1, 2, 3]), 2, np.array([2.0, 1, 1]))
    np.testing.assert_allclose(once.of_title, twice.of_title)


def test_looks_count_as_often_as_they_stand_for():
    """Of four looks of known members two are played; those of decision p stand for four each."""
    lines = [{**one, "keep_probability": 0.25 if one["decision_id"] == "p" else None} for one in SHOWN_TITLES]
    found = world(lines)
    assert found.whole.looks == world().whole.looks == 5
    assert world().whole.rate.value == pytest.approx(2 / 5)
    assert found.whole.rate.value == pytest.approx((4 + 1) / (3 * 4 + 2))
    assert found.calibration[0].predicted == pytest.approx((4 * 0.1 + 4 * 0.1 + 0.1) / 9)


def test_attention_and_looks_weigh_pages():
    """The pages of every other member stand for two: the fit is that of the log in which they decided twice."""
    simulated = World(np.linspace(2, -2, 60), np.linspace(0.5, 0.1, 60))
    rng = np.random.default_rng(5)
    made = simulated.decisions(rng)
    pages = seen_pages([made], simulated.answers(made, rng), make_catalog(60))
    second = (pages["user_id"].str.slice(1).cast(pl.Int32) % 2 == 1).to_numpy()
    thinned = pages.with_columns(pl.Series("keep_probability", np.where(second, 0.5, 1.0)))
    again = pages.filter(second).with_columns(pl.format("{}-again", "decision_id").alias("decision_id"))
    found, wanted = (attentions(one)["web"].attention for one in (thinned, pl.concat([pages, again])))
    np.testing.assert_allclose(astuple(found), astuple(wanted), rtol=1e-6)
    assert astuple(found) != astuple(attentions(pages)["web"].attention)
    weights = [looks_of(one, Layouts(), NOW).weights for one in (pages, thinned)]
    seen = pages.filter("seen").sort("time", "decision_id", maintain_order=True)
    odd = (seen["user_id"].str.slice(1).cast(pl.Int32) % 2 == 1).to_numpy()
    np.testing.assert_allclose(weights[1], weights[0] * np.where(odd, 2, 1))


def test_answers_that_name_no_decision_find_the_same_one_in_a_thinned_log():
    """Two members were shown a title twice within the time of an answer: of whoever is kept all is as it was."""
    made = make_decisions([0, 10, 0, 10], ["m0", "m0", "m1", "m1"], ["a", "b", "c", "d"])
    events = make_events([[0], [0]]).with_columns(pl.lit(20).cast(pl.Datetime("us", "UTC")).alias("timestamp"))
    whole = with_outcomes(shown_choices([made]), events, make_catalog(4), 1.0, reward)
    left = replace(made, keep_probability=np.full(4, 0.5)).take(np.array([2, 3]))
    found = with_outcomes(shown_choices([left]), events, make_catalog(4), 1.0, reward)
    assert whole["reward"].to_list() == [0, 1, 0, 1]
    assert found["reward"].to_list() == [0, 1]
    assert found.select((pl.col("reward") * STANDS_FOR).sum()).item() == whole["reward"].sum() == 2


def test_titles_as_shown_say_how_likely_they_were_kept():
    made = make_decisions([5, DAY + 5], ["a", "b"], ["x", "y"])
    whole, thinned = (shown_choices([one]) for one in (made, replace(made, keep_probability=np.array([0.5, 1.0]))))
    assert thinned.schema == whole.schema == pl.Schema(SHOWN)
    assert (whole["keep_probability"].null_count(), thinned["keep_probability"].to_list()) == (2, [0.5, 1.0])
    assert (thinned_until(whole), thinned_until(thinned)) == (0, DAY)


def test_loops_tell_what_needs_no_number_of_showings():
    thinned = frame(44).with_columns(pl.when(pl.col("day") < 20).then(0.5).otherwise(None).alias("keep_probability"))
    found = loops_of(thinned, CATALOG, np.random.default_rng(0))
    assert found.told
    assert [one.name for one in found.levels] == [name for name in MEASURES if name not in BY_NUMBER]


def test_a_starved_title_is_compared_with_all_that_was_shown():
    """One showing of 40 is a tenth of an even share of 4; where the others stand for ten each, it is a hundredth."""
    now = 100 * DAY
    catalog = make_catalog(4, available_from=[datetime.fromtimestamp(days * DAY / 1e6, UTC) for days in (1, 1, 1, 70)])
    rows = [{**dict.fromkeys(SHOWN), "user_id": "m", "item": 3 if k == 0 else k % 3, "time": now} for k in range(30)]
    shown = pl.DataFrame(rows, schema=SHOWN)
    assert starved_of(shown, catalog) == (1, 0)
    heavy = pl.when(pl.col("item") < 3).then(0.1).otherwise(1.0).alias("keep_probability")
    assert starved_of(shown.with_columns(heavy), catalog) == (1, 1)


def test_what_was_sought_counts_where_it_is_known_what_was_shown():
    from matinee.evaluate.sought import sought_of

    late = 9 * DAY // 1_000_000
    events = pl.concat([played([[0, 1]], [["search", "search"]]), played([[2]], [["search"]]).with_columns(
        pl.col("timestamp") + pl.duration(seconds=late), pl.lit("late").alias("event_id"))])  # fmt: skip
    lines = shown_at(("m0", 0, -10), ("m0", 2, late - 60))
    assert sought_of(lines, events, make_catalog(4)).looks == 3
    thinned = lines.with_columns(pl.Series("keep_probability", [0.1, None], pl.Float64))
    found = sought_of(thinned, events, make_catalog(4))
    assert (found.looks, found.rate.value) == (1, 1.0)


def test_propensities_are_told_of_members_of_whom_all_decisions_are_there():
    lines = shown_at(("kept", 0, 5), ("kept", 1, 6), ("new or gone", 0, 7))
    lines = lines.with_columns(decision_id=pl.format("d{}", pl.int_range(3)), log_prob=pl.lit(np.log(0.5)), visible=5)
    lines = lines.with_columns(surface=pl.lit("home"), row=0, column=0)
    thinned = lines.with_columns(pl.Series("keep_probability", [0.1, None, None], pl.Float64))
    assert set(Decided.of([lines]).pairs["user_id"]) == {"kept", "new or gone"}
    found = Decided.of([thinned[:1], thinned[1:]]).pairs
    wanted = Decided.of([lines]).pairs.filter(pl.col("user_id") == "kept")
    assert sorted(found.rows()) == sorted(wanted.rows())


def test_pages_without_chance_count_as_often():
    """The new page turns two titles around; a decision that stands for two is a second one like it."""
    rows = [
        {**dict.fromkeys(SHOWN), "decision_id": f"d{k}", "user_id": f"m{k}", "item": item, "row": row, "column": 0,
         "visible": 5, "reward": float(item == k % 2), "device": None}
        for k in range(40) for row, item in enumerate((0, 1))
    ]  # fmt: skip
    logged = pl.DataFrame(rows, schema={**SHOWN, "reward": pl.Float64})
    second = pl.col("user_id").str.slice(1).cast(pl.Int32) % 4 == 0
    turned = logged.drop("reward").with_columns(row=1 - pl.col("row"))
    half = pl.when(second).then(0.5).otherwise(1.0).alias("keep_probability")
    again = pl.format("{}-again", "decision_id").alias("decision_id")
    found = by_clicks(logged.with_columns(half), turned.with_columns(half), Layouts())
    both = [pl.concat([one, one.filter(second).with_columns(again)]) for one in (logged, turned)]
    wanted = by_clicks(*both, Layouts())
    assert found.new.value == pytest.approx(wanted.new.value)
    assert found.estimates == pytest.approx(wanted.estimates)
    assert found.new.value != pytest.approx(by_clicks(logged, turned, Layouts()).new.value)


def test_an_experiment_that_was_thinned_is_refused():
    experiment = Experiment("aa", "salt", (Arm("one", 0.5), Arm("two", 0.5)), 0)
    cells = Cells(("aa",), np.zeros((2, 1), np.int8))
    made = make_decisions([1, 2], ["a", "b"], ["x", "y"], cells=cells)
    events = make_events([[0]])
    assert len(panel_of(experiment, [made], events, "played", DAY).arms) == 2
    with pytest.raises(BadData, match="'aa' were thinned, so who entered it when"):
        panel_of(experiment, [replace(made, keep_probability=np.array([1.0, 0.5]))], events, "played", DAY)


@pytest.mark.parametrize("learn", [effect_of_sending, chance_if_sent])
def test_effects_of_messages_count_as_often(learn):
    rng, n = np.random.default_rng(0), 2_000
    sent, came, feature = rng.random(n) < 0.5, (rng.random(n) < 0.4).astype(float), rng.random((n, 1))
    some = Trials(feature, sent, np.full(n, 0.5), came, np.arange(n), np.ones(n))
    second = np.arange(n) % 3 == 0
    heavy = replace(some, often=np.where(second, 2.0, 1.0))
    twice = Trials.joined([some, some.of(second)])
    at = np.linspace(0, 1, 5)[:, None]
    np.testing.assert_allclose(learn(heavy).of(at), learn(twice).of(at), atol=0.02)
    assert np.abs(learn(heavy).of(at) - learn(some).of(at)).max() > 1e-4
