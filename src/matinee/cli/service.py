"""The verbs that serve: the demo, from nothing to a home page, and the service of a workspace."""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from socket import socket
from typing import Annotated, Any

import typer
from rich.markup import escape

from matinee.cli.data import bring_in_demo
from matinee.cli.models import train_each
from matinee.cli.terminal import LARGEST_SEED, WORKSPACE, Into, Port, Seed, TimeZone, console, named, progress_bar, warn
from matinee.errors import BadRequest
from matinee.extras import installed
from matinee.models.artifacts.budget import Budget
from matinee.service.keys import Keys
from matinee.service.visitors import Visitors
from matinee.workspace import Workspace

BUDGET = Budget()
OPEN = Keys()
MaxBytes = Annotated[int, typer.Option("--max-bytes", min=1, help="Bytes that a model may have on disk.")]
MaxMilliseconds = Annotated[
    float,
    typer.Option(
        "--max-milliseconds", min=0.001, help="Milliseconds that a model may take to score all titles for one member."
    ),
]

KeyToRead = Annotated[
    Path | None,
    typer.Option("--read-key-file", help="File of keys that may read, one a line; or set MATINEE_READ_KEY."),
]
KeyToWrite = Annotated[
    Path | None,
    typer.Option(
        "--write-key-file", help="File of keys that may read and write, one a line; or set MATINEE_WRITE_KEY."
    ),
]
HomeModels = Annotated[
    str | None,
    typer.Option(
        "--models",
        help="Models of the home page from best to simplest, separated by commas; by default those of sequence, "
        "transition-graph, ease-recent and popularity that are surely better than every simpler one on this data.",
    ),
]
Billboard = Annotated[
    str | None,
    typer.Option(
        "--billboard",
        help="Who chooses the billboard: thompson, discounted, windowed, ucb, greedy (all learn), or page.",
    ),
]
VisitorLimit = Annotated[
    str | None,
    typer.Option(
        "--visitor-limit",
        help="Age up to which those who are just looking are shown titles, or none; kept, at first 12.",
    ),
]


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
            help="Train the sequence model too and serve it where it is surely better; by default where torch is "
            "installed and it takes less than three minutes.",
        ),
    ] = None,
    max_bytes: MaxBytes = BUDGET.bytes,
    max_milliseconds: MaxMilliseconds = BUDGET.milliseconds,
    seed: Seed = 0,
) -> None:
    """Get MovieLens 100K, train, and serve a home page on 127.0.0.1."""
    from matinee.recipes.compiling import compiled_meanwhile
    from matinee.recipes.demo import trained_in_demo
    from matinee.recipes.serving import SERVED, WHERE_TRAINED
    from matinee.service.run import listen

    place = Workspace(workspace)
    with listen("127.0.0.1", port) as sock:
        if place.exists:
            console.print(
                f"[bold]Workspace[/] {escape(str(workspace))} is there already: keeping its members, clicks, decisions."
            )
        else:
            bring_in_demo(place, data)
        names = trained_in_demo(place) if deep is None else (*(WHERE_TRAINED if deep else ()), *SERVED)
        with compiled_meanwhile():
            train_each(place, names, seed)
        if not installed("torch"):
            console.print("[dim]With torch the demo tries the sequence model too: `make demo-deep`.[/]")
        _serve(place, sock, seed, budget=Budget(max_bytes, max_milliseconds))


