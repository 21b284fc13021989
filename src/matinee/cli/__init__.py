"""The command line: one verb a stage. The only place that builds real things; everything else receives them."""

from __future__ import annotations

import typer

from matinee.cli.bench import bench
from matinee.cli.compare import leaderboard, tune
from matinee.cli.data import data, log
from matinee.cli.models import evaluate, train
from matinee.cli.service import demo, serve
from matinee.cli.terminal import errors

app = typer.Typer(
    name="matinee",
    help="Personalization for streaming catalogues: every row, page and suggestion is a decision with a probability.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for verb in (demo, data, train, evaluate, leaderboard, tune, serve, log, bench):
    app.command()(verb)


def main() -> None:
    """Entry point."""
    with errors():
        app()
