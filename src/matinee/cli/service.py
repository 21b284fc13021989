"""The verbs that serve: the demo, from nothing to a home page, and the service of a workspace."""

from __future__ import annotations

from pathlib import Path
from socket import socket
from typing import Annotated

import numpy as np
import typer
from rich.markup import escape

from matinee.cli.data import bring_in_demo
from matinee.cli.models import train_one
from matinee.cli.terminal import LARGEST_SEED, WORKSPACE, Into, Port, Seed, console
from matinee.workspace import Workspace


def demo(
    port: Port = 8000,
    workspace: Into = Path("var/demo"),
    data: Annotated[
        Path | None, typer.Option(help="A MovieLens folder or archive instead of the fetched 100K.")
    ] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Train the sequence model too and serve it first; needs the extra deep.")
    ] = False,
    seed: Seed = 0,
) -> None:
    """Get MovieLens 100K, train, and serve a home page on 127.0.0.1."""
    from matinee.recipes import SERVED, WHERE_TRAINED, served_in
    from matinee.serving import listen

    place = Workspace(workspace)
    with listen("127.0.0.1", port) as sock:
        if place.exists:
            console.print(
                f"[bold]Workspace[/] {escape(str(workspace))} is there already: keeping its members, clicks, decisions."
            )
        else:
            bring_in_demo(place, data)
        for name in (*WHERE_TRAINED, *SERVED) if deep else served_in(place):
            train_one(place, name, seed)
        _serve(place, sock, seed)


def serve(
    workspace: Into = WORKSPACE,
    port: Port = 8000,
    host: Annotated[str, typer.Option(help="Address to bind; other than loopback needs keys.")] = "127.0.0.1",
    read_key: Annotated[list[str] | None, typer.Option(help="X-API-Key that may read.")] = None,
    write_key: Annotated[list[str] | None, typer.Option(help="X-API-Key that may read and write.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=LARGEST_SEED, help="Seed of exploration; random by default.")
    ] = None,
) -> None:
    """Serve the newest artifacts of a workspace over HTTP, with the web page when no key is set."""
    if host not in ("127.0.0.1", "::1", "localhost") and not (read_key or write_key):
        raise typer.BadParameter(f"{host} is not loopback and no key is set; give --read-key and --write-key")
    from matinee.serving import listen

    place = Workspace(workspace)
    place.require()
    with listen(host, port) as sock:
        _serve(place, sock, seed, frozenset(read_key or ()), frozenset(write_key or ()))


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
