"""Policies that never ran, by name, asked about the decisions of a workspace's log.

    uniform                          one eligible title, every one as likely: judges the billboard
    home, similar                    what the workspace would serve now
    home:model=popularity            with the newest artifact of another model
    home:exploration=0               with another exploration; settings are separated by commas
    PATH or DIGEST                   parameters as the workspace keeps them in policies/
    FOLDER                           a home page over an artifact, also of another workspace

A page is asked about with the charts that the policy had which decided, for they are part of the situation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from matinee.catalog import Catalog
from matinee.decision import Maker, Policy
from matinee.errors import ArtifactRefused, BadRequest
from matinee.models.artifacts.artifact import load_artifact
from matinee.policies.uniform import Uniform
from matinee.recipes.registry import MODELS, SCORERS
from matinee.recipes.serving import SIMILAR, home_config, on_home
from matinee.surfaces.remade import remade
from matinee.surfaces.similar import SimilarPolicy
from matinee.workspace import Workspace


@dataclass(frozen=True)
class Target:
    """A policy to be judged: who it is for each decision, on which surface, by its first title alone or by all.

    `made(maker, titles)` gives it for a decision of `maker` in a catalogue of so many titles. `known_until`: the last
    moment of what it learned from, microseconds; 0 where it learned nothing.
    """

    name: str
    surface: str
    made: Callable[[Maker, int], Policy]
    one_title: bool = False
    known_until: int = 0


def target(workspace: Workspace, catalog: Catalog, name: str, surface: str | None = None) -> Target:
    """The policy of this name. Raises `BadRequest` where it names none, `ArtifactRefused` where it cannot be made."""
    kind, _, settings = name.partition(":")
    if kind == "uniform" and not settings:
        return Target(name, surface or "home", cache(lambda _, titles: Uniform(catalog.first(titles))), one_title=True)
    if kind in ("home", "similar"):
        return _served(workspace, catalog, name, kind, _settings(settings))
    path = Path(name)
    if path.is_dir():
        return _page(workspace, catalog, name, path, _home_parameters(path.resolve().name.rpartition("-")[0]))
    kept = workspace.folder / "policies" / f"{name}.json"
    if path.is_file() or kept.is_file():
        return _kept(workspace, catalog, name, path if path.is_file() else kept)
    raise BadRequest(
        f"{name!r} names no policy; give uniform, home, home:exploration=0, home:model=popularity, similar, a file or "
        f"digest of {workspace.folder / 'policies'}, or the folder of an artifact"
    )


def _settings(text: str) -> dict[str, str]:
    pairs = [one.partition("=") for one in text.split(",") if one.strip()]
    wrong = [key for key, _, value in pairs if key.strip() not in ("model", "exploration") or not value]
    if wrong:
        raise BadRequest(f"a policy has no setting {wrong[0]!r}; give model=NAME or exploration=0..1")
    return {key.strip(): value.strip() for key, _, value in pairs}


def _served(workspace: Workspace, catalog: Catalog, name: str, surface: str, settings: Mapping[str, str]) -> Target:
    """The surface as it would be served now, but for these settings."""
    steps = on_home(workspace) if surface == "home" else SIMILAR
    model = settings.get("model") or next((one for one in steps if workspace.holds(one)), steps[0])
    if surface == "home":
        parameters = _home_parameters(model, _exploration(settings.get("exploration")))
    elif "exploration" in settings:
        raise BadRequest("similar takes its exploration from each request; leave the setting out")
    else:
        parameters = {"policy": f"similar-{model}", "neighbors": SimilarPolicy.neighbors}
    return _page(workspace, catalog, name, workspace.newest_artifact(model), parameters)


def _home_parameters(model: str, exploration: float | None = None) -> dict[str, Any]:
    """What a served home page of this model is made of, but for its charts."""
    if model not in MODELS:
        raise BadRequest(f"{model!r} is no model; choose from {', '.join(MODELS)}")
    return {"policy": f"home-{model}", "config": asdict(home_config(model, exploration))}


def _exploration(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError as error:
        raise BadRequest(f"exploration is {text!r}; give a number from 0 to 1") from error


def _kept(workspace: Workspace, catalog: Catalog, name: str, path: Path) -> Target:
    """The policy of a parameters file, over the newest artifact of its model."""
    parameters = workspace.parameters(path.stem) if path.parent == workspace.folder / "policies" else _read(path)
    policy = parameters.get("policy")
    if not isinstance(policy, str) or "-" not in policy:
        raise ArtifactRefused(f"{path} holds no parameters of a policy; give a file of {workspace.folder / 'policies'}")
    return _page(workspace, catalog, name, workspace.newest_artifact(policy.partition("-")[2]), parameters)


def _read(path: Path) -> dict[str, Any]:
    return Workspace(path.parent.parent).parameters(path.stem)


def _page(workspace: Workspace, catalog: Catalog, name: str, folder: Path, parameters: Mapping[str, Any]) -> Target:
    """A policy over an artifact that takes the charts of whoever decided."""
    until = load_artifact(folder, SCORERS, catalog).manifest.data_window[1]
    surface = "home" if "config" in parameters else "similar"

    @cache
    def made(maker: Maker, titles: int) -> Policy:
        told = dict(parameters)
        if surface == "home":
            told["charts"] = _charts_of(workspace, maker)
        first = catalog.first(titles)
        return remade(told, load_artifact(folder, SCORERS, first), first)

    return Target(name, surface, made, known_until=until)


def _charts_of(workspace: Workspace, maker: Maker) -> Any:
    parameters = workspace.parameters(maker.parameters) if maker.parameters else {}
    if "charts" not in parameters:
        raise ArtifactRefused(
            f"what {maker.policy!r} was made of is not kept; only pages of a served policy can be asked"
        )
    return parameters["charts"]
