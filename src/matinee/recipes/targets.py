"""Policies that never ran, by name, asked about the decisions of a workspace's log.

    uniform                          one eligible title, every one as likely: judges the billboard
    billboard, billboard:greedy      the billboard that learns, as of now: judges the first title of home pages
    home, similar, search            what the workspace would serve now
    home:model=popularity            with the newest artifact of another model
    search:exploration=0             with another exploration; settings are separated by commas
    PATH or DIGEST                   parameters as the workspace keeps them in policies/
    FOLDER                           a home page over an artifact, also of another workspace

A page is asked about with the charts and occasions that the policy had which decided, for they are part of the
situation. Where the workspace names a billboard, it stands above the rows of `home`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from matinee.catalog import Catalog
from matinee.decision import Maker, Policy
from matinee.errors import ArtifactRefused, BadRequest
from matinee.models.artifacts.artifact import load_artifact
from matinee.policies.layered import Layered
from matinee.policies.topmost import Topmost
from matinee.policies.uniform import Uniform
from matinee.recipes.learner import ARMS, billboard_of
from matinee.recipes.registry import MODELS, SCORERS
from matinee.recipes.serving import EXPLORATION, HOME, READS_THE_CLOCK, SEARCH, SIMILAR, home_config, on_home
from matinee.surfaces.remade import remade
from matinee.surfaces.search.intents import SearchConfig
from matinee.surfaces.similar import SimilarPolicy
from matinee.workspace import Workspace

STEPS = {"home": tuple(HOME), "similar": SIMILAR, "search": SEARCH}  # surfaces whose pages can be judged, with models


@dataclass(frozen=True)
class Target:
    """A policy to be judged: who it is for each decision, on which surface, by its first title alone or by all.

    `made(makers, titles)` gives it for a decision of these makers in a catalogue of so many titles. `known_until`: the
    last moment of what it learned from, microseconds; 0 where it learned nothing.
    """

    name: str
    surface: str
    made: Callable[[tuple[Maker, ...], int], Policy]
    one_title: bool = False
    known_until: int = 0


def target(workspace: Workspace, catalog: Catalog, name: str, surface: str | None = None) -> Target:
    """The policy of this name. Raises `BadRequest` where it names none, `ArtifactRefused` where it cannot be made."""
    kind, _, settings = name.partition(":")
    if kind == "uniform" and not settings:
        return Target(name, surface or "home", cache(lambda _, titles: Uniform(catalog.first(titles))), one_title=True)
    if kind == "billboard":
        return _billboard(workspace, catalog, name, settings)
    if kind in STEPS:
        return _served(workspace, catalog, name, kind, _settings(settings))
    path = Path(name)
    if path.is_dir():
        return _page(workspace, catalog, name, path, _home_parameters(path.resolve().name.rpartition("-")[0]))
    kept = workspace.folder / "policies" / f"{name}.json"
    if path.is_file() or kept.is_file():
        return _kept(workspace, catalog, name, path if path.is_file() else kept)
    raise BadRequest(
        f"{name!r} names no policy; give uniform, billboard, home, home:exploration=0, home:model=popularity, similar, "
        f"search, a file or digest of {workspace.folder / 'policies'}, or the folder of an artifact"
    )


def _settings(text: str) -> dict[str, str]:
    pairs = [one.partition("=") for one in text.split(",") if one.strip()]
    wrong = [key for key, _, value in pairs if key.strip() not in ("model", "exploration") or not value]
    if wrong:
        raise BadRequest(f"a policy has no setting {wrong[0]!r}; give model=NAME or exploration=0..1")
    return {key.strip(): value.strip() for key, _, value in pairs}


def _billboard(workspace: Workspace, catalog: Catalog, name: str, arms: str) -> Target:
    """The learning billboard of this name, by default the one that serves, with all that it has learned."""
    learned = billboard_of(workspace, catalog, arms or workspace.billboard or next(iter(ARMS)))

    def made(_: tuple[Maker, ...], titles: int) -> Policy:
        if titles != len(catalog):
            raise ArtifactRefused(
                f"the billboard knows {len(catalog):,} titles, {titles:,} stood in the catalogue of this decision; "
                "--since looks at later ones"
            )
        return Topmost(learned)

    return Target(name, "home", made, one_title=True, known_until=learned.as_of)


def _served(workspace: Workspace, catalog: Catalog, name: str, surface: str, settings: Mapping[str, str]) -> Target:
    """The surface as it would be served now, but for these settings."""
    steps = on_home(workspace) if surface == "home" else STEPS[surface]
    model = settings.get("model") or next((one for one in steps if workspace.holds(one)), steps[0])
    exploration = _exploration(settings.get("exploration"))
    if surface == "home":
        parameters = _home_parameters(model, exploration)
    elif surface == "search":
        parameters = _search_parameters(model, exploration)
    elif exploration is not None:
        raise BadRequest("similar takes its exploration from each request; leave the setting out")
    else:
        parameters = {"policy": f"similar-{model}", "neighbors": SimilarPolicy.neighbors}
    page = _page(workspace, catalog, name, workspace.newest_artifact(model), parameters)
    return _under_its_billboard(workspace, catalog, page) if surface == "home" and workspace.billboard else page


def _under_its_billboard(workspace: Workspace, catalog: Catalog, page: Target) -> Target:
    """The page below the billboard that the workspace names."""
    top = _billboard(workspace, catalog, workspace.billboard, workspace.billboard)

    @cache
    def made(makers: tuple[Maker, ...], titles: int) -> Policy:
        above = top.made(makers, titles)
        assert isinstance(above, Topmost)
        return Layered(above.top, page.made(makers, titles))

    return replace(page, made=made, known_until=max(page.known_until, top.known_until))


def _home_parameters(model: str, exploration: float | None = None) -> dict[str, Any]:
    """What a served home page of this model is made of, but for its charts."""
    _require_model(model)
    return {"policy": f"home-{model}", "config": asdict(home_config(model, exploration))}


def _search_parameters(model: str, exploration: float | None) -> dict[str, Any]:
    """What a served page of answers by this model is made of, but for its charts."""
    _require_model(model)
    config = SearchConfig(exploration=EXPLORATION if exploration is None else exploration)
    return {"policy": f"search-{model}", "config": asdict(config)}


def _require_model(name: str) -> None:
    if name not in MODELS:
        raise BadRequest(f"{name!r} is no model; choose from {', '.join(MODELS)}")


def _exploration(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError as error:
        raise BadRequest(f"exploration is {text!r}; give a number from 0 to 1") from error


def _kept(workspace: Workspace, catalog: Catalog, name: str, path: Path) -> Target:
    """The policy of a parameters file, over the newest artifact of its model."""
    parameters = workspace.parameters(path.stem) if path.parent == workspace.folder / "policies" else _read(path)
    surface, _, model = str(parameters.get("policy")).partition("-")
    if surface not in STEPS or not model:
        raise ArtifactRefused(
            f"{path} holds no parameters of a home page, of similar titles or of search; give a file of "
            f"{workspace.folder / 'policies'} that does"
        )
    return _page(workspace, catalog, name, workspace.newest_artifact(model), parameters)


def _read(path: Path) -> dict[str, Any]:
    return Workspace(path.parent.parent).parameters(path.stem)


def _page(workspace: Workspace, catalog: Catalog, name: str, folder: Path, parameters: Mapping[str, Any]) -> Target:
    """A policy over an artifact that takes the charts and occasions of whoever decided."""
    until = load_artifact(folder, SCORERS, catalog).manifest.data_window[1]
    surface, _, model = parameters["policy"].partition("-")

    @cache
    def made(makers: tuple[Maker, ...], titles: int) -> Policy:
        told = dict(parameters)
        if surface != "similar":
            told |= _situation_of(workspace, makers[0], weighs=model not in READS_THE_CLOCK)
        first = catalog.first(titles)
        return remade(told, load_artifact(folder, SCORERS, first), first)

    return Target(name, surface, made, known_until=until)


def _situation_of(workspace: Workspace, maker: Maker, weighs: bool) -> dict[str, Any]:
    """The charts and occasions of whoever decided; `weighs`: do occasions count for the model that is asked?"""
    parameters = workspace.parameters(maker.parameters) if maker.parameters else {}
    if "charts" not in parameters:
        raise ArtifactRefused(
            f"what {maker.policy!r} was made of is not kept; only pages of a served policy can be asked"
        )
    occasions = parameters.get("occasions", {})
    return {"charts": parameters["charts"], "occasions": {**occasions, "weighs": weighs} if occasions else {}}
