"""A learner's rows hold its own cell and nothing else, whoever makes them."""

import numpy as np
import pytest

from matinee.decision import Requests
from matinee.errors import BadRequest
from matinee.experiment.allocate import in_cells
from matinee.experiment.definition import Arm, Experiment
from matinee.experiment.own_cell import OwnCell, in_arm
from matinee.history import Histories
from matinee.policies.uniform import Uniform
from matinee.profile import Profile
from matinee.testing import make_catalog

AA = Experiment("aa", "s1", (Arm("one", 0.4), Arm("two", 0.4)), 0)


@pytest.fixture
def decisions():
    requests = Requests.of_histories(Histories.empty(200), profiles=[Profile(f"m{k}") for k in range(200)])
    return Uniform(make_catalog(30)).decide(in_cells(requests, [AA]), np.random.default_rng(0))


@pytest.fixture
def rewards(decisions):
    return np.arange(decisions.choices.offsets[-1], dtype=np.float64)  # uniform: a line a decision


class Listener:
    """A learner that keeps what it was taught."""

    def learn(self, decisions, rewards):
        self.taught = decisions, rewards


def test_a_training_set_of_a_cell_holds_no_row_of_another(decisions, rewards):
    arms = decisions.requests.cells.arms[:, 0]
    assert set(arms) == {-1, 0, 1}
    for arm in (0, 1):
        learner = Listener()
        OwnCell.of(AA, arm, decisions, rewards).teach(learner)
        own, told = learner.taught
        assert np.count_nonzero(own.requests.cells.arms[:, 0] != arm) == 0
        assert own.ids == tuple(one for one, at in zip(decisions.ids, arms, strict=True) if at == arm)
        assert told.tolist() == np.flatnonzero(arms == arm).tolist()


def test_foreign_rows_cannot_be_put_in(decisions, rewards):
    with pytest.raises(BadRequest, match=r"of 200 decisions are not of arm 'two' of 'aa'"):
        OwnCell(AA, 1, decisions, rewards)


def test_decisions_of_no_experiment_are_of_no_arm(decisions):
    other = Experiment("other", "s1", AA.arms, 0)
    assert not in_arm(decisions, other, 0).any()
    bare = Uniform(make_catalog(30)).decide(Requests.of_histories(Histories.empty(2)), np.random.default_rng(0))
    assert not in_arm(bare, AA, 0).any()
