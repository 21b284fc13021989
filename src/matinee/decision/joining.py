"""Batches one after the other as one batch: what a policy learns from, or is asked for, in one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from matinee.decision.company import Company
from matinee.decision.decisions import LINES, Choices, Decisions, Layer, Maker
from matinee.decision.requests import COLUMNS, Cells, People, Requests
from matinee.decision.rows import RowName
from matinee.errors import BadRequest
from matinee.maths.arrays import Doubles, Int32s
from matinee.maths.ragged import Ragged, offsets_of

NOTHING: Mapping[str, Callable[[int], Any]] = {  # columns of which None says what these say
    "together": lambda batch: Company.of([[]] * batch),
    "exclude": lambda batch: Ragged.of([[]] * batch),
    "cells": lambda batch: Cells((), np.empty((batch, 0), np.int8)),
}


def as_one(parts: Sequence[Decisions]) -> Decisions:
    """The decisions of all parts, at least one, with their requests. What a batch has one of is the first part's: its
    surface, layout, exploration, fall-back, and who made a decision as a whole.
    """
    return joined(requests_as_one([part.requests for part in parts]), parts)


def joined(requests: Requests, parts: Sequence[Decisions]) -> Decisions:
    """The decisions of parts that answer `requests` one after the other; timings add up."""
    first = parts[0]
    rows: dict[RowName, int] = {}
    makers: dict[Maker, int] = {}
    choices = [_renumbered(part, rows, makers) for part in parts]
    return replace(
        first,
        requests=requests,
        ids=tuple(one for part in parts for one in part.ids),
        makers=tuple(makers),
        choices=_joined_choices(choices),
        eligible=np.concatenate([part.eligible for part in parts]),
        bits=np.concatenate([part.bits for part in parts]),
        row_names=tuple(rows),
        keep_probability=_kept(parts),
        timings={lap: sum(part.timings.get(lap, 0.0) for part in parts) for lap in first.timings},
    )


def requests_as_one(parts: Sequence[Requests]) -> Requests:
    """The requests of all parts, at least one; surface, layout and exploration are the first part's.

    Raises `BadRequest` where only some parts have a column that says something.
    """
    if any(part.people is not parts[0].people for part in parts):
        parts = _of_all_people(parts)
    return replace(parts[0], **{name: _column(name, parts) for name in COLUMNS})


def _of_all_people(parts: Sequence[Requests]) -> list[Requests]:
    """The same requests, each of one `people`: the distinct members of all."""
    numbers: dict[Any, int] = {}
    places = [
        np.array([numbers.setdefault(part.people.profile(k), len(numbers)) for k in range(len(part.people))], np.int32)
        for part in parts
    ]
    people = People.of(list(numbers))
    return [_of_people(part, people, place) for part, place in zip(parts, places, strict=True)]


def _of_people(requests: Requests, people: People, places: Int32s) -> Requests:
    """The requests of `people`, in which their own stand at `places`."""
    together = requests.together
    if together is not None:
        rows = Ragged(together.people.offsets, places[together.people.values])
        together = replace(together, people=rows)
    return replace(requests, people=people, members=places[requests.members], together=together)


def _column(name: str, parts: Sequence[Requests]) -> Any:
    columns = [getattr(part, name) for part in parts]
    lacking = [column is None for column in columns]
    if all(lacking):
        return None
    if any(lacking) and name not in NOTHING:
        raise BadRequest(f"{sum(lacking)} of {len(parts)} batches have no `{name}`; give it to all of them or to none")
    told = [NOTHING[name](len(part)) if no else one for part, one, no in zip(parts, columns, lacking, strict=True)]
    if isinstance(told[0], np.ndarray):
        return np.concatenate(told)
    return tuple(chain.from_iterable(told)) if isinstance(told[0], tuple) else type(told[0]).joined(told)


def _renumbered(part: Decisions, rows: dict[RowName, int], makers: dict[Maker, int]) -> Choices:
    """The choices of a part, its rows and makers numbered by `rows` and `makers`, which learn them."""
    of_row, of_maker = _numbers(part.row_names, rows), _numbers(part.makers, makers)
    row, actions = part.layer(Layer.ROW), part.choices.actions.copy()
    actions[row] = of_row[actions[row]]
    return replace(part.choices, actions=actions, makers=of_maker[part.choices.makers].astype(np.int8))


def _numbers(names: Sequence[Any], known: dict[Any, int]) -> Int32s:
    return np.array([known.setdefault(name, len(known)) for name in names], np.int32)


def _kept(parts: Sequence[Decisions]) -> Doubles | None:
    if all(part.keep_probability is None for part in parts):
        return None
    told = [np.ones(len(part)) if part.keep_probability is None else part.keep_probability for part in parts]
    return np.concatenate(told)


def _joined_choices(parts: Sequence[Choices]) -> Choices:
    lengths = np.concatenate([np.diff(part.offsets) for part in parts])
    return Choices(
        offsets_of(lengths), **{name: np.concatenate([getattr(part, name) for part in parts]) for name in LINES}
    )
