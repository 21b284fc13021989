"""How surfaces are tuned where a request does not say: exploration and dials of each, kept in one small file."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from matinee.catalog import write_whole
from matinee.decision.dials import OFF, Dials
from matinee.errors import BadData, BadRequest, MatineeError
from matinee.files import opened

LIMIT = 100_000  # bytes of the file
TUNED = ("home", "similar", "search")  # surfaces with dials
log = logging.getLogger("matinee.tunings")


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a surface does where its request leaves it open. `exploration` None: as its policy has it."""

    exploration: float | None = None
    dials: Dials = OFF

    def __post_init__(self) -> None:
        if self.exploration is not None and not 0.0 <= self.exploration <= 1.0:
            raise BadRequest(f"exploration is {self.exploration}; give a number from 0 to 1")


@dataclass
class Tunings:
    """The file of a workspace. Call it for what is kept of each surface: it is read again only where it changed."""

    path: Path
    _seen: object = field(default=None, repr=False)
    _known: Mapping[str, Tuning] = field(default_factory=dict, repr=False)

    def __call__(self) -> Mapping[str, Tuning]:
        """Surface -> tuning. Where the file was damaged while a server runs, what was known before stays."""
        seen = self._state()
        if seen != self._seen:
            try:
                self._known = self.read()
            except MatineeError:
                if self._seen is None:
                    raise
                log.exception("dials stay as they were")
            self._seen = seen
        return self._known

    def read(self) -> dict[str, Tuning]:
        """Surface -> tuning, nothing where there is no file. Raises `BadData` where it is damaged."""
        if not self.path.exists():
            return {}
        try:
            with opened(self.path, LIMIT) as file:
                told = json.load(file)
            return {name: _tuning(name, one) for name, one in told.items()}
        except (OSError, ValueError, AttributeError, TypeError, KeyError) as error:
            raise BadData(f"{self.path} says nothing of dials: {error}; set them anew, or remove it") from error

    def set(self, surface: str, tuning: Tuning) -> None:
        """Keep the tuning of a surface; what is kept of others stays. Raises `BadRequest` for one without dials."""
        if surface not in TUNED:
            raise BadRequest(f"{surface!r:.100} has no dials; choose from {', '.join(TUNED)}")
        told = {name: asdict(one) for name, one in {**self.read(), surface: tuning}.items() if one != Tuning()}
        write_whole(self.path, lambda draft: draft.write_text(json.dumps(told, indent=1) + "\n", "utf-8"))

    def _state(self) -> tuple[int, int]:
        if not self.path.exists():
            return 0, 0
        about = self.path.stat()
        return about.st_mtime_ns, about.st_ino


def _tuning(surface: str, told: Mapping[str, Any]) -> Tuning:
    if surface not in TUNED:
        raise ValueError(f"{surface!r:.100} is no surface with dials")
    return Tuning(told["exploration"], Dials(**told["dials"]))
