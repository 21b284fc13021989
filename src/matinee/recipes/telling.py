"""How the service's billboards are told of: what was learned of pictures and reasons, kept by version in the workspace.

It lies in `posteriors/telling-CONFIG/VERSION.json`; the same `Learner` that teaches a billboard teaches it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from matinee.catalog import write_whole
from matinee.decision import Maker, Policy, digest
from matinee.errors import ArtifactRefused, NotFound
from matinee.policies.dressed import Dressed
from matinee.policies.independent import BetaBelief
from matinee.policies.telling import Learned, Telling, TellingConfig
from matinee.surfaces.home import HomePolicy
from matinee.surfaces.reasons import Reasons
from matinee.workspace import Workspace

VERSIONS = 1_000  # kept on disk


@dataclass(frozen=True)
class KeptTellings:
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


def told_of(workspace: Workspace, pages: Sequence[tuple[str, Policy]], homes: Sequence[HomePolicy]) -> list[Dressed]:
    """The pages, each with the reasons that its home page knows, all told of by one `Telling`: what it has learned."""
    telling = _telling(workspace, TellingConfig())
    dressed = [
        Dressed(page, home.catalog, _reasons(home), telling) for (_, page), home in zip(pages, homes, strict=True)
    ]
    for one in dressed:
        workspace.keep_parameters(one.makers[0].parameters, {"telling": asdict(telling.config)})
    return dressed


def told_as_it_was(workspace: Workspace, page: Policy, home: HomePolicy, maker: Maker) -> Dressed:
    """The page as `maker` told of it. Raises `ArtifactRefused` or `NotFound` where a part of it is gone."""
    telling = _telling(workspace, _config(workspace.parameters(maker.parameters))).at(maker.posterior)
    found = Dressed(page, home.catalog, _reasons(home), telling)
    if maker not in found.makers:
        raise ArtifactRefused(f"{maker.policy!r} was made of other parameters than those kept; restore them")
    return found


def _telling(workspace: Workspace, config: TellingConfig) -> Telling:
    kept = KeptTellings(workspace.folder / "posteriors" / f"telling-{digest(config)}")
    return Telling(config, kept.latest, kept)


def _config(parameters: Mapping[str, Any]) -> TellingConfig:
    try:
        plain = parameters["telling"]
        return TellingConfig(BetaBelief(**plain["belief"]), plain["floor"])
    except (KeyError, TypeError) as error:
        raise ArtifactRefused(f"these are no parameters of a telling: {error!r}; restore them from a backup") from error


def _reasons(home: HomePolicy) -> Reasons:
    return Reasons(home.catalog, home.charts, home.config.rows.new_days)
