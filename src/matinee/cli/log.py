"""The verb that looks after the event log."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from matinee.cli.terminal import WORKSPACE, Into, Seed, console, progress_bar
from matinee.workspace import Workspace

if TYPE_CHECKING:
    from matinee.data.log import EventLog

YOUNGEST = 7  # days that are never thinned: a service looks back a week, to its inbox and its billboard

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Seal days before this one.")]
Oldest = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Remove the decisions made before this day.")
]
Thinned = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Thin the decisions of the days before this one to the share --keep."),
]
Keep = Annotated[
    float | None, typer.Option(min=0.0, max=1.0, help="Share of those that stays, by account: each knows its share.")
]
Again = Annotated[
    bool, typer.Option("--rebuild", help="First make the database again from its sealed days; stop the service before.")
]
Asked = Annotated[
    int, typer.Option("--ask-again", min=0, help="Ask the last N decisions again of the policies that made them.")
]


def log(
    workspace: Into = WORKSPACE,
    seal_before: Day = None,
    forget_decisions_before: Oldest = None,
    thin_before: Thinned = None,
    keep: Keep = None,
    seed: Seed = 0,
    rebuild: Again = False,
    ask_again: Asked = 0,
) -> None:
    """Check that the event log is whole; seal days, thin or forget old decisions, ask decisions again, rebuild a lost
    log.
    """
    from matinee.data.log import EventLog

    if (thin_before is None) != (keep is None):
        raise typer.BadParameter("--thin-before and --keep go together: days before which, and the share that stays")
    place = Workspace(workspace)
    _require_experiments_whole(place, forget_decisions_before, thin_before)
    if rebuild:
        _rebuild(place.log_path)
    else:
        place.require()
    with EventLog(place.log_path) as opened:
        _check(opened, place.log_path)
        if seal_before is not None:
            console.print(f"Sealed {len(opened.seal(seal_before.date())):,} day(s).")
        if forget_decisions_before is not None:
            console.print(f"Removed {opened.decisions.forget(_instant(forget_decisions_before)):,} decision(s).")
        if thin_before is not None and keep is not None:
            _thin(opened, thin_before, keep, seed)
    if ask_again:
        _ask_again(place, ask_again)


def _require_experiments_whole(place: Workspace, *before: datetime | None) -> None:
    from matinee.experiment.folder import Experiments

    for day in before:
        if day is not None:
            Experiments(place.experiments_path).require_all_kept(_instant(day), time.time_ns() // 1_000)


def _instant(day: datetime) -> int:
    """Microseconds since 1970 of the start of a day in UTC."""
    return int(day.replace(tzinfo=UTC).timestamp()) * 1_000_000


def _check(log: EventLog, path: Path) -> None:
    thinned = log.check()
    console.print(f"{escape(str(path))} is whole.")
    if thinned.decisions:
        until = datetime.fromtimestamp(thinned.until / 1e6, UTC).date()
        console.print(
            f"It was thinned: {thinned.decisions:,} decision(s) until {until} stand for about {thinned.stand_for:,.0f}."
        )


def _thin(log: EventLog, before: datetime, keep: float, seed: int) -> None:
    latest = datetime.now(UTC).date() - timedelta(days=YOUNGEST)
    if before.date() > latest:
        raise typer.BadParameter(f"services look back {YOUNGEST} days; give --thin-before {latest} or an earlier day")
    with progress_bar("Thinning") as progress:
        done = log.decisions.thin(before.date(), keep, seed, progress)
    console.print(f"Thinned: {done.removed:,} decision(s) removed, {done.freed:,} bytes freed.")


def _ask_again(place: Workspace, n: int) -> None:
    from matinee.recipes.audit import audit

    found = audit(place, n)
    console.print(
        f"Asked {found.asked:,} decision(s) again: {found.same:,} give back what was logged, choice by choice; the "
        f"largest difference of a log-probability is {found.worst:.1e}."
    )
    for why, count in found.refused.items():
        console.print(f"{count:,} could not be asked: {escape(why)}.")
    if found.same < found.asked:
        raise typer.Exit(1)


def _rebuild(path: Path) -> None:
    from matinee.data.log.rebuild import rebuild

    made = rebuild(path)
    console.print(
        f"{made.days:,} sealed day(s) with {made.sealed_events:,} events and {made.sealed_decisions:,} decisions make "
        "the log again."
    )
    if made.database_read:
        console.print(
            f"Kept of the old database: {made.live_events:,} events, {made.profiles:,} profiles, and all "
            "decisions that were not sealed."
        )
    else:
        console.print("No database of this log could be read: profiles, and what was not sealed, are not in it.")
    if made.old is not None:
        console.print(f"The old database lies in {escape(str(made.old))}.")
