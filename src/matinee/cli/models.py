"""The verbs about models: train them and compare them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from matinee.cli.data import fetch
from matinee.cli.never_ran import Counted, Never, Rewarded, Since, Surface, Within, never_ran
from matinee.cli.reading import FileOptions, takes_files
from matinee.cli.self_selected import Seeds, Told, self_selected
from matinee.cli.terminal import WORKSPACE, Html, Into, Json, Seed, TimeZone, console, progress_bar, show, warn
from matinee.data.sources.reading import Source
from matinee.drift import Drift
from matinee.errors import Collapsed, MatineeError
from matinee.evaluate.self_selected import Propensity
from matinee.maths.intervals import share_interval
from matinee.workspace import Workspace


def train(
    model: Annotated[str | None, typer.Argument(help="One model; by default those that are served.")] = None,
    going_on: Annotated[bool, typer.Option("--continue", help="Go on from the newest artifact.")] = False,
    workspace: Into = WORKSPACE,
    time_zone: TimeZone = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Keep a model that is far worse than the one before it.")
    ] = False,
    seed: Seed = 0,
) -> None:
    """Train on everything in the log, say how good each model is, and write the artifacts.

    A model that is refused is told and stops no other; the exit code is 1 when none was trained.
    """
    from matinee.recipes.serving import served_in

    _require_model(model)
    place = Workspace(workspace)
    place.require()
    if time_zone is not None:
        place.set_time_zone(time_zone)
    train_each(place, served_in(place) if model is None else (model,), seed, going_on, accept)


@takes_files
def evaluate(
    path: Annotated[
        Path | None, typer.Argument(help="Data to evaluate on; MovieLens 100K is fetched if none is given.")
    ] = None,
    source: Annotated[Source, typer.Option(help="How to read it.")] = Source.MOVIELENS,
    files: FileOptions = FileOptions(),
    html: Html = None,
    pages: Annotated[bool, typer.Option(help="Measure whole home pages too.")] = True,
    seed: Seed = 0,
    as_json: Json = False,
    policy: Never = None,
    workspace: Into = WORKSPACE,
    surface: Surface = None,
    reward: Counted = Rewarded.PLAYED,
    days: Within = 1.0,
    since: Since = None,
    propensity: Told = Propensity.NAIVE_BAYES,
    seeds: Seeds = 10,
) -> None:
    """Compare the models with honest numbers: two protocols, full catalogue, intervals and paired tests.

    With --policy: what a policy that never ran would have earned, from the log of a workspace. With --source mnar:
    learners from ratings that members chose, judged on ratings that chance chose.
    """
    if policy is not None:
        if path is not None:
            raise typer.BadParameter("--policy reads the log of --workspace; leave the path out")
        never_ran(policy, workspace, surface, reward, days, since, html, as_json, seed)
        return
    if source is Source.MNAR:
        if path is None:
            raise typer.BadParameter("--source mnar needs a path: a folder with a train and a test file")
        self_selected(path, files.max_bytes, propensity, seeds, seed, html, as_json)
        return
    from matinee.evaluate import evaluate as run
    from matinee.recipes.evaluation import compared, home_pages
    from matinee.report.offline import Report

    dataset = files.read(source, path or fetch())
    console.print(Panel(escape(dataset.describe()), title="Data", title_align="left"))
    with progress_bar("evaluating") as progress:
        results = run(
            dataset,
            compared(),
            np.random.default_rng(seed),
            policies=home_pages() if pages else None,
            progress=progress,
        )
    show(Report(results), html, as_json)


def train_each(place: Workspace, names: Sequence[str], seed: int, going_on: bool = False, accept: bool = False) -> None:
    """Train some models of a workspace, and say of each that the home page may show what it has over simpler ones; one
    that is refused is told and stops no other.

    Raises the first collapse, or the first refusal when every model was refused.
    """
    from matinee.recipes.serving import HOME
    from matinee.recipes.standing import verdicts

    refused: list[MatineeError] = []
    for name in names:
        try:
            train_one(place, name, seed, going_on, accept)
        except MatineeError as error:
            refused.append(error)
            if len(names) > 1:
                warn(f"{name} is not trained: {error}")
    for verdict in verdicts(place, tuple(HOME)):
        console.print(escape(str(verdict)))
    fallen = [error for error in refused if isinstance(error, Collapsed)]
    if fallen or (refused and len(refused) == len(names)):
        raise (fallen or refused)[0]


def recommend(
    user: Annotated[str, typer.Argument(help="The member's id.")],
    n: Annotated[int, typer.Option("--n", "-n", min=1, help="How many titles.")] = 10,
    model: Annotated[str | None, typer.Option(help="A trained model; by default the best that is served.")] = None,
    workspace: Into = WORKSPACE,
    as_json: Json = False,
) -> None:
    """Recommend titles to a member with a trained model: what they have not played, rated or judged yet, best first."""
    from matinee.recipes.serving import recommender

    _require_model(model)
    place = Workspace(workspace)
    fitted = recommender(place, user, model)
    answer = fitted.recommend(user, n)
    names = [fitted.data.catalog.names[fitted.data.catalog.index[item]] for item in answer["item_id"]]
    table = Table(title=f"{escape(user)} [dim]({fitted.name})[/]", title_justify="left")
    for heading in ("rank", "title", "item_id", "score"):
        table.add_column(heading)
    for (_, item, score, rank), name in zip(answer.iter_rows(), names, strict=True):
        table.add_row(str(rank), escape(name), escape(item), f"{score:.4g}")
    console.print(table)
    if as_json:
        print(json.dumps(answer.to_dicts()))


def _require_model(name: str | None) -> None:
    from matinee.recipes.registry import MODELS

    if name is not None and name not in MODELS:
        raise typer.BadParameter(f"{name!r} is no model; choose from {', '.join(MODELS)}")


def train_one(place: Workspace, name: str, seed: int, going_on: bool = False, accept: bool = False) -> None:
    """Train one model of a workspace and show how good it is, and what it changed."""
    from matinee.recipes.training import train_into

    with progress_bar(name) as progress:
        artifact, changed = train_into(place, name, np.random.default_rng(seed), progress, going_on, accept)
    table = _metrics_table(name, artifact.artifact_id, artifact.manifest.metrics, changed)
    for what, said in artifact.manifest.from_looks.words:
        table.add_row(what, said)
    console.print(table)


def _metrics_table(name: str, artifact_id: str, metrics: dict[str, Any], changed: Drift) -> Table:
    table = Table(title=f"{name} [dim]({artifact_id})[/]", title_justify="left", show_header=False)
    for key in ("recall@20", "ndcg@20"):
        if key in metrics:
            low, high = share_interval(metrics[key], metrics[f"{key}_se"])
            table.add_row(key, f"{metrics[key]:.4f} [dim]{low:.4f} to {high:.4f}[/]")
    table.add_row("measured on", f"the last likes of {metrics['members']:,} members, all titles ranked")
    if "cost" in metrics:
        table.add_row("cost", str(metrics["cost"]))
    for key, before, now in changed.fallen:
        table.add_row("[bold red]fell[/]", f"{key} from {before:.4f} to {now:.4f}")
    for one in changed.moved:
        table.add_row("moved for new members", escape(str(one)))
    return table
