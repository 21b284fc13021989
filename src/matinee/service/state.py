"""What stands of a member's own actions, title by title: thumbs, list, hidden, seen elsewhere, the share watched."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from matinee.events import PLAYED, Kind
from matinee.history import Histories

Thumb = Literal["up", "down"]
THUMBS: dict[int, Thumb] = {Kind.THUMBS_UP: "up", Kind.THUMBS_DOWN: "down"}
LISTING: dict[int, bool] = {Kind.LIST_ADD: True, Kind.LIST_REMOVE: False}


@dataclass(frozen=True, slots=True)
class TitleState:
    """One title as its member left it. `watched` is the share at which the latest play stopped, None without one."""

    thumb: Thumb | None = None
    listed: bool = False
    hidden: bool = False
    seen: bool = False
    watched: float | None = None


BLANK = TitleState()


def states_of(history: Histories) -> dict[int, TitleState]:
    """Dense title -> what stands, of one member, titles touched last first; titles without anything are left out."""
    states: dict[int, TitleState] = {}
    events = zip(history.items.tolist(), history.kinds.tolist(), history.values.tolist(), strict=True)
    for item, kind, value in events:
        before = states.get(item, BLANK)
        after = _after(before, kind, value)
        if after is not before:
            states.pop(item, None)
            states[item] = after
    return {item: state for item, state in reversed(states.items()) if state != BLANK}


def _after(state: TitleState, kind: int, value: float) -> TitleState:
    """The state after one more event; a welcome (thumbs up, the list, a real play) ends hiding, as on the page.

    A real play here also says more than that it was seen elsewhere.
    """
    if kind in THUMBS:
        return replace(state, thumb=THUMBS[kind], hidden=state.hidden and kind == Kind.THUMBS_DOWN)
    if kind in LISTING:
        return replace(state, listed=LISTING[kind], hidden=state.hidden and kind == Kind.LIST_REMOVE)
    if kind == Kind.DISMISS:
        return replace(state, hidden=True)
    if kind == Kind.SEEN:
        return replace(state, seen=True)
    if kind == Kind.PLAY:
        slight = value < PLAYED
        return replace(state, watched=round(value, 3), hidden=state.hidden and slight, seen=state.seen and slight)
    return state
