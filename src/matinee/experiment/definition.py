"""What an experiment is: arms with shares and settings, a salt, a surface, a start and an end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, TypeVar

from matinee.decision.decisions import digest
from matinee.errors import BadRequest

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
MOST_ARMS = 100
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Settings:
    """What an arm changes on the experiment's surface; None leaves it as the service has it.

    `exploration`: 0 = the best page, 1 = rows and titles drawn in proportion to their worth.
    """

    exploration: float | None = None

    def __post_init__(self) -> None:
        if self.exploration is not None and not (_number(self.exploration) and 0 <= self.exploration <= 1):
            raise BadRequest(f"exploration is {self.exploration!r}; give a number from 0 to 1")

    @property
    def changed(self) -> frozenset[str]:
        """The settings that it changes."""
        return frozenset(one.name for one in fields(self) if getattr(self, one.name) is not None)


@dataclass(frozen=True, slots=True)
class Arm:
    """One of the ways that are compared; `share` of all accounts get it, above 0."""

    name: str
    share: float
    settings: Settings = Settings()

    def __post_init__(self) -> None:
        _require_name(self.name, "an arm")
        if not (_number(self.share) and 0 < self.share <= 1):
            raise BadRequest(f"the share of arm {self.name!r} is {self.share!r}; give a number above 0, at most 1")


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment, and for how long it runs: from `start` to before `end`, microseconds since 1970, UTC; None = on.

    The first arm is the control, with which the others are compared. Accounts follow `salt`, so that experiments of
    different salts are independent. Shares may sum to less than 1: the other accounts are in no arm.
    """

    name: str
    salt: str
    arms: tuple[Arm, ...]
    start: int
    end: int | None = None
    surface: str = "home"

    def __post_init__(self) -> None:
        _require_name(self.name, "an experiment")
        if not (isinstance(self.salt, str) and 0 < len(self.salt.encode()) <= 64):
            raise BadRequest(f"the salt of {self.name!r} is {self.salt!r:.100}; give 1 to 64 bytes of text")
        if not 2 <= len(self.arms) <= MOST_ARMS:
            raise BadRequest(f"{self.name!r} has {len(self.arms)} arms; give 2 to {MOST_ARMS}, the control first")
        if len(set(self.arm_names)) < len(self.arms):
            raise BadRequest(f"arms of {self.name!r} share a name: {list(self.arm_names)}; give each its own")
        if sum(self.shares) > 1:
            raise BadRequest(f"the shares of {self.name!r} sum to {float(sum(self.shares)):.6g}; give 1 at most")
        if self.end is not None and self.end < self.start:
            raise BadRequest(f"{self.name!r} ends at {instant(self.end)} before its start at {instant(self.start)}")

    @property
    def arm_names(self) -> tuple[str, ...]:
        """The names of the arms, control first."""
        return tuple(arm.name for arm in self.arms)

    @property
    def shares(self) -> tuple[Fraction, ...]:
        """The arms' shares, as exact as they are written."""
        return tuple(Fraction(str(arm.share)) for arm in self.arms)

    @property
    def changed(self) -> frozenset[str]:
        """The settings that some arm changes."""
        return frozenset[str]().union(*(arm.settings.changed for arm in self.arms))

    @property
    def digest(self) -> str:
        """What tells this experiment from every other; its end is no part of it."""
        return digest(self.name, self.salt, self.arms, self.start, self.surface)

    def record(self) -> dict[str, Any]:
        """As plain data, times as ISO 8601 text."""
        told = asdict(self)
        end = None if self.end is None else instant(self.end)
        return told | {"arms": list(told["arms"]), "start": instant(self.start), "end": end}


def of_record(record: Mapping[str, Any]) -> Experiment:
    """The experiment of what `Experiment.record` gives, also by a person's hand. Raises `BadRequest`."""
    told = dict(_object(record, "an experiment"))
    arms = [dict(_object(arm, "an arm")) for arm in _list(told.get("arms"))]
    for arm in arms:
        arm["settings"] = _made(Settings, _object(arm.get("settings") or {}, "settings"))
    told["arms"] = tuple(_made(Arm, arm) for arm in arms)
    told |= {name: _time(told[name], name) for name in ("start", "end") if told.get(name) is not None}
    return _made(Experiment, told)


def instant(time: int) -> str:
    """Microseconds since 1970, UTC, as ISO 8601 text."""
    return (EPOCH + timedelta(microseconds=time)).isoformat()


def _made(kind: type[T], told: Mapping[str, Any]) -> T:
    known = {one.name for one in fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(told.keys() - known)
    if unknown:
        raise BadRequest(f"{unknown} are no fields of {kind.__name__.lower()}; choose from {sorted(known)}")
    try:
        return kind(**told)
    except TypeError as error:
        raise BadRequest(f"{kind.__name__.lower()} is incomplete: {error}; give its fields {sorted(known)}") from error


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadRequest(f"{what} is {value!r:.100}; give an object of names and values")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise BadRequest(f"arms are {value!r:.100}; give a list of 2 or more")
    return value


def _time(value: Any, name: str) -> int:
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise BadRequest(f"{name} is {value!r:.100}; give a time such as 2026-12-01T00:00:00+00:00") from error
    if time.tzinfo is None:
        raise BadRequest(f"{name} is {value!r}, of no time zone; end it with +00:00 for UTC")
    return (time - EPOCH) // timedelta(microseconds=1)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _require_name(name: Any, what: str) -> None:
    if not (isinstance(name, str) and NAME.fullmatch(name)):
        raise BadRequest(
            f"the name of {what} is {name!r:.100}; give 1 to 64 of a-z, 0-9 and -, a letter or digit first"
        )
