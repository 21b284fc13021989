"""The hybrid ranker with the sequence model among its first stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from matinee.decision import Scorer
from matinee.models.ranking.ranker import Components, Ranker
from matinee.models.sequence import Sequence


class SequenceRanker(Ranker):
    """A `Ranker` to whose components the sequence model belongs: the best for the next item, and the dearest.

    Training costs the sequence model's once and a warm-start refit; a request costs the sum of all components.
    """

    types: ClassVar[Mapping[str, type[Scorer]]] = {**Ranker.types, "Sequence": Sequence}

    @staticmethod
    def standard() -> Components:
        """Those of `Ranker`, and the sequence model with its defaults."""
        return (*Ranker.standard(), ("sequence", Sequence()))
