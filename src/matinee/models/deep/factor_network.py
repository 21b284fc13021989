"""Factorization as a network: the loss of `maths.als` by gradient descent on two embeddings and their dot product."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor, nn

from matinee.decision import Progress, no_progress
from matinee.models.deep.fitting import Training, best_device, device_of, fit_network
from matinee.models.factors import FactorsConfig, random_points, ridges

Likes = tuple[Tensor, Tensor, Tensor]  # members of a batch; row in the batch and title of each of their likes


class DotProduct(nn.Module):
    """Two embeddings: `members` (members, size) and `titles` (titles, size); a score is a dot product of two rows."""

    def __init__(self, members: NDArray[np.float32], titles: NDArray[np.float32]) -> None:
        super().__init__()
        self.members = nn.Parameter(torch.from_numpy(members.copy()))
        self.titles = nn.Parameter(torch.from_numpy(titles.copy()))

    def loss(self, batch: Likes, alpha0: float, of_members: Tensor, of_titles: Tensor) -> Tensor:
        """What these members add to the loss of `maths.als`; the titles' penalty by the members' share of all.

        `of_members` (members,) and `of_titles` (titles,) are the penalties of the rows.
        """
        rows, owners, liked = batch
        points = self.members[rows]
        scores = points @ self.titles.T
        missed = (scores[owners, liked] - 1).square().sum()
        everywhere = alpha0 * scores.square().sum()
        penalty = of_members[rows] @ points.square().sum(dim=1)
        share = len(rows) / len(self.members)
        return missed + everywhere + penalty + share * (of_titles @ self.titles.square().sum(dim=1))


@dataclass(frozen=True, slots=True)
class Descent:
    """A way to solve `Factors`: AdamW under the one training loop of the networks, in batches of members.

    `Factors(FactorsConfig(epochs=60), solve=Descent())` minimises what alternating least squares minimises, all pairs
    counted, none sampled, and leaves the same artifact: torch is needed to fit it, not to serve it.
    """

    batch: int = 64
    rate: float = 1e-2

    def __call__(
        self,
        likes: sparse.csr_matrix,
        factors: NDArray[np.float32],
        config: FactorsConfig,
        rng: np.random.Generator,
        progress: Progress = no_progress,
    ) -> NDArray[np.float32]:
        """The titles' factors after `config.epochs` passes over the members, started at `factors`."""
        network = DotProduct(random_points(likes.shape[0], config, rng), factors).to(best_device())
        self.fit(network, likes, config, rng, progress)
        return np.asarray(network.titles.detach().cpu().numpy())

    def fit(
        self,
        network: DotProduct,
        likes: sparse.csr_matrix,
        config: FactorsConfig,
        rng: np.random.Generator,
        progress: Progress,
    ) -> None:
        """Lower the loss of `network` in place."""
        device, members = device_of(network), likes.shape[0]
        of_members, of_titles = (torch.from_numpy(side).to(device) for side in ridges(likes, config))
        one_like = members / max(1, likes.nnz * self.batch)  # makes a step's size independent of the batch's

        def batches(rng: np.random.Generator) -> Iterator[Likes]:
            order = rng.permutation(members)
            for start in range(0, members, self.batch):
                rows = order[start : start + self.batch]
                owners, liked = likes[rows].nonzero()
                yield _on(device, rows), _on(device, owners), _on(device, liked)

        def loss(batch: Likes) -> Tensor:
            return network.loss(batch, config.alpha0, of_members, of_titles).mul(one_like)

        training = Training(config.epochs, self.batch, self.rate)
        fit_network(network, training, batches, -(-members // self.batch), loss, rng, progress)


def _on(device: torch.device, places: NDArray[Any]) -> Tensor:
    return torch.from_numpy(places.astype(np.int64)).to(device)
