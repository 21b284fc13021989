"""Which models serve: leads are arithmetic, and a larger model stays only where it is surely better."""

from __future__ import annotations

import numpy as np
import pytest

from matinee.maths.calibration import Platt
from matinee.models.artifacts.artifact import save_artifact
from matinee.models.artifacts.quality import Quality, lead
from matinee.models.popularity import Popularity
from matinee.recipes.serving import HOME, on_home, served_in
from matinee.recipes.standing import lead_in, verdicts, worth_serving
from matinee.testing import checkerboard
from matinee.workspace import Workspace

LADDER = ("network", "graph", "ease", "popularity")
DATA = checkerboard()


def quality(mean: float, spread: float = 0.01, whom: str = "all", members: int = 100, asked: str = "likes") -> Quality:
    """Half of the members have `spread` more than the mean, half as much less."""
    signs = np.where(np.arange(members) % 2, 1.0, -1.0)
    return Quality(asked=asked, whom=whom, ndcg=(mean + spread * signs).tolist())


@pytest.fixture(scope="module")
def fitted() -> Popularity:
    return Popularity().fit(DATA, np.random.default_rng(0))


@pytest.fixture
def holding(tmp_path, fitted):
    """A workspace that holds artifacts that say of their quality what is given, by name, oldest first."""

    def hold(**said: Quality) -> Workspace:
        place = Workspace(tmp_path)
        (tmp_path / "models").mkdir(exist_ok=True)
        for name, one in said.items():
            folder = place.new_artifact(name.replace("_", "-"))
            save_artifact(folder, "popularity", fitted, Platt(1.0, 0.0), DATA.catalog, (0, 1), {}, quality=one)
        return place

    return hold


def test_a_lead_is_paired_where_both_were_asked_the_same():
    one, two = quality(0.5, 0.2), quality(0.4, 0.2)
    found = lead(one, two)
    assert (found.value, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))
    other = lead(one, quality(0.4, 0.2, whom="others"))
    half = 1.98422 * np.sqrt(2 * 0.04 * 100 / 99 / 100)  # two samples of variance .2^2, 99 degrees
    assert (other.low, other.high) == pytest.approx((0.1 - half, 0.1 + half), abs=1e-4)
    assert str(found) == "+0.1000 [+0.1000, +0.1000]"


def test_what_was_asked_otherwise_or_not_at_all_is_no_lead():
    assert lead(quality(0.5), Quality()) is None
    assert lead(quality(0.5), quality(0.4, asked="what came since")) is None
    assert lead(quality(0.5, members=1), quality(0.4, members=1)).low == -np.inf


@pytest.mark.parametrize(
    ("better", "kept"),
    [
        ({}, ("ease", "popularity")),  # ties go to the simpler, and a page for nobody is the last resort
        ({("network", "ease")}, ("network", "ease", "popularity")),
        ({("graph", "ease"), ("network", "ease")}, ("graph", "ease", "popularity")),
        ({("graph", "ease"), ("network", "graph")}, LADDER),
        ({("popularity", one) for one in LADDER[:3]}, ("popularity",)),
        ({("popularity", "ease")}, ("graph", "popularity")),
    ],
)
def test_a_model_stays_that_is_better_than_every_simpler_one_that_stays(better, kept):
    assert worth_serving(LADDER, lambda one, other: (one, other) in better) == kept
    assert worth_serving(("ease",), lambda *_: True) == ("ease",)


def test_a_network_that_loses_on_this_data_is_not_served_and_is_trained_again(holding):
    place = holding(popularity=quality(0.1), ease_recent=quality(0.3), sequence=quality(0.25))
    assert on_home(place) == ("ease-recent", "popularity")
    assert served_in(place)[0] == "sequence"
    said = [str(one) for one in verdicts(place, tuple(HOME))]
    assert said == [
        "sequence is worse than the simpler ease-recent on this data: -0.0500 [-0.0500, -0.0500] NDCG@20",
        "ease-recent is better than the simpler popularity on this data: +0.2000 [+0.2000, +0.2000] NDCG@20",
    ]


def test_a_model_that_may_be_worse_than_popularity_is_never_called_better(holding):
    place = holding(popularity=quality(0.3), ease_recent=quality(0.29, spread=0.1))
    assert on_home(place) == ("ease-recent", "popularity")
    (said,) = map(str, verdicts(place, ("ease-recent", "popularity")))
    assert said.startswith("ease-recent is not surely better than the simpler popularity on this data: -0.0100 [")
    assert said.endswith("it serves, for popularity is alike for everybody")


def test_a_network_that_wins_is_served_first_and_a_tie_goes_to_the_simpler(holding):
    place = holding(popularity=quality(0.1), ease_recent=quality(0.3), sequence=quality(0.35))
    assert on_home(place) == ("sequence", "ease-recent", "popularity")
    place = holding(sequence=quality(0.305, whom="others", spread=0.1))
    assert on_home(place) == ("sequence", "ease-recent", "popularity"), "the older two were asked the same"
    place = holding(ease_recent=quality(0.302, whom="others", spread=-0.1))
    assert lead_in(place, "sequence", "ease-recent").value == pytest.approx(0.003)
    assert on_home(place) == ("ease-recent", "popularity")


def test_what_was_never_compared_goes_to_the_simpler_and_says_so(holding):
    place = holding(popularity=quality(0.1), ease_recent=Quality(), sequence=quality(0.9))
    assert on_home(place) == ("ease-recent", "popularity")
    assert str(verdicts(place, tuple(HOME))[0]).endswith("not measured beside the simpler ease-recent: train both")


def test_an_artifact_that_cannot_be_read_says_nothing(holding):
    place = holding(popularity=quality(0.1), ease_recent=quality(0.3), sequence=quality(0.35))
    (place.newest_artifact("sequence") / "manifest.json").write_text("{}")
    assert on_home(place) == ("ease-recent", "popularity")


def test_nothing_trained_names_what_a_service_needs(tmp_path):
    assert on_home(Workspace(tmp_path)) == ("transition-graph", "ease-recent", "popularity")
    assert verdicts(Workspace(tmp_path), tuple(HOME)) == []
