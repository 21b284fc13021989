"""How the service presents billboards: what was learned of pictures and reasons, kept by version in the workspace.

It lies in `posteriors/presentation-CONFIG/VERSION.json`; the same `Learner` that teaches a billboard teaches it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from matinee.catalog import write_whole
from matinee.decision import Maker, Policy, digest
from matinee.errors import ArtifactRefused, NotFound
from matinee.policies.independent import BetaBelief
from matinee.policies.presentation import Learned, PresentationArms, PresentationConfig
from matinee.policies.presented import Presented
from matinee.surfaces.home import HomePolicy
from matinee.surfaces.reasons import Reasons
from matinee.workspace import Workspace

VERSIONS = 1_000  # kept on disk


@dataclass(frozen=True)
class KeptPresentations:
    """The versions of what was learned, each a file in a folder, whole or not there."""

    folder: Path

    def keep(self, learned: Learned) -> None:
        """On disk when it returns; a version that is there stays as it is. The oldest beyond `VERSIONS` go."""
        path = self._path(learned.version)
        if path.exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, learned.save)
        for version in self.versions[:-VERSIONS]:
            self._path(version).unlink()

    def find(self, version: int) -> Learned:
        """Raises `NotFound` where it is gone, `ArtifactRefused` where it is damaged."""
        path = self._path(version)
        if version == 0:
            return Learned()
        if not path.is_file():
            raise NotFound(f"{path} is gone; restore it from a backup to ask its decisions again")
        return Learned.load(path)

    @property
    def versions(self) -> list[int]:
        """Those that are there, oldest first."""
        return sorted(int(path.stem) for path in self.folder.glob("*.json") if path.stem.isdigit())

    @property
    def latest(self) -> Learned | None:
        """The newest, None before the first."""
        versions = self.versions
        return self.find(versions[-1]) if versions else None

    def _path(self, version: int) -> Path:
        return self.folder / f"{version:08d}.json"


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
    kept = KeptPresentations(workspace.folder / "posteriors" / f"presentation-{digest(config)}")
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
