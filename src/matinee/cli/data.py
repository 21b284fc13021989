"""The verbs about data: read a source into a workspace, and look after the event log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.markup import escape
from rich.panel import Panel

from matinee.cli.terminal import WORKSPACE, Into, console, progress
from matinee.data.dataset import Dataset
from matinee.workspace import Workspace

CACHE = Path("var/data")


class Source(StrEnum):
    """What can be read."""

    MOVIELENS = "movielens"
    RANKLENS = "ranklens"
    TABULAR = "tabular"
    SEQUENCES = "sequences"
    NETFLIX = "netflix"
    TASTE_PROFILE = "taste-profile"


Titles = Annotated[Path | None, typer.Option(help="The titles of a tabular source.")]
Vectors = Annotated[
    Path | None, typer.Option(help="Parquet file of item_id and lists of numbers: what models see in images or sound.")
]


def data(
    source: Source,
    path: Annotated[Path, typer.Argument(help="A file, folder or archive; for tabular the interactions.")],
    titles: Titles = None,
    vectors: Vectors = None,
    workspace: Into = WORKSPACE,
) -> None:
    """Read a data set into a workspace: catalogue, profiles and events."""
    dataset = read(source, path, titles, vectors)
    console.print(Panel(escape(dataset.describe()), title="Found", title_align="left"))
    bring_in(Workspace(workspace), dataset)


def log(
    workspace: Into = WORKSPACE,
    seal_before: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Seal days before this one.")
    ] = None,
) -> None:
    """Check that the event log is whole; with --seal-before, move whole days of events into Parquet."""
    from matinee.data.log import EventLog

    place = Workspace(workspace)
    place.require()
    with EventLog(place.log_path) as opened:
        opened.check()
        console.print(f"{escape(str(place.log_path))} is whole.")
        if seal_before is not None:
            sealed = opened.seal(seal_before.date())
            console.print(f"Sealed {len(sealed):,} day(s).")


def read(
    source: Source, path: Path, titles: Path | None = None, vectors: Path | None = None, pairs: bool = False
) -> Dataset:
    """What the source finds there, and `vectors` of its titles; `pairs` takes all pairs of sequences that have both."""
    from matinee.data.sources.vectors import with_vectors

    dataset = _read(source, path, titles, pairs)
    return dataset if vectors is None else with_vectors(dataset, vectors)


def _read(source: Source, path: Path, titles: Path | None, pairs: bool) -> Dataset:
    from matinee.data.sources import movielens, netflix, ranklens, sequences, tabular, taste_profile

    match source:
        case Source.MOVIELENS:
            return movielens.read(path)
        case Source.RANKLENS:
            return ranklens.read(path)
        case Source.TABULAR:
            return tabular.read(path, titles)
        case Source.SEQUENCES:
            return sequences.read(path, pairs)
        case Source.NETFLIX:
            return netflix.read(path)
        case Source.TASTE_PROFILE:
            return taste_profile.read(path)


def guess(path: Path) -> Source:
    """The source of a path, by the names of its files and, of a table or text, by its columns or first line."""
    from matinee.data.sources import netflix, sequences, tabular, taste_profile

    if taste_profile.holds(path):
        return Source.TASTE_PROFILE
    if netflix.holds(path):
        return Source.NETFLIX
    lines = (".jsonl", ".gz")
    if path.suffix in lines or (path.is_dir() and any(one.suffix in lines for one in path.iterdir())):
        return Source.RANKLENS
    if path.is_file() and path.suffix in (*sequences.TEXTS, ".parquet", ""):
        return Source.TABULAR if tabular.holds(path) else Source.SEQUENCES
    return Source.SEQUENCES if sequences.holds(path) else Source.MOVIELENS


def fetch() -> Path:
    """MovieLens 100K, fetched once."""
    from matinee.data.sources.movielens import fetch_100k

    return fetch_100k(CACHE, console.print)


def bring_in_demo(place: Workspace, path: Path | None) -> None:
    """Bring in MovieLens, moved forward in time as far as it goes."""
    from matinee.data.sources import movielens
    from matinee.recipes import as_if_it_ended_now

    now = datetime.now(UTC)
    dataset, move = as_if_it_ended_now(movielens.read(path or fetch()), now)
    ago = (now - cast(datetime, dataset.events["timestamp"].max())) / timedelta(days=1)
    console.print(Panel(escape(dataset.describe()), title="Found", title_align="left"))
    console.print(
        f"Its time is moved forward by {move.days // 7:,} whole weeks, so that weekdays and hours stay true: "
        f"its last event was {ago:.1f} days ago."
    )
    bring_in(place, dataset)


def bring_in(place: Workspace, dataset: Dataset) -> None:
    """Write a data set into a workspace and say how much of it was new."""
    with progress("writing the event log") as tell:
        new = place.bring_in(dataset, lambda done: tell(f"{done:,} events", done / max(dataset.events.height, 1)))
    console.print(f"{new:,} events are on disk in {escape(str(place.folder))}.")
