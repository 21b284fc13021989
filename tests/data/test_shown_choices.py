"""Titles as they were shown: a frame says what the decisions said."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from matinee.data.shown_choices import SHOWN, shown_choices
from matinee.decision import Choices, Decisions, Layer, Maker, Pages, Requests, RowName
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


def test_every_title_stands_where_it_was_shown():
    frame = shown_choices([decisions()])
    assert frame.schema == pl.Schema(SHOWN)
    assert frame.drop("score", "log_prob", "keep_probability").rows() == [
        ("p", "ann", 100, "home", "home", "a", None, "tv", 6, "top_picks", 0, 0, 4),
        ("p", "ann", 100, "home", "home", "a", None, "tv", 6, "genre", 1, 0, 5),
        ("p", "ann", 100, "home", "home", "a", None, "tv", 6, "genre", 1, 1, 6),
        ("q", "bob", 200, "home", "home", "a", None, None, 6, "genre", 0, 0, 7),
    ]
    assert frame["score"].to_list() == pytest.approx([0, 2 / 16, 3 / 16, 4 / 16])
    assert frame["log_prob"].to_list() == pytest.approx([0, -2, -3, -4])


def test_each_title_has_the_policy_that_chose_it():
    made = decisions().take(np.array([0]))
    choices = replace(made.choices, makers=np.array([0, 1, 0, 0, 1], np.int8))
    assert choices.layers.tolist() == [Layer.ROW, Layer.TITLE, Layer.ROW, Layer.TITLE, Layer.TITLE]
    assert shown_choices([replace(made, choices=choices)])["policy"].to_list() == ["trees", "home", "trees"]


def test_a_single_title_stands_in_no_row():
    requests = Requests.of_histories(Histories.empty(1), np.array([5]), profiles=(Profile("ann"),))
    choices = Choices.of_titles(np.array([3], np.int32), np.array([-0.5]), np.array([4], np.int32))
    one = Decisions(requests, ("s",), (Maker("play"),), choices, np.array([4], np.int32), np.zeros(1, np.uint64))
    frame = shown_choices([one])
    assert frame.select("row_kind", "row", "column", "item").rows() == [(None, 0, 0, 3)]


def test_no_decisions_no_titles():
    assert shown_choices([]).schema == pl.Schema(SHOWN)


def test_batches_follow_one_another_and_are_read_one_at_a_time():
    seen_at: list[int] = []

    def batches():
        for batch in (decisions(), decisions().take(np.array([1]))):
            seen_at.append(len(seen_at))
            yield batch

    assert shown_choices(batches())["decision_id"].to_list() == ["p", "p", "p", "q", "q"]
    assert seen_at == [0, 1]
