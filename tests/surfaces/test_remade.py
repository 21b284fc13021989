"""Policies made again: out of plain data and the artifact comes the policy that acted; damaged data is refused."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import orjson
import pytest
from pages import policy_of, request_of, world

from matinee.errors import ArtifactRefused
from matinee.page import Attention, Layout, Layouts
from matinee.surfaces.home import HomePolicy
from matinee.surfaces.play_something.moods import themes_of
from matinee.surfaces.play_something.policy import PlaySomethingConfig, PlaySomethingPolicy
from matinee.surfaces.remade import parameters_of, remade
from matinee.surfaces.similar import SimilarPolicy

CATALOG = world(60)
HOME = policy_of(CATALOG, exploration=0.3)
ARTIFACT = SimpleNamespace(artifact_id="fixed", scorer=HOME.scorer, calibration=HOME.calibration)
LAYOUT = Layout(rows=4, columns=5, visible=3)


def again(policy):
    """Through JSON, as a workspace keeps it."""
    return remade(orjson.loads(orjson.dumps(parameters_of(policy))), ARTIFACT, CATALOG)


def test_a_home_page_comes_back_with_its_name_and_its_probabilities():
    made = HOME.decide(request_of(LAYOUT, 3), np.random.default_rng(0))
    other = again(HOME)
    assert isinstance(other, HomePolicy)
    assert other.maker == HOME.maker
    np.testing.assert_allclose(other.log_prob(made), made.choices.log_probs, atol=1e-9)


def test_similar_titles_come_back():
    known = np.arange(60, dtype=np.float32), np.arange(60) < 6
    similar = SimilarPolicy("similar", "fixed", CATALOG, HOME.scorer, HOME.calibration, 17, *known)
    assert again(similar).maker == similar.maker
    assert again(similar).neighbors == 17


def test_suggestions_come_back_with_their_themes_whatever_the_catalogue_says_now():
    made = (HOME.scorer, HOME.calibration, themes_of(HOME.scorer, 60), PlaySomethingConfig(horizon=7))
    suggests = PlaySomethingPolicy("play", "fixed", CATALOG, *made)
    other = again(suggests)
    assert other.maker == suggests.maker
    requests = request_of(Layout(rows=1, columns=1, billboard=False), 3)
    decisions = suggests.decide(requests, np.random.default_rng(0))
    np.testing.assert_allclose(other.log_prob(decisions), decisions.choices.log_probs, atol=1e-9)


def test_how_pages_are_looked_at_is_of_the_request_not_of_the_policy():
    """A policy whose artifact was fitted to other looks answers for an old layout as the old one did."""
    looked = HomePolicy(**{**vars_of(HOME), "layouts": Layouts().with_attention({"web": Attention(0.5, 0.5, 0.5)})})
    assert looked.maker == HOME.maker
    made = HOME.decide(request_of(LAYOUT, 2), np.random.default_rng(1))
    np.testing.assert_allclose(looked.log_prob(made), made.choices.log_probs, atol=1e-9)


def vars_of(policy: HomePolicy) -> dict:
    return {name: getattr(policy, name) for name in HomePolicy.__dataclass_fields__}


def test_other_settings_have_another_name():
    assert policy_of(CATALOG, exploration=0.2).maker != HOME.maker
    assert policy_of(CATALOG, exploration=0.3).maker == HOME.maker


def test_a_policy_over_a_changed_catalogue_has_another_name_and_says_which():
    """So that its decisions are asked with the titles as they were."""
    changed = replace(CATALOG, version=3)
    known = np.arange(60, dtype=np.float32), np.arange(60) < 6
    similar = SimilarPolicy("similar", "fixed", CATALOG, HOME.scorer, HOME.calibration, 17, *known)
    suggests = PlaySomethingPolicy("play", "fixed", CATALOG, HOME.scorer, HOME.calibration, themes_of(HOME.scorer, 60))
    for policy in (HOME, similar, suggests):
        over = replace(policy, catalog=changed)
        assert over.maker != policy.maker
        assert [parameters_of(one)["catalog"] for one in (policy, over)] == [0, 3]


WHOLE = parameters_of(HOME)


@pytest.mark.parametrize(
    "damaged",
    [
        {},
        {"policy": "home"},
        {key: value for key, value in WHOLE.items() if key != "config"},
        {**WHOLE, "config": {**WHOLE["config"], "exploration": 7}},
        {**WHOLE, "config": {**WHOLE["config"], "colour": "blue"}},
        {**WHOLE, "charts": {}},
        {"policy": "play", "config": {}, "themes": [["many"]]},
        {**WHOLE, "charts": {**WHOLE["charts"], "genre_shares": ["many"]}},
    ],
    ids=lambda damaged: ", ".join(damaged) or "nothing",
)
def test_what_is_no_policy_is_refused_with_the_remedy(damaged):
    with pytest.raises(ArtifactRefused, match=r"no parameters of a policy: .*restore them from a backup"):
        remade(damaged, ARTIFACT, CATALOG)
