"""Tone: stated words, read by their beginnings."""

from __future__ import annotations

import polars as pl
import pytest

from matinee.catalog import Catalog
from matinee.tone import lightness_of, tones


@pytest.mark.parametrize(
    ("names", "lightness"),
    [
        (["Comedy"], 1.0),
        (["Comédie", "Western"], 0.0),
        (["Children's", "Animation"], 0.9),
        (["Crime", "Drama"], -0.6),
        (["Film-Noir"], 0.0),
        (["Neo noir"], -0.8),
        (["War"], -1.0),
        (["Award winner", "darkroom"], 0.0),
        (["Romantic comedy"], 0.7),
        ([], 0.0),
    ],
)
def test_the_mean_of_what_the_words_say(names, lightness):
    assert lightness_of(names) == pytest.approx(lightness)


def test_genres_and_tags_count():
    frame = pl.DataFrame({"item_id": ["a", "b"], "genres": [["Comedy"], []], "tags": [["sad"], ["feel-good"]]})
    assert tones(Catalog.from_frame(frame)).tolist() == [0.0, 1.0]
