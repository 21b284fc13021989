"""The page: its rows, its layout on each device, and how likely each place on it is to be looked at."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from matinee.errors import BadRequest


class RowKind(IntEnum):
    """What a row promises. The numbers are stored; they never change meaning.

    The comment says what the row's key is: a genre, tag or title number of the catalogue, or -1 for none.
    """

    EMPTY = -1
    BILLBOARD = 0  # -1
    CONTINUE_WATCHING = 1  # -1
    TOP_PICKS = 2  # -1
    BECAUSE_YOU_WATCHED = 3  # the title played
    GENRE = 4  # genre
    GENRE_TAG = 5  # genre * number of tags + tag
    TRENDING = 6  # the chart's window, see `decision.rows.chart_key`
    NEW_ARRIVALS = 7  # -1
    POPULAR = 8  # the chart: window and country, see `decision.rows.chart_key`
    MY_LIST = 9  # -1
    WATCH_AGAIN = 10  # -1
    SIMILAR = 11  # the title asked about
    BECAUSE_YOU_LIKED = 12  # the title rated well or given a thumbs up
    FOUND = 13  # -1, titles named as typed
    CLOSEST = 14  # -1, what comes closest to a query that names no title here; the name holds what was typed
    ABOUT = 15  # -1, titles that are about what was typed, which the name holds
    WITH = 16  # person
    BY_CHANCE = 17  # -1
    NEW_EPISODES = 18  # -1, series that the member had caught up with
    OCCASION = 19  # what is watched more often on this occasion, see `decision.occasions.liking_key`
    PASSING = 20  # -1, all that passes the filter of the request


def kinds_flagged(kinds: Collection[RowKind]) -> NDArray[np.bool_]:
    """(kinds + 1,) whether each kind of row is one of these; its place is its number, `EMPTY` stands last."""
    return np.isin([*sorted(RowKind)[1:], RowKind.EMPTY], list(kinds))


# these may hold a title that stands elsewhere too
KEEPS_REPEATS = (RowKind.CONTINUE_WATCHING, RowKind.MY_LIST, RowKind.NEW_EPISODES)


@dataclass(frozen=True, slots=True)
class Attention:
    """How likely place (row i, column j) is looked at: P(i, j) = row_decay^i * column_decay^j * scroll^s.

    `s` is the number of times the row must be scrolled sideways to bring column j into view. The decays are
    the chance to go on to the next row and to the next column: a cascade in both directions, with the
    F-shaped prior that eye-tracking finds. `data.attention` fits them to a service's own impressions.
    """

    row_decay: float = 0.9
    column_decay: float = 0.9
    scroll: float = 0.4

    def __post_init__(self) -> None:
        for name in ("row_decay", "column_decay", "scroll"):
            value = getattr(self, name)
            if not 0.0 < value <= 1.0:
                raise BadRequest(f"attention.{name} is {value}; give a probability in (0, 1]")

    def rows(self, n: int) -> NDArray[np.float64]:
        """P(row i is looked at), shape (n,)."""
        return np.asarray(self.row_decay ** np.arange(n))

    def columns(self, n: int, visible: int) -> NDArray[np.float64]:
        """P(column j is looked at | its row is), shape (n,)."""
        at = np.arange(n)
        return self.column_decay**at * self.scroll ** (at // visible)


@dataclass(frozen=True, slots=True)
class Layout:
    """A page's shape on one device: at most `rows` rows of `columns` titles, `visible` of them without scrolling.

    `billboard` reserves row 0 for a single large title.
    """

    rows: int = 12
    columns: int = 20
    visible: int = 6
    billboard: bool = True
    attention: Attention = Attention()

    def __post_init__(self) -> None:
        for name in ("rows", "columns", "visible"):
            if not 1 <= getattr(self, name) <= 1_000:
                raise BadRequest(f"layout.{name} is {getattr(self, name)}; give a number from 1 to 1000")


TV = Layout(rows=14, columns=24, visible=7, attention=Attention(row_decay=0.85, column_decay=0.92, scroll=0.5))
WEB = Layout(rows=12, columns=20, visible=6)
TABLET = Layout(rows=11, columns=16, visible=4, attention=Attention(row_decay=0.92, column_decay=0.88, scroll=0.5))
PHONE = Layout(rows=10, columns=12, visible=3, attention=Attention(row_decay=0.93, column_decay=0.85, scroll=0.5))
ONE_TITLE = Layout(rows=1, columns=1, visible=1, billboard=False)  # of what is no page: a message, a trial


Screen = Literal["web", "tv", "phone", "tablet"]


def screen_of(device: str | None) -> Screen:
    """The kind of screen that a device has: "tv" (also a console's or stick's), "phone" (or "mobile"), "tablet", and
    "web" for anything else.
    """
    match (device or "").lower():
        case "tv" | "console" | "stick":
            return "tv"
        case "tablet":
            return "tablet"
        case "phone" | "mobile":
            return "phone"
        case _:
            return "web"


@dataclass(frozen=True, slots=True)
class Layouts:
    """The layout of each kind of screen."""

    web: Layout = WEB
    tv: Layout = TV
    phone: Layout = PHONE
    tablet: Layout = TABLET

    def of(self, device: str | None) -> Layout:
        """The layout of a device, see `screen_of`."""
        layout: Layout = getattr(self, screen_of(device))
        return layout

    def with_attention(self, known: Mapping[Screen, Attention]) -> Layouts:
        """These layouts, looked at as is `known` of each kind of screen."""
        return replace(self, **{one: replace(self.of(one), attention=how) for one, how in known.items()})


SCREENS: tuple[Screen, ...] = get_args(Screen)
