"""How surfaces are tuned where a request does not say: exploration and dials of each, kept in one small file."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from matinee.decision.dials import OFF, Dials
from matinee.errors import BadData, BadRequest, require_share
from matinee.files import Watched, opened, write_whole

LIMIT = 100_000  # bytes of the file
TUNED = ("home", "similar", "search", "together")  # surfaces with dials
log = logging.getLogger("matinee.tunings")


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a surface does where its request leaves it open. `exploration` None: as its policy has it."""

    exploration: float | None = None
    dials: Dials = OFF

    def __post_init__(self) -> None:
        if self.exploration is not None:
            require_share("exploration", self.exploration)


@dataclass
class Tunings:
    """The file of a workspace. Call it for what is kept of each surface: it is read again only where it changed."""

    path: Path
    _watched: Watched[dict[str, Tuning]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._watched = Watched(lambda: [self.path] if self.path.exists() else [], self.read, log, "dials")

    def __call__(self) -> Mapping[str, Tuning]:
        """Surface -> tuning. Where the file was damaged while a server runs, what was known before stays."""
        return self._watched()

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


def _tuning(surface: str, told: Mapping[str, Any]) -> Tuning:
    if surface not in TUNED:
        raise ValueError(f"{surface!r:.100} is no surface with dials")
    return Tuning(told["exploration"], Dials(**told["dials"]))
