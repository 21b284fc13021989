"""The record: a decision as plain data for the log, complete, so that it can be asked again; and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from matinee.decision.company import Company
from matinee.decision.control import Control
from matinee.decision.decisions import LINE_TYPES, LINES, Choices, Decisions, Layer, Maker
from matinee.decision.dials import Dials
from matinee.decision.episodes import Episodes
from matinee.decision.requests import Cells, People, Requests
from matinee.decision.rows import KIND_NAMES, KIND_OF_NAME, RowName
from matinee.errors import BadData
from matinee.history import NOTHING_DONE, Histories
from matinee.maths.arrays import Doubles, Int32s
from matinee.maths.ragged import Ragged
from matinee.page import Attention, Layout
from matinee.profile import Profile
from matinee.situation import Context, Situations


def record_of(decisions: Decisions, b: int) -> dict[str, Any]:
    """Decision `b` as plain data: the situation as asked, who chose, and its choices column by column.

    The history is not in it: it is read from the log, as of what had arrived, and checked by `history`, a digest.
    """
    requests, choices = decisions.requests, decisions.choices
    own = slice(choices.offsets[b], choices.offsets[b + 1])
    lines = {name: getattr(choices, name)[own] for name in LINES}
    row = lines["layers"] == Layer.ROW
    used, lines["actions"] = _renumbered(lines["actions"], row)
    return {
        "decision_id": decisions.ids[b],
        "surface": requests.surface,
        "user_id": requests.people.user_ids[int(requests.members[b])],
        "time": int(requests.times[b]),
        "policy_id": decisions.makers[0].policy,
        "cell": "",
        "fallback": decisions.fallback,
        "profile": asdict(requests.profile(b)),
        "context": asdict(requests.situations.context(b)),
        "layout": asdict(requests.layout),
        "exploration": requests.exploration,
        "dials": asdict(requests.dials),
        "control": requests.control.plain,
        "about": None if requests.about is None else int(requests.about[b]),
        "query": None if requests.queries is None else requests.queries[b],
        "together": [beside(requests, at) for at in _watchers(requests, b)],
        "exclude": _listed(requests.exclude, b),
        "candidates": _listed(requests.candidates, b),
        "episode": None if requests.episodes is None else _episode(requests.episodes, b),
        "cells": {} if requests.cells is None else _arms(requests.cells, b),
        "history": f"{requests.digest(b):016x}",
        "arrived": None if requests.arrived is None else int(requests.arrived[b]),
        "catalog": decisions.catalog,
        "eligible": int(decisions.eligible[b]),
        "bits": int(decisions.bits[b]),
        "keep_probability": 1.0 if decisions.keep_probability is None else float(decisions.keep_probability[b]),
        "makers": [list(maker) for maker in decisions.makers],
        "row_names": [[KIND_NAMES[name.kind], *name.about] for name in (decisions.row_names[k] for k in used)],
        "choices": {name: values.tolist() for name, values in lines.items()},
    }


def of_record(record: Mapping[str, Any], histories: Histories | None = None) -> Decisions:
    """A batch of one out of what `record_of` wrote; `histories` as of the decision, empty if left out: the member's,
    then those of who watches too.

    Raises `BadData` when the record is not one, or when the history is not the one that the decision saw.
    """
    try:
        profiles, company = read_beside(record["together"], None if histories is None else _others(histories))
        people = People.of([Profile.of(record["profile"]), *profiles])
        requests = Requests(
            times=np.array([record["time"]], np.int64),
            members=np.zeros(1, np.int32),
            people=people,
            histories=Histories.empty(1) if histories is None else histories.take(np.zeros(1, np.int64)),
            situations=Situations.of([Context(**record["context"])]),
            surface=record["surface"],
            layout=Layout(**{**record["layout"], "attention": Attention(**record["layout"]["attention"])}),
            exploration=record["exploration"],
            dials=Dials(**record["dials"]),
            control=Control.of(record["control"]),
            about=None if record["about"] is None else np.array([record["about"]], np.int32),
            queries=None if record["query"] is None else (record["query"],),
            together=company,
            exclude=None if record["exclude"] is None else Ragged.of([record["exclude"]]),
            candidates=None if record["candidates"] is None else Ragged.of([record["candidates"]]),
            episodes=_episodes(record["episode"]),
            cells=_cells(record["cells"]),
            arrived=None if record["arrived"] is None else np.array([record["arrived"]], np.int64),
            logged_digests=None if histories is not None else np.array([int(record["history"], 16)], np.uint64),
        )
        lines = {name: np.array(record["choices"][name], dtype) for name, dtype in LINE_TYPES.items()}
        decisions = Decisions(
            requests=requests,
            ids=(record["decision_id"],),
            makers=tuple(Maker(*maker) for maker in record["makers"]),
            choices=Choices(np.array([0, len(lines["actions"])]), **lines),
            eligible=np.array([record["eligible"]], np.int32),
            bits=np.array([record["bits"]], np.uint64),
            row_names=tuple(RowName(KIND_OF_NAME[kind], tuple(about)) for kind, *about in record["row_names"]),
            fallback=record["fallback"],
            catalog=record["catalog"],
            keep_probability=_kept(record["keep_probability"]),
        )
    except _NO_RECORD as error:
        raise BadData(f"not a decision record: {error!r}; seen keys {sorted(record)[:20]}") from error
    if histories is not None and not _as_seen(decisions.requests, record):
        raise BadData(
            f"the history given for decision {record['decision_id']!r} is not the one it saw; read the member's events "
            "as of what had arrived"
        )
    return decisions


NOBODY = f"{NOTHING_DONE:016x}"  # what records told of company that had no history
_NO_RECORD = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, AssertionError)


def _kept(probability: float) -> Doubles | None:
    return None if probability == 1 else np.array([probability], np.float64)


def _listed(lists: Ragged | None, b: int) -> list[int] | None:
    return None if lists is None else lists[b].tolist()


def beside(requests: Requests, at: int) -> dict[str, Any]:
    """One who watches too, place `at` of the company: the profile, `history` (a digest) and what had `arrived`."""
    company = requests.together
    assert company is not None
    return {
        **asdict(requests.people.profile(int(company.people.values[at]))),
        "history": f"{int(company.digests[at]):016x}",
        "arrived": None if company.arrived is None else int(company.arrived[at]),
    }


def read_beside(
    told: Sequence[Mapping[str, Any]], histories: Histories | None = None, first: int = 1
) -> tuple[list[Profile], Company | None]:
    """The profiles and the company of one request out of what `beside` gave: rows of `People` from `first` on."""
    if not told:
        return [], None
    digests = np.array([int(one.get("history", NOBODY), 16) for one in told], np.uint64)
    arrived = [one.get("arrived") for one in told]
    company = Company(
        Ragged.of([range(first, first + len(told))]),
        Histories.empty(len(told)) if histories is None else histories,
        None if None in arrived else np.array(arrived, np.int64),
        digests if histories is None else None,
    )
    profiles = [{name: one[name] for name in one if name not in ("history", "arrived")} for one in told]
    return [Profile.of(one) for one in profiles], company


def _watchers(requests: Requests, b: int) -> range:
    return range(0) if requests.together is None else requests.together.of_request(b)


def _others(histories: Histories) -> Histories:
    return histories.take(np.arange(1, len(histories)))


def _as_seen(requests: Requests, record: Mapping[str, Any]) -> bool:
    """Whether the histories of all who watch are those that the decision saw."""
    others = [] if requests.together is None else requests.together.digests.tolist()
    told = [record["history"], *(one.get("history", NOBODY) for one in record["together"])]
    return [requests.digest(0), *others] == [int(one, 16) for one in told]


def _episode(episodes: Episodes, b: int) -> list[Any]:
    """Chain and step; where something was suggested before, those titles and the answers to them."""
    own = slice(episodes.suggested.offsets[b], episodes.suggested.offsets[b + 1])
    titles, answers = episodes.suggested.values[own].tolist(), episodes.answers[own].tolist()
    return [int(episodes.chains[b]), int(episodes.steps[b]), *([titles, answers] if titles else [])]


def _episodes(episode: list[Any] | None) -> Episodes | None:
    if episode is None:
        return None
    chain, step, *before = episode
    suggested, answers = before or ([], [])
    at = np.array([chain], np.uint64), np.array([step], np.int32)
    return Episodes(*at, Ragged.of([suggested]), np.array(answers, np.int8))


def _arms(cells: Cells, b: int) -> dict[str, int]:
    return dict(zip(cells.names, cells.arms[b].tolist(), strict=True))


def _cells(arms: Mapping[str, int]) -> Cells | None:
    return Cells(tuple(arms), np.array([list(arms.values())], np.int8)) if arms else None


def _renumbered(actions: Int32s, row: Any) -> tuple[list[int], Int32s]:
    """The row names in use, in order of first use, and the actions with those rows numbered by it."""
    numbers: dict[int, int] = {}
    actions = actions.copy()
    actions[row] = [numbers.setdefault(int(name), len(numbers)) for name in actions[row]]
    return list(numbers), actions
