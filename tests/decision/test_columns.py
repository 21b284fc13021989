"""Decisions as columns and back: everything that a record says, whatever was asked alike, and only what is rounded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import orjson
import pytest

from matinee.data.log.bodies import bodies_of, columns_of_bodies
from matinee.decision import (
    Boost,
    Cells,
    Choices,
    Company,
    Control,
    Decisions,
    Dials,
    Episodes,
    Layer,
    Maker,
    People,
    Promotion,
    Requests,
    RowName,
    Situations,
)
from matinee.decision.columns import DECIDED, LOG_PROB_UNIT, SCORE_UNIT, Columns, decisions_of, joined_columns
from matinee.decision.record import record_of
from matinee.errors import BadData, LogDamaged
from matinee.history import Histories
from matinee.maths.ragged import Ragged
from matinee.page import Attention, Layout, RowKind
from matinee.profile import Profile
from matinee.situation import Context
from matinee.testing import make_decisions

NAMES = (RowName(RowKind.GENRE, ("Drama",)), RowName(RowKind.TRENDING, ("this week", "DK")))


def lines(*choices: tuple[Layer, int, int, int, float, int, int, float, int]) -> dict[str, np.ndarray]:
    """Columns of choices out of (layer, row, column, action, probability, among, maker, score, evidence)."""
    layers, rows, columns, actions, probs, among, makers, scores, evidence = map(np.array, zip(*choices, strict=True))
    return {
        "layers": layers.astype(np.int8),
        "rows": rows.astype(np.int16),
        "columns": columns.astype(np.int16),
        "actions": actions.astype(np.int32),
        "log_probs": np.log(probs),
        "among": among.astype(np.int32),
        "makers": makers.astype(np.int8),
        "scores": scores.astype(np.float32),
        "evidence": evidence.astype(np.int32),
    }


def pages() -> Decisions:
    """Two pages of a TV and one of nobody."""
    ann = Profile("ann", "a", "Ann", 7, languages=("da", "en"), blocked_genres=("Horror",))
    requests = Requests(
        np.array([5, 7, 86_400_000_002]),
        np.array([0, 1, 2], np.int32),
        People.of([ann, Profile("bob"), Profile("")]),
        Histories.of_items([[1, 2], [], [3]]),
        Situations.of([Context("DK", "tv", "da", 20, 4), Context(), Context("SE", "phone", "sv", 3, 0)]),
        layout=Layout(2, 3, 2, False, Attention(0.8, 0.7, 0.5)),
        exploration=0.25,
        arrived=np.array([2, 4, 6]),
    )
    columns = lines(
        (Layer.ROW, 0, -1, 0, 1 / 7, 7, 0, 0.0, -1),
        (Layer.TITLE, 0, 0, 3, 1 / 3, 20, 0, 0.123456789, 1),
        (Layer.TITLE, 0, 1, 5, 0.9, 19, 0, 0.5, -3),
        (Layer.TITLE, 0, 0, 4, 1 / 11, 11, 0, 0.25, -1),
        (Layer.ROW, 0, -1, 1, 1e-300, 13, 0, 0.0, -1),
        (Layer.TITLE, 0, 0, 2, 1.0, 1, 0, 0.75, -5),
    )
    return Decisions(
        requests,
        ("0" * 32, "1" * 32, "f" * 32),
        (Maker("home", "art", "par", 3),),
        Choices(np.array([0, 3, 4, 6]), **columns),
        np.array([40, 41, 42], np.int32),
        np.array([1, 2**64 - 1, 12_345], np.uint64),
        NAMES,
        "simple",
        50,
    )


def full() -> Decisions:
    """One title and its picture, with everything that a request can say."""
    requests = Requests(
        np.array([5]),
        np.zeros(1, np.int32),
        People.of([Profile("ann", maturity_limit=7), Profile("kid", kids=True)]),
        Histories.of_items([[1]]),
        Situations.unknown(1),
        "billboard",
        dials=Dials(0.5, freshness=1.0),
        about=np.array([9], np.int32),
        queries=("ødipus \U0001f600",),
        together=Company.of([[1]], Histories.of_items([[3]])),
        exclude=Ragged.of([[1, 2]]),
        candidates=Ragged.of([[]]),
        episodes=Episodes(
            np.array([2**63 + 5], np.uint64), np.array([3], np.int32), Ragged.of([[7, 2]]), np.array([15, 1], np.int8)
        ),
        cells=Cells(("billboard", "art"), np.array([[1, -1]], np.int8)),
        arrived=np.array([6]),
        control=Control('person = "Å"', (Boost("year > 1999", 2.0),), (Promotion('id in ("a", "b")', 0.2),)),
    )
    columns = lines((Layer.TITLE, 0, 0, 5, 1 / 3, 3, 0, 0.3, -1), (Layer.ART, 0, 0, 1, 0.5, 2, 1, 0.0, -1))
    return Decisions(
        requests,
        ("no hex",),
        (Maker("uniform"), Maker("art", "x", "y", 9)),
        Choices(np.array([0, 2]), **columns),
        np.array([3], np.int32),
        np.array([77], np.uint64),
    )


def silent() -> Decisions:
    """Two decisions without a choice."""
    return replace(
        make_decisions([1, 2], ["bob", "bob"], ["s1", "s2"]),
        choices=full().choices.keep(np.zeros(2, bool)).take(np.zeros(2, np.int64)),
    )


def records(batches: list[Decisions]) -> dict[str, dict]:
    found = [orjson.loads(orjson.dumps(record_of(one, b))) for one in batches for b in range(len(one))]
    return {one["decision_id"]: one for one in found}


def assert_told(found: dict[str, dict], told: dict[str, dict]) -> None:
    assert found.keys() == told.keys()
    for key, record in told.items():
        assert {**found[key], "choices": 0} == {**record, "choices": 0}
        for name, values in record["choices"].items():
            near = {"log_probs": LOG_PROB_UNIT / 2, "scores": SCORE_UNIT / 2}.get(name, 0)
            np.testing.assert_allclose(found[key]["choices"][name], values, rtol=0, atol=near * 1.001)


BATCHES = [pages(), full(), silent(), make_decisions([3, 3], ["ann", "bob"], ["x", "y"], [7, 8])]
WAYS = {
    "columns": lambda: joined_columns([Columns.of(one) for one in BATCHES]),
    "a frame": lambda: Columns.of_frame(joined_columns([Columns.of(one) for one in BATCHES]).frame()),
    "bodies": lambda: columns_of_bodies([body for one in BATCHES for body in bodies_of(one)]),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_all_that_a_record_says_comes_back(way):
    back = list(decisions_of(way()))
    assert_told(records(back), records(BATCHES))
    assert [len(one) for one in back] == [3, 1, 4], "what was asked alike is one batch"
    assert back[0].requests.histories.digests().tolist() != back[0].requests.digests.tolist()
    assert back[0].requests.digests.tolist() == pages().requests.digests.tolist()


def test_a_frame_has_the_columns_that_it_says_and_some_of_it_can_be_taken():
    columns = joined_columns([Columns.of(one) for one in BATCHES])
    assert dict(columns.frame().schema) == dict(DECIDED)
    (back,) = decisions_of(columns.take(np.array([2, 0])))
    assert_told(records([back]), records([pages().take(np.array([2, 0]))]))
    assert joined_columns([]).frame().is_empty()


def test_people_of_a_batch_are_distinct():
    times, users = list(range(6)), ["ann", "bob", "ann", "ann", "bob", "cat"]
    (back,) = decisions_of(Columns.of(make_decisions(times, users, list("abcdef"))))
    assert len(back.requests.people) == 3
    assert back.requests.user_ids.to_list() == users


def test_what_is_as_good_as_impossible_is_refused():
    one = make_decisions([1], ["ann"], ["a"])
    low = replace(one, choices=replace(one.choices, log_probs=np.array([-2_001.0])))
    with pytest.raises(BadData, match="from -2000 up"):
        Columns.of(low)


DAMAGES = {
    "cut": lambda body: body[:-9],
    "a byte": lambda body: body[:20] + bytes([body[20] ^ 255]) + body[21:],
    "empty": lambda body: b"",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_body_that_is_not_as_it_was_written_is_damage(damage):
    (body,) = bodies_of(full())
    with pytest.raises(LogDamaged, match="not as it was written"):
        columns_of_bodies([body, damage(body)])
