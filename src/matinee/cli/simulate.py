"""The verb that closes the loop: policies play for days in a world that knows the truth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from matinee.cli.data import fetch
from matinee.cli.terminal import REPORT_WIDTH, Html, Json, Seed, console, named, progress_bar, show

if TYPE_CHECKING:
    from matinee.report.retraining import RetrainingReport
    from matinee.report.simulation import SimulationReport
    from matinee.simulate.marginals import Marginal
    from matinee.simulate.result import SimulationResult
    from matinee.simulate.world import World

MANY, FEW, SOME = 2_000, 200, 3_000  # members by default, where each page is written into a log, where models retrain
DAYS, LONG = 28, 42  # by default, and where models retrain
MEASURES = {
    "plays": "plays a member",
    "reward": "reward a member",
    "visits": "visits a member",
    "satisfaction": "satisfaction",
    "stayed": "stayed",
    "lately": "visited in the last week",
}
BY_DAY = {  # from the first day to the last
    "reward": "reward a decision, by day",
    "regret": "regret a decision, by day",
    "returned": "returned in 7 days, by day",
    "new_shown": "new titles of those shown, by day",
}


def simulate(
    members: Annotated[
        int | None, typer.Option(min=1, help=f"Members; {MANY:,}, with --into {FEW}, with --retrain {SOME:,}.")
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=3_650, help=f"Days that each plays; {DAYS}, with --retrain {LONG}.")
    ] = None,
    policies: Annotated[
        str | None, typer.Option("--policies", help="Names, separated by commas; others are compared with the first.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="File or folder the world is made after; without, MovieLens 100K.")
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(
            "--into", help="A workspace whose home page simulated members visit; its log keeps what comes of it."
        ),
    ] = None,
    retrain: Annotated[
        int | None,
        typer.Option(min=1, help="Retrain a model every so many days on its own log, and tell what it does."),
    ] = None,
    model: Annotated[
        str, typer.Option(help="Which, with --retrain: genre-rates, popularity, factors, ease.")
    ] = "genre-rates",
    damped: Annotated[bool, typer.Option(help="With --retrain: also damped, beside as it is.")] = True,
    seeds: Annotated[int, typer.Option(min=2, max=100, help="With --retrain: worlds, one a seed.")] = 3,
    html: Html = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Let policies play for days in a world that knows the truth: how members fare with each, and how sure that is."""
    if retrain is not None:
        if into is not None or policies is not None:
            raise typer.BadParameter("--retrain makes its own world and billboard; leave --into and --policies out")
        told = _retrain(data, model, damped, members or SOME, days or LONG, retrain, seeds)
        show(told, html, as_json)
        return
    days = days or DAYS
    if into is None:
        report = _play(data, members or MANY, days, policies, seed, whole=html is not None)
    elif policies is not None or data is not None:
        raise typer.BadParameter("--into takes policy and data from its workspace; leave --policies and --data out")
    else:
        report = _visit(into, members or FEW, days, seed)
    _tell(report, html, as_json)


def _tell(report: SimulationReport, html: Path | None, as_json: bool) -> None:
    Console(width=max(console.width, REPORT_WIDTH)).print(table(report.result))
    if as_json:
        print(json.dumps(report.result.json()), flush=True)
    if html is not None:
        report.write_html(html)
        if not as_json:
            console.print(f"Report: {escape(str(html))}")


def _play(path: Path | None, members: int, days: int, names: str | None, seed: int, whole: bool) -> SimulationReport:
    """The named billboards, each in a world of its own after a data set; `whole`: all that a page shows."""
    from matinee.data.sources.reading import guess, read
    from matinee.recipes.billboards import BILLBOARDS, DEFAULT
    from matinee.recipes.simulation import play
    from matinee.recipes.simulation_report import reported
    from matinee.report.simulation import SimulationReport

    makers = named(BILLBOARDS, names or DEFAULT)
    where = path or fetch()
    dataset = read(guess(where), where)
    near = partial(_describe, dataset.name)
    with progress_bar("simulation") as progress:
        if whole:
            return reported(dataset, makers, members, days, seed, progress, near)
        return SimulationReport(play(dataset, makers, members, days, seed, progress, near))


def _retrain(
    path: Path | None, model: str, damped: bool, members: int, days: int, every: int, seeds: int
) -> RetrainingReport:
    """A model that learns from what it showed, in worlds after a data set."""
    from matinee.data.sources.reading import guess, read
    from matinee.recipes.retraining import retraining
    from matinee.report.retraining import RetrainingReport

    where = path or fetch()
    dataset = read(guess(where), where)
    with progress_bar("retraining") as progress:
        told = retraining(dataset, model, damped, members, days, every, seeds, progress)
    return RetrainingReport(told, dataset.name)


def _visit(folder: Path, members: int, days: int, seed: int) -> SimulationReport:
    """Simulated members at the home page of a workspace, in its log."""
    from matinee.recipes.simulation import visit
    from matinee.report.simulation import SimulationReport
    from matinee.workspace import Workspace

    with progress_bar("simulation") as progress:
        return SimulationReport(visit(Workspace(folder), members, days, seed, progress))


def _describe(source: str, world: World, near: Sequence[Marginal]) -> None:
    """Say what the world is made after, and how near it came."""
    lines = [f"{len(world.members):,} members and {len(world.titles):,} titles after {source}"]
    for one in near:
        lines.append(f"  {one.name}: {one.source:.3f} there, {one.world:.3f} here, distance {one.distance:.3f}")
    console.print(Panel(escape("\n".join(lines)), title="World", title_align="left"))


def table(result: SimulationResult) -> Table:
    """A row a policy and measure: its mean over members, and how much more than the first policy's, with intervals."""
    days = result.days["day"].n_unique()
    told = Table(title=f"{result.size:,} members, {days:,} days, seed {result.seed}", title_justify="left")
    for heading in ("", "policy", "mean [95 %]", f"more than {result.policies[0]}"):
        told.add_column(heading)
    for measure, words in MEASURES.items():
        more = {row["policy"]: _interval(row) for row in result.differences.filter(measure=measure).to_dicts()}
        for at, row in enumerate(result.members.filter(measure=measure).to_dicts()):
            told.add_row("" if at else words, row["policy"], _interval(row), more.get(row["policy"], ""))
        told.add_section()
    for column, words in BY_DAY.items():
        for at, policy in enumerate(result.policies):
            told.add_row("" if at else words, policy, _ends(result, policy, column), "")
    return told


def _interval(row: dict[str, float]) -> str:
    return f"{row['mean']:.4f} [{row['low']:.4f}, {row['high']:.4f}]"


def _ends(result: SimulationResult, policy: str, column: str) -> str:
    """The first and the last known of a number by day."""
    known = result.days.filter(policy=policy)[column].drop_nulls()
    return f"{known[0]:.4f} to {known[-1]:.4f}" if len(known) else ""
