"""The verbs that compare: leaderboards under published protocols, and tuning with equal budgets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from matinee.cli.data import fetch
from matinee.cli.reading import FileOptions, takes_files
from matinee.cli.terminal import Html, Json, Seed, console, named, progress_bar, show, writable
from matinee.data.dataset import Dataset
from matinee.data.sources.reading import Source, guess
from matinee.decision import Scorer
from matinee.errors import MissingExtra
from matinee.extras import needing

if TYPE_CHECKING:
    from matinee.evaluate.protocols import Protocol
    from matinee.tune import Tuned


class Rules(StrEnum):
    """The protocols of `matinee leaderboard`."""

    NCF = "ncf"
    NEXT_ITEM = "next-item"
    NEXT_ITEM_REFITTED = "next-item-refitted"
    STRONG = "strong"
    TIME_SPLIT = "time-split"
    OWN_TIMES = "own-times"
    SHOWN_LISTS = "shown-lists"


Data = Annotated[
    Path | None,
    typer.Option("--data", help="File or folder to compare on; without, MovieLens 100K."),
]
How = Annotated[Source | None, typer.Option("--source", help="How to read it; by default told by its files' names.")]
Models = Annotated[str | None, typer.Option("--models", help="Names, separated by commas; by default all.")]


@takes_files
def leaderboard(
    protocol: Annotated[Rules, typer.Option(help="What is asked, and how it is scored.")] = Rules.NEXT_ITEM,
    data: Data = None,
    source: How = None,
    files: FileOptions = FileOptions(),
    models: Models = None,
    fits: Annotated[int, typer.Option(min=1, help="Fits of each model that depends on chance.")] = 3,
    baselines: Annotated[
        str | None,
        typer.Option(
            help="Names, separated by commas: all models are compared with the best of these. By default popularity, "
            "popularity-7d and ease-recent where they run, otherwise the first model."
        ),
    ] = None,
    tuned: Annotated[
        Path | None, typer.Option(help="Settings found by `matinee tune --out`: they stand beside as `NAME tuned`.")
    ] = None,
    html: Html = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Compare models side by side under a published protocol: quality with intervals, and what it costs."""
    from matinee.evaluate.leaderboard import BASELINES
    from matinee.evaluate.leaderboard import leaderboard as run
    from matinee.recipes.leaderboards import board_of, with_baselines
    from matinee.report.board import Board

    makers = with_baselines(protocol, named({**board_of(protocol), **_tuned_makers(tuned)}, models))
    among = BASELINES if baselines is None else tuple(named(makers, baselines))
    rules, dataset = _asked(protocol, data, source, files)
    with progress_bar(protocol) as progress:
        standings = run(dataset, rules, makers, fits=fits, seed=seed, baselines=among, progress=progress)
    show(Board(standings), html, as_json)


@takes_files
def tune(
    protocol: Annotated[Rules, typer.Option(help="Whose validation judges; its test is never cut.")] = Rules.TIME_SPLIT,
    data: Data = None,
    source: How = None,
    files: FileOptions = FileOptions(),
    models: Models = None,
    trials: Annotated[int, typer.Option(min=1, help="Settings tried for each model.")] = 20,
    minutes: Annotated[float, typer.Option(min=0.01, help="Minutes for each model; then no setting is begun.")] = 10.0,
    folder: Annotated[Path, typer.Option(help="Where studies are kept; run again to go on.")] = Path("var/tuning"),
    out: Annotated[
        Path | None, typer.Option(help="Write the settings found here, for `leaderboard --tuned`.", callback=writable)
    ] = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Find the best settings of every model that has a search space, with the same budget for all, on validation."""
    with needing("tune"):
        from matinee.tune import Budget
        from matinee.tune import tune as run
    from matinee.recipes.registry import search_spaces

    rules, dataset = _asked(protocol, data, source, files)
    with progress_bar("tuning") as progress:
        found = run(
            dataset, rules, named(search_spaces(protocol), models), folder, Budget(trials, 60 * minutes), seed, progress
        )
    _say_found(found, protocol)
    settings_of = {one.model: dict(one.settings) for one in found if one.value is not None}
    if as_json:
        print(json.dumps([asdict(one) for one in found]), flush=True)
    if out is not None:
        out.write_text(json.dumps(settings_of, indent=1))
        if not as_json:
            console.print(f"Settings: {escape(str(out))}")


def _say_found(found: Sequence[Tuned], protocol: Rules) -> None:
    """Print the best of each model, and why the others were refused."""
    table = Table(title=f"best of the validation of {protocol}", title_justify="left")
    for heading in ("model", found[0].metric, "settings", "measured", "dropped", "refused", "seconds"):
        table.add_column(heading)
    for one in found:
        settings = ", ".join(f"{key} {_short(value)}" for key, value in one.settings.items())
        counts = (str(one.measured), str(one.dropped), str(one.refused), f"{one.seconds:,.0f}")
        table.add_row(one.model, "refused" if one.value is None else f"{one.value:.4f}", settings, *counts)
    console.print(table)
    for one in found:
        if one.value is None:
            every = " with every setting" if one.refused else ""
            console.print(f"{one.model} was refused{every}: {escape(one.reason)}")


def _asked(rules: Rules, path: Path | None, source: Source | None, files: FileOptions) -> tuple[Protocol, Dataset]:
    """The protocol of this name, and the data as it reads them."""
    from matinee.evaluate.protocols import LEADERBOARDS

    protocol = next(one for one in LEADERBOARDS if one.name == rules)
    where = path or fetch()
    dataset = files.read(source or guess(where), where, protocol.pairs)
    console.print(Panel(escape(dataset.describe()), title="Data", title_align="left"))
    return protocol, dataset


def _tuned_makers(path: Path | None) -> dict[str, Callable[[], Scorer]]:
    """Makers of scorers with the settings that tuning wrote; each is made once, to see that its space still fits."""
    if path is None:
        return {}
    with needing("tune"):
        from optuna.trial import FixedTrial
    from matinee.recipes.registry import SPACES

    try:
        settings = json.loads(path.read_text())
        trials = {name: FixedTrial(dict(chosen)) for name, chosen in settings.items()}
        makers = {name: partial(SPACES[name], trial) for name, trial in trials.items()}
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise typer.BadParameter(f"{path} is not what `matinee tune --out` writes: {error!r}") from error
    for name, make in makers.items():
        try:
            with suppress(MissingExtra):  # told by the leaderboard, if this model is asked for
                make()
                _nothing_left(settings[name], trials[name].params)
        except (ValueError, TypeError) as error:
            raise typer.BadParameter(f"the settings of {name} in {path} do not fit; tune it again: {error}") from error
    return {f"{name} tuned": make for name, make in makers.items()}


def _nothing_left(given: Mapping[str, Any], used: Mapping[str, Any]) -> None:
    if left := sorted(set(given) - set(used)):
        raise ValueError(f"its space does not know {', '.join(left)}")


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
