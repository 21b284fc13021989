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

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.catalog import SCHEMA, Catalog, saved_titles, write_whole
from matinee.data.dataset import Dataset
from matinee.data.log import EventLog
from matinee.errors import ArtifactRefused, BadData, BadRequest

KEPT = 3  # artifacts kept of each name, so that a service can go back


@dataclass(frozen=True)
class Workspace:
    """The folder and what is where in it."""

    folder: Path

    @property
    def exists(self) -> bool:
        """Whether a data set with titles was brought into it."""
        return self.catalog_path.is_file() and self.log_path.is_file() and saved_titles(self.catalog_path) > 0

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

        A catalogue that is there grows: see `grown`. `progress` is told the number of events written so far.
        Raises `BadRequest` when the catalogue that is there shares no title with the data set, `BadData` when it
        has no title or every row of it was rejected; nothing is written then.
        """
        every_row = dataset.events.is_empty() and dataset.rejections.total
        if every_row or not len(dataset.catalog):
            missing = "no good row" if every_row else "no title"
            raise BadData(
                f"{dataset.name} holds {missing}: {dataset.rejections}; correct the file or rename its columns"
            )
        catalog = self._catalog_with(dataset)
        self.folder.mkdir(parents=True, exist_ok=True)
        with EventLog(self.log_path) as log:
            new = log.import_events(dataset.events, progress)
            log.put_profiles(list(dataset.profiles.values()))
        about = [f"{dataset.name} ({dataset.licence})", *dataset.notes]
        write_whole(self.folder / "about.txt", lambda draft: draft.write_text(". ".join(about), "utf-8"))
        catalog.save(self.catalog_path)
        return new

    def _catalog_with(self, dataset: Dataset) -> Catalog:
        known = Catalog.load(self.catalog_path) if self.catalog_path.exists() else None
        if known is None or not len(known):
            return dataset.catalog
        if known.index.keys().isdisjoint(dataset.catalog.index):
            raise BadRequest(
                f"{self.folder} holds a catalogue of {len(known):,} titles, and none of the {len(dataset.catalog):,} "
                f"of {dataset.name} is among them; give another --workspace"
            )
        return grown(known, dataset.catalog)

    def new_artifact(self, name: str, now: datetime | None = None) -> Path:
        """A folder name for an artifact made now."""
        return self.folder / "models" / f"{name}-{now or datetime.now(UTC):%Y%m%dT%H%M%S%f}"

    def newest_artifact(self, name: str) -> Path:
        """The newest artifact of this name; raises `ArtifactRefused` when there is none."""
        found = self._artifacts(name)
        if not found:
            raise ArtifactRefused(
                f"{self.folder} holds no artifact {name!r}; run `matinee train {name} --workspace {self.folder}`"
            )
        return found[-1]

    def holds(self, name: str) -> bool:
        """Whether there is an artifact of this name."""
        return bool(self._artifacts(name))

    def prune(self, name: str) -> None:
        """Delete all but the newest artifacts of this name."""
        for old in self._artifacts(name)[:-KEPT]:
            shutil.rmtree(old)

    def _artifacts(self, name: str) -> list[Path]:
        """Oldest first; a name that begins with this one is another name."""
        named = re.compile(re.escape(name) + r"-\d{8}T\d{12}")
        found = (self.folder / "models").glob(f"{name}-*")
        return sorted(path for path in found if named.fullmatch(path.name) and path.is_dir())


def grown(known: Catalog, new: Catalog) -> Catalog:
    """`known` with what `new` tells: known titles keep their index, others are appended, in their order in `new`.

    Of a title in both, every column is as in `new`, but a column of which `new` says nothing for any title stays.
    Titles that `new` lacks stay as they are, and what was closed stays closed. `unrated_age` is that of `new`. Vectors
    of another number of dimensions than those known by their name take their place.
    """
    silent = Catalog.from_frame(new.titles.select("item_id")).titles
    told = [name for name in SCHEMA if name == "item_id" or not new.titles[name].equals(silent[name])]
    titles = known.titles.update(new.titles.select(told), on="item_id", include_nulls=True)
    titles = titles.with_columns(titles["closed"] | known.titles["closed"])
    fresh = new.titles.filter(pl.Series(known.indexes_of(new.titles["item_id"]) < 0))
    whole = Catalog(titles, new.unrated_age, known.vectors).append(fresh)
    places = whole.indexes_of(new.titles["item_id"])
    return whole.with_vectors({name: _put(one, places, whole, name) for name, one in new.vectors.items()})


def _put(rows: NDArray[np.float32], places: NDArray[np.int32], into: Catalog, name: str) -> NDArray[np.float32]:
    """The vectors `name` of a catalogue with `rows` at these titles, but where a row is unknown."""
    shape = len(into), rows.shape[1]
    known = into.vectors.get(name)
    whole = known.copy() if known is not None and known.shape == shape else np.zeros(shape, np.float32)
    told = rows.any(axis=1)
    whole[places[told]] = rows[told]
    return whole
