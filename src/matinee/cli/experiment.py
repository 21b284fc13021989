"""The verb for experiments: start one, end one, list them, and tell what came of one."""

from __future__ import annotations

import time
from enum import StrEnum
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated

import typer

from matinee.cli.terminal import REPORT_WIDTH, WORKSPACE, Html, Into, Json, console, show
from matinee.errors import BadRequest
from matinee.events import DAY
from matinee.workspace import Workspace

if TYPE_CHECKING:
    from matinee.experiment.definition import Arm, Experiment
    from matinee.experiment.folder import Experiments


class Metric(StrEnum):
    """What is compared: the metrics of `experiment.panel`."""

    PLAYED = "played"
    OPENED = "opened"
    COMPLETED = "completed"
    ENJOYED = "enjoyed"
    ENJOYED_OR_REFUSED = "enjoyed-or-refused"
    RETURNED = "returned"


class Surface(StrEnum):
    """Where an experiment runs."""

    HOME = "home"
    SIMILAR = "similar"


def experiment(
    name: Annotated[str | None, typer.Argument(help="Which one; left out, the only one, or a list of all.")] = None,
    workspace: Into = WORKSPACE,
    start: Annotated[bool, typer.Option("--start", help="Start it now, with the arms given.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="End it now.")] = False,
    arm: Annotated[
        list[str] | None,
        typer.Option("--arm", help="NAME=SHARE or NAME=SHARE,exploration=0.3; once for each arm, the control first."),
    ] = None,
    surface: Annotated[Surface, typer.Option(help="Where a started one runs.")] = Surface.HOME,
    for_days: Annotated[float | None, typer.Option(min=0.01, help="Days after which a started one ends.")] = None,
    metric: Annotated[Metric, typer.Option(help="What is compared.")] = Metric.PLAYED,
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Start and end experiments, and tell what came of one: each arm against the first, day by day."""
    from matinee.experiment.folder import Experiments

    place = Workspace(workspace)
    place.require()
    known, now = Experiments(place.experiments_path), time.time_ns() // 1_000
    if name is None and (start or stop):
        raise typer.BadParameter("give the name of the experiment")
    if name is None and len(known.read()) == 1:
        name = known.read()[0].name
    if name is None:
        _list(known)
    elif start and stop:
        raise typer.BadParameter("--start and --stop exclude each other")
    elif start:
        _start(place, known, name, arm or [], surface, now, for_days)
    elif stop:
        with place.importing():
            known.stop(name, now)
        console.print(f"Experiment {name} has ended; `matinee experiment {name}` tells what came of it.")
    else:
        _tell(place, known.get(name), metric, now, html, as_json)


def _start(
    place: Workspace, known: Experiments, name: str, arms: list[str], surface: Surface, now: int, days: float | None
) -> None:
    from matinee.experiment.definition import Experiment

    end = None if days is None else now + round(days * DAY)
    made = Experiment(name, token_hex(8), tuple(map(arm_of, arms)), now, end, surface.value)
    with place.importing():
        known.start(made)
    console.print(f"Experiment {name} runs from now on; services of this workspace see it with their next page.")


def arm_of(text: str) -> Arm:
    """The arm that NAME=SHARE,SETTING=VALUE tells. Raises `BadRequest`."""
    from matinee.experiment.definition import Arm, Settings

    (name, share), *settings = (part.strip().partition("=")[::2] for part in text.split(","))
    try:
        return Arm(name, float(share), Settings(**{setting: float(value) for setting, value in settings}))
    except (TypeError, ValueError) as error:
        if isinstance(error, BadRequest):
            raise
        raise BadRequest(f"the arm {text!r:.100} is no NAME=SHARE,exploration=NUMBER: {error}") from error


def _list(known: Experiments) -> None:
    from rich.console import Console

    from matinee.experiment.definition import instant
    from matinee.report.terminal import grid

    made = grid("Experiments", "surface", "arms", "start", "end")
    for one in known.read():
        arms = ", ".join(f"{arm.name} {arm.share:g}" for arm in one.arms)
        end = "runs" if one.end is None else instant(one.end)[:16]
        made.add_row(one.name, one.surface, arms, instant(one.start)[:16], end)
    if not made.row_count:
        console.print("No experiment yet. Begin one: matinee experiment NAME --start --arm control=0.5 --arm bold=0.5")
    else:
        Console(width=max(console.width, REPORT_WIDTH)).print(made)


def _tell(place: Workspace, found: Experiment, metric: Metric, now: int, html: Html, as_json: bool) -> None:
    from matinee.data.log import EventLog
    from matinee.experiment.analyse import analyse
    from matinee.experiment.panel import BEFORE_DAYS, panel_of
    from matinee.report.experiment import ExperimentReport

    with EventLog(place.log_path) as log:
        events = log.read(now, since=found.start - BEFORE_DAYS * DAY)
        decisions = log.decisions.read(now, since=found.start, surface=found.surface)
        panel = panel_of(found, decisions, events, metric.value, now)
    show(ExperimentReport(analyse(found, panel, metric.value)), html, as_json)
