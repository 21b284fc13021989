"""The command line: one verb a stage. The only place that builds real things; everything else receives them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from socket import socket
from typing import Annotated, Any, cast

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from matinee.data.dataset import Dataset
from matinee.errors import MatineeError
from matinee.workspace import Workspace

app = typer.Typer(
    name="matinee",
    help="Personalization for streaming catalogues: every row, page and suggestion is a decision with a probability.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console(stderr=False)

WORKSPACE = Path("var/workspace")
CACHE = Path("var/data")
REPORT_WIDTH = 100  # columns that the tables of a report need


class Source(StrEnum):
    """What `matinee data` and `matinee evaluate` can read."""

    MOVIELENS = "movielens"
    RANKLENS = "ranklens"
    TABULAR = "tabular"


class Bench(StrEnum):
    """The benchmarks, one by one or all of them."""

    PAGE = "page"
    SERVE = "serve"
    INGEST = "ingest"
    EASE = "ease"
    FACTORS = "factors"
    ALL = "all"


Into = Annotated[Path, typer.Option("--workspace", help="Folder of the catalogue, the log and the models.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on the last line.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")]


@app.command()
def demo(
    port: Port = 8000,
    workspace: Into = Path("var/demo"),
    data: Annotated[
        Path | None, typer.Option(help="A MovieLens folder or archive instead of the fetched 100K.")
    ] = None,
    seed: Seed = 0,
) -> None:
    """Get MovieLens 100K, train, and serve a home page on 127.0.0.1."""
    from matinee.recipes import SERVED
    from matinee.serving import listen

    place = Workspace(workspace)
    with listen("127.0.0.1", port) as sock:
        if place.exists:
            console.print(
                f"[bold]Workspace[/] {escape(str(workspace))} is there already: keeping its members, clicks, decisions."
            )
        else:
            _bring_in_demo(place, data)
        for name in SERVED:
            _train(place, name, seed)
        _serve(place, sock, seed)


@app.command()
def data(
    source: Source,
    path: Annotated[Path, typer.Argument(help="A file, folder or archive; for tabular the interactions.")],
    titles: Annotated[Path | None, typer.Option(help="The titles of a tabular source.")] = None,
    workspace: Into = WORKSPACE,
) -> None:
    """Read a data set into a workspace: catalogue, profiles and events."""
    dataset = _read(source, path, titles)
    console.print(Panel(escape(dataset.describe()), title="Found", title_align="left"))
    _import(Workspace(workspace), dataset)


@app.command()
def train(
    model: Annotated[str | None, typer.Argument(help="One model; by default those that are served.")] = None,
    workspace: Into = WORKSPACE,
    seed: Seed = 0,
) -> None:
    """Train on everything in the log, say how good the model is, and write the artifact."""
    from matinee.recipes import SERVED, contenders

    if model is not None and model not in contenders():
        raise typer.BadParameter(f"{model!r} is no model; choose from {', '.join(contenders())}")
    for name in SERVED if model is None else [model]:
        _train(Workspace(workspace), name, seed)


@app.command()
def evaluate(
    path: Annotated[
        Path | None, typer.Argument(help="Data to evaluate on; MovieLens 100K is fetched if none is given.")
    ] = None,
    source: Annotated[Source, typer.Option(help="How to read it.")] = Source.MOVIELENS,
    titles: Annotated[Path | None, typer.Option(help="The titles of a tabular source.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write an HTML report with plots here.")] = None,
    pages: Annotated[bool, typer.Option(help="Measure whole home pages too.")] = True,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Compare the models with honest numbers: two protocols, full catalogue, intervals and paired tests."""
    from matinee.evaluate import evaluate as run
    from matinee.recipes import contenders, home_pages

    dataset = _read(source, path or _fetch(), titles)
    console.print(Panel(escape(dataset.describe()), title="Data", title_align="left"))
    with _progress() as bar:
        task = bar.add_task("evaluating", total=None)
        report = run(
            dataset,
            contenders(),
            np.random.default_rng(seed),
            policies=home_pages() if pages else None,
            progress=lambda protocol, stage: bar.update(task, description=f"{protocol}: {stage}"),
        )
    Console(width=max(console.width, REPORT_WIDTH)).print(report.table())
    if html is not None:
        report.write_html(html)
        console.print(f"Report: {html}")
    if as_json:
        print(json.dumps(report.json()))


@app.command()
def serve(
    workspace: Into = WORKSPACE,
    port: Port = 8000,
    host: Annotated[str, typer.Option(help="Address to bind; other than loopback needs keys.")] = "127.0.0.1",
    read_key: Annotated[list[str] | None, typer.Option(help="X-API-Key that may read.")] = None,
    write_key: Annotated[list[str] | None, typer.Option(help="X-API-Key that may read and write.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of exploration; random by default.")] = None,
) -> None:
    """Serve the newest artifacts of a workspace over HTTP, with the web page when no key is set."""
    if host not in ("127.0.0.1", "::1", "localhost") and not (read_key or write_key):
        raise typer.BadParameter(f"{host} is not loopback and no key is set; give --read-key and --write-key")
    from matinee.serving import listen

    place = Workspace(workspace)
    place.require()
    with listen(host, port) as sock:
        _serve(place, sock, seed, frozenset(read_key or ()), frozenset(write_key or ()))


