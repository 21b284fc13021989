"""What a service runs: for each surface the newest artifacts of its models, and a fitted model for one member."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import Any

from matinee.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.log import EventLog
from matinee.decision import Policy
from matinee.errors import ArtifactRefused, MissingExtra, Overloaded
from matinee.history import TrainingData
from matinee.models.artifacts.artifact import Artifact, load_artifact
from matinee.models.artifacts.budget import Budget
from matinee.policies.layered import Layered
from matinee.recipes.learner import Learner, billboard_of
from matinee.recipes.presentation import presented_by
from matinee.recipes.recommender import Recommender
from matinee.recipes.registry import MODELS, SCORERS
from matinee.recipes.standing import surely_better, worth_serving
from matinee.recipes.training import everything
from matinee.service.deployment import Policies
from matinee.surfaces.charts import Charts, charts
from matinee.surfaces.home import HomeConfig, HomePolicy
from matinee.surfaces.occasions import Occasions
from matinee.surfaces.pages.builder import Where
from matinee.surfaces.pages.rows import RowsConfig
from matinee.surfaces.play_something.moods import themes_of
from matinee.surfaces.play_something.policy import PlaySomethingPolicy
from matinee.surfaces.remade import Surfaced, parameters_of, remade
from matinee.surfaces.search.intents import SearchConfig
from matinee.surfaces.search.policy import SearchPolicy
from matinee.surfaces.similar import SimilarPolicy
from matinee.surfaces.together.policy import TogetherPolicy
from matinee.workspace import Workspace

EXPLORATION = 0.3  # at the billboard alone: of all that was measured it tells most for what it costs
WHERE = Where(rows=1)
HOME = {  # from largest to simplest; which of them serve, validation says
    "sequence": HomeConfig(),
    "transition-graph": HomeConfig(),
    "ease-recent": HomeConfig(),
    "popularity": HomeConfig(rows=RowsConfig(because_rows=0)),  # it knows no neighbours, so no row is founded on them
}
SIMILAR = ("ease-recent", "neighbors")  # from best to simplest
SEARCH = SIMILAR  # it shows what goes with the title found, too
PLAY_SOMETHING = SIMILAR  # "more like this" needs neighbours
READS_THE_CLOCK = ("sequence",)  # what it scores is of the occasion already
WHERE_TRAINED = ("sequence",)  # only where somebody asked for it: it needs torch and takes its time
SERVED = tuple(dict.fromkeys(name for name in (*HOME, *SIMILAR) if name not in WHERE_TRAINED))  # what a service needs


def served_in(workspace: Workspace) -> tuple[str, ...]:
    """The models that are trained when no other is named: those that a service of this workspace may serve."""
    return tuple(dict.fromkeys((*(name for name in WHERE_TRAINED if workspace.holds(name)), *SERVED)))


def on_home(workspace: Workspace) -> tuple[str, ...]:
    """The models of the home page of this workspace, from best to simplest, when no other are named: of those that were
    trained the ones that are surely better, on likes held out of this data, than every simpler one that serves.
    """
    trained = [name for name in HOME if workspace.holds(name)]
    if not trained:
        return tuple(name for name in HOME if name in SERVED)
    return worth_serving(trained, surely_better(workspace))


def recommender(workspace: Workspace, user_id: str, name: str | None = None) -> Recommender:
    """The newest artifact of `name` (None: the first that the home page would try), to ask for one member's titles.

    Raises `BadRequest` when the workspace holds no data, `ArtifactRefused` when it holds no such artifact.
    """
    workspace.require()
    catalog = Catalog.load(workspace.catalog_path)
    with EventLog(workspace.log_path) as log:
        training, profile = everything(workspace, log, catalog), log.profile(user_id)
    name = name or on_home(workspace)[0]
    artifact = load_artifact(workspace.newest_artifact(name), SCORERS, catalog)
    profiles = {user_id: profile} if profile else {}
    data = Dataset(str(workspace.folder), workspace.about, catalog, profiles, training.events)
    return Recommender(name, data, artifact.scorer, training)


def catalog_and_policies(workspace: Workspace, log: EventLog, **options: Any) -> tuple[Catalog, Policies]:
    """The catalogue as it is now, and `served_policies` for it with these options: what a service serves together.

    Raises `BadData` when the catalogue cannot be read, and what `served_policies` raises.
    """
    catalog = Catalog.load(workspace.catalog_path)
    return catalog, served_policies(workspace, log, catalog, **options)


@contextmanager
def catalog_and_policies_with(
    told: Sequence[Mapping[str, Any]], workspace: Workspace, log: EventLog, **options: Any
) -> Iterator[tuple[Catalog, Policies]]:
    """As `catalog_and_policies`, with what is `told` of titles; the catalogue is kept when the block has ended well.

    Raises `Overloaded` while an import or a training reads or writes the workspace, and what those raise.
    """
    with workspace.growing(told, _busy) as catalog:
        yield catalog, served_policies(workspace, log, catalog, **options)


def _busy() -> None:
    raise Overloaded("an import or a training holds the workspace; try again when it has ended", retry_after=5.0)


def served_policies(
    workspace: Workspace,
    log: EventLog,
    catalog: Catalog,
    exploration: float = EXPLORATION,
    budget: Budget = Budget(),
    home: Sequence[str] | None = None,
    required: Collection[str] = (),
    say: Callable[[str], None] = lambda _: None,
    learner: Learner | None = None,
) -> Policies:
    """What the service runs: for each surface the newest artifacts of its models, from best to simplest.

    `home` names the models of the home page, by default those of `on_home`.

    A model that is missing, damaged, lacks a package, or is larger or slower than `budget` allows is left out, and
    `say` is told why. Where the workspace names a billboard, that chooses what stands above the rows, and `learner`
    learns for it, and of pictures and reasons, from now on. Raises `ArtifactRefused` when one of `required` is, or
    nothing is left for a surface.
    """
    names = {
        "home": on_home(workspace) if home is None else home,
        "similar": SIMILAR,
        "search": SEARCH,
        "play_something": PLAY_SOMETHING,
    }
    found, refused = _affordable(workspace, dict.fromkeys(chain(*names.values())), catalog, budget)
    _require_a_step(names, found, refused, required)
    for name, why in refused.items():
        say(f"{name} is left out: {why}")
    known = everything(workspace, log, catalog)
    drawn, watched_when = _charts(known), Occasions.of(known)
    home_pages = [
        (name, _warm(_home(name, found[name], catalog, drawn, watched_when, home_config(name, exploration))))
        for name in names["home"]
        if name in found
    ]
    similar = [(name, _similar(name, found[name], catalog, drawn)) for name in SIMILAR if name in found]
    looked_for = SearchConfig(exploration=exploration)
    search = [(name, _search(name, found[name], catalog, drawn, looked_for)) for name in SEARCH if name in found]
    suggestions = _suggestions({name: found[name] for name in PLAY_SOMETHING if name in found}, catalog)
    together = [(name, TogetherPolicy(f"together-{name}", page)) for name, page in home_pages]
    outreach = _outreach(workspace, found, catalog, say)
    served: list[tuple[str, Surfaced]] = [*home_pages, *similar, *search, *suggestions, *together]
    served += [one for steps in outreach.values() for one in steps]
    for _, policy in served:
        workspace.keep_parameters(policy.maker.parameters, parameters_of(policy))
    pages = _under_a_billboard(home_pages, workspace, catalog, learner, say)
    presented = presented_by(workspace, pages, [page for _, page in home_pages])
    if learner is not None:
        learner.presentation = presented[0]
    return {
        "home": [(name, page) for (name, _), page in zip(pages, presented, strict=True)],
        "similar": similar,
        "search": search,
        "play_something": suggestions,
        "together": together,
        **outreach,
    }


def _outreach(
    workspace: Workspace, found: Mapping[str, Artifact], catalog: Catalog, say: Callable[[str], None]
) -> dict[str, list[tuple[str, Surfaced]]]:
    """What the last run of outreach was made of, over today's artifact; nothing where there was no run."""
    name = next((one for one in on_home(workspace) if one in found), None)
    try:
        parameters = workspace.outreach
        if parameters is None or name is None:
            return {}
        return {"outreach": [(name, remade(parameters, found[name], catalog))]}
    except ArtifactRefused as error:
        say(f"outreach is left out: {error}")
        return {}


