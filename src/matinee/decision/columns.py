"""Decisions as columns, complete: a row a decision, a list of whole numbers a choice; and back. What the log stores.

What many decisions have in common (how they were asked, profiles, names of rows) is text, the same text each time, so
that a dictionary holds it once. Log-probabilities are kept to 5e-7, scores to 1.3e-4; all else as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray

from matinee.decision.company import Company
from matinee.decision.control import Control
from matinee.decision.decisions import LINE_TYPES, LINES, Choices, Decisions, Layer, Maker
from matinee.decision.dials import OFF, Dials
from matinee.decision.episodes import Episodes
from matinee.decision.record import beside, read_beside
from matinee.decision.requests import Cells, People, Requests
from matinee.decision.rows import KIND_NAMES, KIND_OF_NAME, RowName
from matinee.errors import BadData
from matinee.history import Histories
from matinee.maths.arrays import Doubles, Int32s, Int64s
from matinee.maths.ragged import Ragged, gather, narrowed
from matinee.page import Attention, Layout
from matinee.profile import Profile
from matinee.situation import Situations

LOG_PROB_UNIT = 2.0**-20
SCORE_UNIT = 2.0**-12
SMALLEST = -2_000.0  # log-probabilities below it do not fit into 32 bits, nor their probabilities into a float64
HEADS: Mapping[str, pl.DataType] = {
    "decision_id": pl.String(),
    "user_id": pl.String(),
    "account_id": pl.String(),
    "time": pl.Int64(),  # microseconds since 1970, UTC
    "setting": pl.String(),  # JSON of what a batch has in common, see `_setting`
    "profile": pl.String(),  # JSON of what the profile says beside ids and name, where it says something
    "country": pl.Int16(),  # codes of `situation`
    "device": pl.Int8(),
    "language": pl.Int16(),
    "hour": pl.Int8(),
    "weekday": pl.Int8(),
    "about": pl.Int32(),
    "query": pl.String(),
    "together": pl.List(pl.String()),  # JSON of who watches too, see `record.beside`
    "exclude": pl.List(pl.Int32()),
    "candidates": pl.List(pl.Int32()),
    "chain": pl.UInt64(),
    "step": pl.Int32(),
    "arms": pl.List(pl.Int8()),
    "arrived": pl.Int64(),
    "history": pl.UInt64(),  # the digest of the history
    "eligible": pl.Int32(),
    "bits": pl.UInt64(),
    "row_names": pl.List(pl.String()),  # JSON of the kind and what it is about, for each `Layer.ROW` in order
    # columns that came later stand last: what was logged before lacks them
    "suggested": pl.List(pl.Int32()),  # in this chain before
    "answers": pl.List(pl.Int8()),
    "keep_probability": pl.Float64(),  # with which a thinned log kept it; null: all were kept
}
OPTIONAL = ("about", "query", "together", "exclude", "candidates", "chain", "arms", "arrived")
LINE_LISTS: Mapping[str, pl.DataType] = dict.fromkeys(LINES, pl.List(pl.Int32()))
DECIDED: Mapping[str, pl.DataType] = {**HEADS, **LINE_LISTS}
_UNITS = {"log_probs": LOG_PROB_UNIT, "scores": SCORE_UNIT}


class Named(NamedTuple):
    """Text by number: row k is `names[numbers[k]]`."""

    names: Sequence[str] | pl.Series
    numbers: Int32s

    def value(self, k: int) -> str:
        """Row k."""
        return self.names[int(self.numbers[k])]

    def series(self) -> pl.Series:
        """All rows."""
        return pl.Series(self.names, dtype=pl.String).gather(self.numbers)


class Lists(NamedTuple):
    """Lists of numbers or text: list k is `values[offsets[k]:offsets[k + 1]]`."""

    offsets: Int64s
    values: NDArray[Any] | Named

    def value(self, k: int) -> list[Any]:
        """List k."""
        own = slice(self.offsets[k], self.offsets[k + 1])
        if isinstance(self.values, Named):
            return [self.values.names[number] for number in self.values.numbers[own].tolist()]
        return list(self.values[own].tolist())

    def flat(self) -> pl.Series:
        """The values of all lists."""
        return self.values.series() if isinstance(self.values, Named) else pl.Series(self.values)


@dataclass(frozen=True)
class Columns:
    """Decisions as `heads` (`HEADS`) and `lines` (`LINES`, lines) int32: `offsets` says which lines are whose."""

    heads: pl.DataFrame
    offsets: Int64s
    lines: Int32s

    def __len__(self) -> int:
        return self.heads.height

    def take(self, rows: Int64s) -> Columns:
        """These decisions, in this order."""
        offsets, places = gather(self.offsets, rows)
        return Columns(self.heads[rows], offsets, self.lines[:, places])

    def frame(self) -> pl.DataFrame:
        """The same as one frame of `DECIDED`."""
        lists = _grouped(self.offsets, [pl.Series(name, self.lines[k]) for k, name in enumerate(LINES)])
        return self.heads.hstack(lists)

    @classmethod
    def of_frame(cls, frame: pl.DataFrame) -> Columns:
        """The columns of a frame of `DECIDED`."""
        lengths = frame[LINES[0]].list.len().to_numpy()
        filled = frame.filter(pl.col(LINES[0]).list.len() > 0)
        lines = np.stack([filled[name].explode().cast(pl.Int32).to_numpy() for name in LINES])
        return cls(frame.select(HEADS.keys()), np.append(0, np.cumsum(lengths)).astype(np.int64), lines)

    @classmethod
    def of(cls, decisions: Decisions) -> Columns:
        """The columns of a batch."""
        batch = len(decisions)
        heads = [_series(name, dtype, source, batch) for (name, dtype), source in _paired(sources_of(decisions))]
        return cls(pl.DataFrame(heads), decisions.choices.offsets, lines_of(decisions))


def joined_columns(parts: Sequence[Columns]) -> Columns:
    """The decisions of all parts, one part after the other."""
    lengths = np.concatenate([[0], *(np.diff(one.offsets) for one in parts)])
    heads = pl.concat([pl.DataFrame(schema=HEADS), *(one.heads for one in parts)])
    lines = np.concatenate([np.empty((len(LINES), 0), np.int32), *(one.lines for one in parts)], axis=1)
    return Columns(heads, np.cumsum(lengths).astype(np.int64), lines)


def sources_of(decisions: Decisions) -> dict[str, Any]:
    """What each column of `HEADS` is made from: one value for all, an array, a list or lists (batch); None = null."""
    requests, situations = decisions.requests, decisions.requests.situations
    people, members, episodes = requests.people, requests.members, requests.episodes
    profiles = [_profile_text(one) for one in people.profiles]
    return {
        "decision_id": decisions.ids,
        "user_id": Named(people.user_ids, members),
        "account_id": Named(people.account_ids, members),
        "time": requests.times,
        "setting": _setting(decisions),
        "profile": Named(profiles, people.rules[members]),
        "country": situations.country,
        "device": situations.device,
        "language": situations.language,
        "hour": situations.hour,
        "weekday": situations.weekday,
        "about": requests.about,
        "query": requests.queries,
        "together": _beside(requests),
        "exclude": _lists(requests.exclude),
        "candidates": _lists(requests.candidates),
        "chain": None if episodes is None else episodes.chains,
        "step": None if episodes is None else episodes.steps,
        "suggested": None if episodes is None else _lists(episodes.suggested),
        "answers": None if episodes is None else Lists(episodes.suggested.offsets, episodes.answers),
        "arms": None if requests.cells is None else _arms(requests.cells),
        "arrived": requests.arrived,
        "history": requests.digests,
        "eligible": decisions.eligible,
        "bits": decisions.bits,
        "row_names": _row_names(decisions),
        "keep_probability": decisions.keep_probability,
    }


def value_of(source: Any, b: int) -> Any:
    """Row `b` of a source, as plain data."""
    if source is None or isinstance(source, str):
        return source
    if isinstance(source, Named | Lists):
        return source.value(b)
    found = source[b]
    return found.item() if isinstance(found, np.generic) else found


def lines_of(decisions: Decisions) -> Int32s:
    """(`LINES`, lines) whole numbers of a batch's choices.

    `among` of a title counts what was left for the first of its row, a row's action is its place in `row_names`: what
    follows from its neighbours is made equal to them, so that it costs nothing. Raises `BadData` below `SMALLEST`.
    """
    choices = decisions.choices
    if choices.log_probs.min(initial=0.0) < SMALLEST:
        raise BadData(
            f"a choice has the log-probability {choices.log_probs.min():g}; the log keeps those from {SMALLEST:g} up; "
            "leave out what is never chosen"
        )
    lines = np.empty((len(LINES), choices.offsets[-1]), np.int32)
    for k, name in enumerate(LINES):
        values = getattr(choices, name)
        lines[k] = np.rint(values / _UNITS[name]) if name in _UNITS else values
    row = decisions.layer(Layer.ROW)
    lines[LINES.index("actions"), row] = 0
    lines[LINES.index("among")] += _taken_before(choices)
    return lines


def decisions_of(columns: Columns) -> Iterator[Decisions]:
    """The decisions, in batches of those that have their setting in common; each batch keeps the order."""
    keys = columns.heads.select(pl.col("setting").rank("dense")).to_series().to_numpy()
    _, first = np.unique(keys, return_index=True)
    for key in keys[np.sort(first)]:
        whole = len(first) == 1
        yield _batch(columns if whole else columns.take(np.flatnonzero(keys == key)))


def _batch(columns: Columns) -> Decisions:
    heads, setting = columns.heads, orjson.loads(columns.heads["setting"][0])
    choices = _choices(columns)
    names = heads["row_names"].explode().drop_nulls()
    distinct = names.unique(maintain_order=True)
    row = choices.layers == Layer.ROW
    choices.actions[row] = names.replace_strict(distinct, np.arange(len(distinct)), return_dtype=pl.Int32).to_numpy()
    return Decisions(
        requests=_requests(heads, setting),
        ids=tuple(heads["decision_id"].to_list()),
        makers=tuple(Maker(*maker) for maker in setting["makers"]),
        choices=choices,
        eligible=heads["eligible"].to_numpy(),
        bits=heads["bits"].to_numpy(),
        row_names=tuple(_row_name(text) for text in distinct),
        fallback=setting["fallback"],
        catalog=setting["catalog"],
        keep_probability=_kept(heads["keep_probability"]),
    )


def _choices(columns: Columns) -> Choices:
    values = {name: (columns.lines[k] * _UNITS.get(name, 1)).astype(LINE_TYPES[name]) for k, name in enumerate(LINES)}
    found = Choices(columns.offsets, **values)
    return replace(found, among=found.among - _taken_before(found))


def _taken_before(choices: Choices) -> Int32s:
    """(lines,) how many titles stand before a title in its row."""
    return np.where(choices.layers == Layer.TITLE, np.maximum(choices.columns, 0), 0).astype(np.int32)


def _requests(heads: pl.DataFrame, setting: Mapping[str, Any]) -> Requests:
    layout = setting["layout"]
    told = {name: heads[name] for name in setting["told"]}
    members, people, together = _people(heads, told.get("together"))
    return Requests(
        times=heads["time"].to_numpy(),
        members=members,
        people=people,
        histories=Histories.empty(heads.height),
        situations=Situations(
            *(heads[name].to_numpy() for name in ("country", "device", "language", "hour", "weekday"))
        ),
        surface=setting["surface"],
        layout=Layout(**{**layout, "attention": Attention(**layout["attention"])}),
        exploration=setting["exploration"],
        dials=Dials(**setting.get("dials", {})),
        control=Control.of(setting.get("control")),
        about=_array(told.get("about")),
        queries=tuple(told["query"].to_list()) if "query" in told else None,
        together=together,
        exclude=_ragged(told.get("exclude")),
        candidates=_ragged(told.get("candidates")),
        episodes=_episodes(heads) if "chain" in told else None,
        cells=_cells(tuple(setting["cells"]), told.get("arms")),
        arrived=_array(told.get("arrived")),
        logged_digests=heads["history"].to_numpy(),
    )


def _people(heads: pl.DataFrame, together: pl.Series | None) -> tuple[Int32s, People, Company | None]:
    """Who asks, each once, and those who watch with them behind."""
    who = ["user_id", "account_id", "profile"]
    distinct = heads.select(who).unique(maintain_order=True).with_row_index("_person")
    members = heads.select(who).join(distinct, on=who, how="left", maintain_order="left")["_person"]
    texts = distinct["profile"].unique(maintain_order=True)
    rules = distinct["profile"].replace_strict(texts, np.arange(len(texts)), return_dtype=pl.Int32).to_numpy()
    profiles = tuple(Profile.of({"user_id": "", **orjson.loads(text)}) for text in texts)
    people = People(distinct["user_id"], distinct["account_id"], rules, profiles)
    if together is None:
        return members.to_numpy().astype(np.int32), people, None
    told = [orjson.loads(text) for text in together.explode().drop_nulls()]
    others, company = read_beside(told, first=len(people))
    company = Company.of([[]]) if company is None else company
    all_of_them = People.of([*(people.profile(k) for k in range(len(people))), *others])
    offsets = np.append(0, np.cumsum(together.list.len().to_numpy())).astype(np.int64)
    grouped = replace(company, people=Ragged(offsets, company.people.values))
    return members.to_numpy().astype(np.int32), all_of_them, grouped


def _setting(decisions: Decisions) -> str:
    """What a batch has in common: surface, layout, exploration, fall-back, size of the catalogue, makers, experiments,
    which of the `OPTIONAL` columns were told, the dials where one is turned, and the control where there is one.
    """
    requests = decisions.requests
    values = {"query": requests.queries, "chain": requests.episodes, "arms": requests.cells}
    told = [name for name in OPTIONAL if values.get(name, getattr(requests, name, None)) is not None]
    return _text(
        {
            "surface": requests.surface,
            "layout": asdict(requests.layout),
            "exploration": requests.exploration,
            "fallback": decisions.fallback,
            "catalog": decisions.catalog,
            "makers": [list(maker) for maker in decisions.makers],
            "cells": [] if requests.cells is None else list(requests.cells.names),
            "told": told,
            **({} if requests.dials == OFF else {"dials": asdict(requests.dials)}),
            **({} if requests.control.plain is None else {"control": requests.control.plain}),
        }
    )


def _text(plain: Any) -> str:
    return orjson.dumps(plain).decode()


_SILENT_PROFILE = asdict(Profile(""))


def _profile_text(profile: Profile) -> str:
    """What a profile says that others do not, as JSON."""
    return _text({name: value for name, value in asdict(profile).items() if value != _SILENT_PROFILE[name]})


def _beside(requests: Requests) -> list[list[str]] | None:
    if requests.together is None:
        return None
    company = requests.together
    return [[_text(beside(requests, at)) for at in company.of_request(b)] for b in range(len(requests))]


def _row_names(decisions: Decisions) -> Lists:
    texts = [_text([KIND_NAMES[one.kind], *one.about]) for one in decisions.row_names]
    row = decisions.layer(Layer.ROW)
    return Lists(narrowed(decisions.choices.offsets, row), Named(texts, decisions.choices.actions[row]))


def _row_name(text: str) -> RowName:
    kind, *about = orjson.loads(text)
    return RowName(KIND_OF_NAME[kind], tuple(about))


def _arms(cells: Cells) -> Lists:
    width = len(cells.names)
    return Lists(np.arange(len(cells) + 1) * width, cells.arms.ravel())


def _cells(names: tuple[str, ...], arms: pl.Series | None) -> Cells | None:
    if arms is None:
        return None
    return Cells(names, arms.explode().drop_nulls().to_numpy().astype(np.int8).reshape(len(arms), len(names)))


def _episodes(heads: pl.DataFrame) -> Episodes:
    suggested = _ragged_of(heads["suggested"].fill_null([]))
    answers = heads["answers"].explode().drop_nulls().to_numpy().astype(np.int8)
    return Episodes(heads["chain"].to_numpy(), heads["step"].to_numpy(), suggested, answers)


def _lists(ragged: Ragged | None) -> Lists | None:
    return None if ragged is None else Lists(ragged.offsets, ragged.values)


def _ragged(lists: pl.Series | None) -> Ragged | None:
    return None if lists is None else _ragged_of(lists)


def _ragged_of(lists: pl.Series) -> Ragged:
    offsets = np.append(0, np.cumsum(lists.list.len().to_numpy())).astype(np.int64)
    return Ragged(offsets, lists.explode().drop_nulls().to_numpy().astype(np.int32))


def _kept(probabilities: pl.Series) -> Doubles | None:
    """Null of what was kept for sure; None where all was."""
    return None if probabilities.null_count() == len(probabilities) else probabilities.fill_null(1.0).to_numpy()


def _array(values: pl.Series | None) -> Any:
    return None if values is None else values.to_numpy()


def _paired(sources: Mapping[str, Any]) -> list[tuple[tuple[str, pl.DataType], Any]]:
    return [((name, dtype), sources[name]) for name, dtype in HEADS.items()]


def _series(name: str, dtype: pl.DataType, source: Any, batch: int) -> pl.Series:
    if source is None or isinstance(source, str):
        return pl.repeat(source, batch, dtype=dtype, eager=True).alias(name)
    if isinstance(source, Lists):
        return _grouped(source.offsets, [source.flat().alias(name)]).to_series().cast(dtype)
    if isinstance(source, Named):
        return source.series().alias(name)
    return pl.Series(name, source, dtype)


def _grouped(offsets: Int64s, columns: Sequence[pl.Series]) -> pl.DataFrame:
    """Flat columns as columns of lists: one a group."""
    lengths = np.diff(offsets)
    key = pl.Series("_key", np.repeat(np.arange(len(lengths)), lengths))
    lists = pl.DataFrame([key, *columns]).group_by("_key", maintain_order=True).agg(pl.all())
    if (lengths > 0).all():
        return lists.drop("_key")
    every = pl.DataFrame({"_key": np.arange(len(lengths))}).join(lists, on="_key", how="left", maintain_order="left")
    return every.drop("_key").with_columns(pl.all().fill_null([]))
