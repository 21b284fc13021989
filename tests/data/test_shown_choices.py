"""Titles as they were shown: a frame says what the records said, and a damaged one costs only itself."""

import numpy as np
import polars as pl
import pytest

from matinee.data import shown_choices as shown
from matinee.decision import Choices, Decisions, Layer, Maker, Pages, Requests, RowName
from matinee.decision.record import record_of
from matinee.history import Histories
from matinee.page import Layout, RowKind
from matinee.profile import Profile
from matinee.situation import Context


def decisions() -> Decisions:
    """Two pages: ann on a TV sees 4 / 5 6, bob on nothing known sees 7; then nobody, an empty one."""
    requests = Requests.of_histories(
        Histories.empty(3),
        np.array([100, 200, 300]),
        profiles=(Profile("ann"), Profile("bob"), Profile("")),
        contexts=(Context(device="tv"), Context(), Context()),
        layout=Layout(rows=2, columns=2),
    )
    pages = Pages.empty(3, requests.layout, (RowName(RowKind.TOP_PICKS), RowName(RowKind.GENRE, ("Drama",))))
    pages.items[:2] = [[[4, -1], [5, 6]], [[7, -1], [-1, -1]]]
    pages.rows[:2] = [[0, 1], [1, -1]]
    pages.item_log_probs[:] = -np.arange(12.0).reshape(3, 2, 2)
    pages.scores[:] = np.arange(12.0).reshape(3, 2, 2) / 16
    counts = np.full((3, 2), 9)
    choices = Choices.of_pages(pages, counts, counts)
    makers = (Maker("home", "a"), Maker("trees", "b"))
    return Decisions(
        requests, ("p", "q", "r"), makers, choices, np.full(3, 9, np.int32), np.zeros(3, np.uint64), pages.names
    )


RECORDS = [record_of(decisions(), b) for b in range(3)]


def test_every_title_stands_where_it_was_shown():
    frame, left_out = shown.shown_choices(RECORDS)
    assert left_out.total == 0
    assert frame.schema == pl.Schema(shown.SHOWN)
    assert frame.drop("score", "log_prob").rows() == [
        ("p", "ann", 100, "home", "home", None, "tv", 6, "top_picks", 0, 0, 4),
        ("p", "ann", 100, "home", "home", None, "tv", 6, "genre", 1, 0, 5),
        ("p", "ann", 100, "home", "home", None, "tv", 6, "genre", 1, 1, 6),
        ("q", "bob", 200, "home", "home", None, None, 6, "genre", 0, 0, 7),
    ]
    assert frame["score"].to_list() == pytest.approx([0, 2 / 16, 3 / 16, 4 / 16])
    assert frame["log_prob"].to_list() == pytest.approx([0, -2, -3, -4])


def test_each_title_has_the_policy_that_chose_it():
    record = {**RECORDS[0], "choices": {**RECORDS[0]["choices"], "makers": [0, 1, 0, 0, 1]}}
    frame, _ = shown.shown_choices([record])
    assert record["choices"]["layers"] == [Layer.ROW, Layer.TITLE, Layer.ROW, Layer.TITLE, Layer.TITLE]
    assert frame["policy"].to_list() == ["trees", "home", "trees"]


def test_a_single_title_stands_in_no_row():
    requests = Requests.of_histories(Histories.empty(1), np.array([5]), profiles=(Profile("ann"),))
    choices = Choices.of_titles(np.array([3], np.int32), np.array([-0.5]), np.array([4], np.int32))
    one = Decisions(requests, ("s",), (Maker("play"),), choices, np.array([4], np.int32), np.zeros(1, np.uint64))
    frame, _ = shown.shown_choices([record_of(one, 0)])
    assert frame.select("row_kind", "row", "column", "item").rows() == [(None, 0, 0, 3)]


def test_no_records_no_titles():
    frame, left_out = shown.shown_choices([])
    assert frame.schema == pl.Schema(shown.SHOWN)
    assert (frame.height, left_out.total) == (0, 0)


def _broken(**fields: object) -> dict:
    return {**RECORDS[1], "decision_id": "bad", **fields}


def _with_choices(**columns: object) -> dict:
    return _broken(choices={**RECORDS[1]["choices"], **columns})


DAMAGED = {
    "nothing": {},
    "no choices": {key: value for key, value in RECORDS[1].items() if key != "choices"},
    "a column too short": _with_choices(scores=[0.5]),
    "text for a number": _with_choices(actions=["seven", 7]),
    "a row without a name": _broken(row_names=[]),
    "a choice of nobody": _broken(makers=[]),
    "no context": _broken(context=None),
    "a time that is none": _broken(time="noon"),
}


@pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_record_is_counted_and_costs_no_other(damaged: dict, monkeypatch):
    for at_once in (1, 2, 1_000):
        monkeypatch.setattr(shown, "AT_ONCE", at_once)
        frame, left_out = shown.shown_choices([RECORDS[0], damaged, *RECORDS[1:]])
        assert frame.equals(shown.shown_choices(RECORDS)[0])
        assert left_out.counts == {shown.DAMAGED: 1}
        assert len(left_out.examples[shown.DAMAGED]) == 1


def test_records_are_read_a_bounded_number_at_a_time(monkeypatch):
    """Before the third batch is asked for, the first two are frames already."""
    monkeypatch.setattr(shown, "AT_ONCE", 2)
    built: list[int] = []
    titles = shown._titles
    monkeypatch.setattr(shown, "_titles", lambda some: built.append(len(some)) or titles(some))
    seen_at = []

    def records():
        for k in range(5):
            seen_at.append(sum(built))
            yield {**RECORDS[k % 3], "decision_id": str(k)}

    assert shown.shown_choices(records())[0]["decision_id"].n_unique() == 4  # one of the five shows nothing
    assert seen_at == [0, 0, 2, 2, 4]
