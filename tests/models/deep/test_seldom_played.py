"""Titles that were seldom played: with vectors of one length they stand first where they belong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from matinee.decision import Requests
from matinee.history import Histories
from matinee.models.deep.sequence_config import FEW_PLAYS
from matinee.models.sequence import Sequence, SequenceConfig, Training, decided
from matinee.testing import make_catalog, make_data, make_events

pytestmark = pytest.mark.usefixtures("one_thread")

COMMON, PAIRS = 30, 10  # titles that all play, and pairs that three members play, one right after the other
SMALL = SequenceConfig(
    size=16, layers=1, heads=1, length=8, dropout=0.0, training=Training(epochs=20, batch=16, rate=1e-2)
)
FIRSTS = COMMON + 2 * np.arange(PAIRS)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    lists = [rng.choice(COMMON, 4, replace=False).tolist() for _ in range(150)]
    for k in range(3 * PAIRS):
        lists[k][2:2] = [int(FIRSTS[k // 3]), int(FIRSTS[k // 3]) + 1]
    return make_data(make_events(lists), make_catalog(COMMON + 2 * PAIRS))


def found(config, data):
    """How many second titles of the pairs stand first after the first one."""
    fitted = Sequence(config).fit(data, np.random.default_rng(0))
    scores = fitted.score(Requests.of_histories(Histories.of_items([[0, int(first)] for first in FIRSTS])))
    return int((scores.argmax(axis=1) == FIRSTS + 1).sum())


def test_a_title_of_three_plays_stands_first_where_it_belongs(data):
    assert found(SMALL, data) >= 9
    assert found(replace(SMALL, unit=False), data) <= 7


@pytest.mark.parametrize(("more", "unit"), [(-1, True), (0, False), (1, False)])
def test_fewer_plays_a_title_than_thirty_call_for_vectors_of_one_length(more, unit):
    counts = np.array([FEW_PLAYS + more, 0.0, FEW_PLAYS], np.float32)
    assert decided(SMALL, counts).unit is unit
    assert decided(replace(SMALL, unit=not unit), counts).unit is not unit


def test_what_a_fit_decided_is_kept_and_saved(data, tmp_path):
    brief = replace(SMALL, training=Training(epochs=1, batch=64))
    scorer = Sequence(brief).fit(data, np.random.default_rng(0))
    assert scorer.config == replace(brief, unit=True)
    lengths = np.linalg.norm(scorer.title_vectors[:, :-1], axis=1)
    np.testing.assert_allclose(lengths, 1.0, rtol=1e-5)
    scorer.save(tmp_path)
    assert Sequence.load(tmp_path).config.unit is True
