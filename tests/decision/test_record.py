"""The record itself: every field comes back, none can be forgotten, and what is no record is refused in words."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.decision import (
    Boost,
    Cells,
    Choices,
    Company,
    Context,
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
)
from matinee.decision.decisions import LINES
from matinee.decision.record import of_record, record_of
from matinee.errors import BadData
from matinee.history import Histories
from matinee.maths.ragged import Ragged
from matinee.page import PHONE, TV, Attention, Layout, RowKind
from matinee.profile import Profile
from matinee.situation import Situations

HISTORY = Histories.of_items([[5, 6]])
OTHERS_DID = Histories.of_items([[4]])
ALL_DID = Histories.joined([HISTORY, OTHERS_DID])
SKIPPED = np.array([15, 1], np.int8)
ADA = Profile("ada", "family", maturity_limit=12, kids=True, languages=("da",), country="DK", blocked_genres=("War",))
BO = Profile("bo", blocked_titles=("t9",), time_zone="Europe/Copenhagen")


def full() -> Decisions:
    """One decision of every field: something is sent, a row, two titles by another maker, a picture, a reason."""
    requests = Requests(
        times=np.array([1_700_000_000_000_000]),
        members=np.zeros(1, np.int32),
        people=People.of([ADA, BO]),
        histories=HISTORY,
        situations=Situations.of([Context("DK", "tv", "da", 20, 4)]),
        surface="home",
        layout=Layout(2, 5, 3, False, Attention(0.8, 0.7, 0.6)),
        exploration=0.25,
        dials=Dials(0.5, 0.25, 1.0, 0.75),
        about=np.array([4], np.int32),
        queries=("star wå",),
        together=Company.of([[1]], OTHERS_DID),
        exclude=Ragged.of([[3, 1]]),
        candidates=Ragged.of([[1, 2, 7]]),
        episodes=Episodes(np.array([2**63 + 5], np.uint64), np.array([6], np.int32), Ragged.of([[8, 2]]), SKIPPED),
        cells=Cells(("pages", "search"), np.array([[1, -1]], np.int8)),
        arrived=np.array([77]),
        control=Control('year > 1990 and tag = "ø"', (Boost('genre = "War"', 0.5),), (Promotion("added < 9", 0.25),)),
    )
    choices = Choices(
        offsets=np.array([0, 6]),
        layers=np.array([0, 1, 2, 2, 3, 4], np.int8),
        rows=np.array([-1, 0, 0, 0, 0, 0], np.int16),
        columns=np.array([-1, -1, 0, 1, 0, 0], np.int16),
        actions=np.array([1, 1, 7, 2, 4, 3], np.int32),
        log_probs=np.log([0.9, 1 / 3, 0.1, 0.123456789, 0.5, 1.0]),
        among=np.array([2, 3, 9, 8, 2, 1], np.int32),
        makers=np.array([0, 0, 1, 1, 0, 0], np.int8),
        scores=np.array([0, 0, 0.5, 0.25, 0, 0], np.float32),
        evidence=np.array([-1, -1, 5, -3, -1, -1], np.int32),
    )
    return Decisions(
        requests,
        ("id",),
        (Maker("send", "a", "b", 3), Maker("home", "c", "d")),
        choices,
        np.array([9], np.int32),
        np.array([2**64 - 1], np.uint64),
        (RowName(RowKind.TOP_PICKS), RowName(RowKind.GENRE_TAG, ("Drama", "sad"))),
        "popularity",
        12,
    )


FULL = full()
RECORD = record_of(FULL, 0)


def through_json(record: dict[str, Any]) -> dict[str, Any]:
    return orjson.loads(orjson.dumps(record))


def test_a_record_read_and_written_again_is_the_same_record():
    again = of_record(through_json(RECORD), ALL_DID)
    assert through_json(record_of(again, 0)) == through_json(RECORD)


def test_every_column_of_the_choices_comes_back_to_the_bit():
    again = of_record(through_json(RECORD), ALL_DID)
    assert again.row_names == (RowName(RowKind.GENRE_TAG, ("Drama", "sad")),), "only the names in use are kept"
    for name in LINES:
        want, found = getattr(FULL.choices, name), getattr(again.choices, name)
        assert found.dtype == want.dtype, name
        if name == "actions":
            want = np.where(FULL.choices.layers == Layer.ROW, 0, want)
        np.testing.assert_array_equal(found, want, err_msg=name)


@pytest.mark.parametrize(
    ("name", "other"),
    {
        "times": np.array([1_700_000_000_000_001]),
        "members": np.ones(1, np.int32),
        "people": People.of([replace(ADA, kids=False), BO]),
        "histories": Histories.of_items([[5, 7]]),
        "situations": Situations.of([Context("DK", "tv", "da", 21, 4)]),
        "surface": "similar",
        "layout": TV,
        "exploration": None,
        "dials": Dials(),
        "about": np.array([5], np.int32),
        "queries": ("star",),
        "together": Company(Ragged.of([[1]]), OTHERS_DID, arrived=np.array([78])),
        "exclude": Ragged.of([[1, 3]]),
        "candidates": None,
        "episodes": Episodes(np.array([2**63 + 5], np.uint64), np.array([6], np.int32), Ragged.of([[8, 3]]), SKIPPED),
        "cells": Cells(("pages", "search"), np.array([[0, -1]], np.int8)),
        "arrived": np.array([78]),
        "logged_digests": np.array([79], np.uint64),
        "control": Control(),
    }.items(),
)
def test_no_field_of_a_request_is_lost(name, other):
    changed = record_of(replace(FULL, requests=replace(FULL.requests, **{name: other})), 0)
    assert through_json(changed) != through_json(RECORD), f"{name} is not in the record"
    did = {"histories": Histories.joined([HISTORY.of_items([[5, 7]]), OTHERS_DID]), "logged_digests": None}
    back = of_record(through_json(changed), did.get(name, ALL_DID))
    assert through_json(record_of(back, 0)) == through_json(changed)


def test_the_fields_tried_are_all_there_are():
    (tried,) = [mark.args[1] for mark in test_no_field_of_a_request_is_lost.pytestmark if mark.name == "parametrize"]
    told = [one.name for one in fields(Requests) if one.name != "seeds"]  # what comes of a seed are the bits
    assert [name for name, _ in tried] == told
    assert {one.name for one in fields(Decisions)} == {"requests", *(name for name, _ in OTHERS), "choices", "timings"}


OTHERS = (
    ("ids", ("other",)),
    ("makers", (Maker("send", "a", "b", 4), Maker("home", "c", "d"))),
    ("eligible", np.array([8], np.int32)),
    ("bits", np.array([0], np.uint64)),
    ("row_names", (RowName(RowKind.TOP_PICKS), RowName(RowKind.GENRE, ("Drama",)))),
    ("fallback", ""),
    ("catalog", 13),
    ("keep_probability", np.array([0.25])),
)


@pytest.mark.parametrize(("name", "other"), OTHERS)
def test_no_field_of_a_decision_is_lost(name, other):
    changed = record_of(replace(FULL, **{name: other}), 0)
    assert through_json(changed) != through_json(RECORD)
    assert through_json(record_of(of_record(through_json(changed), ALL_DID), 0)) == through_json(changed)


@pytest.mark.parametrize("key", sorted(set(RECORD) - {"user_id", "policy_id", "cell", "history"}))
def test_a_record_that_lacks_a_field_is_refused_by_name(key):
    lacking = {name: value for name, value in RECORD.items() if name != key}
    with pytest.raises(BadData, match=f"not a decision record: KeyError.'{key}'"):
        of_record(lacking)


@pytest.mark.parametrize("column", LINES)
def test_columns_of_different_length_are_refused(column):
    short = {**RECORD["choices"], column: RECORD["choices"][column][:-1]}
    with pytest.raises(BadData, match="not a decision record"):
        of_record({**RECORD, "choices": short})


@pytest.mark.parametrize(
    "wrong",
    [
        {"time": "noon"},
        {"profile": None},
        {"profile": {**RECORD["profile"], "shoe_size": 44}},
        {"context": {"planet": "Mars"}},
        {"layout": {**RECORD["layout"], "rows": 0}},
        {"layout": {**RECORD["layout"], "attention": {"row_decay": 2.0}}},
        {"exploration": 3},
        {"dials": {"diversity": 3}},
        {"dials": {"loudness": 1}},
        {"control": {"filter": "year >", "boosts": [], "promotions": []}},
        {"control": {"filter": ""}},
        {"makers": [[]]},
        {"row_names": [["no such row"]]},
        {"bits": -1},
        {"choices": {**RECORD["choices"], "layers": [300] * 6}},
        {"choices": {**RECORD["choices"], "log_probs": [0.5] * 6}},
        {"choices": {**RECORD["choices"], "log_probs": [float("nan")] * 6}},
        {"choices": {**RECORD["choices"], "actions": ["one"] * 6}},
        {"episode": [1]},
        {"cells": {"pages": "left"}},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(BadData):
        of_record({**RECORD, **wrong})


def test_a_history_that_was_not_seen_is_refused_and_the_decision_named():
    with pytest.raises(BadData, match="'id' is not the one it saw; read the member's events as of what had arrived"):
        of_record(RECORD, Histories.of_items([[6, 5], [4]]))
    with pytest.raises(BadData, match="not the one it saw"):
        of_record(RECORD, Histories.of_items([[5, 6], [5]]))


def test_silence_is_a_decision_with_its_probability():
    """Nothing is sent, with probability 1/10: one line, no title, no row."""
    lines = {name: getattr(FULL.choices, name)[:1] for name in LINES}
    lines |= {"actions": np.zeros(1, np.int32), "log_probs": np.log([0.1])}
    silent = replace(FULL, choices=Choices(np.array([0, 1]), **lines))
    back = of_record(through_json(record_of(silent, 0)), ALL_DID)
    assert back.log_probs[0] == np.log([0.1])[0]
    assert (len(back.titles), back.row_names, back.choices.actions.tolist()) == (0, (), [0])


def test_a_decision_without_any_choice_has_probability_one():
    empty = replace(FULL, choices=FULL.choices.keep(np.zeros(6, np.bool_)))
    back = of_record(through_json(record_of(empty, 0)), ALL_DID)
    assert back.log_probs.tolist() == [0.0]
    assert (back.page().items == -1).all()


def test_titles_that_came_later_change_nothing_of_a_record():
    """Titles are places in the catalogue as it was, which only grows; the record says how many there were."""
    assert of_record(RECORD).catalog == 12
    assert of_record({**RECORD, "later": "a field of a newer version"}).titles.tolist() == FULL.titles.tolist()


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_any_batch_comes_back_decision_by_decision(seed: int, batch: int):
    rng = np.random.default_rng(seed)
    requests = Requests.of_histories(
        Histories.of_items([rng.integers(0, 9, rng.integers(0, 4)).tolist() for _ in range(batch)]),
        rng.integers(0, 2**50, batch),
        profiles=[Profile(f"m{k}", kids=bool(rng.integers(2))) for k in range(batch)],
        contexts=[Context(*(("SE", "phone", "sv", 3, 2) if rng.integers(2) else ())) for _ in range(batch)],
        layout=PHONE,
    )
    lengths = rng.integers(0, 6, batch)
    n = int(lengths.sum())
    names = tuple(RowName(RowKind.GENRE, (f"g{k}",)) for k in range(4))
    layers = rng.choice([Layer.ROW, Layer.TITLE], n).astype(np.int8)
    choices = Choices(
        np.append(0, np.cumsum(lengths)),
        layers,
        rng.integers(0, 9, n).astype(np.int16),
        rng.integers(-1, 9, n).astype(np.int16),
        rng.integers(0, 4, n).astype(np.int32),
        np.log(1 - rng.random(n)),
        rng.integers(1, 99, n).astype(np.int32),
        np.zeros(n, np.int8),
        rng.random(n).astype(np.float32),
        rng.integers(-20, 9, n).astype(np.int32),
    )
    made = Decisions(
        requests, tuple(f"d{k}" for k in range(batch)), (Maker("any"),), choices,
        rng.integers(0, 99, batch).astype(np.int32), rng.integers(0, 2**64, batch, np.uint64), names,
    )  # fmt: skip
    for b in range(batch):
        back = of_record(through_json(record_of(made, b)), requests.histories.take(np.array([b])))
        own = slice(choices.offsets[b], choices.offsets[b + 1])
        np.testing.assert_array_equal(back.choices.log_probs, choices.log_probs[own])
        np.testing.assert_array_equal(back.choices.scores, choices.scores[own])
        was = [names[k] for k in choices.actions[own][layers[own] == Layer.ROW]]
        assert [back.row_names[k] for k in back.choices.actions[back.layer(Layer.ROW)]] == was
        assert back.requests.user_ids[0] == f"m{b}"
        assert through_json(record_of(back, 0)) == through_json(record_of(made, b))
