"""The experiments of a workspace: a JSON file each, written once, closed once, and read by every server."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field, replace
from pathlib import Path

from matinee.errors import BadData, BadRequest, NotFound
from matinee.experiment.definition import NAME, Experiment, instant, of_record
from matinee.files import Watched, opened, write_whole

LIMIT = 1_000_000  # bytes of a definition
log = logging.getLogger("matinee.experiment")


@dataclass
class Experiments:
    """The folder of definitions. Call it for all that are there: files are read again only where they changed."""

    folder: Path
    _watched: Watched[tuple[Experiment, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._watched = Watched(self._paths, self.read, log, "experiments")

    def __call__(self) -> tuple[Experiment, ...]:
        """All experiments, by name. Where a file was damaged while a server runs, those known before stay."""
        return self._watched()

    def read(self) -> tuple[Experiment, ...]:
        """All experiments, by name. Raises `BadData` where a file is none, or was changed after its start."""
        return tuple(_read(path) for path in self._paths())

    def get(self, name: str) -> Experiment:
        """One experiment. Raises `NotFound`."""
        path = self._path(name)
        if not path.is_file():
            known = ", ".join(one.stem for one in self._paths()) or "none yet"
            raise NotFound(f"there is no experiment {name!r:.100} in {self.folder}; known are: {known}")
        return _read(path)

    def start(self, experiment: Experiment) -> None:
        """Keep an experiment; from its start on accounts are in their arms.

        Raises `BadRequest` where the name is taken, as a running experiment cannot be redefined and an old one's name
        stays in the log; and where another experiment of this surface changes the same settings at the same time.
        """
        path = self._path(experiment.name)
        if path.exists():
            raise BadRequest(f"{path} is there: an experiment cannot be redefined; give the new one another name")
        for other in self.read():
            _require_apart(experiment, other)
        self.folder.mkdir(parents=True, exist_ok=True)
        _write(path, experiment)

    def stop(self, name: str, now: int) -> Experiment:
        """End an experiment at `now`, microseconds since 1970, UTC. Raises `BadRequest` where it has ended."""
        known = self.get(name)
        if known.end is not None and known.end <= now:
            raise BadRequest(f"{name!r} ended at {instant(known.end)}; what ended stays ended")
        ended = replace(known, end=max(now, known.start))
        _write(self._path(name), ended)
        return ended

    def require_all_kept(self, before: int, now: int) -> None:
        """Raise `BadRequest` where an experiment that runs at `now` needs decisions made before `before`, in
        microseconds since 1970, UTC: what comes of it is read from every one since its start.
        """
        for one in self.read():
            if one.start < before and (one.end is None or one.end > now):
                day = instant(one.start)[:10]
                raise BadRequest(
                    f"the experiment {one.name!r} runs since {day} and is read from every decision since then; give "
                    f"{day} or an earlier day, or end it and read it first: matinee experiment {one.name} --stop, then "
                    f"matinee experiment {one.name}"
                )

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise BadRequest(f"the name of an experiment is {name!r:.100}; give 1 to 64 of a-z, 0-9 and -")
        return self.folder / f"{name}.json"

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("*.json"))


def _write(path: Path, experiment: Experiment) -> None:
    told = experiment.record() | {"digest": experiment.digest}
    write_whole(path, lambda draft: draft.write_text(json.dumps(told, indent=1) + "\n", "utf-8"))


def _read(path: Path) -> Experiment:
    try:
        with opened(path, LIMIT) as file:
            told = json.load(file)
        kept = told.pop("digest", None)
        found = of_record(told)
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
        raise BadData(f"{path} is no experiment: {error}; restore it, or move it out of {path.parent}") from error
    if kept != found.digest or path.stem != found.name:
        raise BadData(
            f"{path} was changed after its start; an experiment cannot be redefined, so restore the file, or move it "
            "away and start one of another name"
        )
    return found


def _require_apart(new: Experiment, other: Experiment) -> None:
    """Raise `BadRequest` where both change one setting of one surface at one time: neither could say what it did."""
    both = new.changed & other.changed
    together = (other.end is None or new.start < other.end) and (new.end is None or other.start < new.end)
    if both and together and new.surface == other.surface:
        raise BadRequest(
            f"{new.name!r} and {other.name!r} both change {', '.join(sorted(both))} of {new.surface!r} at one time; "
            f"stop {other.name!r} first"
        )