def _under_a_billboard(
    pages: list[tuple[str, HomePolicy]],
    workspace: Workspace,
    catalog: Catalog,
    learner: Learner | None,
    say: Callable[[str], None],
) -> Sequence[tuple[str, Policy]]:
    """The pages below the billboard that the workspace names; as they are where it names none or that cannot be."""
    if not workspace.billboard:
        return pages
    try:
        arms = billboard_of(workspace, catalog, workspace.billboard)
    except (ArtifactRefused, MissingExtra) as error:
        say(f"the billboard {workspace.billboard} is left out: {error}")
        return pages
    if learner is not None:
        learner.arms = arms
    return [(name, Layered(arms, page)) for name, page in pages]


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


def home_config(name: str, exploration: float | None = None) -> HomeConfig:
    """How a service makes its home page of this model; popularity of any kind knows no neighbours."""
    known = HOME["popularity"] if MODELS[name].type_name == "popularity" else HOME.get(name, HomeConfig())
    return replace(known, exploration=EXPLORATION if exploration is None else exploration, where=WHERE)


def _charts(data: TrainingData) -> Charts:
    return charts(data.events, data.catalog, data.as_of)


def _home(
    name: str, artifact: Artifact, catalog: Catalog, drawn: Charts, watched_when: Occasions, config: HomeConfig
) -> HomePolicy:
    return HomePolicy(
        f"home-{name}",
        artifact.artifact_id,
        catalog,
        artifact.scorer,
        artifact.calibration,
        drawn,
        config,
        artifact.manifest.from_looks.layouts,
        replace(watched_when, weighs=name not in READS_THE_CLOCK),
    )


def _warm(policy: HomePolicy) -> HomePolicy:
    """The policy, knowing the neighbours of the titles on the charts, which found most rows."""
    policy.warm(policy.charts.popular[None].items)
    return policy


def _similar(name: str, artifact: Artifact, catalog: Catalog, drawn: Charts) -> SimilarPolicy:
    made = (artifact.artifact_id, catalog, artifact.scorer, artifact.calibration)
    return SimilarPolicy(f"similar-{name}", *made, surprise=drawn.surprise, seldom=drawn.seldom)


def _search(name: str, artifact: Artifact, catalog: Catalog, drawn: Charts, config: SearchConfig) -> SearchPolicy:
    made = (artifact.artifact_id, catalog, artifact.scorer, artifact.calibration, drawn, config)
    policy = SearchPolicy(f"search-{name}", *made)
    policy.warm()
    return policy


def _suggestions(found: Mapping[str, Artifact], catalog: Catalog) -> list[tuple[str, PlaySomethingPolicy]]:
    """A policy for each of these models, from best to simplest, of the themes that the best of them finds."""
    themes = themes_of(next(iter(found.values())).scorer, len(catalog))
    policies = []
    for name, artifact in found.items():
        made = (artifact.artifact_id, catalog, artifact.scorer, artifact.calibration, themes)
        policies.append((name, PlaySomethingPolicy(f"play-something-{name}", *made)))
        policies[-1][1].warm()
    return policies
