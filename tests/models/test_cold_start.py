"""Cold start: the blend is its formula; contexts reach every model; memory is read without failing."""

import numpy as np
import polars as pl
import pytest

from matinee.decision import Context, Requests, Scorer, Situations, scored
from matinee.errors import BadRequest
from matinee.history import Histories
from matinee.models import cold_start
from matinee.models.artifacts.widen import Widened, widened
from matinee.models.cold_start import Prior, history_rows
from matinee.models.factors import Factors, FactorsConfig
from matinee.models.linear_autoencoder import Ease
from matinee.models.memory import available_bytes
from matinee.models.neighbors import Neighbors
from matinee.models.popularity import Popularity
from matinee.testing import checkerboard, cyclic, make_catalog, make_data, make_events
from matinee.testing.numbers import assert_same

MAKERS = [Ease, Neighbors, lambda: Factors(FactorsConfig(size=4))]


def test_the_prior_fades_as_kappa_says():
    prior = Prior(Popularity().fit(checkerboard(), np.random.default_rng(0)), kappa=2.0, scale=5.0)
    requests = Requests.of_histories(Histories.of_items([[], [0], [0, 2], list(range(6))]))
    shares = prior.popularity.shares(Situations.of([Context()]))[0]
    expected = 5.0 * shares * (2.0 / (2.0 + np.array([0, 1, 2, 6])))[:, None]
    np.testing.assert_allclose(prior.scores(requests), expected, rtol=1e-5)


def test_the_scale_is_learned_in_blocks_of_bounded_size(monkeypatch):
    data, vectors, sizes = checkerboard(), np.random.default_rng(1).normal(size=(12, 3)).astype(np.float32), []

    def part(histories):
        sizes.append(len(histories))
        return vectors[histories.items] @ vectors.T

    shares = Popularity().fit(data, np.random.default_rng(0)).shares(Situations.of([Context()]))[0]
    expected = np.mean(np.std(vectors @ vectors.T, axis=1)) / max(np.std(shares), 1e-3 * np.mean(shares))
    for at_once, blocks in ((1 << 22, [12]), (60, [5, 5, 2])):
        monkeypatch.setattr(cold_start, "AT_ONCE", at_once)
        assert Prior.fit(data, np.random.default_rng(0), 1.0, part).scale == pytest.approx(expected, rel=1e-5)
        assert sizes == blocks
        sizes.clear()


@pytest.mark.parametrize("make", MAKERS)
def test_new_members_get_what_is_popular_where_they_are(make):
    likes = [[0, 1]] * 300 + [[2, 3]] * 200
    countries = [name for name, count in (("DK", 600), ("SE", 400)) for _ in range(count)]
    events = make_events(likes).with_columns(pl.Series("country", countries))
    data = make_data(events, make_catalog(6))
    scorer = make().fit(data, np.random.default_rng(0))
    contexts = (Context(), Context("DK"), Context("SE"))
    nobody = Requests.of_histories(Histories.empty(3), contexts=contexts)
    popular = Popularity().fit(data, np.random.default_rng(0)).shares(Situations.of(contexts))
    scores = scorer.score(nobody)
    for b in range(3):
        order = np.argsort(-popular[b], kind="stable")
        assert (np.diff(scores[b][order]) <= 0).all()
    gap = scores[:, 2] - scores[:, 0]
    assert gap[2] > gap[0] > gap[1]


@pytest.mark.parametrize("make", MAKERS)
def test_nothing_is_lost_when_all_titles_are_equally_popular(make):
    scorer = make().fit(cyclic(), np.random.default_rng(0))
    scores = scorer.score(Requests.of_histories(Histories.of_items([[], [0]])))
    assert np.abs(scores).max() < 1e4
    assert np.ptp(scores[1]) > 10 * np.ptp(scores[0])


def test_history_rows_weigh_and_filter():
    histories = Histories.of_items([[5, 1, 9], [], [9], [2, 0]])
    offsets, items, weights = history_rows(histories, 6, half_life=1.0)
    assert offsets.tolist() == [0, 2, 2, 2, 4]
    assert items.tolist() == [5, 1, 2, 0]
    assert weights.tolist() == [1 / 4, 1 / 2, 1 / 2, 1]


def test_widening_is_a_scorer_and_undoes_itself():
    scorer = Ease().fit(checkerboard(), np.random.default_rng(0))
    wide = widened(scorer, 12, 15)
    assert isinstance(wide, Scorer)
    assert widened(wide, 12, 12) is scorer
    again = widened(wide, 12, 20)
    assert isinstance(again, Widened)
    assert again.scorer is scorer
    with pytest.raises(BadRequest):
        wide.fit(checkerboard(), np.random.default_rng(0))


def test_a_widened_scorer_gives_the_reasons_beside_the_scores():
    wide = widened(Ease().fit(checkerboard(), np.random.default_rng(0)), 12, 15)
    requests, items = Requests.of_histories(Histories.of_items([[0, 2]])), np.array([[4, 14, -1]], np.int32)
    scores, explain = scored(wide, requests)
    assert_same(scores, wide.score(requests))
    assert explain(items).tolist() == wide.explain(requests, items).tolist()
    assert explain(items)[0, 1:].tolist() == [-1, -1]


def test_memory_is_a_plausible_number():
    assert 0 <= available_bytes() < 1 << 50
