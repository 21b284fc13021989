"""Training into a workspace: from everything in its log to an artifact that is not far worse than the one before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.clock import Clocks
from matinee.data.attention import attentions, layouts_of
from matinee.data.exposures import Corrects
from matinee.data.from_decisions import Decided, PropensityFit, by_log
from matinee.data.histories import training_data
from matinee.data.log import EventLog
from matinee.data.looked import FromLooks, looks_of
from matinee.data.seen import seen_pages
from matinee.data.shown_choices import shown_choices
from matinee.decision import Progress, Scorer, no_progress
from matinee.drift import Drift, drift
from matinee.errors import ArtifactRefused, Collapsed, MissingExtra
from matinee.events import END_OF_TIME
from matinee.files import write_whole
from matinee.history import TrainingData
from matinee.models.artifacts.artifact import Artifact, load_artifact, save_artifact
from matinee.page import Layouts
from matinee.recipes.costs import expected, told
from matinee.recipes.registry import MODELS, SCORERS
from matinee.train import Previous, Trained, train, warm_start
from matinee.workspace import Workspace

EVERY = 2**62  # profiles; more than there are


def train_into(
    workspace: Workspace,
    name: str,
    rng: np.random.Generator,
    progress: Progress = no_progress,
    going_on: bool = False,
    accept: bool = False,
) -> tuple[Artifact, Drift]:
    """Train the model `name` on everything in the workspace's log, and write the artifact; also what it changed.

    `going_on`: start from the newest artifact of that name, which must be there, instead of from nothing. Raises
    `Collapsed`, and writes none, when it is far worse than the newest artifact was, unless that is asked to `accept`.
    """
    workspace.require()
    with workspace.consistent():
        catalog = Catalog.load(workspace.catalog_path)
        model = MODELS[name]
        previous, scorer = _newest(workspace, name, catalog) if going_on else (None, model.make())
        with EventLog(workspace.log_path) as log:
            data = everything(workspace, log, catalog)
            pages = seen_pages(log.decisions.read(END_OF_TIME), data.events, catalog)
            attention = attentions(pages)
            propensities = _with_propensities(scorer, log, data, layouts_of(attention))
    looks = looks_of(pages, layouts_of(attention), data.as_of)
    if previous is not None:
        trained = warm_start(data, previous, scorer, rng, progress, looks)
    else:
        cost = expected(model, data, fits=2)
        trained, spent = told(cost, lambda: train(data, scorer, rng, progress, looks), progress)
        trained = replace(trained, metrics={**trained.metrics, "cost": f"{spent}, expected {cost}"})
    changed = _drift(workspace, name, catalog, trained)
    _require_no_collapse(workspace, name, Drift() if accept else changed)
    folder = workspace.new_artifact(name)
    artifact = save_artifact(
        folder,
        model.type_name,
        trained.scorer,
        trained.calibration,
        catalog,
        trained.data_window,
        trained.metrics,
        FromLooks(attention, trained.looks, propensities),
        trained.quality,
    )
    workspace.prune(name)
    return artifact, changed


def _with_propensities(scorer: Scorer, log: EventLog, data: TrainingData, layouts: Layouts) -> PropensityFit | None:
    """Let a scorer that learns from exposures take them from the log's decisions; where they came from, None for any
    other scorer.
    """
    if not isinstance(scorer, Corrects):
        return None
    decided = Decided.of((shown_choices([batch]) for batch in log.decisions.read(END_OF_TIME)), layouts)
    scorer.propensities = by_log(decided)
    return PropensityFit.of(data, decided)


def _drift(workspace: Workspace, name: str, catalog: Catalog, trained: Trained) -> Drift:
    """What changed since the newest artifact of that name; nothing where none can be asked."""
    try:
        found = load_artifact(workspace.newest_artifact(name), SCORERS, catalog)
    except (ArtifactRefused, MissingExtra):
        return Drift()
    known, measured = found.manifest.metrics, trained.metrics
    comparable = known.get("asked") == measured["asked"]
    return drift((found.scorer, known if comparable else {}), (trained.scorer, measured), catalog)


def _require_no_collapse(workspace: Workspace, name: str, changed: Drift) -> None:
    """Raise `Collapsed` where it fell, and leave the reason in the workspace, which the service tells of."""
    path = workspace.refusal_path(name)
    if not changed.fallen:
        path.unlink(missing_ok=True)
        return
    why = (
        f"{name}: {changed}. The artifact before stays; look at what came into the log since, "
        f"or run `matinee train {name} --accept --workspace {workspace.folder}`"
    )
    write_whole(path, lambda draft: draft.write_text(why, "utf-8"))
    raise Collapsed(why)


def _newest(workspace: Workspace, name: str, catalog: Catalog) -> tuple[Previous, Scorer]:
    """The newest artifact as it serves today's catalogue, and its scorer as it was saved, to go on with."""
    folder = workspace.newest_artifact(name)
    found = load_artifact(folder, SCORERS, catalog)
    manifest = found.manifest
    previous = Previous(found.scorer, found.calibration, manifest.data_window[1] + 1, manifest.from_looks.calibration)
    return previous, SCORERS[found.manifest.scorer].load(folder / "scorer")


def everything(workspace: Workspace, log: EventLog, catalog: Catalog) -> TrainingData:
    """All that was acknowledged; what a clock that has since jumped back stamped later than now counts as just done."""
    at = now()
    events = log.read(END_OF_TIME).with_columns(
        pl.min_horizontal("timestamp", pl.lit(at - 1).cast(pl.Datetime("us", "UTC"))).alias("timestamp")
    )
    profiles = {one.user_id: one for one in log.profiles(n=EVERY)}
    return training_data(events, catalog, at, Clocks(workspace.time_zone, profiles))


def now() -> int:
    """One microsecond after now: microseconds since 1970, UTC."""
    return int(datetime.now(UTC).timestamp() * 1e6) + 1
