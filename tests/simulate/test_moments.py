"""Moments: moods that only the world knows, the same luck for all, and a policy that listens finds sooner."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from worlds import make_world

from matinee.decision import Requests
from matinee.errors import BadRequest
from matinee.events import Kind
from matinee.maths.calibration import Platt
from matinee.maths.mean_intervals import bootstrap
from matinee.page import Layout
from matinee.simulate.config import WorldConfig
from matinee.simulate.moments import MomentConfig, Moments, spend
from matinee.surfaces.play_something.moods import themes_of
from matinee.surfaces.play_something.policy import PlaySomethingConfig, PlaySomethingPolicy
from matinee.tone import tones

MEMBERS, TITLES, STEPS = 250, 90, 5
NAMES = [["Comedy"], ["War"], ["Western"]]


class Likeness:
    """A scorer that knows what titles are like, and of each title what everybody thinks of it."""

    def __init__(self, world) -> None:
        vectors = world.titles.vectors.astype(np.float64)
        self.near = vectors @ vectors.T / np.linalg.norm(vectors, axis=1).mean() ** 2
        self.base = world.titles.worth.astype(np.float64)

    def score(self, requests: Requests) -> np.ndarray:
        return (requests.histories.tastes.matrix(len(self.base)) @ self.near + self.base).astype(np.float32)

    def explain(self, requests: Requests, items: np.ndarray) -> np.ndarray:
        return np.full(items.shape, -1, np.int32)


@pytest.fixture(scope="module")
def world():
    made = make_world(MEMBERS, TITLES, WorldConfig(visits=2.0, launching=0.0, leaving=0.0), seed=3)
    rng = np.random.default_rng(0)
    kinds, own = rng.standard_normal((6, 16)), rng.standard_normal((TITLES, 16))
    vectors = ((kinds[np.arange(TITLES) % 6] + 0.3 * own) / 4).astype(np.float32)  # titles of six kinds
    made = replace(made, titles=replace(made.titles, vectors=vectors))
    genres = [{"item_id": one, "genres": NAMES[k % 3]} for k, one in enumerate(made.catalog.item_ids)]
    return replace(made, catalog=made.catalog.put(genres))


@pytest.fixture(scope="module")
def asked(world) -> Requests:
    card = Layout(rows=1, columns=1, billboard=False)
    return world.requests(next(world.day(0)).at_home, surface="play_something", layout=card)


def policies(world):
    scorer = Likeness(world)
    made = world.catalog, scorer, Platt(1.0, 0.0), themes_of(scorer, TITLES)
    deaf = PlaySomethingConfig(exploration=0.0, information=0.0, theme_gain=0.0, tone_gain=0.0, listens=False)
    configs = *(PlaySomethingConfig(information=one) for one in (4.0, 0.0, 16.0)), deaf
    return [PlaySomethingPolicy("play", "fixed", *made, config) for config in configs]


def plays(course) -> np.ndarray:
    """(batch,) how many of all suggestions were played and enjoyed."""
    last = course.episodes[-1]
    return (last.answers.reshape(len(last), STEPS) == Kind.PLAY).sum(axis=1).astype(float)


def test_moods_are_as_strong_as_stated_and_wishes_as_frequent(world, asked):
    """Over all titles a theme alone has mean 0 and the stated deviation; a wish adds the tone."""
    moments = Moments.of(world, asked, MomentConfig(theme=1.5, tone=2.0))
    everything = [moments.mood(np.full(len(asked), one, np.int32)) for one in range(TITLES)]
    mood = np.array(everything).T - 2.0 * moments.wishes[:, None] * tones(world.catalog)[None, :]
    np.testing.assert_allclose(mood.mean(axis=1), 0.0, atol=1e-6)
    np.testing.assert_allclose(mood.std(axis=1), 1.5, atol=1e-4)
    shares = [(moments.wishes == wish).mean() for wish in (1, -1)]
    error = np.sqrt(0.25 * 0.75 / len(asked))
    assert np.abs(np.array(shares) - 0.25).max() < 4 * error, "false alarm in one of 8,000 seeds"


def test_answers_are_the_members_own_whoever_asks(world, asked):
    moments = Moments.of(world, asked)
    titles = np.full(len(asked), 4, np.int32)
    some = np.arange(0, len(asked), 3)
    whole, enjoyed = moments.answers(titles)
    part, part_enjoyed = Moments.of(world, asked.take(some)).answers(titles[some])
    np.testing.assert_array_equal(part, whole[some])
    np.testing.assert_array_equal(part_enjoyed, enjoyed[some])
    assert (whole[enjoyed] == Kind.PLAY).all()
    silent = Moments.of(world, asked, MomentConfig(words=0.0)).answers(titles)[0]
    assert set(silent.tolist()) <= {Kind.PLAY, Kind.SKIP}


def test_words_say_what_the_mood_is(world, asked):
    moments = Moments.of(world, asked, MomentConfig(words=1.0))
    for title in range(6):
        titles = np.full(len(asked), title, np.int32)
        said, mood = moments.answers(titles)[0], moments.mood(titles)
        tone = tones(world.catalog)[title]
        assert (moments.wishes[said == Kind.LIGHTER] == 1).all()
        assert tone < 0.3 or Kind.LIGHTER not in said
        assert (moments.wishes[said == Kind.HEAVIER] == -1).all()
        assert (mood[said == Kind.NOT_NOW] < 0).all()
        assert (mood[said == Kind.MORE_LIKE] > 0).all()


def test_who_listens_pleases_more_and_who_is_curious_tells_moods_apart(world, asked):
    """Paired over members, middle 99 % of resamples above or below 0: a false alarm in one of 200 seeds each."""
    moments, rng = Moments.of(world, asked), np.random.default_rng(0)
    play, greedy, curious, deaf = policies(world)
    played, walked = (plays(spend(moments, one, STEPS, np.random.default_rng(1))) for one in (play, deaf))
    more = bootstrap(played - walked, rng, level=0.99)
    assert more.low > 0, f"enjoyed of {STEPS} suggestions, against the best titles in order: {more}"
    after = [spend(moments, one, 3, np.random.default_rng(1)).episodes[3] for one in (curious, greedy)]
    spread = []
    for episodes in after:
        belief = play.belief(replace(moments.requests, episodes=episodes))
        spread.append(-(belief * np.log(belief)).sum(axis=1))
    apart = bootstrap(spread[0] - spread[1], rng, level=0.99)
    assert apart.high < 0, f"entropy after three answers, against a greedy choice: {apart}"


def test_an_evening_repeats_nothing_and_comes_out_alike(world, asked):
    moments = Moments.of(world, asked.take(np.arange(40)))
    one, other = (spend(moments, policies(world)[0], 4, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one.found, other.found)
    last = one.episodes[-1]
    assert all(len(set(last.suggested[b].tolist())) == 4 for b in range(40))
    assert last.steps.tolist() == [4] * 40


def test_bad_shares_are_refused():
    with pytest.raises(BadRequest, match="shares"):
        MomentConfig(words=1.5)
