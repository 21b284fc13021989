"""Batches of decisions as one: a day's, so that a policy learns from it in one call whatever the batches were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np

from matinee.decision import Cells, Decisions, Situations, joined
from matinee.history import Histories


def as_one(parts: Sequence[Decisions]) -> Decisions:
    """The decisions of one policy on one surface for requests of one world, one batch after the other."""
    asked = [part.requests for part in parts]
    requests = replace(
        asked[0],
        times=np.concatenate([one.times for one in asked]),
        members=np.concatenate([one.members for one in asked]),
        histories=Histories.joined([one.histories for one in asked]),
        situations=_situations([one.situations for one in asked]),
        cells=_cells([one.cells for one in asked if one.cells is not None]),
    )
    return joined(requests, parts)


def _situations(parts: Sequence[Situations]) -> Situations:
    return Situations(*(np.concatenate([getattr(one, field.name) for one in parts]) for field in fields(Situations)))


def _cells(parts: Sequence[Cells]) -> Cells | None:
    return Cells(parts[0].names, np.concatenate([one.arms for one in parts])) if parts else None
