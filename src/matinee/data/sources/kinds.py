"""Kinds of event in the words of others, as ours: by a table of clear meanings, and by what the reader was told."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from matinee.data.sources.columns import KINDS, plain
from matinee.data.sources.values import ids
from matinee.errors import BadData
from matinee.events import KIND_NAMES

IGNORE = "ignore"  # told of a kind whose rows are left out
CLICKS: Mapping[str, str] = {"0": "impression", "1": "open", "false": "impression", "true": "open"}
SHOWN = 20  # unknown kinds that an error names


def kinds_of(column: pl.Series, told: Mapping[str, str], known: Mapping[str, str] | None = None) -> pl.Series:
    """A column of kinds as ours, or `IGNORE`. `told`: theirs to ours, before the table; `known` stands for the table.

    Raises `BadData` naming every kind that has no clear meaning, and how often it occurs.
    """
    wrong = {theirs: ours for theirs, ours in told.items() if ours not in (*KIND_NAMES, IGNORE)}
    if wrong:
        raise BadData(f"{wrong} name no kinds of event; choose from {', '.join((*KIND_NAMES, IGNORE))}")
    table = {plain(word): ours for ours, words in KINDS.items() for word in words} if known is None else dict(known)
    table |= {plain(theirs): ours for theirs, ours in told.items()}
    seen = ids(column)
    counts = seen.drop_nulls().value_counts(sort=True)
    unknown = [(word, count) for word, count in counts.iter_rows() if plain(word) not in table]
    if unknown:
        raise _unclear(unknown)
    return seen.replace({word: table[plain(word)] for word in counts.to_series()})


def _unclear(unknown: list[tuple[str, int]]) -> BadData:
    named = ", ".join(f"{word[:40]!r} ({count:,} rows)" for word, count in unknown[:SHOWN])
    more = f" and {len(unknown) - SHOWN:,} more" if len(unknown) > SHOWN else ""
    return BadData(
        f"these kinds of event have no clear meaning: {named}{more}; say what each is, for example "
        f"--kinds {unknown[0][0][:40]}=open, of {', '.join(KIND_NAMES)}, or {IGNORE} to leave its rows out"
    )
