"""The verb that looks after the event log."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from matinee.cli.terminal import WORKSPACE, Into, console
from matinee.workspace import Workspace

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Seal days before this one.")]
Oldest = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Remove the decisions made before this day.")
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
    rebuild: Again = False,
    ask_again: Asked = 0,
) -> None:
    """Check that the event log is whole; seal days, forget old decisions, ask decisions again, rebuild a lost log."""
    from matinee.data.log import EventLog

    place = Workspace(workspace)
    if rebuild:
        _rebuild(place.log_path)
    else:
        place.require()
    with EventLog(place.log_path) as opened:
        opened.check()
        console.print(f"{escape(str(place.log_path))} is whole.")
        if seal_before is not None:
            console.print(f"Sealed {len(opened.seal(seal_before.date())):,} day(s).")
        if forget_decisions_before is not None:
            before = int(forget_decisions_before.replace(tzinfo=UTC).timestamp()) * 1_000_000
            console.print(f"Removed {opened.decisions.forget(before):,} decision(s).")
    if ask_again:
        _ask_again(place, ask_again)


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
