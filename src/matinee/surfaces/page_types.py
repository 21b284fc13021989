"""The arrays that the page builder's kernels share, in tuples."""

from __future__ import annotations

from typing import TypeAlias

from matinee.maths.arrays import Doubles, Flags, Floats, Int32s, Int64s, UInt64s

Candidates: TypeAlias = tuple[Int32s, Int32s, Int32s, Floats, Floats, Flags]
"""sizes, minimum (batch, rows); items, worths, logits (batch, rows, pool); repeats allowed (batch, rows)"""
Taste: TypeAlias = tuple[Int64s, Int32s, Doubles]
"""title -> genres as offsets and values; pi (batch, genres + 1)"""
Attention: TypeAlias = tuple[Doubles, Doubles, int]
"""P(row looked at); P(column looked at | row); columns on which a row's gain is measured"""
Choice: TypeAlias = tuple[int, bool, float, UInt64s, bool, int, int]
"""the billboard's candidate row; is there one; temperature; seeds (batch,); is the page given; beam width and depth"""
Page: TypeAlias = tuple[Int32s, Int32s, Floats, Doubles, Doubles, Doubles]
"""rows, items, worths, row log-probabilities, item log-probabilities, values: see `page_builder.Built`"""
