"""Outcomes: each answer lands on the place it belongs to, and on no other."""

import numpy as np
import polars as pl
import pytest

from matinee.catalog import Catalog
from matinee.data.outcomes import NEVER, outcomes, returned
from matinee.data.rewards import REWARDS
from matinee.decision import Choices, Decisions, Maker, Pages, Requests, RowName
from matinee.errors import BadRequest
from matinee.events import SCHEMA
from matinee.history import Histories
from matinee.page import Layout, RowKind
from matinee.profile import Profile

CATALOG = Catalog.from_frame(pl.DataFrame({"item_id": list("abcdef")}))
SECOND = 1_000_000
A, B, C, D, E, F = range(6)


def decisions(times: tuple[int, int] = (100, 200), users: tuple[str, str] = ("ann", "ann")) -> Decisions:
    """Two pages of 2 x 3: the first shows a b c / d a, the second a d / -."""
    requests = Requests.of_histories(
        Histories.empty(2),
        np.array(times, np.int64) * SECOND,
        profiles=tuple(Profile(user) for user in users),
        layout=Layout(rows=2, columns=3),
    )
    pages = Pages.empty(2, requests.layout, (RowName(RowKind.TOP_PICKS), RowName(RowKind.MY_LIST)))
    pages.items[:] = [[[A, B, C], [D, A, -1]], [[A, D, -1], [-1, -1, -1]]]
    pages.rows[:] = [[0, 1], [0, -1]]
    return Decisions(
        requests,
        ("p", "q"),
        (Maker("policy", "artifact"),),
        Choices.of_pages(pages, np.full((2, 2), 2), np.full((2, 2), 6)),
        np.full(2, 6, np.int32),
        np.zeros(2, np.uint64),
        pages.names,
    )


def event(kind: str, item: str, second: float, user: str = "ann", **fields: object) -> dict:
    return {"kind": kind, "item_id": item, "timestamp": round(second * SECOND), "user_id": user, **fields}


def events_of(*events: dict) -> pl.DataFrame:
    rows = [{**dict.fromkeys(SCHEMA), "event_id": str(n), **one} for n, one in enumerate(events)]
    frame = pl.DataFrame(rows, {**SCHEMA, "timestamp": pl.Int64}, orient="row")
    return frame.with_columns(pl.col("timestamp").cast(SCHEMA["timestamp"]))


def joined(*events: dict, window: float = 50, **page: tuple) -> dict[tuple[int, int, int], float | None]:
    """Place -> reward of all places that were examined."""
    batch = decisions(**page)
    found, choices = outcomes(batch, events_of(*events), CATALOG, window), batch.choices
    assert found.examined.shape == found.reward.shape == found.delay.shape == choices.actions.shape
    assert (found.examined | (found.reward == 0)).all()
    assert ((found.delay == NEVER) | ((found.delay >= 0) & (found.delay < window * SECOND))).all()
    places = np.stack((choices.decisions, choices.rows, choices.columns), axis=1)
    return {
        tuple(places[line].tolist()): pytest.approx(float(found.reward[line]))
        for line in np.flatnonzero(found.examined)
    }


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
    none = outcomes(decisions().take(np.empty(0, np.int64)), pl.DataFrame(schema=SCHEMA), CATALOG, 1)
    assert none.reward.shape == (0,)


@pytest.mark.parametrize("window", [0, -1, float("nan")])
def test_a_window_that_never_opens_is_refused(window: float):
    with pytest.raises(BadRequest, match="window_seconds"):
        joined(window=window)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("opened", 1), ("played", 1), ("completed", 0), ("enjoyed", 0.6), ("enjoyed-or-refused", -1)],
)
def test_the_reward_is_chosen_by_whoever_asks(name: str, expected: float):
    """Someone plays six tenths, then says that it is not for them."""
    events = events_of(event("play", "b", 110, value=0.6), event("dismiss", "b", 111))
    found = outcomes(decisions(), events, CATALOG, 50, REWARDS[name])
    assert found.reward.sum() == pytest.approx(expected)


def test_the_delay_is_that_of_the_answer_that_counts():
    events = events_of(event("play", "c", 103, value=0.2), event("play", "c", 109, value=0.9))
    found = outcomes(decisions(), events, CATALOG, 50)
    assert found.delay[found.delay != NEVER].tolist() == [9 * SECOND]


@pytest.mark.parametrize(("hours", "days", "expected"), [(0.5, 7, False), (2, 7, True), (50, 2, False), (50, 3, True)])
def test_returning_is_a_play_on_another_visit_soon_enough(hours: float, days: float, expected: bool):
    events = events_of(event("play", "a", 100 + hours * 3600, value=1.0))
    assert returned(decisions(users=("ann", "bob")), events, days).tolist() == [expected, False]
