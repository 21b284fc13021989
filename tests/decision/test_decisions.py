"""The record of a decision: a head a decision, a line a choice, and the same thing back from the log."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import orjson
import polars as pl
import pytest

from matinee.catalog import Catalog
from matinee.decision import (
    Cells,
    Choices,
    Company,
    Context,
    Decisions,
    Episodes,
    Layer,
    Maker,
    Pages,
    People,
    Requests,
    RowName,
    digest,
    joined,
    row_key,
    row_name,
)
from matinee.decision.record import of_record, record_of
from matinee.errors import BadData
from matinee.history import Histories
from matinee.maths.ragged import Ragged
from matinee.page import TV, Layout, RowKind
from matinee.profile import Profile

LAYOUT = Layout(rows=2, columns=3, billboard=False)
NAMES = (RowName(RowKind.GENRE, ("Drama",)), RowName(RowKind.TOP_PICKS))


def asked(batch: int = 2, **fields) -> Requests:
    return Requests.of_histories(Histories.of_items([[5]] * batch), 9, layout=LAYOUT, **fields)


def two_pages() -> Decisions:
    """Drama: 1 2 / top picks: 3; and drama: 4. Rows have 1/2, titles 1/4."""
    pages = Pages.empty(2, LAYOUT, NAMES)
    pages.items[0, 0, :2], pages.items[0, 1, 0], pages.items[1, 0, 0] = [1, 2], 3, 4
    pages.rows[:] = [[0, 1], [0, -1]]
    pages.row_kinds[:] = [[RowKind.GENRE, RowKind.TOP_PICKS], [RowKind.GENRE, RowKind.EMPTY]]
    pages.row_log_probs[pages.rows >= 0] = np.log(1 / 2)
    pages.item_log_probs[pages.items >= 0] = np.log(1 / 4)
    pages.scores[pages.items >= 0] = 0.5
    return Decisions(
        asked(),
        ("p", "q"),
        (Maker("policy", "artifact", digest("config")),),
        Choices.of_pages(pages, np.full((2, 2), 2), np.full((2, 2), 7)),
        np.full(2, 7, np.int32),
        np.array([2**63, 1], np.uint64),
        NAMES,
    )


def test_lines_stand_in_the_order_of_choosing():
    choices = two_pages().choices
    assert choices.offsets.tolist() == [0, 5, 7]
    assert choices.layers.tolist() == [Layer.ROW, Layer.TITLE, Layer.TITLE, Layer.ROW, Layer.TITLE, 1, 2]
    assert choices.actions.tolist() == [0, 1, 2, 1, 3, 0, 4]
    assert choices.columns.tolist() == [-1, 0, 1, -1, 0, -1, 0]
    assert choices.among.tolist() == [2, 7, 6, 2, 7, 2, 7], "each title is one fewer to choose from"


def test_the_probability_of_a_decision_is_the_product_of_its_choices():
    decisions = two_pages()
    np.testing.assert_allclose(decisions.log_probs, np.log([1 / 4 * 1 / 64, 1 / 2 * 1 / 4]), atol=1e-12)
    impossible = np.zeros(7)
    impossible[6] = -np.inf
    assert decisions.sums(impossible).tolist() == [0, -np.inf]


def test_pages_come_back():
    decisions = two_pages()
    pages = decisions.page()
    assert pages.items[0].tolist() == [[1, 2, -1], [3, -1, -1]]
    assert pages.name(0, 1) == RowName(RowKind.TOP_PICKS)
    again = Choices.of_pages(pages, np.full((2, 2), 2), np.full((2, 2), 7))
    assert again.actions.tolist() == decisions.choices.actions.tolist()


def test_silence_keeps_its_probability():
    """Nothing is sent to the first member, with probability 1/3; a title to the second."""
    choices = Choices(
        np.array([0, 1, 3]),
        layers=np.array([Layer.SEND, Layer.SEND, Layer.TITLE], np.int8),
        rows=np.full(3, -1, np.int16),
        columns=np.array([-1, -1, 0], np.int16),
        actions=np.array([0, 1, 8], np.int32),
        log_probs=np.log([1 / 3, 2 / 3, 1 / 10]),
        among=np.array([2, 2, 10], np.int32),
        makers=np.array([0, 0, 1], np.int8),
        scores=np.zeros(3, np.float32),
        evidence=np.full(3, -1, np.int32),
    )
    makers = Maker("when", posterior=3), Maker("what")
    sent = Decisions(asked(), ("a", "b"), makers, choices, np.full(2, 10, np.int32), np.zeros(2, np.uint64))
    silent = of_record(orjson.loads(orjson.dumps(record_of(sent, 0))), Histories.of_items([[5]]))
    assert silent.log_probs[0] == pytest.approx(np.log(1 / 3))
    assert len(silent.titles) == 0
    assert of_record(record_of(sent, 1)).makers == makers


def test_the_record_is_complete():
    """Situation, layout, exploration, exclusions: what was asked is what comes back."""
    requests = asked(
        1,
        profiles=(Profile("ada", kids=True, blocked_genres=("Horror",)),),
        contexts=(Context("DK", "tv", "da", 20, 4),),
        exclude=Ragged.of([[3, 1]]),
        about=np.array([4], np.int32),
        queries=("star wa",),
        candidates=Ragged.of([[1, 2]]),
        episodes=Episodes(np.array([2**63], np.uint64), np.array([5], np.int32)),
        cells=Cells(("pages", "search"), np.array([[1, -1]], np.int8)),
        exploration=0.25,
    )
    requests = replace(requests, layout=replace(TV, rows=2, columns=3))
    made = replace(two_pages().take(np.array([0])), requests=requests)
    back = of_record(orjson.loads(orjson.dumps(record_of(made, 0))), requests.histories)
    assert back.requests.profile(0) == requests.profile(0)
    assert back.requests.situations.context(0) == Context("DK", "tv", "da", 20, 4)
    assert back.requests.layout == requests.layout, "a television with a layout of its own keeps its attention"
    assert back.requests.exploration == 0.25
    assert (back.requests.exclude[0].tolist(), back.requests.candidates[0].tolist()) == ([3, 1], [1, 2])
    assert (back.requests.about[0], back.requests.queries) == (4, ("star wa",))
    assert (back.requests.episodes.chains[0], back.requests.episodes.steps[0]) == (2**63, 5)
    assert back.requests.cells.names == ("pages", "search")
    assert back.requests.cells.arms.tolist() == [[1, -1]]
    assert (back.bits[0], back.eligible[0], back.makers) == (2**63, 7, made.makers)


def test_another_history_than_the_one_seen_is_refused():
    record = record_of(two_pages(), 0)
    with pytest.raises(BadData, match="not the one it saw"):
        of_record(record, Histories.of_items([[6]]))


def test_joining_keeps_the_names_of_rows():
    first = two_pages()
    renamed = replace(two_pages(), row_names=NAMES[::-1])
    both = joined(asked(4), [first, renamed])
    assert [both.page().name(b, 0).kind for b in range(4)] == [4, 4, 2, 2]
    np.testing.assert_allclose(both.log_probs, np.tile(first.log_probs, 2))


@pytest.mark.parametrize("wrong", [np.nan, 0.1, np.inf])
def test_a_choice_without_a_probability_cannot_exist(wrong: float):
    with pytest.raises(BadData, match="log-probability"):
        Choices.of_titles(np.array([1], np.int32), np.array([wrong]), np.array([1], np.int32))


def test_row_names_outlive_the_vocabulary():
    """A title with a genre that sorts first moves every genre's number; the names stay."""
    small = Catalog.from_frame(
        pl.DataFrame({"item_id": ["a", "b"], "genres": [["Drama"], ["War"]], "tags": [["sad"], ["loud"]]})
    )
    grown = small.append(pl.DataFrame({"item_id": ["c"], "genres": [["Action"]], "tags": [["bright"]]}))
    for kind, key in ((RowKind.GENRE, 1), (RowKind.GENRE_TAG, 3), (RowKind.SIMILAR, 1), (RowKind.POPULAR, 120)):
        name = row_name(kind, key, small)
        assert row_key(name, small) == key
        later = row_key(name, grown)
        assert row_name(kind, later, grown) == name
        assert (later == key) == (kind in (RowKind.SIMILAR, RowKind.POPULAR))
    assert row_key(RowName(RowKind.GENRE, ("Horror",)), small) == -2


def test_who_watches_together_is_recorded():
    requests = asked(1, profiles=[Profile("ada", maturity_limit=16)])
    people = People.of([Profile("ada", maturity_limit=16), Profile("bo", kids=True)])
    requests = replace(requests, people=people, together=Company.of([[1]]))
    made = replace(two_pages().take(np.array([0])), requests=requests)
    back = of_record(record_of(made, 0)).requests
    assert [back.people.profile(k) for k in range(2)] == [people.profile(k) for k in range(2)]
    assert back.together.people[0].tolist() == [1]


def test_people_share_what_their_profiles_say():
    people = People.of([Profile(f"m{k}", name=f"Member {k}", maturity_limit=12 * (k % 2)) for k in range(100)])
    assert len(people.profiles) == 2
    assert people.profile(3) == Profile("m3", maturity_limit=12)
