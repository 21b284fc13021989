"""The verbs that serve: the demo, from nothing to a home page, and the service of a workspace."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from socket import socket
from typing import Annotated

import numpy as np
import typer
from rich.markup import escape

from matinee.cli.data import bring_in_demo
from matinee.cli.models import train_one
from matinee.cli.terminal import LARGEST_SEED, WORKSPACE, Into, Port, Seed, console, named
from matinee.extras import installed
from matinee.models.budget import Budget
from matinee.workspace import Workspace

BUDGET = Budget()


def demo(
    port: Port = 8000,
    workspace: Into = Path("var/demo"),
    data: Annotated[
        Path | None, typer.Option(help="A MovieLens folder or archive instead of the fetched 100K.")
    ] = None,
    deep: Annotated[
        bool | None,
        typer.Option(
            "--deep/--no-deep",
            help="Train the sequence model and serve it first; by default where torch is installed and it takes less "
            "than three minutes.",
        ),
    ] = None,
    seed: Seed = 0,
) -> None:
    """Get MovieLens 100K, train, and serve a home page on 127.0.0.1."""
    from matinee.recipes import SERVED, WHERE_TRAINED, trained_in_demo
    from matinee.serving import listen

    place = Workspace(workspace)
    with listen("127.0.0.1", port) as sock:
        if place.exists:
            console.print(
                f"[bold]Workspace[/] {escape(str(workspace))} is there already: keeping its members, clicks, decisions."
            )
        else:
            bring_in_demo(place, data)
        names = trained_in_demo(place) if deep is None else (*(WHERE_TRAINED if deep else ()), *SERVED)
        for name in names:
            train_one(place, name, seed)
        if not installed("torch"):
            console.print("[dim]With torch the demo serves the sequence model, which is better: `make demo-deep`.[/]")
        _serve(place, sock, seed)


def serve(
    workspace: Into = WORKSPACE,
    port: Port = 8000,
    host: Annotated[str, typer.Option(help="Address to bind; other than loopback needs keys.")] = "127.0.0.1",
    read_key: Annotated[list[str] | None, typer.Option(help="X-API-Key that may read.")] = None,
    write_key: Annotated[list[str] | None, typer.Option(help="X-API-Key that may read and write.")] = None,
    models: Annotated[
        str | None,
        typer.Option(
            "--models",
            help="Models of the home page from best to simplest, separated by commas; by default sequence where it was "
            "trained, ease-recent, popularity.",
        ),
    ] = None,
    max_bytes: Annotated[int, typer.Option(min=1, help="Bytes that a model may have on disk.")] = BUDGET.bytes,
    max_milliseconds: Annotated[
        float, typer.Option(min=0.001, help="Milliseconds that a model may take to score all titles for one member.")
    ] = BUDGET.milliseconds,
    seed: Annotated[
        int | None, typer.Option(min=0, max=LARGEST_SEED, help="Seed of exploration; random by default.")
    ] = None,
) -> None:
    """Serve the newest artifacts of a workspace over HTTP, with the web page when no key is set."""
    if host not in ("127.0.0.1", "::1", "localhost") and not (read_key or write_key):
        raise typer.BadParameter(f"{host} is not loopback and no key is set; give --read-key and --write-key")
    from matinee.contenders import CONTENDERS
    from matinee.serving import listen

    home = None if models is None else tuple(named(CONTENDERS, models))
    budget = Budget(max_bytes, max_milliseconds)
    place = Workspace(workspace)
    place.require()
    with listen(host, port) as sock:
        _serve(place, sock, seed, frozenset(read_key or ()), frozenset(write_key or ()), home, budget)


def _serve(
    place: Workspace,
    sock: socket,
    seed: int | None,
    read_keys: frozenset[str] = frozenset(),
    write_keys: frozenset[str] = frozenset(),
    home: tuple[str, ...] | None = None,
    budget: Budget = BUDGET,
) -> None:
    from matinee.catalog import Catalog
    from matinee.data.log import EventLog
    from matinee.recipes import ladders
    from matinee.service.app import create_app
    from matinee.service.deployment import Deployment
    from matinee.serving import run

    catalog = Catalog.load(place.catalog_path)
    with EventLog(place.log_path) as opened:
        build = partial(ladders, place, opened, catalog, budget=budget, home=home, say=_left_out)
        first = build()
        serving = {name for steps in first.values() for name, _ in steps}
        deployment = Deployment(
            log=opened,
            catalog=catalog,
            ladders=first,
            rng=np.random.default_rng(seed),
            read_keys=read_keys,
            write_keys=write_keys,
            reload=partial(build, required=serving),
            note=place.about,
        )
        run(create_app(deployment), sock, lambda url: console.print(f"Home page: {url}"))


def _left_out(why: str) -> None:
    console.print(f"[bold yellow]Warning:[/] {escape(why)}", highlight=False, soft_wrap=True)
