"""The command line: one verb a stage. The only place that builds real things; everything else receives them."""

from __future__ import annotations

from typing import Annotated

import typer

import matinee
from matinee.cli.bench import bench
from matinee.cli.compare import leaderboard, tune
from matinee.cli.data import data
from matinee.cli.dials import dials
from matinee.cli.experiment import experiment
from matinee.cli.log import log
from matinee.cli.models import evaluate, recommend, train
from matinee.cli.outreach import outreach
from matinee.cli.report import report
from matinee.cli.service import demo, serve
from matinee.cli.simulate import simulate
from matinee.cli.terminal import errors
from matinee.maths.cores import blas_on_usable_cores

app = typer.Typer(
    name="matinee",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
for verb in (
    demo,
    data,
    train,
    recommend,
    evaluate,
    leaderboard,
    tune,
    serve,
    dials,
    simulate,
    report,
    experiment,
    outreach,
    log,
    bench,
):
    app.command()(verb)


def _say_version(wanted: bool) -> None:
    if wanted:
        print(matinee.__version__)
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    """Personalization for streaming catalogues: every row, page and suggestion is a decision with a probability."""


def main() -> None:
    """Entry point."""
    with errors(), blas_on_usable_cores():
        app()
