"""Series on the home page: what waits, what is new, what is finished; and nothing changes where there are none."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from pages import NOW, policy_of, world

from matinee.catalog import Catalog
from matinee.decision import Requests
from matinee.events import DAY, Kind
from matinee.history import Histories
from matinee.page import RowKind
from matinee.series import Series
from matinee.testing import check_policy

SHOW = 7  # the title that is a series: two episodes as long as there is time, a third since 20 days


def with_show() -> Catalog:
    frame = {"item_id": ["e1", "e2", "e3"], "series_id": ["t7"] * 3, "season": [1, 1, 2], "episode": [1, 2, 1]}
    added = pl.Series("added", [None, None, NOW - 20 * DAY]).cast(pl.Datetime("us", "UTC"))
    return world().with_series(Series.from_frame(pl.DataFrame(frame).with_columns(added)))


def asked(*events: tuple[int, float, float], kind: Kind = Kind.PLAY, last: Kind = Kind.PLAY) -> Requests:
    """One member who did this, oldest first: (episode, or -1 for the series itself, share, days ago)."""
    n = len(events)
    kinds = np.full(n, kind, np.int8)
    kinds[-1] = last
    history = Histories(
        np.array([0, n]),
        np.full(n, SHOW, np.int32),
        kinds,
        np.array([share for _, share, _ in events], np.float32),
        np.array([NOW - round(ago * DAY) for _, _, ago in events]),
        episodes=np.array([episode for episode, _, _ in events], np.int32),
    )
    return Requests.of_histories(history, times=NOW)


def rows_with_show(requests: Requests, catalog: Catalog | None = None) -> set[RowKind]:
    """The kinds of row in which the series stands."""
    page = policy_of(with_show() if catalog is None else catalog).decide(requests, np.random.default_rng(0)).page()
    _, r, _ = np.nonzero(page.items == SHOW)
    return {RowKind(kind) for kind in page.row_kinds[0, r]}


@pytest.mark.parametrize(
    ("events", "row"),
    [
        ([(0, 0.4, 2)], RowKind.CONTINUE_WATCHING),
        ([(0, 1.0, 2)], RowKind.CONTINUE_WATCHING),
        ([(0, 1.0, 30), (1, 0.05, 2)], RowKind.CONTINUE_WATCHING),
        ([(1, 1.0, 19)], RowKind.CONTINUE_WATCHING),
        ([(1, 1.0, 21)], RowKind.NEW_EPISODES),
        ([(1, 1.0, 300)], RowKind.NEW_EPISODES),
        ([(2, 1.0, 2)], None),
        ([(0, 1.0, 100)], None),
    ],
)
def test_a_series_stands_where_it_belongs(events, row):
    assert rows_with_show(asked(*events)) == ({row} if row else set())


def test_a_rating_between_two_episodes_ends_nothing_and_a_thumbs_down_ends_it():
    between = [(0, 1.0, 3), (-1, 0.8, 2)]
    assert rows_with_show(asked(*between, last=Kind.RATING)) == {RowKind.CONTINUE_WATCHING}
    assert rows_with_show(asked(*between, last=Kind.THUMBS_DOWN)) == set()
    assert rows_with_show(asked((1, 1.0, 30), (-1, 0.8, 25), last=Kind.RATING)) == {RowKind.NEW_EPISODES}


def test_plays_of_the_series_itself_count_as_those_of_a_film():
    for share, row in ((0.4, {RowKind.CONTINUE_WATCHING}), (1.0, set())):
        requests = asked((-1, share, 2))
        assert rows_with_show(requests) == rows_with_show(requests, world()) == row


def test_a_binge_moves_the_page_as_one_film_does():
    """Sixty plays of one series and one play of it: the same scores, rows and titles."""
    policy = policy_of(with_show())
    binge = asked(*[(at % 2, 1.0, 2 - at / 60) for at in range(60)])
    once = asked((1, 1.0, 2 - 59 / 60))
    pages = [policy.decide(one, np.random.default_rng(0)).page() for one in (binge, once)]
    np.testing.assert_array_equal(pages[0].items, pages[1].items)
    np.testing.assert_allclose(pages[0].scores, pages[1].scores, rtol=1e-5)


def test_its_decisions_can_be_asked_again():
    catalog = with_show()
    each = [asked((0, 0.4, 2)), asked((1, 1.0, 30)), asked((2, 1.0, 2))]
    histories = Histories.joined([*(one.histories for one in each), Histories.empty(2)])
    check_policy(lambda: policy_of(catalog, exploration=0.4), catalog, Requests.of_histories(histories, times=NOW))
