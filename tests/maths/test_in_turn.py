"""Lists drawn in turn: Steck's number, MMR and the greedy list by brute force, exact probabilities."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import chisquare

from matinee.maths.beyond_accuracy import intra_list_diversity, miscalibration
from matinee.maths.in_turn import divergence, in_turn
from matinee.maths.ragged import Ragged
from matinee.maths.sampling import plackett_luce

RNG = np.random.default_rng(5)
GROUPS = Ragged.of([RNG.choice(6, RNG.integers(0, 4), replace=False) for _ in range(30)])
LOGITS = np.sort(RNG.normal(0.0, 1.0, 30).astype(np.float32))[::-1]
WANTED = np.array([0.5, 0.2, 0.2, 0.1, 0.0, 0.0])
VECTORS = np.zeros((30, 6))
for k in range(30):
    VECTORS[k, GROUPS[k]] = 1.0
SHARES = VECTORS / np.maximum(VECTORS.sum(axis=1, keepdims=True), 1.0)
LENGTHS = np.linalg.norm(VECTORS, axis=1)
COSINES = VECTORS @ VECTORS.T / np.maximum(np.outer(LENGTHS, LENGTHS), 1e-9)


def off_by(chosen: list[int]) -> float:
    """C_KL of a list by its definition, where a list without a group has q = 0."""
    given = SHARES[chosen].sum(axis=0)
    mixed = 0.99 * given / max(given.sum(), 1e-300) + 0.01 * WANTED
    return float((WANTED[:4] * np.log(WANTED[:4] / mixed[:4])).sum())


def keys_after(before: list[int], diversity: float, calibration: float) -> np.ndarray:
    """k_i of the docstring, one by one; -inf for what stands already."""
    nearest = COSINES[:, before].max(axis=1) if before else np.zeros(30)
    off = np.array([off_by([*before, i]) for i in range(30)])
    keys = LOGITS - diversity * nearest - calibration * off
    keys[before] = -np.inf
    return keys


def test_the_known_answer_of_steck():
    """p = (.7, .3), q = (1, 0): .7 log(.7 / .997) + .3 log(.3 / .003) = 1.13398."""
    logs = np.zeros(2)
    assert divergence(np.array([0.7, 0.3]), np.array([1.0, 0.0]), 1.0, logs) == pytest.approx(1.13398, abs=1e-5)
    assert logs == pytest.approx(np.log([0.997, 0.003]))
    assert divergence(np.array([0.7, 0.3]), np.array([0.7, 0.3]), 1.0, logs) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("diversity", "calibration"), [(0.0, 0.0), (1.5, 0.0), (0.0, 4.0), (1.5, 4.0)])
def test_the_greedy_list_is_the_largest_key_each_time(diversity, calibration):
    chosen, log_probs = in_turn(LOGITS, GROUPS, 12, WANTED, diversity, calibration)
    want: list[int] = []
    for _ in range(12):
        want.append(int(np.argmax(keys_after(want, diversity, calibration))))
    assert chosen.tolist() == want
    assert not log_probs.any()


@pytest.mark.parametrize(("diversity", "calibration"), [(0.0, 0.0), (1.5, 0.0), (1.5, 4.0)])
def test_probabilities_are_the_softmax_of_the_keys_after_those_before(diversity, calibration):
    for seed in range(20):
        chosen, log_probs = in_turn(LOGITS, GROUPS, 8, WANTED, diversity, calibration, temperature=0.7, seed=seed)
        for k, at in enumerate(chosen):
            scaled = keys_after(chosen[:k].tolist(), diversity, calibration) / 0.7
            assert log_probs[k] == pytest.approx(scaled[at] - logsumexp(scaled), abs=1e-6)


def test_every_list_of_a_small_set_is_drawn_as_often_as_its_probability_says():
    """All 24 orders of four, chi-square over 8,000 seeds; alpha = 0.001. Their probabilities add up to 1."""
    few, wanted = Ragged.of([[0, 1], [0], [1, 2], []]), np.array([0.6, 0.2, 0.2])
    logits, counts, chance = np.array([0.5, 0.4, 0.0, -0.5]), {}, {}
    for seed in range(8_000):
        chosen, log_probs = in_turn(logits, few, 4, wanted, 0.7, 0.2, temperature=1.0, seed=seed)
        key = tuple(chosen.tolist())
        counts[key], chance[key] = counts.get(key, 0) + 1, np.exp(log_probs.sum())
    assert set(counts) == set(permutations(range(4)))
    assert sum(chance.values()) == pytest.approx(1.0, abs=1e-9)
    observed = np.array([counts[key] for key in chance])
    assert chisquare(observed, 8_000 * np.array(list(chance.values()))).pvalue > 0.001


def test_without_pull_it_is_plackett_luce():
    """Of the same list, the same log-probabilities as by the kernel that knows nothing of what stands before."""
    chosen, log_probs = in_turn(LOGITS, GROUPS, 5, WANTED, temperature=0.8, seed=3)
    left, want = LOGITS.astype(np.float64) / 0.8, []
    for at in chosen:
        want.append(left[at] - logsumexp(left))
        left[at] = -np.inf
    assert log_probs == pytest.approx(want, abs=1e-6)
    greedy, _ = plackett_luce(LOGITS[None], 5, 0.0, np.zeros(1, np.uint64))
    assert in_turn(LOGITS, GROUPS, 5, WANTED)[0].tolist() == greedy[0].tolist()


def test_each_pull_improves_what_it_pulls_at():
    """On average over twenty lists, at each of six settings."""
    drawn = RNG.normal(0.0, 1.0, (20, 30))

    def lists(**pull: float) -> np.ndarray:
        return np.array([in_turn(logits, GROUPS, 10, WANTED, **pull)[0] for logits in drawn], np.int32)

    varied = [intra_list_diversity(lists(diversity=d), VECTORS).mean() for d in (0, 0.2, 0.5, 1, 2, 4)]
    assert (np.diff(varied) > 0).all(), varied
    given = [SHARES[lists(calibration=c)].sum(axis=1) for c in (0, 2, 5, 10, 20, 100)]
    mixes = [one / one.sum(axis=1, keepdims=True) for one in given]
    off = [miscalibration(np.tile(WANTED, (20, 1)), one).mean() for one in mixes]
    assert (np.diff(off) < 0).all(), off


def test_calibration_alone_on_separable_titles_is_within_one_in_n():
    """Thirty titles of one genre each: the ten shown have each genre within 1/10 of the share wanted."""
    one_each = Ragged.of([[k % 3] for k in range(30)])
    wanted = np.array([0.55, 0.3, 0.15])
    chosen, _ = in_turn(LOGITS, one_each, 10, wanted, calibration=1e6)
    assert (abs(np.bincount(chosen % 3, minlength=3) / 10 - wanted) <= 0.1).all()


def test_few_elements_make_a_short_list_and_shapes_are_said():
    assert len(in_turn(np.zeros(2), Ragged.of([[0], []]), 5, WANTED, 1.0, 1.0)[0]) == 2
    with pytest.raises(AssertionError, match="3 logits of 2 elements"):
        in_turn(np.zeros(3), Ragged.of([[0], []]), 5, WANTED)
