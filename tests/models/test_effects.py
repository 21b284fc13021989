"""Effects of messages: a world of four kinds of member is told apart, an open-rate model takes the sure ones."""

from __future__ import annotations

import numpy as np
import pytest

from matinee.errors import BadRequest
from matinee.models.effects import Effects, Trials, chance_if_sent, effect_of_sending

SILENT = np.array([0.9, 0.05, 0.2, 0.6])  # sure things, lost causes, persuadables, do-not-disturbs return so often
WRITTEN = np.array([0.9, 0.05, 0.6, 0.4])


def trials(n: int, seed: int = 0) -> Trials:
    """Members whose kind stands in their one feature, sent with a chance that follows it."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(4, size=n)
    chance = np.array([0.8, 0.3, 0.2, 0.5])[kind]
    sent = rng.random(n) < chance
    came = rng.random(n) < np.where(sent, WRITTEN[kind], SILENT[kind])
    return Trials(kind[:, None].astype(np.float64), sent, chance, came.astype(np.float64), np.arange(n), np.ones(n))


def test_the_four_kinds_are_told_apart():
    """The effects are 0, 0, .4, -.2; of 40,000 each estimate is within 4 standard errors of .02 or less."""
    found = effect_of_sending(trials(40_000)).of(np.arange(4.0)[:, None])
    np.testing.assert_allclose(found, WRITTEN - SILENT, atol=0.08)
    assert found.argmax() == 2
    assert found.argmin() == 3


def test_the_chance_of_what_was_sent_prefers_the_sure_ones():
    found = chance_if_sent(trials(40_000)).of(np.arange(4.0)[:, None])
    np.testing.assert_allclose(found, WRITTEN, atol=0.05)
    assert found.argmax() == 0


def test_they_come_back_from_plain_data():
    effects = effect_of_sending(trials(2_000))
    assert Effects.of_plain(effects.plain()) == effects


@pytest.mark.parametrize("damaged", [{}, {"knots": [[0.0]], "weights": [1.0]}, {"knots": [[0.0]], "weights": ["a", 1]}])
def test_what_is_no_effect_is_refused(damaged):
    with pytest.raises((KeyError, ValueError)):
        Effects.of_plain(damaged)


def test_too_few_are_refused_with_what_is_missing():
    few = trials(600).of(trials(600).sent)
    with pytest.raises(BadRequest, match=r"sends and 0 silences are known .* send at random until then"):
        effect_of_sending(few)
