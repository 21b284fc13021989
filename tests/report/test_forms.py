"""Words and plots: what is said is what was measured, and every mark lies on its picture."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.evaluate.looks import Bin, Share
from matinee.evaluate.measure import NDCG
from matinee.evaluate.results import Comparison, Estimate, Group, Line, ProtocolReport, Table
from matinee.report import plots, words

NOTHING = Estimate(math.nan, math.nan, math.nan)


def compared(model, value, p):
    return Comparison(model, "popularity", "ndcg", Estimate(value, value - 0.01, value + 0.01), p, p)


MODELS = ("popularity", "good", "bad", "unsure")
COMPARISONS = (compared("good", 0.05, 0.0001), compared("bad", -0.05, 0.01), compared("unsure", 0.005, 0.4))
LINES = tuple(
    Line(name, {"ndcg": Estimate(0.1 * k, 0.1 * k - 0.02, 0.1 * k + 0.02), "coverage": Estimate(0.3, 0.2, 0.4)})
    for k, name in enumerate(MODELS)
)


SHARES = (
    Share("none", 40, 35, Estimate(0.0, 0.0, 0.09)),
    Share("all", 40, 35, Estimate(1.0, 0.91, 1.0)),
    Share("few", 4, 3, Estimate(0.5, 0.0, 1.0)),
)


def protocol(*groups):
    return ProtocolReport("toy", "", "", 0, 0, groups, {})


def test_findings_name_who_beats_who_is_worse_and_who_is_neither():
    group = Group("all", 500, 900, Table((NDCG,), LINES, COMPARISONS))
    (said,) = words.findings(protocol(group), 20)
    assert said == (
        "All members (500): 1 of 3 beats popularity in NDCG@20: good +0.050 [+0.040, +0.060], p < 0.001. "
        "Worse: bad −0.050 [−0.060, −0.040], p = 0.010. "
        "No clear difference (corrected p ≥ 0.05): unsure +0.005 [−0.005, +0.015], p = 0.400."
    )


def test_findings_say_plainly_that_nothing_beats_the_baseline():
    same = Comparison("copy", "popularity", "ndcg", Estimate(0.0, 0.0, 0.0), 1.0, 1.0)
    group = Group("cold", 120, 300, Table((NDCG,), LINES, (COMPARISONS[1], same)))
    (said,) = words.findings(protocol(group), 20)
    assert "no other beats popularity in NDCG@20." in said
    assert said.endswith("The same for every member: copy.")


def test_no_verdict_is_given_on_a_handful_of_members():
    group = Group("cold", 12, 30, Table((NDCG,), LINES, COMPARISONS))
    assert list(words.findings(protocol(group), 20)) == ["Cold members (12): too few to say anything with confidence."]


def test_numbers_read_well():
    assert words.interval(Estimate(-0.1, -0.25, 0.05), 2, sign=True) == "−0.10 [−0.25, +0.05]"
    assert words.interval(NOTHING) == words.number(math.nan) == "–"
    assert words.number(-0.0001) == "0.000"
    assert words.p_value(0.0004) == "p < 0.001"
    assert words.p_value(0.0421) == "p = 0.042"
    assert words.p_value(float("nan")) == "p = –"


def test_every_mark_lies_on_its_picture():
    cold = Group("cold", 5, 5, Table((NDCG,), LINES))
    pictures = [
        plots.forest(COMPARISONS, "difference"),
        plots.scatter(LINES, ("coverage", "Coverage"), ("ndcg", "NDCG")),
        plots.side_by_side([cold, cold], "ndcg", "NDCG"),
        plots.shares(SHARES, "plays per look"),
        plots.calibration([Bin(0.01, SHARES[0]), Bin(0.9, SHARES[1])], "plays per look"),
    ]
    for picture in pictures:
        width, height = map(float, re.search(r'viewBox="0 0 (\S+) (\S+)"', picture).groups())
        assert "nan" not in picture
        for x in re.findall(r' (?:cx|x1|x2|x)="([^"]+)"', picture):
            assert 0 <= float(x) <= width
        for y in re.findall(r' (?:cy|y1|y2|y)="([^"]+)"', picture):
            assert 0 <= float(y) <= height
        assert 'role="img" aria-label="' in picture


def test_a_mark_stands_where_its_number_is():
    """In the forest plot, equal distances in number are equal distances on paper."""
    places = [float(x) for x in re.findall(r'circle cx="([^"]+)"', plots.forest(COMPARISONS, ""))]
    good, bad, unsure = places
    assert (good - unsure) / (unsure - bad) == pytest.approx((0.05 - 0.005) / (0.005 + 0.05), rel=0.01)


def test_names_of_neighbours_do_not_cover_each_other():
    ys = [float(y) for y in re.findall(r'y="([^"]+)" text-anchor="start" class="name"', _scatter_of_equals(5))]
    assert len(ys) == 5
    assert min(b - a for a, b in zip(sorted(ys), sorted(ys)[1:], strict=False)) >= plots.LABEL_GAP - 0.2


def _scatter_of_equals(count):
    lines = [Line(f"m{k}", LINES[1].estimates) for k in range(count)]
    return plots.scatter(lines, ("coverage", "Coverage"), ("ndcg", "NDCG"))


@given(st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=5))
def test_costs_lie_at_equal_distances_for_equal_ratios(costs):
    lines = [Line(f"m{k}", LINES[1].estimates | {"s": Estimate(one, one, one)}) for k, one in enumerate(costs)]
    picture = plots.scatter(lines, ("s", "seconds"), ("ndcg", "NDCG"), log=True)
    places = [float(x) for x in re.findall(r'circle cx="([^"]+)"', picture)]
    assert all(0 <= x <= plots.WIDTH for x in places)
    by_cost = sorted(zip(sorted(costs), sorted(places), strict=True))
    (a, x), *_, (c, z) = [by_cost[0], by_cost[-1]]
    for b, y in by_cost:
        if c / a > 1.01:
            assert (y - x) / (z - x) == pytest.approx(math.log(b / a) / math.log(c / a), abs=0.02)


def test_sizes_read_well():
    assert [words.size(one) for one in (None, 12, 5_400_000, 3.2e9)] == ["–", "12 B", "5.4 MB", "3.2 GB"]


def test_names_are_escaped():
    strange = (Line("<script>", LINES[0].estimates),)
    assert "<script>" not in plots.scatter(strange, ("coverage", "Coverage"), ("ndcg", "NDCG"))


def test_missing_and_equal_numbers_are_drawn_without_failing():
    lines = (Line("a", {"ndcg": NOTHING, "coverage": NOTHING}), Line("b", {"ndcg": Estimate(0, 0, 0)}))
    group = Group("cold", 5, 5, Table((NDCG,), lines))
    assert plots.side_by_side([group], "ndcg", "NDCG").count("<circle") == 1


def test_groups_of_a_few_members_have_no_mark_where_others_have():
    assert plots.shares(SHARES, "").count("<circle") == 2
    assert plots.shares(SHARES[2:], "").count("<circle") == 1
    assert "50.0 % [0.0, 100.0] of 4" in plots.shares(SHARES, "")


def test_equal_score_and_rate_lie_on_the_line():
    picture = plots.calibration([Bin(0.2, Share("", 9, 9, Estimate(0.2, 0.1, 0.4))), Bin(0.4, SHARES[1])], "")
    x1, y1, x2, y2 = (float(v) for v in re.search(
        r'x1="(\S+)" y1="(\S+)" x2="(\S+)" y2="(\S+)" class="zero"', picture).groups())  # fmt: skip
    x, y = map(float, re.search(r'circle cx="(\S+)" cy="(\S+)"', picture).groups())
    assert (y - y1) / (y2 - y1) == pytest.approx((x - x1) / (x2 - x1), abs=0.01)
