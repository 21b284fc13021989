"""Is it worth knowing where and when somebody asks? Models with and without the context of the request.

    python benchmarks/bench_context.py FRAPPE.csv [FAMILY ...]

FRAPPE.csv is the log of Frappe (Baltrunas et al. 2015, arXiv 1505.03014; to be had from its authors, research only, not
to be passed on): who used which app in which country, at which time of the day and weekday, at home or at work. It is
undated and unordered, so each pair of a member and an app is given one of 26 weeks at random (seed 0), weekday and hour
as logged; home and work stand in for the device. Asked is, under `own-times`, which app a member newly turned to.
FAMILYs are names of `FAMILIES`, by default all; every model reads the history as a set, with defaults, nothing tuned.

`run()` returns machine, data, members (who ask) and results, one list a family: the model that reads country, device,
hour and weekday, of the history and of the request; then without country and device ("no place"), without times ("no
clock": hours, weekdays, and ages, which are noise here because the weeks are drawn), and "neither".
A row has a name, ndcg@10, hit_rate@10 and difference, that of NDCG@10 to the family's first row, paired; each figure is
[mean, low, high], the mean over 3 seeds with the 95 % bootstrap interval over members, 1,000 draws.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
from comparing import compare, table_of
from machine import machine
from rich.console import Console

from matinee.data.dataset import Dataset
from matinee.data.sources import tabular
from matinee.decision import Progress, Scorer, no_progress, part_of
from matinee.errors import BadData, BadRequest
from matinee.evaluate.protocols import OWN_TIMES
from matinee.evaluate.trial import prepare
from matinee.models.factorization_machine import FactorizationMachine, FactorizationMachineConfig
from matinee.models.popularity import CONTEXTS, Popularity, PopularityConfig
from matinee.models.sequence import Reading, SequenceConfig
from matinee.models.sequence import Sequence as SequenceModel
from matinee.models.two_tower import TwoTower, TwoTowerConfig

SEEDS, WEEKS = 3, 26
START = 1_704_067_200  # seconds: Monday, 1 January 2024
HOURS = {"sunrise": 6, "morning": 9, "noon": 12, "afternoon": 15, "sunset": 18, "evening": 20, "night": 23}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PLACES = {"home": "tv", "work": "web"}
COLUMNS = ("user", "item", "daytime", "weekday", "homework", "country")
KNOWN = {"whole": (True, True), "no place": (False, True), "no clock": (True, False), "neither": (False, False)}


def _popularity(place: bool, clock: bool) -> Scorer:
    known = {"country": place, "device": place, "hour": clock, "weekday": clock}
    return Popularity(PopularityConfig(contexts=tuple(one for one in CONTEXTS if known.get(one, False))))


FAMILIES: Mapping[str, Callable[[bool, bool], Scorer]] = {
    "popularity": _popularity,
    "factorization-machine": lambda place, clock: FactorizationMachine(
        FactorizationMachineConfig(context=place, time=clock)
    ),
    "two-tower": lambda place, clock: TwoTower(TwoTowerConfig(context=place, time=clock)),
    "sequence": lambda place, clock: SequenceModel(SequenceConfig(reading=Reading(place, clock, order=False))),
}


def run(
    log: Path, families: Sequence[str] = tuple(FAMILIES), seeds: int = SEEDS, progress: Progress = no_progress
) -> dict[str, Any]:
    """Measure; see the top of this file for the keys."""
    unknown = set(families) - set(FAMILIES)
    if unknown:
        raise BadRequest(f"{sorted(unknown)} are no families; choose from {', '.join(FAMILIES)}")
    trial = prepare(read(log), OWN_TIMES, np.random.default_rng(0))
    results = {}
    for at, name in enumerate(families):
        scorers = {f"{name}, {what}": FAMILIES[name](*known) for what, known in KNOWN.items()}
        said = part_of(progress, name, at / len(families), (at + 1) / len(families))
        results[name] = compare(trial, scorers, OWN_TIMES.metrics[:2], said, seeds)
    return {"machine": machine(), "data": "Frappe", "members": trial.n_members, "results": results}


def read(log: Path) -> Dataset:
    """Frappe's log as a data set. Raises `BadData` when a column is missing or a word is not one of Frappe's."""
    frame = pl.read_csv(log, separator="\t", infer_schema=False)
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise BadData(f"{log} has no columns {', '.join(missing)}; give Frappe's log, separated by tabs")
    try:
        day = frame["weekday"].replace_strict(list(DAYS), list(range(7)), return_dtype=pl.Int64)
        hour = frame["daytime"].replace_strict(HOURS, return_dtype=pl.Int64)
    except pl.exceptions.PolarsError as error:
        raise BadData(f"{log} has other weekdays or times of the day than Frappe's: {error!s:.200}") from error
    pair = pl.concat_str("user", "item", separator=" ").rank("dense") - 1
    pairs = frame.select(pair.cast(pl.Int64)).to_series().to_numpy()
    rng = np.random.default_rng(0)
    week, second = rng.integers(0, WEEKS, pairs.max(initial=0) + 1)[pairs], rng.integers(0, 3_600, len(pairs))
    names = sorted(set(frame["country"]) - {"unknown"})
    letters = {name: chr(ord("A") + at // 26) + chr(ord("A") + at % 26) for at, name in enumerate(names)}
    events = pl.DataFrame(
        {
            "user_id": frame["user"],
            "item_id": frame["item"],
            "timestamp": START + 604_800 * pl.Series(week) + 86_400 * day + 3_600 * hour + pl.Series(second),
            "country": frame["country"].replace_strict(letters, default=None, return_dtype=pl.String),
            "device": frame["homework"].replace_strict(PLACES, default=None, return_dtype=pl.String),
        }
    )
    with TemporaryDirectory() as folder:
        events.write_parquet(Path(folder, "frappe.parquet"))
        return tabular.read(Path(folder, "frappe.parquet"), name="Frappe", licence="research only, not to be passed on")


def show(result: dict[str, Any], console: Console) -> None:
    """Print what `run` found."""
    for name, rows in result["results"].items():
        console.print(table_of(rows, f"{name} ({result['data']}, {result['members']} members, {result['machine']})"))


if __name__ == "__main__":
    out, asked = Console(), sys.argv[1:]
    if not asked:
        raise SystemExit("python benchmarks/bench_context.py FRAPPE.csv [FAMILY ...]")
    names = tuple(asked[1:]) or tuple(FAMILIES)
    show(run(Path(asked[0]), names, progress=lambda what, done: out.print(f"[dim]{done:.0%} {what}[/dim]")), out)
