"""Attention: planted decays come back, intervals cover, too little data says what the prior says."""

import numpy as np
import pytest

from matinee.maths.attention import Counts, fit_attention

ROWS, COLUMNS, VISIBLE = 8, 12, 4
PLACES = np.array([(i, j, j // VISIBLE) for i in range(ROWS) for j in range(COLUMNS)], np.float64)
PRIOR = np.array([0.9, 0.9, 0.4])


def looks(decays, members: int, pages: int, rng) -> Counts:
    """A cascade: people go down row by row and along each row that they reach, until they stop."""
    row, column, scroll = decays
    depth = rng.geometric(1 - row, (members, pages)) if row < 1 else np.full((members, pages), ROWS)
    seen = np.zeros((members, ROWS, COLUMNS))
    onward = np.array([column * (scroll if j % VISIBLE == 0 else 1) for j in range(1, COLUMNS)])
    for i in range(ROWS):
        reached = (depth > i)[:, :, None]
        along = np.cumprod(rng.random((members, pages, COLUMNS - 1)) < onward, axis=2)
        seen[:, i, 0] = reached.sum(axis=(1, 2))
        seen[:, i, 1:] = (along * reached).sum(axis=1)
    who, where = (np.repeat(np.arange(members), len(PLACES)), np.tile(np.arange(len(PLACES)), members))
    return Counts(who, where, np.full(len(who), float(pages)), seen.ravel())


def fitted(counts: Counts, prior=PRIOR):
    return fit_attention(PLACES, counts, np.array(prior), PLACES)


@pytest.mark.parametrize("planted", [(0.8, 0.95, 0.3), (0.95, 0.7, 0.9), (0.6, 0.9, 0.6)])
def test_planted_decays_come_back_from_many_pages(planted):
    """20,000 page views; a place of half a chance is then known to .0035, so .03 is eight standard errors."""
    found = fitted(looks(planted, 1_000, 20, np.random.default_rng(0)))
    np.testing.assert_allclose(found.value, planted, atol=0.03)
    assert (found.low < found.value).all()
    assert (found.value < found.high).all()


def test_two_hundred_thousand_page_views_give_the_decays_to_three_hundredths():
    found = fitted(looks((0.85, 0.92, 0.5), 10_000, 20, np.random.default_rng(1)))
    np.testing.assert_allclose(found.value, (0.85, 0.92, 0.5), atol=0.03)


def test_intervals_over_members_cover_as_they_promise():
    """95 % is promised; in 400 worlds that has a standard error of 1.1 points. Looks at one page hang together."""
    rng, planted, covered, alone = np.random.default_rng(2), (0.7, 0.85, 0.5), np.zeros(3), np.zeros(3)
    for _ in range(400):
        counts = looks(planted, 60, 4, rng)
        found = fitted(counts)
        covered += (found.low <= planted) & (planted <= found.high)
        apart = fitted(counts._replace(members=np.arange(len(counts.members))))
        alone += (apart.low <= planted) & (planted <= apart.high)
    assert ((covered / 400 >= 0.915) & (covered / 400 <= 0.98)).all(), covered
    assert (alone[:2] / 400 < 0.9).all(), f"places taken as independent cover {alone}"


@pytest.mark.parametrize("prior", [(0.9, 0.9, 0.4), (0.85, 0.92, 0.5)])
def test_without_pages_the_prior_stays_and_the_interval_is_wide(prior):
    nothing = Counts(*(np.empty(0, dtype) for dtype in (np.int64, np.int64, float, float)))
    found = fitted(nothing, prior)
    np.testing.assert_allclose(found.value, prior, atol=1e-4)
    assert (found.high - found.low > 0.03).all()


def test_all_seen_and_nothing_seen_have_finite_answers():
    who, where = np.repeat(np.arange(50), len(PLACES)), np.tile(np.arange(len(PLACES)), 50)
    ones = np.ones(len(who))
    everything = fitted(Counts(who, where, ones, ones))
    assert (everything.value > (0.99, 0.99, 0.97)).all()
    assert (everything.high <= 1).all()
    nothing = fitted(Counts(who, where, ones, np.where(where == 0, 1.0, 0.0)))
    assert (nothing.value[:2] < 0.65).all()
    assert ((nothing.low > 0) & (nothing.high <= 1)).all()


def test_what_is_not_on_the_page_keeps_the_prior():
    """Rows of one screen say nothing of scrolling sideways."""
    narrow = PLACES[:, 1] < VISIBLE
    counts = looks((0.7, 0.8, 0.5), 200, 10, np.random.default_rng(3))
    kept = narrow[counts.places]
    found = fitted(Counts(*(column[kept] for column in counts)), (0.9, 0.9, 0.4))
    np.testing.assert_allclose(found.value[:2], (0.7, 0.8), atol=0.03)
    assert found.high[2] - found.low[2] > 0.2


@pytest.mark.parametrize("wrong", [(1.0, 0.9, 0.4), (0.9, 0.0, 0.4), (0.9, 0.9)])
def test_a_prior_that_is_no_chance_is_a_mistake(wrong):
    with pytest.raises(AssertionError):
        fitted(looks((0.7, 0.8, 0.5), 2, 2, np.random.default_rng(0)), wrong)