def serve(
    workspace: Into = WORKSPACE,
    port: Port = 8000,
    host: Annotated[str, typer.Option(help="Address to bind; other than loopback needs keys.")] = "127.0.0.1",
    read_key_file: KeyToRead = None,
    write_key_file: KeyToWrite = None,
    models: HomeModels = None,
    max_bytes: MaxBytes = BUDGET.bytes,
    max_milliseconds: MaxMilliseconds = BUDGET.milliseconds,
    time_zone: TimeZone = None,
    billboard: Billboard = None,
    visitor_limit: VisitorLimit = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=LARGEST_SEED, help="Seed of exploration; random by default.")
    ] = None,
) -> None:
    """Serve the newest artifacts of a workspace over HTTP, with the web page when no key is set."""
    keys = Keys.of(keys_from("MATINEE_READ_KEY", read_key_file), keys_from("MATINEE_WRITE_KEY", write_key_file))
    if keys.open and not _loopback(host):
        raise typer.BadParameter(
            f"{host} is not loopback and no key is set; set MATINEE_READ_KEY and MATINEE_WRITE_KEY, "
            "or give --read-key-file and --write-key-file"
        )
    from matinee.recipes.learner import ARMS
    from matinee.recipes.registry import MODELS
    from matinee.service.run import listen

    home = None if models is None else tuple(named(MODELS, models))
    budget = Budget(max_bytes, max_milliseconds)
    place = Workspace(workspace)
    place.require()
    if time_zone is not None:
        place.set_time_zone(time_zone)
    if billboard is not None:
        place.set_billboard("" if billboard == "page" else next(iter(named(ARMS, billboard))))
    if visitor_limit is not None:
        place.set_visitor_limit(visitor_limit)
    with listen(host, port) as sock:
        _serve(place, sock, seed, keys, home, budget)


def _serve(
    place: Workspace,
    sock: socket,
    seed: int | None,
    keys: Keys = OPEN,
    home: tuple[str, ...] | None = None,
    budget: Budget = BUDGET,
) -> None:
    from matinee.catalog import Catalog
    from matinee.data.log import EventLog
    from matinee.experiment.folder import Experiments
    from matinee.recipes.learner import Learner
    from matinee.recipes.loop_watch import LoopWatch
    from matinee.recipes.serving import catalog_and_policies, catalog_and_policies_with
    from matinee.service.app import create_app
    from matinee.service.deployment import Deployment
    from matinee.service.run import run

    words = "Home page: {}" if keys.open else "Serving to holders of a key: {}docs"
    with EventLog(place.log_path) as opened, ExitStack() as until_ready:
        progress = until_ready.enter_context(progress_bar("starting"))
        progress("loading the models and measuring them", 0.0)
        learner = Learner(place, opened)
        experiments, tunings = Experiments(place.experiments_path), place.tunings
        for kept in (experiments, tunings):
            kept()  # a damaged one is refused before anything is loaded
        options: dict[str, Any] = {"workspace": place, "log": opened, "budget": budget, "home": home, "say": warn}
        options["learner"] = learner
        build = partial(catalog_and_policies, **options)
        catalog, first = build()
        serving = {name for steps in first.values() for name, _ in steps}
        watch = LoopWatch(opened, lambda: Catalog.load(place.catalog_path))
        deployment = Deployment(
            log=opened,
            catalog=catalog,
            policies=first,
            secret=b"" if seed is None else str(seed).encode(),
            keys=keys,
            reload=partial(build, required=serving),
            grow=partial(catalog_and_policies_with, **options, required=serving),
            note=place.about,
            time_zone=place.time_zone,
            refusals=lambda: place.refusals,
            loops=lambda: watch.numbers,
            experiments=experiments,
            tunings=tunings,
            watched=lambda: learner.watched().with_alarms(watch.alarms),
            studio=learner.studio,
            visitors=_visitors(place),
        )
        progress("asking every model for pages, which compiles what is new", 0.5)
        with learner.running(), watch.running():
            run(create_app(deployment), sock, lambda url: _ready(until_ready, words.format(url)))


def _ready(until_ready: ExitStack, words: str) -> None:
    until_ready.close()
    console.print(words)


def _visitors(place: Workspace) -> Visitors:
    """What visitors may see, as the workspace says, else as a service has it."""
    said = place.visitor_limit
    return Visitors() if not said else Visitors(None if said == "none" else int(said))


def keys_from(variable: str, path: Path | None) -> list[str]:
    """The keys of an environment variable and of a file. Raises `BadRequest` where one is named but holds none.

    They are no arguments: every user of a machine may see those.
    """
    keys = [] if (given := os.environ.get(variable)) is None else [given]
    if path is not None:
        lines = [line.strip() for line in path.read_text().splitlines()]
        found = [line for line in lines if line and not line.startswith("#")]
        if not found:
            raise BadRequest(f"the key file {path} holds no key; write one a line")
        keys += found
    if "" in keys:
        raise BadRequest(f"{variable} is set and empty, so no key would be asked for; set a key or unset it")
    return keys


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
