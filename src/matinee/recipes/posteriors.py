"""The versions of a posterior on disk: each whole or not there, each written once, whoever writes."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from matinee.errors import NotFound, Overloaded
from matinee.files import synced
from matinee.policies.posterior import Posterior, Prior

VERSIONS = 1_000  # kept on disk
DRAFT = ".draft-"
ABANDONED = 3_600.0  # seconds after which a draft is that of a process that was killed


@dataclass(frozen=True)
class KeptPosteriors:
    """The versions of one posterior in a folder. A version comes into being by one renaming of a finished draft, so
    that of two writers one succeeds, and a process that is killed leaves a draft that nobody reads.
    """

    folder: Path
    prior: Prior

    def keep(self, posterior: Posterior) -> None:
        """On disk when it returns; the oldest beyond `VERSIONS` go. The same version again changes nothing.

        Raises `Overloaded` where somebody else has made another posterior of this version: take that up first.
        """
        path = self._path(posterior.version)
        if not path.is_dir():
            self._make(posterior, path)
        if not self.find(posterior.version).same(posterior):
            raise Overloaded(f"{path} was learned by somebody else meanwhile; take it up, then learn again", 1.0)
        for version in self.versions[:-VERSIONS]:
            shutil.rmtree(self._path(version), ignore_errors=True)

    def find(self, version: int) -> Posterior:
        """Raises `NotFound` where it is gone, `ArtifactRefused` where it is damaged."""
        path = self._path(version)
        if not path.is_dir():
            raise NotFound(f"{path} is gone; restore it from a backup to ask its decisions again")
        return Posterior.load(path, self.prior)

    @property
    def versions(self) -> list[int]:
        """Those that are there, oldest first."""
        return sorted(int(path.name) for path in self.folder.glob("*") if path.name.isdigit())

    @property
    def latest(self) -> Posterior | None:
        """The newest, None before the first."""
        versions = self.versions
        return self.find(versions[-1]) if versions else None

    def _make(self, posterior: Posterior, path: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._sweep()
        draft = Path(mkdtemp(prefix=DRAFT, dir=self.folder))
        posterior.save(draft, self.prior)
        for one in (*draft.iterdir(), draft):
            synced(one)
        try:
            draft.rename(path)
        except OSError:
            if not path.is_dir():
                raise
            shutil.rmtree(draft, ignore_errors=True)  # another made this version first
        synced(self.folder)

    def _sweep(self) -> None:
        for draft in self.folder.glob(f"{DRAFT}*"):
            if draft.exists() and time.time() - draft.stat().st_mtime > ABANDONED:
                shutil.rmtree(draft, ignore_errors=True)

    def _path(self, version: int) -> Path:
        return self.folder / f"{version:08d}"
