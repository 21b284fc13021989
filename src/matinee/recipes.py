"""Recipes: whole systems as Python functions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from matinee.catalog import Catalog, write_whole
from matinee.clock import Clocks
from matinee.contenders import CONTENDERS, SCORERS
from matinee.data.dataset import Dataset
from matinee.data.histories import training_data
from matinee.data.log import EventLog
from matinee.decision import Policy, Scorer, Tell, quiet
from matinee.drift import Drift, drift
from matinee.errors import ArtifactRefused, BadData, Collapsed, MissingExtra, Overloaded
from matinee.extras import installed
from matinee.history import TrainingData
from matinee.models.artifacts.artifact import Artifact, load_artifact, save_artifact
from matinee.models.artifacts.budget import Budget
from matinee.recommender import Recommender
from matinee.service.deployment import Ladders
from matinee.surfaces.charts import Charts, charts
from matinee.surfaces.home import HomeConfig, HomePolicy
from matinee.surfaces.pages.rows import RowsConfig
from matinee.surfaces.remade import Surfaced, parameters_of
from matinee.surfaces.similar import SimilarPolicy
from matinee.train import Known, Trained, go_on, train
from matinee.workspace import Workspace

EXPLORATION = 0.1  # enough randomness to learn from, too little to be noticed
HOME = {  # from best to simplest
    "sequence": HomeConfig(),
    "ease-recent": HomeConfig(),
    "popularity": HomeConfig(rows=RowsConfig(seeds=0)),  # it knows no neighbours, so no row is founded on them
}
SIMILAR = ("ease-recent", "neighbors")  # from best to simplest
EVALUATED = ("popularity", "popularity-7d", "neighbors", "factors", "ease", "ease-recent")
WHERE_TRAINED = ("sequence",)  # served first where somebody trained it: it needs torch and takes its time
EVERY = 2**62  # profiles; more than there are
END_OF_TIME = int(np.iinfo(np.int64).max)
SOON = 200_000  # events that the sequence model learns from in less than three minutes on two cores
SERVED = tuple(dict.fromkeys(name for name in (*HOME, *SIMILAR) if name not in WHERE_TRAINED))  # what a service needs


def contenders() -> dict[str, Callable[[], Scorer]]:
    """The models that `matinee evaluate` compares, each with its defaults; two of them are baselines."""
    return {name: CONTENDERS[name].make for name in EVALUATED}


def home_pages() -> dict[str, Callable[[TrainingData, np.random.Generator], Policy]]:
    """The home page policies that `matinee evaluate` measures, each showing its best page."""

    def page_of(name: str, config: HomeConfig) -> Callable[[TrainingData, np.random.Generator], Policy]:
        def make(data: TrainingData, rng: np.random.Generator) -> Policy:
            fitted = train(data, CONTENDERS[name].make(), rng)
            return HomePolicy(
                f"home-{name}", "unsaved", data.catalog, fitted.scorer, fitted.calibration, _charts(data), config
            )

        return make

    return {f"home, {name}": page_of(name, config) for name, config in HOME.items() if name in SERVED}


def served_in(workspace: Workspace) -> tuple[str, ...]:
    """The models that a service of this workspace serves, and that are trained when no other is named."""
    return tuple(dict.fromkeys((*on_home(workspace), *SERVED)))


def trained_in_demo(workspace: Workspace) -> tuple[str, ...]:
    """The models that the demo trains: what is served, and what is better and trained within three minutes."""
    better = WHERE_TRAINED if installed("torch") and _is_small(workspace) else ()
    return tuple(dict.fromkeys((*better, *served_in(workspace))))


def on_home(workspace: Workspace) -> tuple[str, ...]:
    """The models of the home page of this workspace, from best to simplest, when no other are named."""
    return tuple(name for name in HOME if name not in WHERE_TRAINED or workspace.holds(name))


def train_into(
    workspace: Workspace,
    name: str,
    rng: np.random.Generator,
    tell: Tell = quiet,
    going_on: bool = False,
    accept: bool = False,
) -> tuple[Artifact, Drift]:
    """Train the contender `name` on everything in the workspace's log, and write the artifact; also what it changed.

    `going_on`: start from the newest artifact of that name, which must be there, instead of from nothing. Raises
    `Collapsed`, and writes none, when it is far worse than the newest artifact was, unless that is asked to `accept`.
    """
    workspace.require()
    with workspace.consistent():
        catalog = Catalog.load(workspace.catalog_path)
        with EventLog(workspace.log_path) as log:
            data = _everything(workspace, log, catalog)
    contender = CONTENDERS[name]
    if going_on:
        trained = go_on(data, *_newest(workspace, name, catalog), rng, tell)
    else:
        trained = train(data, contender.make(), rng, tell)
    changed = _drift(workspace, name, catalog, trained)
    _require_no_collapse(workspace, name, Drift() if accept else changed)
    folder = workspace.new_artifact(name)
    artifact = save_artifact(
        folder, contender.type_name, trained.scorer, trained.calibration, catalog, trained.data_window, trained.metrics
    )
    workspace.prune(name)
    return artifact, changed


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


def _newest(workspace: Workspace, name: str, catalog: Catalog) -> tuple[Known, Scorer]:
    """The newest artifact as it serves today's catalogue, and its scorer as it was saved, to go on with."""
    folder = workspace.newest_artifact(name)
    found = load_artifact(folder, SCORERS, catalog)
    known = Known(found.scorer, found.calibration, found.manifest.data_window[1] + 1)
    return known, SCORERS[found.manifest.scorer].load(folder / "scorer")


