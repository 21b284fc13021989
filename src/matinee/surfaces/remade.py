"""Policies made again: what a policy is made of beside its artifact as plain data, and the policy out of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from matinee.catalog import Catalog
from matinee.errors import ArtifactRefused
from matinee.maths.arrays import Flags, Floats
from matinee.maths.uplift import Level
from matinee.models.artifacts.artifact import Artifact
from matinee.models.effects import Effects
from matinee.surfaces.charts import Chart, Charts
from matinee.surfaces.home import HomeConfig, HomePolicy
from matinee.surfaces.occasions import Occasions
from matinee.surfaces.outreach.config import OutreachConfig
from matinee.surfaces.outreach.policy import OutreachPolicy
from matinee.surfaces.pages.builder import Where
from matinee.surfaces.pages.rows import RowsConfig
from matinee.surfaces.play_something.policy import PlaySomethingConfig, PlaySomethingPolicy
from matinee.surfaces.search.intents import SearchConfig
from matinee.surfaces.search.policy import SearchPolicy
from matinee.surfaces.similar import SimilarPolicy
from matinee.surfaces.together.policy import TogetherPolicy
from matinee.surfaces.together.wishes import TogetherConfig

Surfaced = HomePolicy | OutreachPolicy | PlaySomethingPolicy | SearchPolicy | SimilarPolicy | TogetherPolicy


def parameters_of(policy: Surfaced) -> dict[str, Any]:
    """What `remade` needs beside the artifact, as JSON can hold it, and the version of the catalogue."""
    told: dict[str, Any] = {"policy": policy.policy_id, "catalog": policy.catalog.version}
    if isinstance(policy, SimilarPolicy):
        known = {"surprise": policy.surprise.tolist(), "seldom": policy.seldom.tolist()}
        return {**told, "neighbors": policy.neighbors, **known}
    if isinstance(policy, OutreachPolicy):
        return {**told, "outreach": _plain_outreach(policy)}
    if isinstance(policy, PlaySomethingPolicy):
        return {**told, "config": asdict(policy.config), "themes": policy.themes}
    if isinstance(policy, TogetherPolicy):
        return {**told, "home": parameters_of(policy.home), "config": asdict(policy.config)}
    if isinstance(policy, HomePolicy) and policy.occasions.rows:
        told["occasions"] = policy.occasions.plain()
    return {**told, "config": asdict(policy.config), "charts": _plain(policy.charts)}


def remade(parameters: Mapping[str, Any], artifact: Artifact, catalog: Catalog) -> Surfaced:
    """The policy of these parameters over an artifact, for the catalogue as it was.

    Raises `ArtifactRefused` when the parameters are not what `parameters_of` gave.
    """
    try:
        if "home" in parameters:
            return _together(parameters, artifact, catalog)
        made = (parameters["policy"], artifact.artifact_id, catalog, artifact.scorer, artifact.calibration)
        if "outreach" in parameters:
            return OutreachPolicy(*made, **_outreach(parameters["outreach"]))
        if "themes" in parameters:
            themes = tuple(tuple(map(int, one)) for one in parameters["themes"])
            return PlaySomethingPolicy(*made, themes, PlaySomethingConfig(**parameters["config"]))
        if "charts" not in parameters:
            return SimilarPolicy(*made, parameters["neighbors"], _bits(parameters), _seldom(parameters))
        drawn = _charts(parameters["charts"])
        if "rows" not in parameters["config"]:
            return SearchPolicy(*made, drawn, SearchConfig(**parameters["config"]))
        config = {**parameters["config"], "rows": RowsConfig(**parameters["config"]["rows"])}
        config["where"] = Where(**config.get("where", {}))
        occasions = Occasions.of_plain(parameters.get("occasions", {}))
        return HomePolicy(*made, drawn, HomeConfig(**config), occasions=occasions)
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactRefused(f"these are no parameters of a policy: {error!r}; restore them from a backup") from error


def _plain_outreach(policy: OutreachPolicy) -> dict[str, Any]:
    effects = None if policy.effects is None else policy.effects.plain()
    return {
        "config": asdict(policy.config),
        "effects": effects,
        "level": list(policy.level),
        "share": policy.share,
    }


def _outreach(plain: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "config": OutreachConfig(**plain["config"]),
        "effects": None if plain["effects"] is None else Effects.of_plain(plain["effects"]),
        "level": Level(*plain["level"]),
        "share": float(plain["share"]),
    }


def _together(parameters: Mapping[str, Any], artifact: Artifact, catalog: Catalog) -> TogetherPolicy:
    home = remade(parameters["home"], artifact, catalog)
    if not isinstance(home, HomePolicy):
        raise TypeError(f"{type(home).__name__} makes no home pages")
    return TogetherPolicy(parameters["policy"], home, TogetherConfig(**parameters["config"]))


def _plain(charts: Charts) -> dict[str, Any]:
    return {
        "popular": {country or "": _lists(chart) for country, chart in charts.popular.items()},
        "trending": _lists(charts.trending),
        "genre_shares": charts.genre_shares.tolist(),
        "window": charts.window,
        "as_of": charts.as_of,
        "surprise": charts.surprise.tolist(),
        "seldom": charts.seldom.tolist(),
    }


def _charts(plain: Mapping[str, Any]) -> Charts:
    return Charts(
        {country or None: _chart(lists) for country, lists in plain["popular"].items()},
        _chart(plain["trending"]),
        np.array(plain["genre_shares"], np.float32),
        plain["window"],
        plain["as_of"],
        _bits(plain),
        _seldom(plain),
    )


def _lists(chart: Chart) -> list[list[float]]:
    return [chart.items.tolist(), chart.values.tolist()]


def _chart(lists: list[list[float]]) -> Chart:
    return Chart(np.array(lists[0], np.int32), np.array(lists[1], np.float32))


def _bits(plain: Mapping[str, Any]) -> Floats:
    """The surprise of titles; without titles in what was kept before it was known."""
    return np.array(plain.get("surprise", []), np.float32)


def _seldom(plain: Mapping[str, Any]) -> Flags:
    """The titles that few members met; likewise."""
    return np.array(plain.get("seldom", []), np.bool_)
