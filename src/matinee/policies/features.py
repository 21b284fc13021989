"""Features of members and titles for learners: a fitted scorer's vectors, turned so that a few numbers say the most."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from matinee.decision import Requests
from matinee.errors import BadRequest
from matinee.maths.arrays import Doubles, Flags, Floats

FAINT = 1e-6  # of the mean length: a shorter vector is that of a title of which nothing was learned


@runtime_checkable
class Vectors(Protocol):
    """What is read of a scorer: points of titles and of members, whose inner product ranks."""

    @property
    def title_vectors(self) -> Floats:
        """(titles, size)."""
        ...

    def member_vectors(self, requests: Requests) -> NDArray[np.floating]:
        """(batch, size) each request's point; zeros where nothing is known."""
        ...


@dataclass(frozen=True)
class AverageTaste:
    """Vectors of titles, and for members the mean of those that they like: a few microseconds, where a fold-in takes
    a hundred.
    """

    title_vectors: Floats

    def member_vectors(self, requests: Requests) -> Doubles:
        """(batch, size) the mean vector of each member's tastes; zeros where nothing is known."""
        tastes = requests.histories.tastes
        known = np.concatenate([self.title_vectors, np.zeros((1, self.title_vectors.shape[1]))])
        items = np.where(tastes.items < len(self.title_vectors), tastes.items, len(self.title_vectors))
        sums = replace(tastes, items=items.astype(np.int32)).matrix(len(known)) @ known
        return np.asarray(sums / np.maximum(tastes.lengths, 1)[:, None], np.float64)


class Network(Protocol):
    """A scorer whose last layer is q · e_i + b_i, such as `models.sequence.Sequence`."""

    @property
    def title_vectors(self) -> Floats:
        """(titles, size + 1) e_i and, in the last column, b_i."""
        ...

    def answers(self, requests: Requests) -> NDArray[np.floating]:
        """(batch, size) q of every request, zeros where nothing is known."""
        ...


@dataclass(frozen=True)
class LastLayer:
    """The last layer of a network as vectors, for neural-linear learning (Riquelme, Tucker and Snoek 2018)."""

    network: Network

    @property
    def title_vectors(self) -> Floats:
        """(titles, size + 1)."""
        return self.network.title_vectors

    def member_vectors(self, requests: Requests) -> Doubles:
        """(batch, size + 1) q and 1, whose inner product with a title's vector is its score; zeros for an empty q."""
        answers = np.asarray(self.network.answers(requests), np.float64)
        return np.hstack([answers, answers.any(axis=1, keepdims=True)])


@dataclass(frozen=True)
class Features:
    """`titles` (titles, size + 1): 1 and the title along the `axes` (vector size, size) of most variance, with a mean
    square length of 1; and `members`. A title that the vectors do not know is 1 and what was `predicted` of it, and its
    `doubts` (titles,) is what that lacks of the mean square length: 1 where nothing was; 0 for titles that they know.
    """

    vectors: Vectors
    axes: Doubles
    titles: Doubles
    doubts: Doubles

    @classmethod
    def of(cls, vectors: Vectors, titles: int, size: int, predicted: Floats | None = None) -> Self:
        """The features of a catalogue of `titles`, out of vectors of its first ones, on `size` axes at most, and of
        those `predicted` (titles, vector size) for the others.
        """
        known = np.asarray(vectors.title_vectors[:titles], np.float64)
        if size < 0:
            raise BadRequest(f"features on {size} axes; give 0 or more")
        _, _, axes = np.linalg.svd(known, full_matrices=False)
        axes = axes[:size] * np.sign(axes[np.arange(len(axes[:size])), np.abs(axes[:size]).argmax(axis=1)])[:, None]
        along = np.zeros((titles, len(axes)))
        along[: len(known)] = known @ axes.T
        length = np.sqrt(np.mean(np.sum(along[: len(known)] ** 2, axis=1))) if len(known) else 0.0
        unknown = ~np.append(is_known(known), np.zeros(titles - len(known), np.bool_))
        if predicted is not None:
            along[unknown] = predicted[unknown].astype(np.float64) @ axes.T
        along /= length or 1.0
        doubts = np.where(unknown, np.maximum(1.0 - np.sum(along**2, axis=1), 0.0), 0.0)
        return cls(vectors, axes.T, _with_one(along), doubts)

    def members(self, requests: Requests) -> Doubles:
        """(batch, size + 1): 1 and the direction of each request's point; zeros where nothing is known."""
        points = np.asarray(self.vectors.member_vectors(requests), np.float64) @ self.axes
        lengths = np.linalg.norm(points, axis=1, keepdims=True)
        return _with_one(points / np.where(lengths > 0, lengths, 1.0))


def is_known(vectors: Floats | Doubles) -> Flags:
    """(titles,) whether anything was learned of each title that has a vector (titles, size)."""
    lengths = np.linalg.norm(np.asarray(vectors, np.float64), axis=1)
    return np.asarray(lengths > FAINT * (np.sqrt(np.mean(lengths**2)) if len(lengths) else 0.0))


def _with_one(rows: Doubles) -> Doubles:
    return np.hstack([np.ones((len(rows), 1)), rows])
