"""Layers by different policies on one page: each answers for its own, and the page is their product."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pages import NOW, policy_of, world

from matinee.decision import Decisions, Layer, Requests
from matinee.events import Kind
from matinee.history import Histories
from matinee.maths.ragged import Ragged
from matinee.page import Layout, RowKind
from matinee.policies.arms import LinearArms
from matinee.policies.features import Features
from matinee.policies.layered import Layered
from matinee.policies.uniform import Uniform
from matinee.testing import check_policy

LAYOUT = Layout(rows=5, columns=6, visible=3)
CATALOG = world(60)


class Vectors:
    """A circle of titles; a member stands where their first title does."""

    def __init__(self) -> None:
        turns = np.linspace(0, 2 * np.pi, len(CATALOG), endpoint=False)
        self.title_vectors = np.stack([np.cos(turns), np.sin(turns)], axis=1)

    def member_vectors(self, requests: Requests) -> np.ndarray:
        histories = requests.histories
        first = np.where(np.diff(histories.offsets) > 0, histories.offsets[:-1], -1)
        return np.vstack([self.title_vectors, [0, 0]])[np.append(histories.items, -1)[first]]


def layered(exploration: float = 0.3) -> Layered:
    features = Features.of(Vectors(), len(CATALOG), 2)
    return Layered(LinearArms("billboard", "fixed", CATALOG, features), policy_of(CATALOG, exploration))


def asked(batch: int = 12, layout: Layout = LAYOUT, **fields) -> Requests:
    counts = np.arange(batch) % 5
    offsets = np.append(0, np.cumsum(counts)).astype(np.int64)
    rng, total = np.random.default_rng(0), int(offsets[-1])
    kinds = rng.choice([Kind.PLAY, Kind.LIST_ADD, Kind.OPEN, Kind.DISMISS], total).astype(np.int8)
    items, times = rng.integers(0, 60, total).astype(np.int32), np.full(total, NOW - 10**12)
    return Requests.of_histories(
        Histories(offsets, items, kinds, np.full(total, 0.5, np.float32), times), times=NOW, layout=layout, **fields
    )


def billboards(made: Decisions) -> np.ndarray:
    return made.page().items[:, 0, 0]


@pytest.mark.parametrize("exploration", [0.0, 0.3])
@pytest.mark.parametrize("layout", [LAYOUT, replace(LAYOUT, rows=1), replace(LAYOUT, billboard=False)])
def test_conformance(exploration, layout):
    check_policy(lambda: layered(exploration), CATALOG, asked(layout=layout))


def test_conformance_with_exclusions_of_the_callers():
    check_policy(layered, CATALOG, asked(exclude=Ragged.of([[b, b + 1] for b in range(12)])))


def test_the_billboard_is_its_policys_and_the_rows_are_not():
    policy, requests = layered(), asked()
    made = policy.decide(requests, np.random.default_rng(0))
    page, title = made.page(), made.layer(Layer.TITLE)
    assert (page.row_kinds[:, 0] == RowKind.BILLBOARD).all()
    ahead = made.choices.rows == 0
    assert {made.makers[k].policy for k in made.choices.makers[ahead]} == {"billboard"}
    assert {made.makers[k].policy for k in made.choices.makers[~ahead]} == {"home"}
    assert made.makers[0].policy == "home"
    below = page.items[:, 1:].reshape(len(requests), -1)
    assert not (below == billboards(made)[:, None]).any(), "the billboard's title stands below too"
    assert (made.choices.log_probs[ahead & ~title] == 0).all()


def test_the_page_is_the_product_of_its_layers():
    policy, requests = layered(), asked()
    made = policy.decide(requests, np.random.default_rng(0))
    titles = billboards(made)
    histories = [requests.histories.take(np.array([b])) for b in range(len(requests))]
    mine = [one.items[np.isin(one.kinds, (Kind.PLAY, Kind.LIST_ADD, Kind.DISMISS))] for one in histories]
    top = policy.top.probabilities(replace(requests, exclude=Ragged.of(mine))).of(titles)
    lines = (made.choices.rows > 0).astype(float)
    rest = made.sums(made.choices.log_probs * lines)
    np.testing.assert_allclose(made.log_probs, np.log(top) + rest)


def test_a_title_that_the_member_knows_is_no_billboard():
    policy, everything = Layered(Uniform(CATALOG), policy_of(CATALOG)), list(range(60))
    histories = Histories.of_items([everything[1:], everything, everything[:30]])
    made = policy.decide(Requests.of_histories(histories, times=NOW, layout=LAYOUT), np.random.default_rng(0))
    page = made.page()
    assert page.items[0, 0, 0] == 0
    assert page.row_kinds[1, 0] != RowKind.BILLBOARD
    assert page.items[2, 0, 0] >= 30
    np.testing.assert_allclose(policy.log_prob(made), made.choices.log_probs)


def test_learning_moves_the_billboard_and_old_pages_are_asked_of_the_old_one():
    policy, requests = layered(), asked(200)
    made = policy.decide(requests, np.random.default_rng(0))
    top, title = policy.top, made.layer(Layer.TITLE) & (made.choices.rows == 0)
    rewards = np.where(title, (made.choices.actions == made.choices.actions[title][0]).astype(float), np.nan)
    for _ in range(3):
        top.learn(made, rewards)
    assert np.abs(policy.log_prob(made) - made.choices.log_probs).max() > 0.01
    before = Layered(top.at(0), policy.below)
    np.testing.assert_allclose(before.log_prob(made), made.choices.log_probs, atol=1e-9)
