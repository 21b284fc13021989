"""How the service presents billboards: what was learned of pictures and reasons, kept by version in the workspace.

It lies in `posteriors/presentation-CONFIG/VERSION`; the same `Learner` that teaches a billboard teaches it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from matinee.decision import Maker, Policy, digest
from matinee.errors import ArtifactRefused
from matinee.policies.independent import BetaBelief
from matinee.policies.presentation import Learned, PresentationArms, PresentationConfig
from matinee.policies.presented import Presented
from matinee.recipes.posteriors import KeptVersions
from matinee.surfaces.home import HomePolicy
from matinee.surfaces.reasons import Reasons
from matinee.workspace import Workspace


def presented_by(
    workspace: Workspace, pages: Sequence[tuple[str, Policy]], homes: Sequence[HomePolicy]
) -> list[Presented]:
    """The pages, each with the reasons that its home page knows, all presented by the same arms."""
    arms = _presentation(workspace, PresentationConfig())
    presented = [
        Presented(page, home.catalog, _reasons(home), arms) for (_, page), home in zip(pages, homes, strict=True)
    ]
    for one in presented:
        workspace.keep_parameters(one.makers[0].parameters, {"presentation": asdict(arms.config)})
    return presented


def presented_as_it_was(workspace: Workspace, page: Policy, home: HomePolicy, maker: Maker) -> Presented:
    """The page as `maker` presented it. Raises `ArtifactRefused` or `NotFound` where a part of it is gone."""
    arms = _presentation(workspace, _config(workspace.parameters(maker.parameters))).at(maker.posterior)
    found = Presented(page, home.catalog, _reasons(home), arms)
    if maker not in found.makers:
        raise ArtifactRefused(f"{maker.policy!r} was made of other parameters than those kept; restore them")
    return found


def _presentation(workspace: Workspace, config: PresentationConfig) -> PresentationArms:
    folder = workspace.folder / "posteriors" / f"presentation-{digest(config)}"
    kept = KeptVersions(folder, Learned.save, Learned.load)
    return PresentationArms(config, kept.latest, kept)


def _config(parameters: Mapping[str, Any]) -> PresentationConfig:
    try:
        plain = parameters["presentation"]
        return PresentationConfig(BetaBelief(**plain["belief"]), plain["floor"])
    except (KeyError, TypeError) as error:
        raise ArtifactRefused(
            f"these are no parameters of a presentation: {error!r}; restore them from a backup"
        ) from error


def _reasons(home: HomePolicy) -> Reasons:
    return Reasons(home.catalog, home.charts, home.config.rows.new_days)
