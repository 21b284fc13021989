"""The words for several who watch together: whom a title is for and why, and what stands above their rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Decisions, Layer, RowName
from matinee.decision.evidence import row_title
from matinee.decision.rows import row_key
from matinee.page import RowKind
from matinee.profile import Profile


class Watcher(NamedTuple):
    """Somebody whom a title is for: their `place` among those who watch (0 = who asks), the title's `worth` to them,
    and the title of their history that speaks most for it, `because`; below 0 where none does or it may not be named.
    """

    place: int
    worth: float
    because: int


def watchers_of(decisions: Decisions, row: int, column: int, b: int = 0) -> list[Watcher]:
    """Whom the title at a place of page `b` is for."""
    choices = decisions.choices
    own = slice(choices.offsets[b], choices.offsets[b + 1])
    here = (choices.rows[own] == row) & (choices.columns[own] == column) & (choices.layers[own] == Layer.WATCHER)
    told = (choices.actions[own][here], choices.scores[own][here], choices.evidence[own][here])
    return [Watcher(*one) for one in zip(*(each.tolist() for each in told), strict=True)]


def whom_in_words(whom: Sequence[Watcher], watchers: Sequence[Profile], catalog: Catalog) -> str:
    """For whom and why: "For Ada, because of Alien; and Ben, because of Heat"; empty where it is for nobody."""
    told = [_called(watchers[one.place]) + _because(one, catalog) for one in whom]
    if not told:
        return ""
    if not any(one.because >= 0 for one in whom):
        return f"For {listed(told)}"
    return f"For {'; and '.join(told)}"


def title_for_all(name: RowName, decisions: Decisions, watchers: Sequence[Profile], catalog: Catalog) -> str:
    """What stands above a row of page 0, with names in the place of "you"."""
    match name.kind:
        case RowKind.TOP_PICKS:
            return f"Top picks for {all_names(watchers)}"
        case RowKind.BILLBOARD:
            return f"Tonight's pick for {all_names(watchers)}"
        case RowKind.MY_LIST:
            return "On your lists"
        case RowKind.CONTINUE_WATCHING | RowKind.NEW_EPISODES:
            return "Continue together"
        case RowKind.BECAUSE_YOU_WATCHED | RowKind.BECAUSE_YOU_LIKED:
            theirs = _who_liked(row_key(name, catalog), decisions, watchers)
            return row_title(name, catalog).replace(" you ", f" {listed(theirs)} ", 1)
        case _:
            return row_title(name, catalog)


def reason_for_all(name: RowName) -> str:
    """Why titles stand in a row of what all of them began; empty for other rows."""
    match name.kind:
        case RowKind.CONTINUE_WATCHING:
            return "All of you started this and have not finished it"
        case RowKind.NEW_EPISODES:
            return "There is more since all of you watched it"
        case _:
            return ""


def all_names(watchers: Sequence[Profile]) -> str:
    """Everybody's name: "Ada, Ben and Cy"."""
    return listed([_called(one) for one in watchers])


def _who_liked(item: int, decisions: Decisions, watchers: Sequence[Profile]) -> list[str]:
    """The names of those in whose history the title speaks; the whole company where nobody can tell."""
    requests, found = decisions.requests, []
    assert requests.together is not None
    histories = [requests.histories, *(requests.together.histories.take(np.array([k])) for k in _along(decisions))]
    for who, history in zip(watchers, histories, strict=True):
        if item in history.tastes.items:
            found.append(_called(who))
    return found or [_called(one) for one in watchers]


def _along(decisions: Decisions) -> range:
    company = decisions.requests.together
    assert company is not None
    return company.of_request(0)


def _because(one: Watcher, catalog: Catalog) -> str:
    return f", because of {catalog.names[one.because]}" if one.because >= 0 else ""


def _called(profile: Profile) -> str:
    return profile.name or profile.user_id


def listed(names: Sequence[str]) -> str:
    """Text like a, b and c."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
