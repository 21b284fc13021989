"""How a workspace reads what a file alone does not tell: the best rating, and the unit or format of times."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path

import orjson

from matinee.errors import BadData, BadRequest

OPTIONS = {"best": "--best", "time_unit": "--time-format", "date_order": "--time-format"}


@dataclass(frozen=True, slots=True)
class Units:
    """How numbers and dates are understood; None where nothing was said or found yet.

    `best` is the rating that counts as 1 (5 for five stars), `time_unit` what times count since 1970 (s, ms, us or
    ns), `date_order` whether dates such as 5/6/2024 are day-first or month-first.
    """

    best: float | None = None
    time_unit: str | None = None
    date_order: str | None = None

    def agreed(self, other: Units, place: Path) -> Units:
        """Both together, where they do not contradict each other; `place` is where this one is stored.

        Raises `BadRequest` where they do: values that are stored already cannot be read again.
        """
        mine, theirs = asdict(self), asdict(other)
        for name, option in OPTIONS.items():
            if None not in (mine[name], theirs[name]) and mine[name] != theirs[name]:
                raise BadRequest(
                    f"{place} says that this workspace is read with {option} {mine[name]}, and this file with {option} "
                    f"{theirs[name]}; read it with {option} {mine[name]}, or into another --workspace"
                )
        return Units(**{name: theirs[name] if mine[name] is None else mine[name] for name in mine})

    def write(self) -> bytes:
        """The bytes that `read` takes."""
        return orjson.dumps({"units": asdict(self)}, option=orjson.OPT_INDENT_2)

    @classmethod
    def read(cls, path: Path) -> Units:
        """What is stored at `path`, nothing where there is no such file. Raises `BadData` when it is damaged."""
        if not path.is_file():
            return cls()
        try:
            known = orjson.loads(path.read_bytes())["units"]
            found = cls(**{field.name: known.get(field.name) for field in fields(cls)})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadData(f"cannot read {path}: {error!r}; restore it, or delete it and say --best again") from error
        if not isinstance(found.best, int | float | None) or not isinstance(found.time_unit, str | None):
            raise BadData(f"{path} holds {found}; give a number as best and a text as time_unit")
        return found
