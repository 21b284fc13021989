"""A workspace: one folder with a service's catalogue, event log and trained artifacts.

catalog.parquet     the titles
log.sqlite3         decisions, events and profiles (with its sealed days beside it)
models/NAME-TIME/   artifacts, newest last; a new training adds one and keeps the last three
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from matinee.catalog import Catalog, write_whole
from matinee.data.dataset import Dataset
from matinee.data.log import EventLog
from matinee.errors import ArtifactRefused, BadRequest

KEPT = 3  # artifacts kept of each name, so that a service can go back


@dataclass(frozen=True)
class Workspace:
    """The folder and what is where in it."""

    folder: Path

    @property
    def exists(self) -> bool:
        """Whether a data set was brought into it."""
        return self.catalog_path.is_file() and self.log_path.is_file()

    @property
    def catalog_path(self) -> Path:
        """Where the catalogue is."""
        return self.folder / "catalog.parquet"

    @property
    def log_path(self) -> Path:
        """Where the event log is."""
        return self.folder / "log.sqlite3"

    @property
    def about(self) -> str:
        """What the data is, in a line or two; empty when nobody said."""
        path = self.folder / "about.txt"
        return path.read_text("utf-8") if path.is_file() else ""

    def require(self) -> None:
        """Raise `BadRequest` unless it exists."""
        if not self.exists:
            raise BadRequest(
                f"{self.folder} holds no catalogue and log; run `matinee data SOURCE PATH --workspace {self.folder}`"
            )

    def bring_in(self, dataset: Dataset, progress: Callable[[int], None] | None = None) -> int:
        """Write a data set's catalogue, profiles and events; returns how many events were new. Safe to repeat.

        `progress` is told the number of events written so far. Raises `BadRequest` when another catalogue is there.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.catalog_path.exists():
            known = Catalog.load(self.catalog_path)
            if known.item_ids != dataset.catalog.item_ids:
                raise BadRequest(f"{self.folder} holds another catalogue of {len(known):,} titles; give a new folder")
        with EventLog(self.log_path) as log:
            new = log.import_events(dataset.events, progress)
            log.put_profiles(list(dataset.profiles.values()))
        dataset.catalog.save(self.catalog_path)
        about = [f"{dataset.name} ({dataset.licence})", *dataset.notes]
        write_whole(self.folder / "about.txt", lambda draft: draft.write_text(". ".join(about), "utf-8"))
        return new

    def new_artifact(self, name: str, now: datetime | None = None) -> Path:
        """A folder name for an artifact made now."""
        return self.folder / "models" / f"{name}-{now or datetime.now(UTC):%Y%m%dT%H%M%S%f}"

    def newest_artifact(self, name: str) -> Path:
        """The newest artifact of this name; raises `ArtifactRefused` when there is none."""
        found = self._artifacts(name)
        if not found:
            raise ArtifactRefused(
                f"{self.folder} holds no artifact {name!r}; run `matinee train --workspace {self.folder}`"
            )
        return found[-1]

    def prune(self, name: str) -> None:
        """Delete all but the newest artifacts of this name."""
        for old in self._artifacts(name)[:-KEPT]:
            shutil.rmtree(old)

    def _artifacts(self, name: str) -> list[Path]:
        """Oldest first; a name that begins with this one is another name."""
        named = re.compile(re.escape(name) + r"-\d{8}T\d{12}")
        found = (self.folder / "models").glob(f"{name}-*")
        return sorted(path for path in found if named.fullmatch(path.name) and path.is_dir())
