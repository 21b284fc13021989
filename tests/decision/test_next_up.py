"""The next episode: resumed, else the first after the furthest finished; as of a moment; what is new to a member."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from matinee.catalog import Catalog
from matinee.data.histories import histories_of
from matinee.decision.next_up import first_episodes, new_seasons, next_up
from matinee.events import DAY, clean
from matinee.history import Histories
from matinee.series import Series

IDS = ["s1e1", "s1e2", "s2e1", "s2e2"]
SOON = 100 * DAY  # when the second season arrives


def catalog() -> Catalog:
    """Two films and a show of two seasons, the second of which arrives on day 100."""
    added = pl.Series("added", [None, None, SOON, SOON + 7 * DAY]).cast(pl.Datetime("us", "UTC"))
    numbers = {"series_id": ["show"] * 4, "season": [1, 1, 2, 2], "episode": [1, 2, 1, 2]}
    whole = Catalog.from_frame(pl.DataFrame({"item_id": ["film", "show", "other"]}))
    return whole.with_series(Series.from_frame(pl.DataFrame({"item_id": IDS, **numbers}).with_columns(added)))


def history(*events: tuple[str, float, float], kind: str = "play") -> Histories:
    """One member who played (item_id, share, on day)."""
    frame = pl.DataFrame(
        {
            "event_id": [f"e{at}" for at in range(len(events))],
            "user_id": ["m"] * len(events),
            "item_id": [item for item, _, _ in events],
            "kind": [kind] * len(events),
            "timestamp": [day * 86_400 for _, _, day in events],
            "value": [share for _, share, _ in events],
        }
    )
    return histories_of(clean(frame)[0], ["m"], catalog(), 10**18)


def told(seen: Histories, day: float) -> tuple[str | None, float, bool, bool] | None:
    """The next episode's id, where it begins, whether it is new, and whether it begins a season; None: no line."""
    found = next_up(seen, catalog(), np.array([round(day * DAY)]))
    if not len(found):
        return None
    assert (found.titles.tolist(), found.members.tolist()) == ([1], [0])
    item = IDS[found.episodes[0]] if found.episodes[0] >= 0 else None
    return item, pytest.approx(found.resume[0]), bool(found.new[0]), bool(found.seasons[0])


@pytest.mark.parametrize(
    ("events", "day", "expected"),
    [
        ([], 50, None),
        ([("film", 1.0, 1)], 50, None),
        ([("s1e1", 0.05, 1)], 50, None),
        ([("s1e1", 0.4, 1)], 50, ("s1e1", 0.4, False, False)),
        ([("s1e1", 0.9, 1)], 50, ("s1e2", 0.0, False, False)),
        ([("s1e2", 1.0, 1)], 50, (None, 0.0, False, False)),
        ([("s1e2", 1.0, 1)], 99.9, (None, 0.0, False, False)),
        ([("s1e2", 1.0, 1)], 100, ("s2e1", 0.0, True, True)),
        ([("s1e2", 1.0, 101)], 102, ("s2e1", 0.0, False, True)),
        ([("s1e2", 1.0, 1), ("s2e1", 1.0, 101)], 102, (None, 0.0, False, False)),
        ([("s1e2", 1.0, 1), ("s2e1", 1.0, 101)], 108, ("s2e2", 0.0, True, False)),
        ([("s1e2", 1.0, 1), ("s1e1", 0.5, 2)], 50, ("s1e1", 0.5, False, False)),
        ([("s1e2", 1.0, 1), ("s1e1", 1.0, 2)], 108, ("s2e1", 0.0, True, True)),
        ([("s1e1", 1.0, 1), ("s1e2", 0.05, 2)], 50, ("s1e2", 0.0, False, False)),
        ([("s1e1", 0.5, 1), ("s1e1", 0.95, 2), ("film", 0.3, 3)], 50, ("s1e2", 0.0, False, False)),
    ],
)
def test_what_comes_next_is_arithmetic(events, day, expected):
    assert told(history(*events), day) == expected


def test_a_play_that_is_taken_back_never_happened_and_the_other_episodes_stay():
    plays = [("s1e1", 1.0, 1), ("s1e2", 1.0, 2)]
    frame = pl.DataFrame(
        {
            "event_id": ["a", "b", "c"],
            "user_id": ["m"] * 3,
            "item_id": ["s1e1", "s1e2", "s1e2"],
            "kind": ["play", "play", "play_clear"],
            "timestamp": [86_400, 2 * 86_400, 3 * 86_400],
            "value": [1.0, 1.0, None],
        }
    )
    cleared = histories_of(clean(frame)[0], ["m"], catalog(), 10**18)
    assert told(cleared, 50) == ("s1e2", 0.0, False, False)
    assert told(history(*plays), 50) == (None, 0.0, False, False)


def test_a_batch_gives_each_member_their_own_answer_and_nobody_anothers():
    alone = [history(("s1e1", 0.5, 1)), Histories.empty(1), history(("s1e1", 1.0, 1)), history(("film", 1.0, 1))]
    found = next_up(Histories.joined(alone), catalog(), np.full(4, 50 * DAY))
    assert (found.members.tolist(), found.episodes.tolist()) == ([0, 2], [0, 1])
    assert found.plays.tolist() == [0, 1]


def test_only_a_season_that_arrived_lately_is_news():
    caught_up, behind = history(("s1e2", 1.0, 1)), history(("s1e1", 1.0, 1))
    both = Histories.joined([caught_up, behind])
    for day, members in ((99, []), (103, [0]), (112, [])):
        news = new_seasons(both, catalog(), np.full(2, day * DAY), days=7)
        assert news.members.tolist() == members
    assert not len(new_seasons(history(("s1e2", 1.0, 1), ("s2e1", 1.0, 101)), catalog(), np.array([108 * DAY]), 7))


def test_the_first_episode_is_the_first_that_there_is():
    assert first_episodes(catalog(), np.array([0, 1, 2], np.int32), 5).tolist() == [-1, 0, -1]


def test_sixty_episodes_are_one_taste_as_strong_as_a_film():
    """w(series) = max over its plays of w(play) = 1."""
    binge = history(*[(IDS[at % 2], 1.0, 1 + at / 60) for at in range(60)], ("film", 1.0, 3))
    tastes = binge.tastes
    assert (tastes.items.tolist(), tastes.weights.tolist()) == ([1, 0], [1.0, 1.0])
    assert history(("s1e1", 1.0, 1), ("s1e2", 0.02, 2)).tastes.items.tolist() == [1]


def test_digests_are_as_ever_without_episodes_and_tell_episodes_apart():
    """The first number is what such a history gave before there were episodes."""
    assert Histories.of_items([[1, 2], []]).digests().tolist() == [8031006063885710505, 16476032584258269876]
    assert history(("s1e1", 1.0, 1)).digests() != history(("s1e2", 1.0, 1)).digests()
