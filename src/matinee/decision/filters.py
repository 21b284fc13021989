"""Which titles pass an expression: a mask over the catalogue, made once for each distinct text and kept.

A comparison with what is not known of a title does not hold, so `not` lets such titles pass. Names are compared without
case and surrounding blanks. `country` holds also for titles that name no country, which may be shown everywhere;
`added` is the age in whole days, UTC, since a title arrived.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
import polars as pl

from matinee.catalog import UNRATED, Catalog, folded
from matinee.decision.expressions import Compared, Joined, Negated, Tree, is_timed, parsed
from matinee.events import DAY
from matinee.maths.arrays import Doubles, Flags

KEPT = 256  # masks of a catalogue, those asked for last: a byte a title each
_SETS = {"genre": "genres", "tag": "tags", "person": "people", "language": "languages", "country": "countries"}
_ORDERS: Mapping[str, Callable[[Doubles, float], Flags]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_KNOWN: WeakKeyDictionary[Catalog, OrderedDict[tuple[str, int], Flags]] = WeakKeyDictionary()
_LOCK = Lock()


def passing(catalog: Catalog, expression: str, time: int) -> Flags:
    """(titles,) which titles pass an expression at `time` (microseconds since 1970, UTC); do not write to it.

    Raises `BadRequest` where it is no expression.
    """
    tree = parsed(expression)
    key = expression, time // DAY if is_timed(tree) else 0
    with _LOCK:
        known = _KNOWN.setdefault(catalog, OrderedDict())
        if key in known:
            known.move_to_end(key)
            return known[key]
    made = _mask(tree, catalog, key[1])
    made.flags.writeable = False
    with _LOCK:
        known[key] = made
        if len(known) > KEPT:
            known.popitem(last=False)
    return made


def _mask(tree: Tree, catalog: Catalog, day: int) -> Flags:
    match tree:
        case Joined(every, parts):
            join = np.logical_and if every else np.logical_or
            return np.asarray(join.reduce([_mask(part, catalog, day) for part in parts]))
        case Negated(part):
            return ~_mask(part, catalog, day)
        case Compared(field, sign, values):
            if isinstance(values[0], str):
                return _named(field, [str(value) for value in values], catalog)
            return _measured(_numbers(field, catalog, day), sign, [float(value) for value in values])


def _named(field: str, names: Sequence[str], catalog: Catalog) -> Flags:
    """(titles,) which titles have one of these names there."""
    if field == "id":
        found = np.zeros(len(catalog), np.bool_)
        found[[item for name in names for item in catalog.titles_named(name)]] = True
        return found
    if field == "kind":
        wanted = pl.Series([folded(name) for name in names], dtype=pl.String)
        return catalog.titles["kind"].str.to_lowercase().is_in(wanted.implode()).fill_null(False).to_numpy().copy()
    sets = catalog.sets_of(_SETS[field])
    passes = sets.touching(names) | (sets.empty if field == "country" else False)
    return np.asarray(passes[sets.of_title])


def _measured(numbers: Doubles, sign: str, values: Sequence[float]) -> Flags:
    """(titles,) which of these numbers compare so; NaN, what is not known, never does."""
    return np.isin(numbers, values) if sign == "=" else _ORDERS[sign](numbers, values[0])


def _numbers(field: str, catalog: Catalog, day: int) -> Doubles:
    """(titles,) a number of each title, NaN where it is not known."""
    match field:
        case "year":
            known = catalog.titles["released"].dt.year()
            return known.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        case "minutes":
            return catalog.titles["minutes"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        case "maturity":
            return np.where(catalog.maturity == UNRATED, np.nan, catalog.maturity)
        case _:
            arrived = catalog.arrived
            return np.where(arrived == np.iinfo(np.int64).min, np.nan, day - arrived // DAY)