def recommender(workspace: Workspace, user_id: str, name: str | None = None) -> Recommender:
    """The newest artifact of `name` (None: the first that the home page would try), to ask for one member's titles.

    Raises `BadRequest` when the workspace holds no data, `ArtifactRefused` when it holds no such artifact.
    """
    workspace.require()
    catalog = Catalog.load(workspace.catalog_path)
    with EventLog(workspace.log_path) as log:
        training, profile = _everything(workspace, log, catalog), log.profile(user_id)
    served = [one for one in on_home(workspace) if workspace.holds(one)] or [*on_home(workspace)]
    name = name or served[0]
    artifact = load_artifact(workspace.newest_artifact(name), SCORERS, catalog)
    profiles = {user_id: profile} if profile else {}
    data = Dataset(str(workspace.folder), workspace.about, catalog, profiles, training.events)
    return Recommender(name, data, artifact.scorer, training)


def catalog_and_ladders(workspace: Workspace, log: EventLog, **options: Any) -> tuple[Catalog, Ladders]:
    """The workspace's catalogue as it is now, and `ladders` for it with these options: what a service serves together.

    Raises `BadData` when the catalogue cannot be read, and what `ladders` raises.
    """
    catalog = Catalog.load(workspace.catalog_path)
    return catalog, ladders(workspace, log, catalog, **options)


@contextmanager
def catalog_and_ladders_with(
    told: Sequence[Mapping[str, Any]], workspace: Workspace, log: EventLog, **options: Any
) -> Iterator[tuple[Catalog, Ladders]]:
    """As `catalog_and_ladders`, with what is `told` of titles; the catalogue is kept when the block has ended well.

    Raises `Overloaded` while an import or a training reads or writes the workspace, and what those raise.
    """
    with workspace.growing(told, _busy) as catalog:
        yield catalog, ladders(workspace, log, catalog, **options)


def _busy() -> None:
    raise Overloaded("an import or a training holds the workspace; try again when it has ended", retry_after=5.0)


def ladders(
    workspace: Workspace,
    log: EventLog,
    catalog: Catalog,
    exploration: float = EXPLORATION,
    budget: Budget = Budget(),
    home: Sequence[str] | None = None,
    required: Collection[str] = (),
    say: Callable[[str], None] = lambda _: None,
) -> Ladders:
    """What the service runs: for each surface the newest artifacts of its models, from best to simplest.

    `home` names the models of the home page, by default those of `on_home`: a model of `WHERE_TRAINED` is on the ladder
    when the workspace holds an artifact of it; delete its artifacts to take it off.

    A model that is missing, damaged, lacks a package, or is larger or slower than `budget` allows is left out, and
    `say` is told why. Raises `ArtifactRefused` when one of `required` is, or when nothing is left for a surface.
    """
    names = {"home": on_home(workspace) if home is None else home, "similar": SIMILAR}
    found, refused = _affordable(workspace, dict.fromkeys((*names["home"], *SIMILAR)), catalog, budget)
    _require_a_step(names, found, refused, required)
    for name, why in refused.items():
        say(f"{name} is left out: {why}")
    drawn = _charts(_everything(workspace, log, catalog))
    home_pages = [
        (name, _warm(_home(name, found[name], catalog, drawn, replace(_config(name), exploration=exploration))))
        for name in names["home"]
        if name in found
    ]
    similar = [(name, _similar(name, found[name], catalog)) for name in SIMILAR if name in found]
    served: list[tuple[str, Surfaced]] = [*home_pages, *similar]
    for _, policy in served:
        workspace.keep_parameters(policy.maker.parameters, parameters_of(policy))
    return {"home": home_pages, "similar": similar}


