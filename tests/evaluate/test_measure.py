"""From lists and likes to one value per member: the parts that join metrics to the catalogue."""

import math

import numpy as np
import pytest

from matinee.evaluate.measure import EXPOSURE, LIST_METRICS, Audience, Titles, measure_lists, page_metrics
from matinee.evaluate.summarise import exposure_estimates, summarise
from matinee.history import Histories
from matinee.maths.beyond_accuracy import shown
from matinee.maths.ragged import Ragged
from matinee.page import PHONE, TV, WEB, Layout
from matinee.testing.worlds import make_catalog, make_data, make_events

KEYS = [metric.key for metric in LIST_METRICS]


@pytest.fixture
def titles():
    """Three members; t0 is liked by all, t1 by two, t2 by one, t3 by nobody."""
    genres = [["Drama"], ["Drama", "War"], ["War"], []]
    return Titles.of(make_data(make_events([[0, 1, 2], [0, 1], [0]]), make_catalog(4, genres=genres)))


def test_titles_count_likes_and_share_genres(titles):
    assert titles.likes.tolist() == [3, 2, 1, 0]
    assert titles.probability == pytest.approx([4 / 4, 3 / 4, 2 / 4, 1 / 4])
    assert titles.genres.tolist() == [[1, 0], [1 / 2, 1 / 2], [0, 1], [0, 0]]


def test_every_metric_of_a_list_by_hand(titles):
    audience = Audience(titles, Histories.of_items([[0], []]), Ragged.of([[2, 3], [0]]))
    ranked = np.array([[1, 2], [3, -1]], np.int32)
    first, second = (dict(zip(KEYS, row, strict=True)) for row in measure_lists(ranked, audience))
    ideal = 1 + 1 / math.log2(3)
    assert first["recall"] == 1 / 2
    assert first["ndcg"] == pytest.approx(1 / math.log2(3) / ideal)
    assert (first["mrr"], first["hit_rate"]) == (1 / 2, 1)
    assert first["novelty"] == pytest.approx((math.log2(4 / 3) + math.log2(2)) / 2)
    assert first["diversity"] == pytest.approx(1 - 1 / math.sqrt(2))
    drama = (1 / 2) / 2  # of the list's two titles, one is half drama; the member likes drama only
    assert first["miscalibration"] == pytest.approx(math.log(1 / (0.99 * drama + 0.01)))
    assert first["popularity_lift"] == pytest.approx(((2 + 1) / 2 - 3) / 3)
    assert second["recall"] == 0
    assert second["novelty"] == pytest.approx(math.log2(4))
    assert all(math.isnan(second[key]) for key in ("diversity", "miscalibration", "popularity_lift"))


@pytest.mark.parametrize("layout", [TV, WEB, PHONE, Layout(rows=2, columns=3, visible=5)])
def test_page_metrics_ask_for_windows_of_the_layout(layout):
    metrics = page_metrics(layout)
    assert len({metric.key for metric in metrics}) == len(metrics)
    assert metrics[0].key == f"recall@1x{layout.visible}"
    assert metrics[-2].key == f"recall@{layout.rows}x{layout.columns}"


def test_summaries_are_means_and_paired_differences():
    metrics = LIST_METRICS[:2]
    values = {"a": np.array([[1.0, 0], [3, 0]] * 50), "b": np.array([[0.0, 0], [2, 0]] * 50)}
    table = summarise(metrics, values, ["b"], ["recall"], np.random.default_rng(0))
    assert [line.estimates["recall"].value for line in table.lines] == [2, 1]
    (compared,) = table.comparisons
    one = compared.difference
    assert (one.low, one.value, one.high) == (1, 1, 1)  # every member differs by one, whatever the resample
    assert compared.p == pytest.approx(1 / 10_001)


def test_a_metric_that_nobody_has_is_no_clear_difference():
    nobody = {name: np.full((50, 1), np.nan) for name in "ab"}
    (compared,) = summarise(LIST_METRICS[:1], nobody, ["b"], ["recall"], np.random.default_rng(0)).comparisons
    assert math.isnan(compared.p)
    assert math.isnan(compared.p_holm)
    assert compared.verdict == "is not clearly different from"


def test_holm_corrects_over_the_models_of_one_baseline():
    rng = np.random.default_rng(1)
    base = rng.random((40, 1))
    values = {"base": base} | {name: base + rng.normal(0.15, 0.5, (40, 1)) for name in "abc"}
    table = summarise(LIST_METRICS[:1], values, ["base"], ["recall"], rng)
    p = sorted((c.p, c.p_holm) for c in table.comparisons)
    assert p[0][1] == pytest.approx(min(1, 3 * p[0][0]))
    assert p[1][1] == pytest.approx(min(1, max(p[0][1], 2 * p[1][0])))
    assert p[2][1] == pytest.approx(min(1, max(p[1][1], p[2][0])))


def test_exposure_is_centred_on_what_was_shown():
    ranked = np.random.default_rng(2).integers(0, 50, (200, 3)).astype(np.int32)
    found = exposure_estimates(shown(ranked, 100), np.random.default_rng(3))
    coverage = found["coverage"]
    assert coverage.value == len(np.unique(ranked)) / 100
    assert coverage.low < coverage.value < coverage.high
    nothing = exposure_estimates(shown(np.full((5, 3), -1, np.int32), 10), np.random.default_rng(4))
    assert all(math.isnan(nothing[metric.key].value) for metric in EXPOSURE)


def test_every_share_and_its_interval_lie_in_0_to_1():
    """Each member is shown one title of their own: the whole catalogue is shown, and half of it by a half."""
    ranked = np.arange(40, dtype=np.int32)[:, None]
    for lists, covered in ((ranked, 1.0), (ranked[:20], 0.5)):
        found = exposure_estimates(shown(lists, 40), np.random.default_rng(0))
        assert found["coverage"].value == covered
        for one in found.values():
            assert 0 <= one.low <= one.value <= one.high <= 1
