"""The verbs about data: read a source into a workspace, and look after the event log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, cast

import polars as pl
import typer
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from matinee.cli.reading import FileOptions, takes_files
from matinee.cli.terminal import WORKSPACE, Into, console, progress_bar
from matinee.data.dataset import Dataset
from matinee.data.sources.reading import Source
from matinee.data.units import Units
from matinee.workspace import Workspace

CACHE = Path("var/data")
SHOWN = 3  # rows that a dry run shows


@takes_files
def data(
    source: Source,
    path: Annotated[Path, typer.Argument(help="A file, folder or archive; for tabular the interactions.")],
    files: FileOptions = FileOptions(),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be stored, and store nothing.")] = False,
    workspace: Into = WORKSPACE,
) -> None:
    """Read a data set into a workspace: catalogue, profiles and events."""
    place = Workspace(workspace)
    units = place.units.agreed(Units(best=files.best), place.units_path)
    dataset = place.resolved(files.read(source, path, units=units))
    console.print(Panel(escape(dataset.describe()), title="Found", title_align="left"))
    if dry_run:
        show_rows(dataset)
    else:
        bring_in(place, dataset)


def show_rows(dataset: Dataset) -> None:
    """The first events and titles as they would be stored."""
    for title, frame in (("events", dataset.events), ("titles", dataset.catalog.titles)):
        table = Table(title=f"the first {title}, as they would be stored", title_justify="left")
        first = frame.head(SHOWN)
        told = [name for name in first.columns if first[name].count() and name not in ("event_id", "closed")]
        told = [name for name in told if not (first[name].dtype == pl.List and first[name].list.len().sum() == 0)]
        for name in told:
            table.add_column(name)
        for row in first.select(told).iter_rows():
            table.add_row(*(escape(_short(value)) for value in row))
        console.print(table)
    console.print("A dry run: nothing is stored.")


def _short(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)[:60]


def fetch() -> Path:
    """MovieLens 100K, fetched once."""
    from matinee.data.sources.movielens import fetch_100k

    return fetch_100k(CACHE, console.print)


def bring_in_demo(place: Workspace, path: Path | None) -> None:
    """Bring in MovieLens, moved forward in time as far as it goes."""
    from matinee.data.sources import movielens
    from matinee.recipes.demo import as_if_it_ended_now

    now = datetime.now(UTC)
    dataset, move = as_if_it_ended_now(movielens.read(path or fetch()), now)
    ago = (now - cast(datetime, dataset.events["timestamp"].max())) / timedelta(days=1)
    console.print(Panel(escape(dataset.describe()), title="Found", title_align="left"))
    console.print(
        f"Its time is moved forward by {move.days // 7:,} whole weeks, so that weekdays and hours stay true: "
        f"its last event was {ago:.1f} days ago."
    )
    bring_in(place, dataset)
    place.set_visitor_limit("none")  # of most films of MovieLens no age is known


def bring_in(place: Workspace, dataset: Dataset) -> None:
    """Write a data set into a workspace and say how much of it was new."""
    with progress_bar("writing the event log") as progress:
        new = place.bring_in(
            dataset,
            lambda done: progress(f"{done:,} events", done / max(dataset.events.height, 1)),
            lambda: console.print(f"Another import or a training reads {escape(str(place.folder))}; waiting for it."),
        )
    console.print(f"{new:,} events are on disk in {escape(str(place.folder))}.")
