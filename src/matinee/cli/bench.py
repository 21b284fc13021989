"""The verb that measures: the benchmarks of a checkout."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from matinee.cli.terminal import Json, console, progress_bar


class Bench(StrEnum):
    """The benchmarks, one by one or all of them."""

    PAGE = "page"
    SEARCH = "search"
    CONTROL = "control"
    PLAY = "play"
    SERVE = "serve"
    INGEST = "ingest"
    UPKEEP = "upkeep"
    SERIES = "series"
    RECORD = "record"
    AUDIT = "audit"
    ARMS = "arms"
    BILLBOARD = "billboard"
    NEWCOMERS = "newcomers"
    REGRET = "regret"
    CAROUSEL = "carousel"
    BANDIT_SPEED = "bandit-speed"
    EASE = "ease"
    FACTORS = "factors"
    SLIM = "slim"
    SCORING = "scoring"
    LEADERBOARD = "leaderboard"
    COLD = "cold"
    RANKER = "ranker"
    REFIT = "refit"
    TRANSFORMER = "transformer"
    SEQUENCE_SERVING = "sequence_serving"
    SIMULATE = "simulate"
    EXPLORATION = "exploration"
    COUNTERFACTUAL = "counterfactual"
    DEBIAS = "debias"
    OFF_POLICY = "off-policy"
    DIALS = "dials"
    LOOPS = "loops"
    FAIRNESS = "fairness"
    TOGETHER = "together"
    OUTREACH = "outreach"
    ALL = "all"


def bench(
    name: Bench,
    titles: Annotated[int | None, typer.Option(min=100, help="Titles of the catalogue; of `page` alone.")] = None,
    model: Annotated[str | None, typer.Option(help="ease, factors or popularity; of `page` alone.")] = None,
    as_json: Json = False,
) -> None:
    """Run a benchmark from a checkout's benchmarks/ folder."""
    given = {key: value for key, value in (("titles", titles), ("model", model)) if value is not None}
    if given and name is not Bench.PAGE:
        raise typer.BadParameter(f"{name} takes no --{next(iter(given))}; only page does")
    if model not in (None, "ease", "factors", "popularity"):
        raise typer.BadParameter(f"page knows no model {model!r}; choose from ease, factors, popularity")
    folder = Path(__file__).resolve().parents[3] / "benchmarks"
    if not folder.is_dir():
        raise typer.BadParameter("benchmarks live in a checkout of the project; there is none around this installation")
    sys.path.insert(0, str(folder))
    results = {one: _run_bench(one, given) for one in Bench if one != Bench.ALL and name in (one, Bench.ALL)}
    if as_json:
        print(json.dumps(results if name is Bench.ALL else results[name]))


def _run_bench(name: Bench, given: dict[str, Any]) -> dict[str, Any]:
    module = importlib.import_module(f"bench_{name.value.replace('-', '_')}")
    with progress_bar(name.value) as progress:
        result: dict[str, Any] = module.run(progress, **given)
    table = Table(title=name.value, title_justify="left", show_header=False)
    for key, value in _flat(result):
        table.add_row(key, f"{value:,.4g}" if isinstance(value, float) else str(value))
    console.print(table)
    return result


def _flat(result: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each number of a result, those within others named by all that they stand in."""
    for key, value in result.items():
        if isinstance(value, Mapping):
            yield from ((f"{key}, {name}", one) for name, one in _flat(value))
        else:
            yield key, value
