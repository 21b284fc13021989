"""Times as files write them: each is read surely, counted as unreadable, or refused with the option that decides it."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from matinee.data.sources.times import moments
from matinee.data.units import Units
from matinee.errors import BadData

DAY = datetime(2023, 11, 5, tzinfo=UTC)
MOMENT = datetime(2023, 11, 5, 21, 20, 11, tzinfo=UTC)
SECONDS = int(MOMENT.timestamp())


def times(*values, **options) -> list[datetime | None]:
    return moments(pl.Series("when", list(values)), **options).times.to_list()


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (SECONDS, MOMENT),
        (SECONDS * 1_000, MOMENT),
        (SECONDS * 1_000_000, MOMENT),
        (SECONDS * 1_000_000_000, MOMENT),
        (20231105, DAY),
        (20231105212011, MOMENT),
        ("20231105", DAY),
        (f"{SECONDS},0", MOMENT),
        ("2023-11-05 21:20:11", MOMENT),
        ("2023-11-05T21:20:11Z", MOMENT),
        ("2023-11-05T22:20:11+01:00", MOMENT),
        ("2023-11-05 21:20:11 UTC", MOMENT),
        ("2023/11/5 21:20:11", MOMENT),
        ("2023-11-05 21:20", MOMENT.replace(second=0)),
        ("2023-11-05T21:20", MOMENT.replace(second=0)),
        ("2023-11-05", DAY),
        ("05.11.2023", DAY),
        ("05.11.2023 21:20", MOMENT.replace(second=0)),
        ("1895-12-28", datetime(1895, 12, 28, tzinfo=UTC)),
    ],
)
def test_a_time_that_can_only_mean_one_thing_is_read(value, moment):
    assert times(value) == [moment]


@pytest.mark.parametrize("value", [45235.5, 2015, 12, 0.5, 1376])
def test_a_number_that_may_be_a_time_in_several_ways_is_refused_with_the_option(value):
    with pytest.raises(BadData, match=f"'when', such as {value:g}.*--time-format"):
        times(value, value)


def test_what_was_said_decides():
    assert times(45235.5, form="days") == [DAY.replace(hour=12)]
    assert times(2015, form="year") == [datetime(2015, 1, 1, tzinfo=UTC)]
    assert times(0, 86_400, form="s") == [datetime(1970, 1, day, tzinfo=UTC) for day in (1, 2)]
    assert times("05-11-23 21h20", form="%d-%m-%y %Hh%M") == [MOMENT.replace(second=0)]
    with pytest.raises(BadData, match="no format of times; give one of s, ms"):
        times(1, form="fortnights")


def test_one_time_of_another_unit_is_unreadable_and_never_of_1970():
    found = moments(pl.Series("when", [SECONDS * 1_000] * 20 + [SECONDS]))
    assert found.times.to_list() == [MOMENT] * 20 + [None]
    assert found.units.time_unit == "ms"
    with pytest.raises(BadData, match="several units"):
        times(SECONDS * 1_000, SECONDS)


def test_a_unit_that_is_known_is_kept_and_a_file_of_another_refused():
    assert times(SECONDS * 1_000, SECONDS, *[SECONDS] * 10, units=Units(time_unit="s"))[:2] == [None, MOMENT]
    with pytest.raises(BadData, match="no times in s; they look like ms: say so with --time-format"):
        times(SECONDS * 1_000, units=Units(time_unit="s"))


@pytest.mark.parametrize("mark", ["/", "-"])
def test_the_order_of_day_and_month_is_read_from_dates_that_fit_one_way_only(mark):
    first, second = f"05{mark}11{mark}2023", f"25{mark}11{mark}2023"
    found = moments(pl.Series("when", [first, second]))
    assert found.times.to_list() == [DAY, DAY.replace(day=25)]
    assert found.units.date_order == "day-first"
    assert times(f"11{mark}05{mark}2023", f"11{mark}25{mark}2023") == [DAY, DAY.replace(day=25)]
    with pytest.raises(BadData, match="--time-format day-first or --time-format month-first"):
        times(first)
    with pytest.raises(BadData, match="day-first"):
        times(second, f"11{mark}25{mark}2023")
    assert times(first, form="day-first") == times(f"11{mark}05{mark}2023", units=Units(date_order="month-first"))


def test_a_blank_a_word_and_a_day_that_is_none_are_null():
    assert times("yesterday", "2023-02-30", None, "2023-11-05") == [None, None, None, DAY]


def test_years_of_titles_are_years_beside_other_times():
    text = pl.Series("year", ["1995", "1995.0", "0", "1376", "2023-11-05"] + [str(SECONDS)] * 3)
    first = datetime(1995, 1, 1, tzinfo=UTC)
    assert moments(text, years=True).times.to_list() == [first, first, None, None, DAY, *[MOMENT] * 3]
    assert moments(pl.Series("year", [1995, 1996, 0, None]), years=True).times.to_list() == [
        first,
        first.replace(year=1996),
        None,
        None,
    ]


def test_a_number_among_dates_is_unreadable():
    assert times("2023-11-05", "12", "2023-11-05") == [DAY, None, DAY]
