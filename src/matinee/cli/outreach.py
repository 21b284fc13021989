"""The verb for outreach: decide whom to write to today, about which title and why, within a budget."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from secrets import randbits
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from matinee.cli.terminal import LARGEST_SEED, WORKSPACE, Into, Json, console, progress_bar, warn
from matinee.surfaces.outreach.config import By, OutreachConfig
from matinee.workspace import Workspace


def outreach(
    budget: Annotated[int, typer.Option(min=0, help="Messages that may be sent today, all runs of the day together.")],
    workspace: Into = WORKSPACE,
    at: Annotated[
        str | None, typer.Option(help="When they are sent, ISO 8601 (UTC without a zone); now if left out.")
    ] = None,
    policy: Annotated[
        By, typer.Option(help="Choose by what a message adds, by whether it is opened, or at random.")
    ] = By.UPLIFT,
    cap: Annotated[int, typer.Option(min=1, help="Messages a member gets in seven days at most.")] = 2,
    quiet: Annotated[
        int, typer.Option(min=0, max=23, help="Hour of the member's clock from which nothing is sent.")
    ] = 21,
    awake: Annotated[int, typer.Option(min=0, max=23, help="Hour from which messages are sent again.")] = 9,
    exploration: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the budget left to chance, to learn from.")
    ] = 0.1,
    seed: Annotated[
        int | None, typer.Option(min=0, max=LARGEST_SEED, help="Seed of what is drawn; random by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Decide for every member who wants messages, keep it in the log, and write what is to be sent to a file.

    A second run of a day adds the members who slept; nobody is written to twice a day.
    """
    from matinee.recipes.outreach.run import Run
    from matinee.recipes.outreach.run import outreach as decide

    now = time.time_ns() // 1_000 if at is None else _moment(at)
    config = OutreachConfig(cap=cap, quiet=quiet, awake=awake, exploration=exploration)
    with progress_bar("outreach") as progress:
        drawn = randbits(64) if seed is None else seed
        run: Run = decide(Workspace(workspace), budget, now, drawn, policy, config, progress)
    for note in run.notes:
        warn(note)
    console.print(_table(run.counts, run.reasons, run.expected, run.price))
    console.print(f"To be sent: {escape(str(run.file))}", soft_wrap=True)
    if as_json:
        print(json.dumps({**run._asdict(), "file": str(run.file)}))


def _table(counts: Mapping[str, int], reasons: Mapping[str, int], expected: float, price: float) -> Table:
    table = Table(title="Outreach", title_justify="left", show_header=False)
    for name, count in counts.items():
        table.add_row(name, f"{count:,}")
    for reason, count in reasons.items():
        table.add_row(f"to be sent today, {reason}", f"{count:,}")
    table.add_row("expected", f"{expected:,.1f} [dim]at a price of {price:.4f}[/]")
    return table


def _moment(text: str) -> int:
    """Microseconds since 1970, UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r:.100} is no time; give ISO 8601 such as 2027-01-04T18:00") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1e6)
