"""Outcomes: each answer lands on the place it belongs to, and on no other."""

import numpy as np
import polars as pl
import pytest

from matinee.catalog import Catalog
from matinee.data.outcomes import outcomes
from matinee.decision import Decisions
from matinee.errors import BadRequest
from matinee.events import SCHEMA
from matinee.page import WEB

CATALOG = Catalog.from_frame(pl.DataFrame({"item_id": list("abcdef")}))
SECOND = 1_000_000
A, B, C, D, E, F = range(6)


def decisions(times: tuple[int, int] = (100, 200), users: tuple[str, str] = ("ann", "ann")) -> Decisions:
    """Two pages of 2 x 3: the first shows a b c / d a, the second a d / -."""
    items = np.array([[[A, B, C], [D, A, -1]], [[A, D, -1], [-1, -1, -1]]], np.int32)
    return Decisions(
        decision_ids=("p", "q"),
        policy_id="policy",
        artifact_id="artifact",
        surface="home",
        user_ids=users,
        times=np.array(times, np.int64) * SECOND,
        layout=WEB,
        items=items,
        scores=np.zeros(items.shape, np.float32),
        row_kinds=np.array([[2, 4], [2, -1]], np.int8),
        row_keys=np.full((2, 2), -1, np.int32),
        row_log_probs=np.zeros((2, 2)),
        item_log_probs=np.zeros(items.shape),
        evidence=np.full(items.shape, -1, np.int32),
    )


def event(kind: str, item: str, second: float, user: str = "ann", **fields: object) -> dict:
    return {"kind": kind, "item_id": item, "timestamp": round(second * SECOND), "user_id": user, **fields}


def joined(*events: dict, window: float = 50, **page: tuple) -> dict[tuple[int, int, int], float | None]:
    """Place -> reward of all places that were examined."""
    rows = [{**dict.fromkeys(SCHEMA), "event_id": str(n), **one} for n, one in enumerate(events)]
    frame = pl.DataFrame(rows, {**SCHEMA, "timestamp": pl.Int64}, orient="row")
    frame = frame.with_columns(pl.col("timestamp").cast(SCHEMA["timestamp"]))
    batch = decisions(**page)
    found = outcomes(batch, frame, CATALOG, window)
    again = outcomes([batch.record(b) for b in range(2)], frame, CATALOG, window)
    assert found.examined.shape == found.reward.shape == batch.items.shape
    assert again.examined.tolist() == found.examined.tolist()
    assert again.reward.tolist() == found.reward.tolist()
    assert (found.examined | (found.reward == 0)).all()
    places = np.argwhere(found.examined)
    return {tuple(place.tolist()): pytest.approx(float(found.reward[tuple(place)])) for place in places}


def test_an_answer_with_its_place_counts_there_and_only_there():
    assert joined(event("play", "a", 110, decision_id="p", row=1, column=1, value=0.7)) == {(0, 1, 1): 0.7}
    assert joined(event("impression", "d", 201, decision_id="q", row=0, column=1)) == {(1, 0, 1): 0}


def test_an_answer_whose_title_was_not_shown_at_that_place_counts_nowhere():
    assert joined(event("play", "b", 110, decision_id="p", row=1, column=1, value=0.7)) == {}
    assert joined(event("play", "f", 110, decision_id="p", row=0, column=0, value=0.7)) == {}
    assert joined(event("play", "unheard of", 110, decision_id="p", row=0, column=0, value=0.7)) == {}


def test_an_answer_with_a_decision_but_no_place_counts_at_the_first_place_of_its_title():
    assert joined(event("thumbs_up", "a", 110, decision_id="p")) == {(0, 0, 0): 1}


def test_an_answer_without_a_decision_counts_for_the_latest_one_that_showed_the_title():
    assert joined(event("rating", "a", 210, value=0.8), window=1_000) == {(1, 0, 0): 0.8}
    assert joined(event("rating", "a", 150, value=0.8), window=1_000) == {(0, 0, 0): 0.8}
    assert joined(event("rating", "b", 210, value=0.8), window=1_000) == {(0, 0, 1): 0.8}
    assert joined(event("rating", "a", 210, value=0.8, row=1, column=1), window=1_000) == {(1, 0, 0): 0.8}


@pytest.mark.parametrize(("second", "counts"), [(99.999999, False), (100, True), (149.999999, True), (150, False)])
def test_the_window_opens_with_the_decision_and_closes_before_its_end(second: float, counts: bool):
    named = event("play", "c", second, decision_id="p", row=0, column=2, value=1.0)
    assert bool(joined(named)) == counts
    assert bool(joined(event("play", "c", second, value=1.0))) == counts


def test_another_members_answer_never_counts():
    assert joined(event("play", "c", 110, user="bob", decision_id="p", row=0, column=2, value=1.0)) == {}
    assert joined(event("play", "a", 210, user="bob", value=1.0), users=("ann", "bob")) == {(1, 0, 0): 1}


def test_the_strongest_answer_of_a_place_is_its_reward():
    both = [event("play", "c", 101 + n, value=value) for n, value in enumerate((0.2, 0.9, 0.4))]
    assert joined(event("impression", "c", 100), *both) == {(0, 0, 2): 0.9}
    assert joined(*both, event("list_add", "c", 120)) == {(0, 0, 2): 1}


@pytest.mark.parametrize(
    ("kind", "reward"),
    [("impression", 0), ("open", 0), ("thumbs_down", 0), ("dismiss", 0), ("thumbs_up", 1), ("list_add", 1)],
)
def test_what_each_kind_is_worth(kind: str, reward: float):
    assert joined(event(kind, "b", 110)) == {(0, 0, 1): reward}


@pytest.mark.parametrize("kind", ["list_remove", "search", "cancel"])
def test_kinds_that_answer_nothing(kind: str):
    assert joined(event(kind, "b", 110)) == {}


def test_no_events_no_decisions_no_outcomes():
    assert joined() == {}
    none = outcomes([], pl.DataFrame(schema=SCHEMA), CATALOG, 1)
    assert none.reward.shape == (0, 0, 0)


@pytest.mark.parametrize("window", [0, -1, float("nan")])
def test_a_window_that_never_opens_is_refused(window: float):
    with pytest.raises(BadRequest, match="window_seconds"):
        joined(window=window)
