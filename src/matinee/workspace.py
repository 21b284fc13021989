"""A workspace: one folder with a service's catalogue, event log and trained artifacts.

catalog.parquet     the titles
titles/             what they were before each change, a file a version, so that decisions can be asked again
workspace.json      how files are read into it: the best rating, the unit of times
time_zone.txt       the clock of those who watch, where profile and country tell none; UTC where it is missing
log.sqlite3         decisions, events and profiles (with its sealed days beside it)
models/NAME-TIME/   artifacts, newest last; a new training adds one and keeps the last three
dials.json          how surfaces are tuned where a request does not say, see `data.tunings`; untuned where it is missing
experiments/        a definition each, kept as it was started
visitor_limit.txt   the age up to which visitors are shown titles, or "none"; that of the service where it is missing
billboard.txt       which learning policy chooses the billboard, see `recipes.learner`; none where it is missing
posteriors/         what it had learned, a folder a version, so that decisions can be asked again
policies/           what served policies were made of beside their artifacts, so that decisions can be asked again
models/NAME.refused.txt   why the last training was not kept, while no later one was
outreach/           what was sent, a file a day for whoever sends it, and what the last run was made of
.lock               held by whoever imports, shared by whoever reads catalogue and log together
.outreach.lock      held by whoever decides whom to write to
"""

from __future__ import annotations

import fcntl
import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.catalog import SCHEMA, Catalog, saved_titles
from matinee.clock import require_zone
from matinee.data.dataset import Dataset, profiles_of, with_titles_of
from matinee.data.log import EventLog
from matinee.data.tunings import Tunings
from matinee.data.units import Units
from matinee.errors import ArtifactRefused, BadData, BadRequest
from matinee.files import opened, write_whole

PARAMETERS_LIMIT = 100_000_000  # bytes of a policy's parameters
KEPT = 3  # artifacts kept of each name, so that a service can go back