def _affordable(
    workspace: Workspace, names: Collection[str], catalog: Catalog, budget: Budget
) -> tuple[dict[str, Artifact], dict[str, str]]:
    """The newest artifacts that can serve, and why the others cannot."""
    found, refused = {}, {}
    for name in names:
        try:
            folder = workspace.newest_artifact(name)
            budget.require_size(folder)
            artifact = load_artifact(folder, SCORERS, catalog)
            one_thread_a_request()
            budget.require_speed(name, artifact.scorer, len(catalog))
            found[name] = artifact
        except (ArtifactRefused, MissingExtra) as error:
            refused[name] = str(error)
    return found, refused


def one_thread_a_request() -> None:
    """Let torch, where a model brought it in, answer each request on one thread: a service answers several at a time.

    Threads that share one request wait for each other: on a busy machine 60 to 190 ms for what one does in 2.
    """
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def _require_a_step(
    names: Mapping[str, Sequence[str]],
    found: Collection[str],
    refused: Mapping[str, str],
    required: Collection[str],
) -> None:
    for name, why in refused.items():
        if name in required:
            raise ArtifactRefused(f"{name} cannot be served: {why}")
    for surface, wanted in names.items():
        if not any(name in found for name in wanted):
            raise ArtifactRefused(f"no model is left for {surface!r}: {'; '.join(refused[name] for name in wanted)}")


def _config(name: str) -> HomeConfig:
    """Popularity of any kind knows no neighbours."""
    return HOME["popularity"] if CONTENDERS[name].type_name == "popularity" else HOME.get(name, HomeConfig())


def as_if_it_ended_now(dataset: Dataset, now: datetime | None = None) -> tuple[Dataset, timedelta]:
    """An old data set moved forward in time as far as it goes in whole weeks; returns it and the move.

    Weekdays and hours (UTC) stay what they were, for models learn from them. The last event then lies between an hour
    and a week and an hour before `now`. Titles become available at their release, moved by as much, so that the latest
    ones are new arrivals. Raises `BadData` without an event.
    """
    last = dataset.events["timestamp"].max()
    if not isinstance(last, datetime):
        raise BadData(f"{dataset.name} holds no event whose time could be moved: {dataset.rejections}; give other data")
    week = timedelta(weeks=1)
    move = ((now or datetime.now(UTC)) - timedelta(hours=1) - last) // week * week
    events = dataset.events.with_columns(pl.col("timestamp") + move)
    first_seen = events.group_by("item_id").agg(pl.col("timestamp").min().alias("_first"))
    released = pl.coalesce("available_from", "released") + move
    titles = (
        dataset.catalog.titles.join(first_seen, on="item_id", how="left", maintain_order="left")
        .with_columns(
            pl.when(released.is_not_null()).then(pl.min_horizontal(released, "_first")).alias("available_from")
        )
        .drop("_first")
    )
    catalog = replace(dataset.catalog, titles=titles)
    return replace(dataset, catalog=catalog, events=events), move


def _is_small(workspace: Workspace) -> bool:
    with EventLog(workspace.log_path) as log:
        return log.read(_now()).height <= SOON


def _everything(workspace: Workspace, log: EventLog, catalog: Catalog) -> TrainingData:
    """All that was acknowledged; what a clock that has since jumped back stamped later than now counts as just done."""
    now = _now()
    events = log.read(END_OF_TIME).with_columns(
        pl.min_horizontal("timestamp", pl.lit(now - 1).cast(pl.Datetime("us", "UTC"))).alias("timestamp")
    )
    profiles = {one.user_id: one for one in log.profiles(n=EVERY)}
    return training_data(events, catalog, now, Clocks(workspace.time_zone, profiles))


def _now() -> int:
    return int(datetime.now(UTC).timestamp() * 1e6) + 1


def _charts(data: TrainingData) -> Charts:
    return charts(data.events, data.catalog, data.as_of)


def _home(name: str, artifact: Artifact, catalog: Catalog, drawn: Charts, config: HomeConfig) -> HomePolicy:
    return HomePolicy(
        f"home-{name}", artifact.artifact_id, catalog, artifact.scorer, artifact.calibration, drawn, config
    )


def _warm(policy: HomePolicy) -> HomePolicy:
    """The policy, knowing the neighbours of the titles on the charts, which found most rows."""
    policy.warm(policy.charts.popular[None].items)
    return policy


def _similar(name: str, artifact: Artifact, catalog: Catalog) -> SimilarPolicy:
    return SimilarPolicy(f"similar-{name}", artifact.artifact_id, catalog, artifact.scorer, artifact.calibration)
