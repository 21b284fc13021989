"""Play something: answers move the suggestions, nothing comes twice, probabilities are exact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pages import NOW, Linear, catalog_of

from matinee.decision import Decisions, Episodes, Requests
from matinee.decision.evidence import suggestion_reason
from matinee.errors import BadRequest
from matinee.events import Kind
from matinee.history import Histories
from matinee.maths.calibration import Platt
from matinee.maths.ragged import Ragged
from matinee.page import Layout
from matinee.profile import Profile
from matinee.surfaces.play_something.moods import themes_of
from matinee.surfaces.play_something.policy import REST, PlaySomethingConfig, PlaySomethingPolicy
from matinee.testing import check_policy

KINDS = [["Comedy"], ["Comedy", "Romance"], ["Horror"], ["War", "Drama"], ["Western"]]
N = 60
CATALOG = catalog_of([KINDS[k % 5] for k in range(N)])
NEAR = np.where(np.arange(N)[:, None] % 5 == np.arange(N)[None, :] % 5, 0.3, 0.0)
SCORER = Linear(NEAR * (1 - np.eye(N)), np.linspace(0.5, -0.5, N))
THEMES = themes_of(SCORER, N)
CARD = Layout(rows=1, columns=1, billboard=False)


def policy(**config) -> PlaySomethingPolicy:
    made = (CATALOG, SCORER, Platt(1.0, -1.0), THEMES)
    return PlaySomethingPolicy("play-something", "fixed", *made, PlaySomethingConfig(**config))


def asking(*past: list[tuple[int, Kind]], histories: Histories | None = None, **fields) -> Requests:
    """A request for each list of what was suggested and answered so far."""
    episodes = Episodes(
        np.arange(len(past), dtype=np.uint64),
        np.array([len(one) for one in past], np.int32),
        Ragged.of([[title for title, _ in one] for one in past]),
        np.array([answer for one in past for _, answer in one], np.int8),
    )
    histories = Histories.empty(len(past)) if histories is None else histories
    told = {"layout": CARD, "episodes": episodes, "surface": "play_something", **fields}
    return Requests.of_histories(histories, NOW, **told)


def likely(*past: tuple[int, Kind], **config) -> np.ndarray:
    """(titles,) P(title) after these answers."""
    found = policy(**config).probabilities(asking(list(past)))
    probs = np.zeros(N)
    probs[found.candidates[0]] = found.probs
    return probs


def share(probs: np.ndarray, genre: str) -> float:
    """How much of the choice falls on titles of a genre."""
    return float(sum(probs[i] for i in range(N) if genre in KINDS[i % 5]))


PASTS = (
    [],
    [(0, Kind.SKIP)],
    [(2, Kind.LIGHTER), (1, Kind.THUMBS_UP)],
    [(3, Kind.NOT_NOW), (4, Kind.MORE_LIKE)],
    [(7, Kind.DISMISS), (5, Kind.HEAVIER), (8, Kind.PLAY)],
)


@pytest.mark.parametrize("exploration", [None, 0.0])
def test_conformance(exploration):
    watched = Histories.of_items([[k, 10 + k] for k in range(len(PASTS))])
    check_policy(policy, CATALOG, asking(*PASTS, histories=watched, exploration=exploration))


def test_less_of_a_genre_weighs_inside_the_probabilities_and_is_estimated_as_ever():
    """Every other member wants less of comedies."""
    wishes = [Profile(f"m{k}", less_genres=("Comedy",) if k % 2 == 0 else ()) for k in range(len(PASTS))]
    asked = asking(*PASTS, profiles=wishes)
    check_policy(policy, CATALOG, asked)
    plain, wished = (policy().probabilities(one) for one in (asking(*PASTS), asked))
    comedy = np.isin(plain.candidates.values % 5, (0, 1))
    before, after = (one.sums(one.probs * comedy) for one in (plain, wished))
    assert (before[::2] > 0).all()
    assert (after[::2] < before[::2] / 4).all()
    np.testing.assert_array_equal(after[1::2], before[1::2])
    only = Ragged.of([[0, 1]] * len(PASTS))
    made = [
        policy().decide(replace(one, candidates=only, episodes=None), np.random.default_rng(0))
        for one in (asking(*PASTS), asked)
    ]
    estimates = [dict(zip(one.titles.tolist(), one.choices.scores.tolist(), strict=True)) for one in made]
    assert all(estimates[1][title] == pytest.approx(estimates[0][title]) for title in estimates[1])


def test_without_an_episode_it_is_the_first_suggestion():
    first, alone = asking([]), replace(asking([]), episodes=None)
    made = [policy().decide(one, np.random.default_rng(3)).titles.tolist() for one in (first, alone)]
    assert made[0] == made[1]


def test_three_skips_of_a_kind_lead_away_from_it():
    skips = [(0, Kind.SKIP), (5, Kind.SKIP), (10, Kind.SKIP)]
    before, after = likely(*[(k, Kind.IMPRESSION) for k, _ in skips]), likely(*skips)
    assert share(after, "Comedy") < share(before, "Comedy") / 2


@pytest.mark.parametrize("answer", [Kind.NOT_NOW, Kind.THUMBS_DOWN, Kind.DISMISS, Kind.SKIP])
def test_no_of_every_kind_leads_away_and_not_now_further_than_a_thumb(answer):
    assert share(likely((3, answer)), "War") < share(likely((3, Kind.IMPRESSION)), "War")
    assert share(likely((3, Kind.NOT_NOW)), "War") < share(likely((3, Kind.THUMBS_DOWN)), "War")


def test_lighter_and_heavier_are_obeyed_and_lean_on():
    tones = policy().moods.tones
    for answer, sign in ((Kind.LIGHTER, 1), (Kind.HEAVIER, -1)):
        probs = likely((4, answer))
        assert probs.sum() == pytest.approx(1.0)
        assert (sign * (tones[probs > 0] - tones[4]) > 0).all()
        later = likely((4, answer), (9, Kind.IMPRESSION))
        plain = likely((4, Kind.IMPRESSION), (9, Kind.IMPRESSION))
        assert sign * (later @ tones - plain @ tones) > 0


def test_more_like_this_chooses_of_its_nearest():
    near = policy(neighbors=11)
    found = near.probabilities(asking([(3, Kind.MORE_LIKE)]))
    assert {int(title) % 5 for title in found.candidates[0]} == {3}


def test_an_answer_that_nothing_can_follow_is_no_dead_end():
    made = policy().decide(asking([(0, Kind.LIGHTER)]), np.random.default_rng(0))
    assert len(made.titles) == 1, "nothing is lighter than a comedy"


def test_a_title_that_may_no_longer_be_named_is_not():
    few = Ragged.of([[0, 5, 10]])
    made = policy().decide(asking([(1, Kind.LIGHTER)], candidates=few), np.random.default_rng(0))
    assert suggestion_reason(made, 0, CATALOG) == "From your history"


def history(kind: Kind, ago: int) -> Histories:
    made = Histories.of_items([[0]])
    return replace(made, kinds=np.array([kind], np.int8), times=np.array([NOW - ago]))


@pytest.mark.parametrize(
    ("kind", "ago", "left"),
    [
        (Kind.PLAY, 90 * REST, False),
        (Kind.DISMISS, 90 * REST, False),
        (Kind.THUMBS_DOWN, 90 * REST, False),
        (Kind.NOT_NOW, REST - 1, False),
        (Kind.NOT_NOW, REST, True),
        (Kind.LIST_ADD, 1, True),
        (Kind.IMPRESSION, 1, True),
    ],
)
def test_what_was_seen_or_dismissed_never_comes_and_what_was_passed_over_rests(kind, ago, left):
    found = policy(exploration=1.0).probabilities(asking([], histories=history(kind, ago)))
    assert (0 in found.candidates[0]) == left


def test_all_that_may_be_shown_is_suggested_once_each():
    episodes, seen, few = asking([]).episodes, [], Ragged.of([[*range(7)]])
    made_once = policy()
    for step in range(8):
        asked = asking([], candidates=few)
        made = made_once.decide(replace(asked, episodes=episodes), np.random.default_rng(step))
        seen += made.titles.tolist()
        titles = made.titles if len(made.titles) else np.array([-1], np.int32)
        episodes = episodes.then(titles, np.array([Kind.SKIP], np.int8))
    assert sorted(seen) == [*range(7)]


def reason(*past: tuple[int, Kind]) -> tuple[Decisions, str]:
    made = policy(exploration=0.0).decide(asking(list(past)), np.random.default_rng(0))
    return made, suggestion_reason(made, 0, CATALOG)


def test_reasons_say_what_was_asked_for():
    assert reason((2, Kind.LIGHTER))[1] == "Lighter than t2"
    assert reason((0, Kind.HEAVIER))[1] == "More serious than t0"
    assert reason((3, Kind.MORE_LIKE))[1] == "More like t3"
    assert reason()[1] == "Among the likeliest to please you"
    liked = [(k, Kind.THUMBS_UP) for k in (4, 9, 14, 19, 24)]
    made, said = reason(*liked)
    assert KINDS[made.titles[0] % 5] == ["Western"]
    assert said == "Western, as your answers ask for"


def test_information_prefers_what_tells_moods_apart():
    """Where all titles promise alike, the one that every mood enjoys alike is asked about last."""
    curious, greedy = likely(information=40.0), likely(information=0.0)
    assert np.abs(np.log(curious) - np.log(greedy)).max() > 0.1
    late = [(k, Kind.IMPRESSION) for k in range(4)]
    np.testing.assert_allclose(likely(*late, information=40.0), likely(*late, information=0.0))


def test_bad_settings_are_refused():
    for wrong in ({"exploration": 2.0}, {"information": -1.0}, {"horizon": 0}, {"level": 0}):
        with pytest.raises(BadRequest):
            PlaySomethingConfig(**wrong)
