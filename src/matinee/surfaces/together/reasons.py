"""Whom each title is for, and why: a line of the decision for each person who would choose the title alone."""

from __future__ import annotations

import numpy as np

from matinee.decision import Choices, Decisions, Layer
from matinee.decision.decisions import LINES
from matinee.maths.arrays import Flags, Floats, Int32s, Int64s
from matinee.maths.ragged import offsets_of
from matinee.surfaces.together.watchers import Watchers


def with_watchers(
    decisions: Decisions, watchers: Watchers, worths: Floats, approves: Flags, because: Int32s
) -> Choices:
    """The choices with, behind each title, a `Layer.WATCHER` line for each person whom it is for.

    `worths` and `approves` (watchers, titles); `because` (watchers, rows, columns): the title of that person's history
    that speaks most for what stands there.
    """
    choices = decisions.choices
    title = np.flatnonzero(decisions.layer(Layer.TITLE))
    whose, items = choices.decisions[title], choices.actions[title]
    most = int(np.diff(watchers.offsets).max(initial=0))
    place = np.arange(most)[None]
    watcher = np.minimum(watchers.offsets[whose][:, None] + place, watchers.offsets[whose + 1][:, None] - 1)
    there = place < np.diff(watchers.offsets)[whose][:, None]
    at, person = np.nonzero(there & approves[watcher, items[:, None]])
    line, who = title[at], watcher[at, person]
    rows, columns = choices.rows[line], choices.columns[line]
    new = Choices(
        offsets_of(np.bincount(choices.decisions[line], minlength=len(choices))),
        np.full(len(line), Layer.WATCHER, np.int8),
        rows,
        columns,
        person.astype(np.int32),
        np.zeros(len(line)),
        np.ones(len(line), np.int32),
        choices.makers[line],
        worths[who, items[at]],
        because[who, rows, columns],
    )
    return _behind(choices, new, line)


def _behind(choices: Choices, new: Choices, line: Int64s) -> Choices:
    """The choices, each of `new` behind the line that it is about."""
    order = np.argsort(np.concatenate((np.arange(len(choices.actions)), line)), kind="stable")
    both = {name: np.concatenate((getattr(choices, name), getattr(new, name)))[order] for name in LINES}
    return Choices(choices.offsets + new.offsets, **both)
