"""Pictures and reasons of a billboard: choices of their own, true, asked again, and learned from what came of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from matinee.catalog import DRAWN, Catalog
from matinee.decision import CHARTED, FAVOURITE, NEW, UNSPOKEN, Decisions, Layer, Requests
from matinee.decision.decisions import Choices, Maker
from matinee.decision.eligibility import check
from matinee.decision.record import of_record, record_of
from matinee.decision.rows import RowName
from matinee.decision.why import UNTRUE, Why, kinds_of
from matinee.errors import ArtifactRefused, BadRequest, NotFound
from matinee.history import Histories
from matinee.page import Layout, RowKind
from matinee.policies.independent import BetaBelief
from matinee.policies.layered import Layered
from matinee.policies.presentation import Learned, PresentationArms, PresentationConfig
from matinee.policies.presented import ART, REASON, Presented, favourites, presentation_of, without_presentation
from matinee.policies.uniform import Uniform
from matinee.testing import check_policy

LAYOUT = Layout(rows=1, columns=1)
TITLES, PICTURES = 6, ("https://art/plain", "https://art/bright")
FRAME = {
    "item_id": [f"t{k}" for k in range(TITLES)],
    "genres": [["Drama"], ["Comedy"], ["Drama", "Comedy"], ["War"], ["War"], ["Drama"]],
    "artworks": [[], [], list(PICTURES), [], [PICTURES[0]], []],
}
CATALOG = Catalog.from_frame(pl.DataFrame(FRAME))


class Always:
    """Titles are new, and in a genre that everybody likes."""

    parts = ("always",)

    def of(self, requests, b, titles, evidence):
        found = np.full((len(titles), len(Why)), UNTRUE, np.int32)
        found[:, Why.NEW], found[:, Why.FAVOURITE] = NEW, FAVOURITE
        return found


def presented(floor: float = 0.1) -> Presented:
    """A billboard without rows below, its title drawn evenly."""
    page = Layered(Uniform(CATALOG), Uniform(CATALOG))
    return Presented(page, CATALOG, Always(), PresentationArms(PresentationConfig(BetaBelief(1, 1), floor)))


def asked(likes: list[list[int]], **fields) -> Requests:
    return Requests.of_histories(Histories.of_items(likes), layout=LAYOUT, **fields)


def of_title(item: int, likes: list[list[int]], seed: int = 0, **fields) -> Decisions:
    """Billboards that show this title."""
    from matinee.maths.ragged import Ragged

    requests = asked(likes, candidates=Ragged.of([[item]] * len(likes)), **fields)
    return presented().decide(requests, np.random.default_rng(seed))


def test_conformance():
    check_policy(presented, CATALOG, asked([[], [0], [1, 0], [3, 4]]))


def test_the_page_is_the_product_of_title_picture_and_reason():
    made = of_title(0, [[]] * 4000)
    assert [maker.policy for maker in made.makers] == ["uniform", ART, REASON]
    assert made.choices.layers[:4].tolist() == [Layer.ROW, Layer.TITLE, Layer.ART, Layer.REASON]
    np.testing.assert_allclose(made.log_probs, -np.log(DRAWN) - np.log(2), rtol=1e-12)
    pictures, reasons = (made.choices.actions[made.layer(layer)] for layer in (Layer.ART, Layer.REASON))
    counts = np.histogram2d(pictures, reasons, bins=[DRAWN, 2])[0].ravel()  # chi-square of 5: above 20.5 once in 1,000
    assert ((counts - 4000 / 6) ** 2 / (4000 / 6)).sum() < 20.5


def test_without_exploration_nothing_is_left_to_chance():
    made = of_title(2, [[], [0]], exploration=0.0)
    assert (made.choices.log_probs[presentation_of(made)] == 0).all()
    np.testing.assert_array_equal(presented().log_prob(made), made.choices.log_probs)


def test_what_could_not_be_chosen_is_impossible():
    made = of_title(2, [[]])
    art, why = np.flatnonzero(made.layer(Layer.ART))[0], np.flatnonzero(made.layer(Layer.REASON))[0]
    for at, action in ((art, 2), (art, -1), (why, Why.HISTORY)):
        actions = made.choices.actions.copy()
        actions[at] = action
        other = replace(made, choices=replace(made.choices, actions=actions))
        assert presented().log_prob(other)[at] == -np.inf
    actions = made.choices.actions.copy()
    actions[art] = 2
    with pytest.raises(AssertionError, match="picture 2 at row 0, column 0, which is none of the title there"):
        check(CATALOG, replace(made, choices=replace(made.choices, actions=actions)))


def test_a_reason_that_names_a_forbidden_title_is_found():
    made = of_title(2, [[]])
    evidence = made.choices.evidence.copy()
    evidence[made.layer(Layer.REASON)] = 3  # no candidate, so it is not even named
    with pytest.raises(AssertionError, match="named 1 ineligible title"):
        check(CATALOG, replace(made, choices=replace(made.choices, evidence=evidence)))


def test_a_page_shows_the_chosen_picture_and_reason():
    made = of_title(2, [[]] * 50)
    page = made.page()
    np.testing.assert_array_equal(page.art[:, 0, 0], made.choices.actions[made.layer(Layer.ART)])
    np.testing.assert_array_equal(page.evidence[:, 0, 0], made.choices.evidence[made.layer(Layer.REASON)])
    assert set(page.evidence[:, 0, 0].tolist()) == {NEW, FAVOURITE}
    plain = without_presentation(made)
    assert (plain.page().art == -1).all()
    assert len(plain.choices.actions) == 100


def test_a_record_gives_it_back():
    requests = asked([[0], [1]])
    made = presented().decide(requests, np.random.default_rng(0))
    for b in range(2):
        again = of_record(record_of(made, b), requests.take(np.array([b])).histories)
        np.testing.assert_allclose(presented().log_prob(again), made.take(np.array([b])).choices.log_probs, atol=1e-6)


def test_members_are_told_of_titles_by_what_they_like_most():
    likes = asked([[], [0, 5, 1], [1, 2], [3]])
    assert [(*CATALOG.genres, "")[k] for k in favourites(likes, CATALOG)] == ["", "Drama", "Comedy", "War"]


def test_the_arithmetic_of_learning():
    """Of twenty looks each, one picture earned 15 and the other 5: Beta(16, 6) is better than Beta(6, 16) but for 7 in
    10,000 (scipy, quadrature), and a floor of .1 leaves each .05.
    """
    policy = presented()
    ways = [(ART, "Drama", "t2", name) for name in PICTURES]
    policy.arms.learn([(ways[0], float(k < 5), 1.0) for k in range(20)], 1)
    policy.arms.learn([(ways[1], float(k < 15), 1.0) for k in range(20)], 2)
    np.testing.assert_allclose(policy.arms.probabilities(ways, False), [0.0506, 0.9494], atol=5e-4)
    assert policy.arms.probabilities(ways, True).tolist() == [0.0, 1.0]
    other = [(ART, "War", "t2", name) for name in PICTURES]
    assert policy.arms.probabilities(other, False).tolist() == [0.5, 0.5]
    assert (policy.posterior, policy.as_of) == (2, 2)


def test_a_picture_that_is_better_for_half_of_the_members_is_learned_for_them():
    """Lovers of drama play the bright picture 8 times of 10 and the plain one 2, lovers of war the other way round."""
    rng, policy = np.random.default_rng(0), presented()
    likes = [[0, 5], [3]] * 60
    for turn in range(6):
        made = of_title(2, likes, turn) if turn == 0 else policy.decide(of_title(2, likes).requests, rng)
        pictures = made.choices.actions[made.layer(Layer.ART)]
        drama = np.arange(len(likes)) % 2 == 0
        played = rng.random(len(likes)) < np.where((pictures == 1) == drama, 0.8, 0.2)
        rewards = np.full(len(made.choices.actions), np.nan)
        rewards[made.billboards] = played
        policy.learn(made, rewards)
    last = policy.decide(made.requests, rng)
    art = last.layer(Layer.ART)
    bright = np.where(last.choices.actions[art] == 1, 1.0, 0.0)
    assert bright[::2].mean() > 0.85  # .95 at the most; 60 draws below .85 less than once in 100
    assert bright[1::2].mean() < 0.15


def test_what_was_learned_comes_back_from_disk(tmp_path: Path):
    policy = presented()
    policy.arms.learn([((ART, "", "t2", "x"), 0.5, 0.25)], 7)
    policy.save(tmp_path)
    assert Learned.load(tmp_path) == policy.arms.learned
    (tmp_path / "presentation.json").write_text('{"version": 1, "as_of": 2, "ways": [["a", 1]]}')
    with pytest.raises(ArtifactRefused, match="holds nothing learned"):
        Learned.load(tmp_path)


def test_versions_that_are_gone_are_named():
    policy = presented()
    for _ in range(40):
        policy.arms.learn([], 0)
    with pytest.raises(NotFound, match="version 3 is not among the latest 32"):
        policy.at(3)


@pytest.mark.parametrize("floor", [0.0, 1.5])
def test_a_floor_is_a_share_above_nothing(floor):
    with pytest.raises(BadRequest, match=f"the floor is {floor}"):
        PresentationConfig(floor=floor)


def test_every_evidence_is_of_one_kind():
    told = np.array([7, UNSPOKEN, NEW, CHARTED - 2, FAVOURITE - 3, -1, -256], np.int32)
    kinds = [Why.HISTORY, Why.HISTORY, Why.NEW, Why.CHARTED, Why.FAVOURITE, Why.LIKELY, Why.MOMENT]
    assert kinds_of(told).tolist() == kinds


def test_messages_keep_their_reasons():
    """A reason of a message presents no title: it stands on no billboard."""
    lines = {"layers": [Layer.SEND, Layer.TITLE, Layer.REASON], "actions": [1, 0, 2]}
    zeros = {name: np.zeros(3, np.int32) for name in ("rows", "columns", "makers", "scores", "evidence")}
    choices = Choices(
        np.array([0, 3]), log_probs=np.zeros(3), among=np.ones(3, np.int32), **zeros,
        **{name: np.array(values, np.int32) for name, values in lines.items()},
    )  # fmt: skip
    made = Decisions(
        asked([[]]), ("a",), (Maker("outreach"),), choices, np.ones(1, np.int32), np.zeros(1, np.uint64),
        (RowName(RowKind.TOP_PICKS),),
    )  # fmt: skip
    assert not presentation_of(made).any()
