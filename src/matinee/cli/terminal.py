"""What every verb shares: the terminal, progress, errors in one line, and the options that several verbs take."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Annotated, Any, Protocol

import typer
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from matinee.decision import Progress
from matinee.errors import MatineeError

console = Console(stderr=False)

WORKSPACE = Path("var/workspace")
LARGEST_SEED = 2**31 - 1  # numbers of fits and settings are added, and some libraries take no more than 2**32 - 1
REPORT_WIDTH = 100  # columns that the tables of a report need
SILENCE = 10.0  # seconds between lines of progress where it goes to no terminal

TimeZone = Annotated[
    str | None,
    typer.Option(
        "--time-zone",
        help="Clock of members whose profile and country tell none, such as Europe/Copenhagen. Kept with the "
        "workspace, at first UTC; train again after a change.",
    ),
]
Into = Annotated[Path, typer.Option("--workspace", help="Folder of the catalogue, the log and the models.")]
Seed = Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Seed of everything random.")]


def writable(path: Path | None) -> Path | None:
    """The path where a file is to be written once the work is done; refused at once where it cannot be."""
    if path is None:
        return None
    if path.is_dir():
        raise typer.BadParameter(f"{path} is a folder; give the name of a file in it")
    if not path.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}; make it first or give a file elsewhere")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise typer.BadParameter(f"{path} may not be written; give a file elsewhere or change its rights")
    return path


Html = Annotated[Path | None, typer.Option("--html", help="Write a page with plots here.", callback=writable)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on the last line.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")]


def named(known: Mapping[str, Any], models: str | None) -> dict[str, Any]:
    """Those of `known` that were asked for, in that order; all where none was."""
    names = list(known) if models is None else [name.strip() for name in models.split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise typer.BadParameter(f"{unknown} cannot be chosen here; choose from {', '.join(known)}")
    return {name: known[name] for name in names}


def warn(what: str) -> None:
    """Say in one line what is left out, while the rest goes on."""
    console.print(f"[bold yellow]Warning:[/] {escape(what)}", highlight=False, soft_wrap=True)


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
def progress_bar(what: str) -> Iterator[Progress]:
    """A bar named `what`; call what it gives with the stage and the share of the work done before it.

    Where output goes to no terminal, a line on standard error every `SILENCE` seconds says where the work is.
    """
    if not console.is_terminal:
        with _lines(what) as progress:
            yield progress
        return
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Bar(*columns, console=console) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda stage, done: bar.update(task, description=f"{what}: {stage}", completed=done)


@contextmanager
def _lines(what: str) -> Iterator[Progress]:
    """Every `SILENCE` seconds a line with the stage that the work is in, also while it tells nothing new."""
    latest, over, started = "at work", Event(), monotonic()

    def progress(stage: str, done: float) -> None:
        nonlocal latest
        latest = stage

    def speak() -> None:
        while not over.wait(SILENCE):
            said = f"{what}: {latest}, {monotonic() - started:.0f} s"
            Console(stderr=True).print(said, markup=False, highlight=False, soft_wrap=True)

    speaker = Thread(target=speak, daemon=True)
    speaker.start()
    try:
        yield progress
    finally:
        over.set()
        speaker.join()


class Shown(Protocol):
    """A report in its three forms."""

    def table(self) -> RenderableType:
        """For the terminal."""
        ...

    def json(self) -> Any:
        """Plain data."""
        ...

    def write_html(self, path: Path) -> None:
        """One file that needs nothing else to open."""
        ...


def show(report: Shown, html: Path | None, as_json: bool) -> None:
    """Print a report's tables; where asked for, its JSON on the last line and, after that is safe, its page."""
    Console(width=max(console.width, REPORT_WIDTH)).print(report.table())
    if as_json:
        print(json.dumps(report.json()), flush=True)
    if html is not None:
        report.write_html(html)
        if not as_json:
            console.print(f"Report: {escape(str(html))}")
