"""How good a model was on likes that it had not seen, member by member, so that two models can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import stdtrit

from matinee.maths.arrays import Doubles
from matinee.maths.intervals import LEVEL

DIGITS = 5  # of an NDCG that is kept

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Quality(BaseModel):
    """NDCG@20 of each member who was asked. `asked`: for what, in words; `whom`: a digest of the members, their titles
    and moments, equal where two models were asked the same. Empty where nobody was asked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    asked: str = ""
    whom: str = ""
    ndcg: list[Share] = []


@dataclass(frozen=True, slots=True)
class Lead:
    """How much higher the mean NDCG@20 of a model is than another's, with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"


def lead(model: Quality, other: Quality) -> Lead | None:
    """`model` less `other`: paired where both were asked the same, else as two samples; None where they were asked
    different things, or one of them nothing. The interval is Student's, of the smaller sample's members less one.
    """
    if not model.ndcg or not other.ndcg or model.asked != other.asked:
        return None
    mine, theirs = np.array(model.ndcg), np.array(other.ndcg)
    error = _error(mine - theirs) if model.whom == other.whom else float(np.hypot(_error(mine), _error(theirs)))
    half = float(stdtrit(max(1, min(len(mine), len(theirs)) - 1), (1 + LEVEL) / 2)) * error
    value = float(mine.mean() - theirs.mean())
    return Lead(value, value - half, value + half)


def _error(values: Doubles) -> float:
    """Standard error of a mean; a single member says nothing of others."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("inf")
