"""The records of arrays that the page builder's kernels share."""

from __future__ import annotations

from typing import NamedTuple

from matinee.maths.arrays import Doubles, Flags, Floats, Int8s, Int32s, Int64s, UInt32s, UInt64s
from matinee.maths.in_turn import Groups, Pull


class Candidates(NamedTuple):
    """What may stand on one page: `rows.Pools` of one request, and which rows may repeat titles shown above (rows,)."""

    sizes: Int32s
    minimum: Int32s
    items: UInt32s
    worths: Floats
    logits: Floats
    repeats: Flags


class Row(NamedTuple):
    """The titles of one row in order: the first `size` of `items`, and how likely each satisfies.

    `repeats`: titles used above may stand in it. `own`: the member chose these titles, so they add
    P(looked at) * worth, whatever stands above.
    """

    items: Int32s
    worths: Floats
    size: int
    repeats: bool
    own: bool


class Taste(NamedTuple):
    """Genres of each title (offsets, values), and `pi` (genres + 1,)."""

    offsets: UInt64s
    genres: UInt32s
    pi: Doubles


class PoolArrays(NamedTuple):
    """What the kernels fill of `rows.Pools`: sizes (batch, rows), and per place of a pool title, worth and logit."""

    sizes: Int32s
    items: Int32s
    worths: Floats
    logits: Floats


class Events(NamedTuple):
    """Histories of a batch, as `history.Histories` holds them, times in microseconds; series are as titles are.

    `arrivals` (events,): at the latest play of a series when new episodes of it arrived, else the least int64.
    """

    offsets: Int64s
    items: Int32s
    kinds: Int8s
    values: Floats
    times: Int64s
    arrivals: Int64s


class Own(NamedTuple):
    """The rows that hold what a member did: continue watching, my list, watch it again, new episodes."""

    resume: int
    listed: int
    again: int
    new: int


class OwnWorths(NamedTuple):
    """How likely a title of these rows satisfies; one that was started, or has new episodes, halves every `half_life`.

    In microseconds: a play may be resumed until it is `resumable` old, and watched again from `rewatchable` on; what
    was taken off the list is not fresh until that is `removed` old.
    """

    resume: float
    listed: float
    again: float
    resumable: float
    rewatchable: float
    half_life: float
    removed: float


class ByWorth(NamedTuple):
    """Where the rows stand that are filled by falling worth; `because`: the first of the rows about titles.

    The rows of the themes picked follow these.
    """

    billboard: int
    picks: int
    arrivals: int
    because: int


class ThemeArrays(NamedTuple):
    """Title -> themes (offsets, values), and the number of themes."""

    offsets: UInt64s
    themes: UInt32s
    n: int


class Attention(NamedTuple):
    """P(row looked at); P(column looked at | its row is); columns on which a row's gain is measured."""

    of_row: Doubles
    of_column: Doubles
    measured: int


class Choice(NamedTuple):
    """The billboard's candidate row and whether the page has one; temperature; is the page given; the beam's size."""

    billboard: int
    with_billboard: bool
    temperature: float
    given: bool
    width: int
    depth: int


class Chance(NamedTuple):
    """Where chance decides: in the first `rows` of the page, and in all of the row at place `at` (-1 for none), which
    is the candidate row `row` and draws from every title that is `fresh` (titles,), each worth `worth` (titles,).
    """

    rows: int
    at: int
    row: int
    fresh: Flags
    worth: Floats


class Turned(NamedTuple):
    """Dials that look at what stands before: whether they are on, what they weigh, the genres of titles, and which rows
    (rows,) keep an order of their own.
    """

    on: bool
    pull: Pull
    groups: Groups
    ordered: Flags


class Tally(NamedTuple):
    """What these dials know of the page so far: the mass of each genre `shown` (genres,), that which each row promises
    (rows, genres), and how like each row is to the `nearest` of those above (rows,).
    """

    shown: Doubles
    promised: Doubles
    nearest: Doubles


class Above(NamedTuple):
    """The page so far: titles `used`, candidate rows `taken`, and what is left to do.

    `unmet` (genres + 1,): pi times the probability that a member of this taste is not satisfied so far.
    `known` (rows,): what each row would add per row attention when last measured, infinite at first.
    """

    used: Flags
    taken: Flags
    unmet: Doubles
    known: Doubles


class Page(NamedTuple):
    """One page being built: as `builder.Built` without the batch."""

    rows: Int32s
    items: Int32s
    worths: Floats
    row_log_probs: Doubles
    item_log_probs: Doubles
    among_rows: Int32s
    among_titles: Int32s
