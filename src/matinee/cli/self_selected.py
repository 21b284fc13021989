"""The verb's part that judges learners on ratings which members chose, where chance chose others; its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.panel import Panel

from matinee.cli.terminal import console, progress_bar, show
from matinee.evaluate.self_selected import Propensity

Told = Annotated[
    Propensity, typer.Option("--propensity", help="Of --source mnar: how it is told how likely a rating was given.")
]
Seeds = Annotated[int, typer.Option("--seeds", min=2, max=1000, help="Of --source mnar: draws of the parts.")]


def self_selected(
    path: Path, max_bytes: int | None, told: Propensity, seeds: int, seed: int, html: Path | None, as_json: bool
) -> None:
    """Say how well naive, weighted and doubly robust learners predict what chance had members rate."""
    from matinee.data.sources.mnar import read_pair
    from matinee.evaluate.self_selected import SelfSelectedConfig, judge
    from matinee.report.self_selected import SelfSelectedReport

    pair = read_pair(path) if max_bytes is None else read_pair(path, max_bytes)
    console.print(Panel(escape(pair.describe()), title="Data", title_align="left"))
    with progress_bar("judging") as progress:
        judged = judge(pair.name, pair.chosen, pair.at_random, SelfSelectedConfig(told), seeds, seed, progress)
    show(SelfSelectedReport(judged), html, as_json)
