"""Control: what a request asks of its answer beside who asks: a filter, boosts, promotions, as text.

filter       only titles that pass it are shown; it narrows what may be shown and never widens it
boosts       the odds that a title satisfies, p / (1 - p), count `factor` times for those that pass
promotions   of the places in rows that Matinee fills, at least this share goes to titles that pass, where there are any
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from matinee.catalog import Catalog
from matinee.decision.expressions import is_timed, parsed
from matinee.decision.filters import passing
from matinee.errors import BadRequest
from matinee.maths.arrays import Flags

MOST = 8  # boosts, and promotions, of one request
STRONGEST = 1_000.0  # factor of a boost; the weakest is its inverse


@dataclass(frozen=True, slots=True)
class Boost:
    """Titles that pass `of` are `factor` times as likely, by their odds; below 1 they are held back."""

    of: str
    factor: float

    def __post_init__(self) -> None:
        _require_expression("boost", self.of)
        if not 1 / STRONGEST <= self.factor <= STRONGEST:
            raise BadRequest(
                f"a boost has the factor {self.factor}; give {1 / STRONGEST:g} to {STRONGEST:g}, and leave titles out "
                "by the filter"
            )


@dataclass(frozen=True, slots=True)
class Promotion:
    """Titles that pass `of` have at least `share` of the places, 0..1."""

    of: str
    share: float

    def __post_init__(self) -> None:
        _require_expression("promotion", self.of)
        if not 0.0 < self.share <= 1.0:
            raise BadRequest(f"a promotion has the share {self.share}; give a number above 0, at most 1")


@dataclass(frozen=True, slots=True)
class Control:
    """A filter ("" = none), boosts and promotions, see above. Every expression is read when it is made."""

    filter: str = ""
    boosts: tuple[Boost, ...] = ()
    promotions: tuple[Promotion, ...] = ()

    def __post_init__(self) -> None:
        if self.filter:
            _require_expression("filter", self.filter)
        for name in ("boosts", "promotions"):
            if len(getattr(self, name)) > MOST:
                raise BadRequest(f"there are {len(getattr(self, name))} {name}; give at most {MOST}")
        if (whole := sum(one.share for one in self.promotions)) > 1.0 + 1e-9:
            raise BadRequest(f"the shares of the promotions add up to {whole:g}; give shares of at most 1 together")

    @classmethod
    def of(cls, plain: Mapping[str, Any] | None) -> Self:
        """The control that `plain` gave."""
        if plain is None:
            return cls()
        boosts = tuple(Boost(**one) for one in plain["boosts"])
        promotions = tuple(Promotion(**one) for one in plain["promotions"])
        return cls(plain["filter"], boosts, promotions)

    @property
    def plain(self) -> dict[str, Any] | None:
        """Itself as JSON can hold it, None where it asks for nothing."""
        return None if self == Control() else asdict(self)

    @property
    def by_day(self) -> bool:
        """Whether what passes the filter changes from day to day."""
        return bool(self.filter) and is_timed(parsed(self.filter))


def passing_at(catalog: Catalog, expression: str, times: np.ndarray) -> Flags:
    """(batch, titles) which titles pass at each of these times."""
    masks = [passing(catalog, expression, int(time)) for time in times]
    return np.stack(masks) if masks else np.zeros((0, len(catalog)), np.bool_)


def _require_expression(what: str, text: str) -> None:
    try:
        parsed(text)
    except BadRequest as error:
        raise BadRequest(f"the {what} cannot be read: {error}") from error
