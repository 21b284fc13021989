"""The transition graph over HTTP: nothing is learned anew, and each play of a session moves its next page on."""

from __future__ import annotations

import numpy as np
import pytest
from circle import CIRCLE, first_title, home_of, watch

from matinee.maths.calibration import Platt
from matinee.models.transition_graph import TransitionGraph
from matinee.models.transitions import TransitionConfig

FORWARDS = TransitionConfig(reach=1, backwards=0.0, hop=0.0, content=0.0, last=1, kappa=1e-6)


@pytest.fixture
def client(serve):
    graph = TransitionGraph(FORWARDS).fit(CIRCLE, np.random.default_rng(0))
    policy = home_of("transition-graph", graph, Platt(9.0, -5.0))
    return serve(catalog=CIRCLE.catalog, policies={"home": [("transition-graph", policy)]})


def test_each_play_of_a_session_moves_the_next_page_on(client):
    before = first_title(client, "eve", "home-transition-graph")
    for item in (3, 4, 5):
        watch(client, "ada", item)
        assert first_title(client, "ada", "home-transition-graph") == f"t{item + 1}"
    assert first_title(client, "eve", "home-transition-graph") == before, "another member's plays are none of hers"
