"""Messages in a world: who comes because of one follows nature, chance follows the seed, and too many cost members."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from worlds import PLAIN, make_world

from matinee.decision import Choices, Decisions, Layer, Maker, Requests, decision_ids
from matinee.decision.messages import Reason
from matinee.events import Kind
from matinee.simulate.config import WorldConfig
from matinee.simulate.persuasion import Nature, Persuasion, PersuasionConfig, days_with_messages

MEMBERS = 2_000


def to_some(requests: Requests, sent: np.ndarray, item: int = 3) -> Decisions:
    """A message about one title to those of `sent` (batch,)."""
    sizes = np.where(sent, 3, 1)
    offsets = np.append(0, np.cumsum(sizes))
    layers, actions = np.zeros(offsets[-1], np.int8), np.zeros(offsets[-1], np.int32)
    first = offsets[:-1][sent]
    actions[first] = 1
    layers[first + 1], actions[first + 1] = Layer.TITLE, item
    layers[first + 2], actions[first + 2] = Layer.REASON, Reason.FAVOURITE
    lines, nothing = len(layers), np.zeros(len(layers), np.int16)
    choices = Choices(
        offsets, layers, nothing, nothing, actions, np.zeros(lines), np.ones(lines, np.int32),
        np.zeros(lines, np.int8), np.zeros(lines, np.float32), np.full(lines, -1, np.int32),
    )  # fmt: skip
    batch = len(requests)
    ids, ones = decision_ids(batch, np.random.default_rng(0)), np.ones(batch, np.int32)
    return Decisions(requests, ids, (Maker("some"),), choices, ones, np.zeros(batch, np.uint64))


def lived(world, persuasion, days, share=1.0):
    """What came of writing to the first `share` of the members every day."""

    def decide(requests):
        return to_some(requests, requests.members < share * MEMBERS)

    return list(days_with_messages(world, persuasion, decide, range(days)))


def test_natures_follow_activity():
    world = make_world(MEMBERS)
    natures = Persuasion.drawn(world).natures
    least, most = np.split(np.argsort(world.members.rates), [MEMBERS // 3, 2 * MEMBERS // 3])[::2]
    assert np.mean(natures[least] == Nature.SURE) == 0.0
    assert np.mean(natures[most] == Nature.LOST) == 0.0
    assert np.mean(natures[most] == Nature.SURE) == pytest.approx(0.8, abs=0.06)  # 4 standard errors of 667
    assert (Persuasion.drawn(make_world(MEMBERS)).natures == natures).all()


def test_who_comes_is_who_can_be_moved():
    """A title that nobody enjoys brings half of `moves`; who came has opened; 4 standard errors of 500 of each kind."""
    moves = PersuasionConfig(moves=(0.0, 0.2, 0.8, 0.0), natures=((0.25, 0.25, 0.25, 0.25),) * 3)
    world = make_world(MEMBERS, config=replace(PLAIN, visits=0.0))
    world = replace(world, titles=replace(world.titles, worth=np.full_like(world.titles.worth, -50.0)))
    persuasion = Persuasion.drawn(world, moves)
    (day,) = lived(world, persuasion, 1)
    rate = [day.delivered.moved[persuasion.natures == kind].mean() for kind in Nature]
    np.testing.assert_allclose(rate, [0.0, 0.1, 0.4, 0.0], atol=0.09)
    assert day.delivered.opened[day.delivered.moved].all()
    assert day.active.sum() == day.delivered.moved.sum()


def test_messages_are_remembered_and_the_same_seed_gives_the_same_days():
    days = [lived(make_world(MEMBERS), Persuasion.drawn(make_world(MEMBERS)), 3, 0.5) for _ in range(2)]
    for one, other in zip(*days, strict=True):
        assert (one.active == other.active).all()
        assert (one.delivered.moved == other.delivered.moved).all()
    asked = days[0][2].decisions.requests
    told = np.bincount(
        np.repeat(np.arange(len(asked)), np.diff(asked.histories.offsets)),
        asked.histories.kinds == Kind.MESSAGE,
        len(asked),
    )
    assert (told[asked.members >= MEMBERS // 2] == 0).all()
    assert told[asked.members < MEMBERS // 2].mean() > 1.8  # two, but where 20 later events pushed one out


def test_messages_cost_goodwill_and_too_many_cost_members():
    costly = PersuasionConfig(moves=(0.0,) * 4, costs=(0.02, 0.02, 0.02, 0.2))
    told, quiet = (make_world(MEMBERS, config=WorldConfig(cancelling=0.01)) for _ in range(2))
    persuasion = Persuasion.drawn(told, costly)
    lived(told, persuasion, 15, 1.0)
    lived(quiet, persuasion, 15, 0.0)
    assert told.members.satisfaction.mean() < quiet.members.satisfaction.mean() - 0.1
    assert told.members.staying < 0.9 * quiet.members.staying