@dataclass(frozen=True)
class Workspace:
    """The folder, a path or its text, and what is where in it."""

    folder: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", Path(self.folder))

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
    def experiments_path(self) -> Path:
        """The folder of the experiments."""
        return self.folder / "experiments"

    @property
    def tunings(self) -> Tunings:
        """How surfaces are tuned where a request does not say."""
        return Tunings(self.folder / "dials.json")

    @property
    def about(self) -> str:
        """What the data is, in a line or two; empty when nobody said."""
        path = self.folder / "about.txt"
        return path.read_text("utf-8") if path.is_file() else ""

    @property
    def time_zone(self) -> str:
        """The zone by whose clock hours are read where a member's profile and country tell none."""
        path = self.folder / "time_zone.txt"
        return path.read_text("utf-8").strip() if path.is_file() else "UTC"

    def set_time_zone(self, zone: str) -> None:
        """Keep the zone, for training and serving alike. Raises `BadRequest` where nobody knows it."""
        require_zone(zone)
        write_whole(self.folder / "time_zone.txt", lambda draft: draft.write_text(zone, "utf-8"))

    @property
    def billboard(self) -> str:
        """The name of the policy that chooses the billboard; empty where the home page does."""
        path = self.folder / "billboard.txt"
        return path.read_text("utf-8").strip() if path.is_file() else ""

    def set_billboard(self, name: str) -> None:
        """Keep which policy chooses the billboard of services to come."""
        write_whole(self.folder / "billboard.txt", lambda draft: draft.write_text(name, "utf-8"))

    @property
    def visitor_limit(self) -> str:
        """The age up to which visitors are shown titles, as text, or "none"; empty where nobody said."""
        path = self.folder / "visitor_limit.txt"
        return path.read_text("utf-8").strip() if path.is_file() else ""

    def set_visitor_limit(self, limit: str) -> None:
        """Keep it for services to come. Raises `BadRequest` for what is neither an age nor "none"."""
        if limit != "none" and not (limit.isdecimal() and int(limit) < 100):
            raise BadRequest(f"visitors have the maturity limit {limit!r}; give an age from 0 to 99, or none")
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / "visitor_limit.txt", lambda draft: draft.write_text(limit, "utf-8"))

    def require(self) -> None:
        """Raise `BadRequest` unless it exists."""
        if not self.exists:
            raise BadRequest(
                f"{self.folder} holds no catalogue and log; run `matinee data SOURCE PATH --workspace {self.folder}`"
            )

    @property
    def units_path(self) -> Path:
        """Where it is kept how files are read."""
        return self.folder / "workspace.json"

    @property
    def units(self) -> Units:
        """How files are read into it; nothing is known before the first import."""
        return Units.read(self.units_path)

    @contextmanager
    def importing(self, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold the workspace for one import; `waiting` is called once if another one or a reader must end first."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._locked(fcntl.LOCK_EX, waiting):
            yield

    @contextmanager
    def growing(
        self, told: Iterable[Mapping[str, Any]], waiting: Callable[[], None] = lambda: None
    ) -> Iterator[Catalog]:
        """Hold the workspace as an import does; its catalogue with what is `told` of titles, see `Catalog.put`.

        It is on disk when the block has ended well, and not at all when the block raises.
        """
        with self.importing(waiting):
            known = Catalog.load(self.catalog_path)
            catalog = self._next(known, known.put(told))
            yield catalog
            catalog.save(self.catalog_path)

    @contextmanager
    def consistent(self, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Keep imports out while catalogue and log are read, so that one holds every title of the other."""
        with self._locked(fcntl.LOCK_SH, waiting):
            yield

    @contextmanager
    def writing_to_members(self, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Be the one who decides whom to write to; another is waited for, after `waiting` was called."""
        with self._locked(fcntl.LOCK_EX, waiting, ".outreach.lock"):
            yield

    @contextmanager
    def _locked(self, how: int, waiting: Callable[[], None], name: str = ".lock") -> Iterator[None]:
        """The lock is the open file's: it ends with the process, however that ends."""
        with (self.folder / name).open("ab") as file:
            try:
                fcntl.flock(file, how | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(file, how)
            yield

    def bring_in(
        self,
        dataset: Dataset,
        progress: Callable[[int], None] | None = None,
        waiting: Callable[[], None] = lambda: None,
    ) -> int:
        """Write a data set's catalogue, missing profiles and events; returns how many events were new.

        Safe to repeat. One import at a time: another is waited for, after `waiting` was called. A catalogue that is
        there grows: see `grown`. Events about titles that only the workspace knows are taken. A stored profile stays
        as it is. `progress` is told the number of events written so far.

        Raises `BadRequest` when the catalogue that is there shares no title with the data set, or the data set was read
        with another best rating or unit of time than those before it; `BadData` when it has no title or every row of it
        was rejected; nothing is written then.
        """
        if not self.catalog_path.exists():
            _require_rows(dataset)
        with self.importing(waiting):
            return self._bring_in(dataset, progress)

    def resolved(self, dataset: Dataset) -> Dataset:
        """The data set with the events too whose titles only this workspace knows."""
        known = self._known()
        return dataset if known is None else with_titles_of(dataset, known)

    def _bring_in(self, dataset: Dataset, progress: Callable[[int], None] | None) -> int:
        known = self._known()
        dataset = self.resolved(dataset)
        _require_rows(dataset)
        catalog = dataset.catalog if known is None else self._catalog_with(known, dataset)
        units = self.units.agreed(dataset.units, self.units_path)
        with EventLog(self.log_path) as log:
            write_whole(self.units_path, lambda draft: draft.write_bytes(units.write()))
            new = log.import_events(dataset.events, progress)
            log.add_profiles(list(profiles_of(dataset.events).values()))
        about = [f"{dataset.name} ({dataset.licence})", *(note[:1].upper() + note[1:] for note in dataset.notes)]
        write_whole(self.folder / "about.txt", lambda draft: draft.write_text(". ".join(about), "utf-8"))
        catalog.save(self.catalog_path)
        return new

    def _known(self) -> Catalog | None:
        known = Catalog.load(self.catalog_path) if self.catalog_path.exists() else None
        return known if known is not None and len(known) else None

    def _catalog_with(self, known: Catalog, dataset: Dataset) -> Catalog:
        if known.index.keys().isdisjoint(dataset.catalog.index):
            raise BadRequest(
                f"{self.folder} holds a catalogue of {len(known):,} titles, and none of the {len(dataset.catalog):,} "
                f"of {dataset.name} is among them; give another --workspace"
            )
        return self._next(known, grown(known, dataset.catalog))

    def _next(self, known: Catalog, new: Catalog) -> Catalog:
        """`new` as the version behind `known` where it says something else of known titles; what was known is kept."""
        changed = known.otherwise(new)
        if not len(changed) and known.unrated_age == new.unrated_age:
            return new
        self._before(known.version).parent.mkdir(exist_ok=True)
        replace(changed, vectors={}).save(self._before(known.version))
        return replace(new, version=known.version + 1)

    def _before(self, version: int) -> Path:
        return self.folder / "titles" / f"{version}.parquet"

    def catalog_as_of(self, version: int, catalog: Catalog) -> Catalog:
        """The catalogue at an earlier version of `catalog`; vectors are those of today.

        Raises `BadData` where it is not kept what titles were.
        """
        for older in range(catalog.version - 1, version - 1, -1):
            before = Catalog.load(self._before(older))
            titles = catalog.titles.update(before.titles, on="item_id", include_nulls=True)
            catalog = replace(catalog, titles=titles, unrated_age=before.unrated_age, version=older)
        return catalog

    def new_artifact(self, name: str, now: datetime | None = None) -> Path:
        """A folder name for an artifact made now."""
        return self.folder / "models" / f"{name}-{now or datetime.now(UTC):%Y%m%dT%H%M%S%f}"

    def newest_artifact(self, name: str) -> Path:
        """The newest artifact of this name; raises `ArtifactRefused` when there is none."""
        found = self.artifacts_of(name)
        if not found:
            raise ArtifactRefused(
                f"{self.folder} holds no artifact {name!r}; run `matinee train {name} --workspace {self.folder}`"
            )
        return found[-1]

    def holds(self, name: str) -> bool:
        """Whether there is an artifact of this name."""
        return bool(self.artifacts_of(name))

    def refusal_path(self, name: str) -> Path:
        """Why the last training of `name` was not kept; there only while no later one was."""
        return self.folder / "models" / f"{name}.refused.txt"

    @property
    def refusals(self) -> frozenset[str]:
        """The models whose last training was not kept."""
        found = (self.folder / "models").glob("*.refused.txt")
        return frozenset(path.name.removesuffix(".refused.txt") for path in found)

    def artifacts(self) -> list[Path]:
        """All artifacts of all names."""
        return sorted(path for path in (self.folder / "models").glob("*-*T*") if path.is_dir())

    @property
    def outreach(self) -> dict[str, Any] | None:
        """The parameters of the last run of outreach; None without one. Raises `ArtifactRefused`."""
        path = self.folder / "outreach" / "latest.txt"
        return self.parameters(path.read_text("utf-8").strip()) if path.is_file() else None

    def set_outreach(self, digest: str) -> None:
        """Keep which parameters the last run of outreach was made of."""
        path = self.folder / "outreach" / "latest.txt"
        path.parent.mkdir(exist_ok=True)
        write_whole(path, lambda draft: draft.write_text(digest, "utf-8"))

    def keep_parameters(self, digest: str, parameters: Mapping[str, Any]) -> None:
        """Keep what a policy is made of beside its artifact, under its digest, so that it can be asked again."""
        path = self.folder / "policies" / f"{digest}.json"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            write_whole(path, lambda draft: draft.write_text(json.dumps(parameters), "utf-8"))

    def parameters(self, digest: str) -> dict[str, Any]:
        """What `keep_parameters` kept. Raises `ArtifactRefused` where nothing is kept under this digest."""
        path = self.folder / "policies" / f"{digest}.json"
        try:
            with opened(path, PARAMETERS_LIMIT) as file:
                kept: dict[str, Any] = json.load(file)
        except (OSError, ValueError) as error:
            raise ArtifactRefused(f"{path} cannot be read: {error}; restore it from a backup") from error
        return kept

    def prune(self, name: str) -> None:
        """Delete all but the newest artifacts of this name."""
        for old in self.artifacts_of(name)[:-KEPT]:
            shutil.rmtree(old)

    def artifacts_of(self, name: str) -> list[Path]:
        """Oldest first; a name that begins with this one is another name."""
        named = re.compile(re.escape(name) + r"-\d{8}T\d{12}")
        found = (self.folder / "models").glob(f"{name}-*")
        return sorted(path for path in found if named.fullmatch(path.name) and path.is_dir())


def _require_rows(dataset: Dataset) -> None:
    """Raise `BadData` unless the data set has a title, and a good row where it has any."""
    every_row = dataset.events.is_empty() and dataset.rejections.total
    if every_row or not len(dataset.catalog):
        missing = "no good row" if every_row else "no title"
        raise BadData(f"{dataset.name} holds {missing}: {dataset.rejections}; correct the file or rename its columns")


def grown(known: Catalog, new: Catalog) -> Catalog:
    """`known` with what `new` tells: known titles keep their index, others are appended, in their order in `new`.

    Of a title in both, every column is as in `new`, but a column of which `new` says nothing for any title stays.
    Titles that `new` lacks stay as they are, and what was closed stays closed. `unrated_age` is that of `new`. Vectors
    of another number of dimensions than those known by their name take their place. Episodes grow as titles do.
    """
    silent = Catalog.from_frame(new.titles.select("item_id")).titles
    told = [name for name in SCHEMA if name == "item_id" or not new.titles[name].equals(silent[name])]
    titles = known.titles.update(new.titles.select(told), on="item_id", include_nulls=True)
    titles = titles.with_columns(titles["closed"] | known.titles["closed"])
    fresh = new.titles.filter(pl.Series(known.indexes_of(new.titles["item_id"]) < 0))
    whole = Catalog(titles, new.unrated_age, known.vectors).append(fresh)
    if len(known.series) or len(new.series):
        whole = whole.with_series(known.series.grown(new.series))
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
