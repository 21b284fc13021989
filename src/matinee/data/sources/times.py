"""Times as files write them: surely read, or null; what may be read in two ways is refused with the option."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from matinee.data.sources.values import numbers
from matinee.data.units import Units
from matinee.errors import BadData

TIME = pl.Datetime("us", "UTC")
DAYS, YEARS, DATES, CLOCKED = "days", "year", "yyyymmdd", "yyyymmddhhmmss"
UNITS: Mapping[str, float] = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}  # microseconds each, since 1970
ORDERS = ("day-first", "month-first")
FORMATS = (*UNITS, DAYS, YEARS, *ORDERS)
AGREED = 0.9  # share of the numbers that must be of one size
EPOCH_OF_SHEETS = 25_569  # the spreadsheet day of 1 January 1970

# what a number can only be: seconds and their parts of 1973 to 2286, days of 1954 to 2064, dates of 1900 to 2100
SIZES: Mapping[str, tuple[float, float]] = {
    "s": (1e8, 1e10),
    "ms": (1e11, 1e13),
    "us": (1e14, 1e16),
    "ns": (1e17, 9.2e18),
    DATES: (19_000_101, 21_001_232),
    CLOCKED: (19_000_101_000_000, 21_001_232_000_000),
    DAYS: (20_000, 60_000),
    YEARS: (1_870, 2_101),
}
SURE = (*UNITS, DATES, CLOCKED)
_CLOCK = r"(?:[T ]+(\d{1,2}):(\d\d)(?::(\d\d(?:[.,]\d+)?))?)?\s*(Z|z|UTC|GMT|[+-]\d\d:?\d\d)?$"
_YEAR_FIRST = r"^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})" + _CLOCK
_YEAR_LAST = r"^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})" + _CLOCK


@dataclass(frozen=True, slots=True)
class Moments:
    """`times` as `TIME`, null where a cell is empty or cannot be read; the `units` that were known or found."""

    times: pl.Series
    units: Units


def moments(column: pl.Series, units: Units = Units(), form: str | None = None, years: bool = False) -> Moments:
    """Read a column of times: datetimes, ISO 8601 text, dates with the year last, numbers by their size, all as UTC.

    `units` are known already, `form` is one of `FORMATS` or one such as "%d.%m.%Y %H:%M"; `years`: a number of four
    digits is a year. Raises `BadData` where numbers are of several sizes or of none that is sure, and where dates may
    have the day or the month first.
    """
    if isinstance(column.dtype, pl.Datetime):
        zoned = column if column.dtype.time_zone else column.dt.replace_time_zone("UTC")
        return Moments(zoned.dt.convert_time_zone("UTC").dt.cast_time_unit("us"), units)
    if column.dtype == pl.Date:
        return Moments(column.cast(TIME), units)
    units = _said(units, form)
    found = numbers(column)
    times, unit = _of_numbers(found, units, form, years, 0 if years else column.count())
    if column.dtype != pl.String:
        return Moments(times, replace(units, time_unit=unit))
    text = _only(column, found.is_null())
    if form is not None and "%" in form:
        times = _first(times, _formatted(text, form))
    times = _first(times, _iso(_only(text, times.is_null())))
    turned, order = _turned(_only(text, times.is_null()), units.date_order)
    return Moments(_first(times, turned).alias(column.name), Units(units.best, unit, order))


def _said(units: Units, form: str | None) -> Units:
    """What is known, with what `form` says in its place."""
    if form is None or "%" in form or form in (DAYS, YEARS):
        return units
    if form not in FORMATS:
        raise BadData(f"{form!r} is no format of times; give one of {', '.join(FORMATS)}, or one such as %d.%m.%Y")
    return replace(units, time_unit=form) if form in UNITS else replace(units, date_order=form)


def _only(column: pl.Series, mask: pl.Series) -> pl.Series:
    """The column, null outside the mask."""
    return pl.select(pl.when(mask).then(column)).to_series().alias(column.name)


def _first(one: pl.Series, other: pl.Series) -> pl.Series:
    return pl.select(pl.coalesce(one, other)).to_series()


def _of_numbers(
    found: pl.Series, units: Units, form: str | None, years: bool, cells: int
) -> tuple[pl.Series, str | None]:
    """Numbers in so many cells as times, and the unit since 1970 that is known or found."""
    name, sizes = found.name, _sizes(found)
    first_days = _converted(_only(found, (sizes == YEARS) & years), YEARS)
    rest = _only(found, ~((sizes == YEARS) & years))
    if form in (DAYS, YEARS):
        return _first(first_days, _converted(_only(rest, sizes == form), form)), units.time_unit
    unit = units.time_unit or _agreed(rest, sizes, name, cells)
    if unit is None:
        return first_days, None
    fits = sizes == unit if units.time_unit is None else _fitting(rest, sizes, unit, name)
    return _first(first_days, _converted(_only(rest, fits), unit)), unit if unit in UNITS else units.time_unit


def _sizes(found: pl.Series) -> pl.Series:
    """What each number can only be, by `SIZES`; "" where it may be anything, null where there is no number."""
    number = pl.col("number")
    size = pl.coalesce(
        *[pl.when((number >= low) & (number < high)).then(pl.lit(one)) for one, (low, high) in SIZES.items()],
        pl.when(number.is_not_null()).then(pl.lit("")),
    )
    return pl.DataFrame({"number": found}).select(size.alias("size")).to_series()


def _fitting(found: pl.Series, sizes: pl.Series, unit: str, name: str) -> pl.Series:
    """Which numbers may be of the unit that is known: all but those that can only be of another."""
    other = sizes.is_in([one for one in SURE if one != unit]) & found.is_not_null()
    if other.sum() > (1 - AGREED) * found.count():
        example = found.filter(other)[0]
        raise BadData(
            f"{other.sum():,} of {found.count():,} values of {name!r}, such as {example:.0f}, are no times in {unit}; "
            f"they look like {sizes.filter(other)[0]}: say so with --time-format"
        )
    return ~other


def _agreed(found: pl.Series, sizes: pl.Series, name: str, cells: int) -> str | None:
    """The size of nearly all numbers; None where the few that there are in so many cells (0: how many ever) tell none.

    Raises `BadData` where most cells are numbers of no sure size, or where the numbers are of several.
    """
    present = sizes.filter(found.is_not_null())
    counts = present.filter(present.is_in(SURE)).value_counts(sort=True)
    if counts.is_empty():
        if 2 * len(present) > cells > 0:
            raise BadData(
                f"the values of {name!r}, such as {found.drop_nulls()[0]:.10g}, may be times in several ways; say "
                f"which with --time-format, one of {', '.join(FORMATS)}"
            )
        return None
    best, count = counts.row(0)
    if count < AGREED * float(counts["count"].sum()):
        examples = [f"{found.filter(sizes == one)[0]:.10g}" for one in counts.to_series().head(2)]
        raise BadData(
            f"the values of {name!r}, such as {' and '.join(examples)}, are times of several units; write them in one, "
            "or say with --time-format which of them are to be taken"
        )
    return str(best)


def _converted(found: pl.Series, unit: str) -> pl.Series:
    """Numbers of one unit as times; null where there is none or they lie outside what a time can be."""
    if unit == YEARS:
        return _parsed(found, "%Y%m%d", 10_000, 101)
    if unit == DATES:
        return _parsed(found, "%Y%m%d")
    if unit == CLOCKED:
        return _parsed(found, "%Y%m%d%H%M%S")
    if unit == DAYS:
        return _since_1970(((found - EPOCH_OF_SHEETS) * 86_400).round(3), "s")
    return _since_1970(found, unit)


def _since_1970(found: pl.Series, unit: str) -> pl.Series:
    counted = pl.col("number") * UNITS[unit]
    return pl.DataFrame({"number": found}).select(counted.cast(pl.Int64, strict=False).cast(TIME)).to_series()


def _parsed(found: pl.Series, form: str, times: int = 1, plus: int = 0) -> pl.Series:
    digits = (found.cast(pl.Int64, strict=False) * times + plus).cast(pl.String)
    return _formatted(digits, form)


def _formatted(text: pl.Series, form: str) -> pl.Series:
    """Text in a format of strptime as times, null where it is in another."""
    if not any(mark in form for mark in ("%H", "%I", "%T", "%s", "%R", "%c", "%+")):
        return text.str.to_date(form, strict=False).cast(TIME)
    zoned = "%z" in form or "%:z" in form or form == "%+"
    if zoned:
        return text.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False)
    return text.str.to_datetime(form, time_unit="us", strict=False).dt.replace_time_zone("UTC")


def _iso(text: pl.Series) -> pl.Series:
    """ISO 8601 and its relatives: a blank for T, no seconds, no time, slashes, one-digit months, UTC in words."""
    times = _formatted(text, "%+")
    for form in ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d"):
        left = _only(text, times.is_null())
        if left.count():
            times = _first(times, _formatted(left, form))
    return _first(times, _assembled(_groups(_only(text, times.is_null()), _YEAR_FIRST), ("1", "2", "3")))


def _groups(text: pl.Series, pattern: str) -> pl.DataFrame:
    """The parts that a pattern finds, "1" to "7" in order; null where it finds nothing."""
    if not text.count():
        return pl.DataFrame({str(k): text for k in range(1, 8)})
    return text.str.extract_groups(pattern).struct.unnest()


def _assembled(parts: pl.DataFrame, order: tuple[str, str, str]) -> pl.Series:
    """Times of parts: year, month and day by their places in the pattern, then hour, minute, second and zone."""
    zone = pl.col("7").fill_null("+0000").replace({"Z": "+0000", "z": "+0000", "UTC": "+0000", "GMT": "+0000"})
    clock = [pl.col(part).fill_null("0") for part in ("4", "5")]
    second = pl.col("6").fill_null("0").str.replace(",", ".", literal=True)
    text = parts.select(pl.format("{}-{}-{} {}:{}:{} {}", *order, *clock, second, zone)).to_series()
    return text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f %z", time_unit="us", time_zone="UTC", strict=False)


def _turned(text: pl.Series, order: str | None) -> tuple[pl.Series, str | None]:
    """Dates whose year stands last: day first with dots, otherwise as known, or as those show that only fit one way."""
    parts = _groups(text, _YEAR_LAST)
    day_first, month_first = (_assembled(parts, ("3", *places)) for places in (("2", "1"), ("1", "2")))
    if order is None and text.str.contains(r"^\d+\.\d+\.").any():
        order = "day-first"
    only_day, only_month = (
        (one.is_not_null() & other.is_null()).any()
        for one, other in ((day_first, month_first), (month_first, day_first))
    )
    if order is None and not day_first.count() and not month_first.count():
        return day_first, None
    if order is None and only_day == only_month:
        example = text.filter(day_first.is_not_null() | month_first.is_not_null())[0]
        raise BadData(
            f"dates of {text.name!r} such as {example!r} may begin with the day or the month; say which with "
            "--time-format day-first or --time-format month-first"
        )
    chosen = order or ("day-first" if only_day else "month-first")
    return (day_first if chosen == "day-first" else month_first), chosen
