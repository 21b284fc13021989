"""The verb for dials: what surfaces do where a request does not say."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table

from matinee.cli.terminal import WORKSPACE, Into, Json, console
from matinee.workspace import Workspace


class Tuned(StrEnum):
    """The surfaces with dials, as `data.tunings.TUNED`."""

    HOME = "home"
    SIMILAR = "similar"
    SEARCH = "search"
    TOGETHER = "together"


def dials(
    surface: Annotated[Tuned | None, typer.Argument(help="Which one to tune; left out, a list of all.")] = None,
    workspace: Into = WORKSPACE,
    diversity: Annotated[float | None, typer.Option(min=0, max=1, help="Titles and rows less like others.")] = None,
    calibration: Annotated[float | None, typer.Option(min=0, max=1, help="The member's own mix of genres.")] = None,
    novelty: Annotated[float | None, typer.Option(min=0, max=1, help="Titles that fewer members know.")] = None,
    freshness: Annotated[float | None, typer.Option(min=0, max=1, help="What was passed by gives way.")] = None,
    exposure: Annotated[float | None, typer.Option(min=0, max=1, help="Places for what few members met.")] = None,
    exploration: Annotated[float | None, typer.Option(min=0, max=1, help="How much is left to chance.")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="First forget what is kept of this surface.")] = False,
    as_json: Json = False,
) -> None:
    """Keep how a surface is tuned where a request does not say; a running service follows at once."""
    from matinee.data.tunings import TUNED, Tuning

    place = Workspace(workspace)
    place.require()
    told = {
        "diversity": diversity,
        "calibration": calibration,
        "novelty": novelty,
        "freshness": freshness,
        "exposure": exposure,
    }
    turned = {name: value for name, value in told.items() if value is not None}
    if surface is None and (turned or exploration is not None or reset):
        raise typer.BadParameter(f"name the surface to tune: {', '.join(TUNED)}")
    if surface is not None:
        with place.importing():
            known = Tuning() if reset else place.tunings.read().get(surface, Tuning())
            chance = known.exploration if exploration is None else exploration
            place.tunings.set(surface, Tuning(chance, replace(known.dials, **turned)))
    kept = {name: place.tunings.read().get(name, Tuning()) for name in TUNED}
    table = Table("surface", *told, "exploration", title="Where a request does not say", title_justify="left")
    for name, one in kept.items():
        said = "the policy's own" if one.exploration is None else f"{one.exploration:g}"
        table.add_row(name, *(f"{value:g}" for value in asdict(one.dials).values()), said)
    console.print(table)
    if as_json:
        print(json.dumps({name: asdict(one) for name, one in kept.items()}), flush=True)
