"""What every verb shares: the terminal, progress, errors in one line, and the options that several verbs take."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from matinee.decision import Tell
from matinee.errors import MatineeError

if TYPE_CHECKING:
    from matinee.evaluate.board import Board
    from matinee.evaluate.report import Report

console = Console(stderr=False)

WORKSPACE = Path("var/workspace")
REPORT_WIDTH = 100  # columns that the tables of a report need

Into = Annotated[Path, typer.Option("--workspace", help="Folder of the catalogue, the log and the models.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on the last line.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")]


def named(known: Mapping[str, Any], models: str | None) -> dict[str, Any]:
    """Those of `known` that were asked for, in that order; all where none was."""
    names = list(known) if models is None else [name.strip() for name in models.split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise typer.BadParameter(f"{unknown} are no models here; choose from {', '.join(known)}")
    return {name: known[name] for name in names}


@contextmanager
def errors() -> Iterator[None]:
    """Errors of the tree and of the system end the program in one line, never a traceback."""
    try:
        yield
    except (MatineeError, OSError) as error:
        remedy = "" if isinstance(error, MatineeError) else "; check the path, rights, space or port it speaks of"
        said = escape(f"{error}{remedy}".replace("\n", " "))
        Console(stderr=True).print(f"[bold red]Error:[/] {said}", highlight=False, soft_wrap=True)
        raise SystemExit(1) from error


@contextmanager
def progress(what: str, total: float | None = 1.0) -> Iterator[Tell]:
    """A bar named `what`; call what it gives with the stage and the share of the work done before it."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(what, total=total)
        yield lambda stage, done: bar.update(task, description=f"{what}: {stage}", completed=done)


def show(report: Report | Board, html: Path | None, as_json: bool) -> None:
    """Print a report's tables; where asked for, write its page and print its JSON on the last line."""
    Console(width=max(console.width, REPORT_WIDTH)).print(report.table())
    if html is not None:
        report.write_html(html)
        console.print(f"Report: {escape(str(html))}")
    if as_json:
        print(json.dumps(report.json()))
