"""The uniform policy: every eligible title as likely as any other, whatever the batch brings."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy import stats

from matinee.catalog import Catalog
from matinee.decision import Requests
from matinee.history import Histories
from matinee.maths.ragged import Ragged
from matinee.policies.uniform import Uniform
from matinee.profile import Profile
from matinee.testing import check_policy, make_catalog


def test_conformance():
    catalog = make_catalog(30)
    check_policy(lambda: Uniform(catalog), catalog, Requests.of_histories(Histories.empty(50)))


def test_every_title_is_drawn_as_often_as_its_probability_says():
    """40,000 draws among 20 titles; a chi-square test that errs once in a thousand seeds, seed fixed."""
    batch = 40_000
    made = Uniform(make_catalog(20)).decide(Requests.of_histories(Histories.empty(batch)), np.random.default_rng(1))
    np.testing.assert_allclose(made.choices.log_probs, -np.log(20))
    assert stats.chisquare(np.bincount(made.titles, minlength=20)).pvalue > 0.001


def test_limits_exclusions_and_candidates_hold_and_nobody_to_choose_from_means_no_choice():
    catalog = Catalog.from_frame(pl.DataFrame({"item_id": list("abcd"), "maturity": [0, 0, 18, 18]}))
    profiles = [Profile("child", kids=True), Profile("adult"), Profile("adult2"), Profile("child2", kids=True)]
    requests = Requests.of_histories(
        Histories.empty(4),
        profiles=profiles,
        exclude=Ragged.of([[0], [], [], [0, 1]]),
        candidates=Ragged.of([[0, 1, 2], [2, 3], [3], [0, 1]]),
    )
    made = Uniform(catalog).decide(requests, np.random.default_rng(0))
    assert made.eligible.tolist() == [1, 2, 1, 0]
    assert np.diff(made.choices.offsets).tolist() == [1, 1, 1, 0]
    assert made.titles[[0, 2]].tolist() == [1, 3]
    np.testing.assert_allclose(np.exp(made.choices.log_probs), [1, 1 / 2, 1])
