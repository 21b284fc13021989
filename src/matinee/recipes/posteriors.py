"""The versions of what was learned on disk: each whole or not there, each written once, whoever writes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Generic, Protocol, Self, TypeVar

from matinee.errors import NotFound, Overloaded
from matinee.files import synced
from matinee.policies.posterior import Prior
from matinee.policies.versions import Versioned
from matinee.policies.windowed import Learned, load_learned

VERSIONS = 1_000  # kept on disk
DRAFT = ".draft-"
ABANDONED = 3_600.0  # seconds after which a draft is that of a process that was killed


class Comparable(Versioned, Protocol):
    """What was learned, and whether another of its version says the same."""

    def same(self, other: Self) -> bool:
        """Whether both say the same to the bit."""
        ...


T = TypeVar("T", bound=Comparable)


@dataclass(frozen=True)
class KeptVersions(Generic[T]):
    """The versions of one thing that learns in a folder, each a folder that `save` fills and `load` reads. A version
    comes into being by one renaming of a finished draft, so that of two writers one succeeds, and a process that is
    killed leaves a draft that nobody reads.
    """

    folder: Path
    save: Callable[[T, Path], None]
    load: Callable[[Path], T]

    def keep(self, learned: T) -> None:
        """On disk when it returns; the oldest beyond `VERSIONS` go. The same version again changes nothing.

        Raises `Overloaded` where somebody else has learned something else as this version: take that up first.
        """
        path = self._path(learned.version)
        if not path.is_dir():
            self._make(learned, path)
        if not self.find(learned.version).same(learned):
            raise Overloaded(f"{path} was learned by somebody else meanwhile; take it up, then learn again", 1.0)
        for version in self.versions[:-VERSIONS]:
            shutil.rmtree(self._path(version), ignore_errors=True)

    def find(self, version: int) -> T:
        """Raises `NotFound` where it is gone, `ArtifactRefused` where it is damaged."""
        path = self._path(version)
        if not path.is_dir():
            raise NotFound(f"{path} is gone; restore it from a backup to ask its decisions again")
        return self.load(path)

    @property
    def versions(self) -> list[int]:
        """Those that are there, oldest first."""
        return sorted(int(path.name) for path in self.folder.glob("*") if path.name.isdigit())

    @property
    def latest(self) -> T | None:
        """The newest, None before the first."""
        versions = self.versions
        return self.find(versions[-1]) if versions else None

    def _make(self, learned: T, path: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._sweep()
        draft = Path(mkdtemp(prefix=DRAFT, dir=self.folder))
        self.save(learned, draft)
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


def kept_posteriors(folder: Path, prior: Prior) -> KeptVersions[Learned]:
    """The versions of a posterior that was learned with this prior."""
    return KeptVersions(folder, lambda one, draft: one.save(draft, prior), lambda path: load_learned(path, prior))