@app.command()
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
        console.print(f"{place.log_path} is whole.")
        if seal_before is not None:
            sealed = opened.seal(seal_before.date())
            console.print(f"Sealed {len(sealed):,} day(s).")


@app.command()
def bench(name: Bench, as_json: Json = False) -> None:
    """Run a benchmark from a checkout's benchmarks/ folder."""
    folder = Path(__file__).resolve().parents[2] / "benchmarks"
    if not folder.is_dir():
        raise typer.BadParameter("benchmarks live in a checkout of the project; there is none around this installation")
    sys.path.insert(0, str(folder))
    results = {one: _run_bench(one) for one in Bench if one != Bench.ALL and name in (one, Bench.ALL)}
    if as_json:
        print(json.dumps(results if name is Bench.ALL else results[name]))


def main() -> None:
    """Entry point: errors of the tree and of the system in one line, never a traceback."""
    with _errors():
        app()


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except (MatineeError, OSError) as error:
        remedy = "" if isinstance(error, MatineeError) else "; check the path, rights, space or port it speaks of"
        said = escape(f"{error}{remedy}".replace("\n", " "))
        Console(stderr=True).print(f"[bold red]Error:[/] {said}", highlight=False, soft_wrap=True)
        raise SystemExit(1) from error


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console
    )


def _fetch() -> Path:
    from matinee.data.sources.movielens import fetch_100k

    return fetch_100k(CACHE, console.print)


def _read(source: Source, path: Path, titles: Path | None) -> Dataset:
    from matinee.data.sources import movielens, ranklens, tabular

    match source:
        case Source.MOVIELENS:
            return movielens.read(path)
        case Source.RANKLENS:
            return ranklens.read(path)
        case Source.TABULAR:
            return tabular.read(path, titles)


def _bring_in_demo(place: Workspace, path: Path | None) -> None:
    from matinee.data.sources import movielens
    from matinee.recipes import as_if_it_ended_now

    now = datetime.now(UTC)
    dataset, move = as_if_it_ended_now(movielens.read(path or _fetch()), now)
    ago = (now - cast(datetime, dataset.events["timestamp"].max())) / timedelta(days=1)
    console.print(Panel(escape(dataset.describe()), title="Found", title_align="left"))
    console.print(
        f"Its time is moved forward by {move.days // 7:,} whole weeks, so that weekdays and hours stay true: "
        f"its last event was {ago:.1f} days ago."
    )
    _import(place, dataset)


def _import(place: Workspace, dataset: Dataset) -> None:
    with _progress() as bar:
        task = bar.add_task("writing the event log", total=dataset.events.height)
        new = place.bring_in(dataset, lambda done: bar.update(task, completed=done))
        bar.update(task, completed=dataset.events.height)
    console.print(f"{new:,} events are on disk in {escape(str(place.folder))}.")


def _train(place: Workspace, name: str, seed: int) -> None:
    from matinee.recipes import train_into

    with _progress() as bar:
        task = bar.add_task(f"{name}: starting", total=1.0)
        artifact = train_into(
            place,
            name,
            np.random.default_rng(seed),
            lambda what, done: bar.update(task, description=f"{name}: {what}", completed=done),
        )
    console.print(_metrics_table(name, artifact.artifact_id, artifact.manifest.metrics))


def _metrics_table(name: str, artifact_id: str, metrics: dict[str, Any]) -> Table:
    table = Table(title=f"{name} [dim]({artifact_id})[/]", title_justify="left", show_header=False)
    for key in ("recall@20", "ndcg@20"):
        if key in metrics:
            table.add_row(key, f"{metrics[key]:.4f} ± {1.96 * metrics[f'{key}_se']:.4f}")
    table.add_row("measured on", f"the last likes of {metrics['members']:,} members, all titles ranked")
    return table


def _serve(
    place: Workspace,
    sock: socket,
    seed: int | None,
    read_keys: frozenset[str] = frozenset(),
    write_keys: frozenset[str] = frozenset(),
) -> None:
    from matinee.catalog import Catalog
    from matinee.data.log import EventLog
    from matinee.recipes import ladders
    from matinee.service.app import create_app
    from matinee.service.deployment import Deployment
    from matinee.serving import run

    catalog = Catalog.load(place.catalog_path)
    with EventLog(place.log_path) as opened:
        deployment = Deployment(
            log=opened,
            catalog=catalog,
            ladders=ladders(place, opened, catalog),
            rng=np.random.default_rng(seed),
            read_keys=read_keys,
            write_keys=write_keys,
            reload=lambda: ladders(place, opened, catalog),
            note=place.about,
        )
        run(create_app(deployment), sock, lambda url: console.print(f"Home page: {url}"))


def _run_bench(name: Bench) -> dict[str, Any]:
    import importlib

    module = importlib.import_module(f"bench_{name.value}")
    with _progress() as bar:
        task = bar.add_task(name.value, total=1.0)
        result: dict[str, Any] = module.run(
            lambda what, done: bar.update(task, description=f"{name.value}: {what}", completed=done)
        )
    table = Table(title=name.value, title_justify="left", show_header=False)
    for key, value in result.items():
        table.add_row(key, f"{value:,.4g}" if isinstance(value, float) else str(value))
    console.print(table)
    return result
