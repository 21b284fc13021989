"""SLIM: each title predicted from the few titles that a sparse, non-negative regression picks."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import sparse

from matinee.decision import Progress
from matinee.errors import BadRequest, TooLarge
from matinee.history import Histories, TrainingData
from matinee.maths.arrays import Int32s
from matinee.maths.elastic_net import nonnegative, nonnegative_among
from matinee.maths.gram import touched
from matinee.maths.similarity import nearest, weighted
from matinee.models.cold_start import history_rows
from matinee.models.memory import available_bytes
from matinee.models.sparse_map import Rows, SparseMapScorer, rows_of


@dataclass(frozen=True, slots=True)
class SlimConfig:
    """`l1`: in likes, more leaves fewer titles in each sum. `l2`: ridge penalty. `candidates`: how many of the most
    similar titles each sum may use; None = all that somebody liked, whose square must fit. `half_life`: in later likes,
    None = order is ignored. `kappa`: history length at which popularity counts half.
    """

    l1: float = 2.0
    l2: float = 400.0
    candidates: int | None = None
    half_life: float | None = None
    kappa: float = 3.0

    def __post_init__(self) -> None:
        for name in ("l2", "candidates", "half_life", "kappa"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise BadRequest(f"SLIM's {name} is {value}; give a number above 0")
        if not self.l1 >= 0:
            raise BadRequest(f"SLIM's l1 is {self.l1}; give 0 or a number above")


class Slim(SparseMapScorer[SlimConfig]):
    """score_i = sum over the history of w_ji, where w_i minimises |x_i - Xw|²/2 + l1 |w| + l2 |w|²/2, w >= 0, w_ii = 0.

    Right where every score should be a sum of a few positive, nameable reasons, and the map should be small. It fails
    to learn that two titles exclude each other, which EASE's negative weights can. (Ning and Karypis 2011)
    """

    config_type = SlimConfig

    def find_rows(self, data: TrainingData, progress: Progress) -> Rows:
        """Every title's regression. Raises `TooLarge` when all liked titles are candidates and do not fit."""
        config, likes = self.config, data.matrix

        def share(done: float) -> None:
            progress("fitting each title's weights", done)

        if config.candidates is None:
            liked = touched(likes)
            require_memory(len(liked), available_bytes())
            square = nonnegative(likes[:, liked], config.l1, config.l2, progress=share)
            weights = spread(square, liked, len(data.catalog))
        else:
            starts, titles, _ = nearest(weighted(likes, "cosine"), config.candidates)
            weights = nonnegative_among(likes, starts, titles, config.l1, config.l2, progress=share)
        return rows_of(weights.T)

    def read_histories(self, histories: Histories, n: int) -> Rows:
        """Every liked title, by `half_life`."""
        return history_rows(histories, n, self.config.half_life)


def spread(square: sparse.csr_matrix, places: Int32s, n: int) -> sparse.csr_matrix:
    """A square of few titles as that of `n`: its rows and columns stand at `places`, all others are zero."""
    entries = square.tocoo()
    return sparse.csr_matrix((entries.data, (places[entries.row], places[entries.col])), shape=(n, n))


def require_memory(titles: int, available: int) -> None:
    """Refuse a fit over all titles that would not fit into `available` bytes: the Gram matrix and rows at work."""
    needed = 5 * titles * titles
    if needed > available:
        raise TooLarge(
            f"SLIM over all of {titles:,} liked titles needs {needed:,} bytes and {available:,} are available; "
            "set candidates, to 200 for example, or use a larger machine"
        )
