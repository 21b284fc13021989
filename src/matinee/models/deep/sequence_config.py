"""The knobs of the sequence model."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from matinee.errors import BadRequest, require_share
from matinee.models.deep.fitting import Training
from matinee.models.deep.propensity_head import HeadConfig
from matinee.models.deep.tokens import Reading

MANY = 2**31 - 1
FEW_PLAYS = 30.0  # tokens of a title, on average over those played
WHOLE = (  # knobs that are whole numbers, the least and the most
    ("size", 1, MANY),
    ("layers", 1, 100),
    ("heads", 1, MANY),
    ("recent", 0, 1_000),
    ("length", 1, 4_096),  # some bodies hold a square of it
    ("negatives", 1, MANY),
    ("exact_up_to", 0, MANY),
    ("refit_epochs", 1, MANY),
)


class Body(StrEnum):
    """What reads the history."""

    BAG = "bag"
    GRU = "gru"
    CONVOLUTION = "convolution"
    TRANSFORMER = "transformer"


class Loss(StrEnum):
    """How a network learns which title came next."""

    SOFTMAX = "softmax"
    GBCE = "gbce"


def _one_of(kind: type[Body] | type[Loss], value: str) -> Body | Loss:
    try:
        return kind(value)
    except ValueError as error:
        raise BadRequest(f"{value!r} is no {kind.__name__.lower()}; give one of {[str(k) for k in kind]}") from error


@dataclass(frozen=True, slots=True)
class SequenceConfig:
    """`body`: what reads the history, with `layers` of width `size`; `heads` and `gated` (LiGR) concern transformers.
    `recent`: how many of the latest tokens flow into each before the body reads them, 0 = none, as without order.
    `length`: latest tokens that are read. `reading`: the ablations context, time and order. `unknown`: chance that a
    code is hidden in training; `id_dropout`: chance that a title has only its content. `short`: share of
    the members whose history is read cut short too, so that a few likes are not always a beginner's. `loss`: `SOFTMAX`
    is exact up to `exact_up_to` titles and above it sampled with `negatives` draws a batch, as `GBCE` (with
    `calibration`) always is.
    `kappa`: history length at which popularity counts half; a network knows what is popular, so little is enough.
    `refit_epochs`: epochs of a warm-start refit. `head`: a propensity head that weighs what is learned, None for none.
    `unit`: whether titles' vectors have length 1, see `TitleVectors`; None: where a title has fewer than `FEW_PLAYS`
    tokens on average, which `fit` decides and keeps. `search`: seconds of one core that `fit` may take to find dropout,
    rate, epochs, size and loss by members' last likes, see `sequence_search`; what it found says 0.
    """

    body: Body = Body.TRANSFORMER
    size: int = 64
    layers: int = 2
    heads: int = 2
    gated: bool = False
    recent: int = 4
    length: int = 200
    dropout: float = 0.2
    unknown: float = 0.1
    id_dropout: float = 0.1
    short: float = 0.0
    reading: Reading = Reading()
    loss: Loss = Loss.SOFTMAX
    negatives: int = 1024
    calibration: float = 0.75
    exact_up_to: int = 50_000
    kappa: float = 0.1
    training: Training = Training(epochs=12, batch=32, rate=3e-3, decay=0.01, half=True)
    refit_epochs: int = 3
    head: HeadConfig | None = None
    unit: bool | None = None
    search: float = 0.0

    def __post_init__(self) -> None:
        for name, kind in (("body", Body), ("loss", Loss)):
            object.__setattr__(self, name, _one_of(kind, getattr(self, name)))
        for name, nested in (("reading", Reading), ("training", Training)):
            value = getattr(self, name)
            object.__setattr__(self, name, nested(**value) if isinstance(value, dict) else value)
            if not isinstance(getattr(self, name), nested):
                raise BadRequest(f"the sequence model's {name} is {value}; give a {nested.__name__}")
        if isinstance(self.head, dict):
            object.__setattr__(self, "head", HeadConfig(**self.head))
        if self.head is not None and self.loss is not Loss.SOFTMAX:
            raise BadRequest(f"a propensity head needs the exact softmax, not {self.loss}; set loss to softmax")
        for name, least, most in WHOLE:
            value = getattr(self, name)
            if not (isinstance(value, int) and least <= value <= most):
                raise BadRequest(
                    f"the sequence model's {name} is {value}; give a whole number from {least} to {most:,}"
                )
        if self.unit not in (None, True, False):
            raise BadRequest(f"the sequence model's unit is {self.unit}; give true, false or none")
        if not 0 <= self.search < float("inf"):
            raise BadRequest(f"the sequence model's search is {self.search}; give seconds, 0 or more")
        if not self.kappa > 0:
            raise BadRequest(f"the sequence model's kappa is {self.kappa}; give a number above 0")
        for name in ("dropout", "unknown", "id_dropout", "short"):
            if not 0 <= getattr(self, name) < 1:
                raise BadRequest(f"the sequence model's {name} is {getattr(self, name)}; give 0 or more, below 1")
        require_share("the sequence model's calibration", self.calibration)
        if self.size % self.heads:
            raise BadRequest(f"{self.heads} heads do not share a size of {self.size}; give a multiple")
