"""The sequence model over HTTP: a play that is posted changes the very next page of that member."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from circle import CIRCLE, first_title, home_of, watch

from matinee.maths.calibration import Platt
from matinee.models.sequence import Reading, Sequence, SequenceConfig, Training

pytestmark = pytest.mark.usefixtures("one_thread")
CONFIG = SequenceConfig(
    size=16,
    layers=1,
    heads=1,
    length=20,
    reading=Reading(context=False, time=False),
    training=Training(epochs=20, batch=32, rate=3e-2),
)


@pytest.fixture
def client(serve):
    scorer = Sequence(CONFIG).fit(CIRCLE, np.random.default_rng(0))
    policy = home_of("sequence", scorer, Platt(0.01, -5.0))
    return serve(catalog=CIRCLE.catalog, policies={"home": [("sequence", policy)]})


def test_each_play_moves_the_next_page_on(client):
    for item in (3, 4):
        watch(client, "ada", item)
    for item in (5, 6, 7):
        assert first_title(client, "ada", "home-sequence") == f"t{item}"
        watch(client, "ada", item)
    before = first_title(client, "eve", "home-sequence")
    watch(client, "ada", 8)
    assert first_title(client, "eve", "home-sequence") == before, "another member's play is none of hers"
