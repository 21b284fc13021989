"""The suite catches a policy that breaks a promise: each of these breaks one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from arm_worlds import TITLES, arms, asked

from matinee.decision import Choices, Decisions, Distribution, Layer, Requests, RowName
from matinee.errors import BadData
from matinee.history import Histories
from matinee.page import RowKind
from matinee.policies.arms import LinearArms
from matinee.policies.uniform import Uniform
from matinee.testing import check_policy, make_catalog

CATALOG = make_catalog(TITLES)


class Changed:
    """A policy with some of its answers changed."""

    def __init__(self, policy: Uniform | LinearArms, **changes: Callable) -> None:
        self._policy, self._changes = policy, changes

    def __getattr__(self, name: str):
        own = getattr(self._policy, name)
        change = self._changes.get(name)
        return own if change is None else lambda *given: change(own(*given), *given)


def with_choices(decisions: Decisions, **columns) -> Decisions:
    return replace(decisions, choices=replace(decisions.choices, **columns))


def caught(message: str, requests: Requests | None = None, make=lambda: Uniform(CATALOG), **changes) -> None:
    with pytest.raises((AssertionError, BadData), match=message):
        check_policy(lambda: Changed(make(), **changes), CATALOG, asked() if requests is None else requests)


def test_a_good_policy_passes_under_the_wrapping():
    check_policy(lambda: Changed(Uniform(CATALOG)), CATALOG, asked())


def test_a_probability_that_is_not_the_logged_one():
    caught("log_prob differs", log_prob=lambda found, _: found - 0.01)


def test_a_title_that_may_not_be_shown():
    def shown_anyway(made: Decisions, requests: Requests, _) -> Decisions:
        plain = replace(requests, candidates=None)
        return replace(Uniform(CATALOG).decide(plain, np.random.default_rng(0)), requests=requests)

    caught("shown where none may be", decide=shown_anyway)


def test_an_excluded_title_that_is_thought_possible():
    caught("thought possible", log_prob=lambda found, made: np.maximum(found, made.choices.log_probs))


def test_another_decision_at_the_same_seed():
    turn = iter(range(1000))
    caught("the same seed", decide=lambda made, asked_for, _: Uniform(CATALOG).decide(
        asked_for, np.random.default_rng(next(turn))))  # fmt: skip


def test_a_catalogue_of_another_size():
    caught("the catalogue has", decide=lambda made, *_: replace(made, catalog=TITLES + 1))


def test_a_maker_that_is_none():
    caught("maker", decide=lambda made, *_: with_choices(made, makers=made.choices.makers + 1))


def test_words_after_silence():
    """Two choices a decision: stay silent, then a title all the same."""

    def says(made: Decisions, *_) -> Decisions:
        twice = np.repeat(np.arange(len(made)), 2)
        lines = made.choices.take(np.arange(len(made)))
        if len(lines.layers) < len(made):
            return made
        doubled = {name: getattr(lines, name)[twice] for name in ("layers", "rows", "columns", "actions", "log_probs",
                   "among", "makers", "scores", "evidence")}  # fmt: skip
        doubled["layers"][::2], doubled["actions"][::2] = Layer.SEND, 0
        return replace(made, choices=Choices(np.arange(0, 2 * len(made) + 1, 2), **doubled))

    caught("after staying silent", decide=says)


def test_a_row_that_means_nothing_later():
    caught("appended", decide=lambda made, *_: replace(made, row_names=(RowName(RowKind.GENRE, ("Gone",)),)))


def test_a_decision_that_cannot_be_asked_alone():
    """Answers that follow the place in the batch are lost in the log."""
    caught("asked again", log_prob=lambda found, made: found - (0.1 if len(made) == 1 else 0.0))


def test_a_distribution_that_does_not_sum_to_one():
    caught("sum to", probabilities=lambda made, _: Distribution(made.candidates, made.probs * 0.9))


def test_a_distribution_that_is_not_what_was_drawn_from():
    def skewed(made: Distribution, _) -> Distribution:
        weights = 1.0 + np.arange(len(made.probs)) % 2
        total = np.repeat(made.sums(made.probs * weights), np.diff(made.candidates.offsets))
        return Distribution(made.candidates, made.probs * weights / total)

    caught("not the logged", make=arms, probabilities=skewed)


def test_a_version_that_stands_still():
    class Still(LinearArms):
        posterior = 0

    caught("after learning", make=lambda: arms(kind=Still))


def test_learning_that_cannot_be_replayed():
    draws = np.random.default_rng()

    class Restless(LinearArms):
        def learn(self, decisions, rewards):
            super().learn(decisions, rewards + draws.normal())

    caught("other bytes", make=lambda: arms(kind=Restless))


def test_an_old_version_that_answers_as_the_new():
    class Forgetful(LinearArms):
        def at(self, posterior):
            return self

    caught("does not give back", make=lambda: arms(kind=Forgetful))


def test_learning_from_what_nobody_looked_at():
    class Eager(LinearArms):
        def learn(self, decisions, rewards):
            super().learn(decisions, np.nan_to_num(rewards))

    caught("taught something", make=lambda: arms(kind=Eager))


def test_decisions_that_hide_their_version():
    class Hidden(LinearArms):
        def decide(self, requests, rng):
            made = super().decide(requests, rng)
            return replace(made, makers=(made.makers[0]._replace(posterior=99),))

    caught("say", make=lambda: arms(kind=Hidden))


def test_the_suite_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    check_policy(arms, CATALOG, asked(6))
    assert list(Path(tmp_path).iterdir()) == []


def test_requests_without_histories_are_fine():
    check_policy(arms, CATALOG, Requests.of_histories(Histories.empty(4)))
