"""Ragged arrays: flat values, grouped by offsets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from matinee.maths.arrays import Flags, Int32s, Int64s, UInt32s, UInt64s


@dataclass(frozen=True)
class Ragged:
    """Lists of different lengths in two arrays: list k is `values[offsets[k]:offsets[k + 1]]`."""

    offsets: Int64s
    values: Int32s

    def __getitem__(self, k: int) -> Int32s:
        return self.values[self.offsets[k] : self.offsets[k + 1]]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def unsigned(self) -> tuple[UInt64s, UInt32s]:
        """Offsets and values, of 0 and above, as kernels read them fastest: what cannot be negative is not tested."""
        return self.offsets.view(np.uint64), self.values.view(np.uint32)

    @classmethod
    def of(cls, lists: Sequence[Sequence[int] | Int32s]) -> Ragged:
        """Pack a sequence of integer lists."""
        parts = [np.asarray(one, np.int32) for one in lists]
        return cls(offsets_of([len(one) for one in parts]), np.concatenate(parts) if parts else np.empty(0, np.int32))

    @classmethod
    def joined(cls, parts: Sequence[Ragged]) -> Ragged:
        """The lists of all parts, one part after the other; at least one part."""
        lengths = np.concatenate([np.diff(one.offsets) for one in parts])
        return cls(offsets_of(lengths), np.concatenate([one.values for one in parts]))

    def take(self, rows: Int64s) -> Ragged:
        """The lists `rows`, in this order."""
        offsets, places = gather(self.offsets, rows)
        return Ragged(offsets, self.values[places])


def transpose(ragged: Ragged, n: int) -> Ragged:
    """Turn lists (key -> values) round: value -> keys, for values in 0..n-1, keys ascending."""
    keys = owners_of(ragged.offsets).astype(np.int32)
    order = np.argsort(ragged.values, kind="stable")
    return Ragged(offsets_of(np.bincount(ragged.values, minlength=n)), keys[order])


def offsets_of(lengths: Sequence[int] | NDArray[np.integer | np.bool_]) -> Int64s:
    """(groups + 1,) where groups of these `lengths` (groups,) begin when they stand one after the other."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def owners_of(offsets: Int64s) -> Int64s:
    """(offsets[-1],) the group of each value, as `offsets` (groups + 1,) tell."""
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


def gather(offsets: Int64s, rows: Int64s) -> tuple[Int64s, Int64s]:
    """The groups `rows` in this order: offsets of their own (rows + 1), and the places of their values."""
    assert offsets.ndim == rows.ndim == 1, f"offsets {offsets.shape}, rows {rows.shape}"
    lengths = np.diff(offsets)[rows]
    taken = offsets_of(lengths)
    return taken, np.repeat(offsets[rows] - taken[:-1], lengths) + np.arange(taken[-1])


def narrowed(offsets: Int64s, kept: Flags) -> Int64s:
    """Offsets (groups + 1) of the same groups when only the values that are `kept` (offsets[-1]) stay."""
    assert kept.shape == (offsets[-1],), f"{kept.shape} marks of {offsets[-1]} values"
    return offsets_of(kept)[offsets]


def last_of_each(offsets: Int64s, items: Int32s, counts: Flags) -> Flags:
    """Mark, in every group, the last position of each distinct item among the positions that `counts`.

    Shapes: `offsets` (groups + 1), `items` and `counts` (offsets[-1]); returns (offsets[-1]).
    Cost: one pass and one array of the largest item, whatever the number of groups.
    """
    assert items.shape == counts.shape == (offsets[-1],), f"{items.shape}, {counts.shape}, {offsets[-1]} values"
    last = np.zeros(len(items), np.bool_)
    if len(items):
        _last_of_each(offsets, items, counts, last)
    return last


@numba.njit(cache=True, nogil=True)
def _last_of_each(offsets: Int64s, items: Int32s, counts: Flags, last: Flags) -> None:
    seen = np.full(items.max() + 1, -1, np.int64)
    for group in range(len(offsets) - 1):
        for at in range(offsets[group + 1] - 1, offsets[group] - 1, -1):
            if counts[at] and seen[items[at]] != group:
                seen[items[at]] = group
                last[at] = True
