"""Networks in which a request meets a title: what they have in common, and the three ways of meeting."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from matinee.models.deep.propensity_head import PropensityHead
from matinee.models.deep.title_vectors import SPREAD, TitleVectors
from matinee.models.deep.tokens import PACE, SITUATION


@dataclass(frozen=True)
class Asked:
    """A batch of requests as a network reads them.

    `items` and `weights` are the liked titles, request `b` owning `offsets[b]:offsets[b + 1]` (batch + 1);
    `situations` (batch, fields) are the codes of `tokens.SITUATION`, 0 = unknown.
    """

    offsets: Tensor
    items: Tensor
    weights: Tensor
    situations: Tensor


@dataclass(frozen=True)
class Parts:
    """What tells one network from another: a tower for requests, one for titles, and how the two make a score.

    Towers map (k, size) to (k, size); `meet` maps requests (batch, size) and titles (k, size + 1), the last column
    being each title's bias, to scores (batch, k).
    """

    request: nn.Module
    title: nn.Module
    meet: nn.Module


class MatchNetwork(nn.Module):
    """request = tower(sum of liked_i / sqrt(number of likes) + sum of the situation's vectors); a score is `meet`.
    The situation learns at a `PACE` of its own.

    Titles enter as two tables worked out beforehand, so that serving needs no content: `liked` (titles, size), what
    each like says about a member, and `vectors` (titles, size + 1), what can be recommended.
    """

    firsts: Tensor

    def __init__(self, parts: Parts, size: int) -> None:
        super().__init__()
        widths = torch.tensor((0, *SITUATION[:-1]))
        self.register_buffer("firsts", widths.cumsum(0), persistent=False)
        self.situation = nn.Embedding(sum(SITUATION), size)
        nn.init.normal_(self.situation.weight, std=SPREAD)
        self.request, self.meet = parts.request, parts.meet

    def answers(self, liked: Tensor, asked: Asked) -> Tensor:
        """(batch, size) one vector for each request."""
        bag = functional.embedding_bag(
            asked.items, liked, asked.offsets[:-1], mode="sum", per_sample_weights=asked.weights
        )
        known = (asked.situations > 0).to(bag.dtype)
        around = PACE * self.situation(asked.situations + self.firsts) * known[:, :, None]
        answers: Tensor = self.request(bag + around.sum(dim=1))
        return answers

    def scores(self, answers: Tensor, vectors: Tensor) -> Tensor:
        """(batch, k) for answers (batch, size) and vectors (k, size + 1)."""
        scores: Tensor = self.meet(answers, vectors)
        return scores


class Learner(nn.Module):
    """A `MatchNetwork` with the titles that it learns: both tables mix an embedding with content. A `head` over its
    answers weighs what is learned.
    """

    def __init__(
        self,
        network: MatchNetwork,
        parts: Parts,
        liked: TitleVectors,
        titles: TitleVectors,
        head: PropensityHead | None = None,
    ) -> None:
        super().__init__()
        self.network, self.tower, self.head = network, parts.title, head
        self.liked, self.titles = liked, titles

    def histories(self, titles: Tensor) -> Tensor:
        """`liked` (k, size) of these titles."""
        vectors: Tensor = self.liked(titles)
        return vectors[:, :-1]

    def candidates(self, titles: Tensor) -> Tensor:
        """`vectors` (k, size + 1) of these titles."""
        vectors = self.titles(titles)
        return torch.cat([self.tower(vectors[:, :-1]), vectors[:, -1:]], dim=1)

    @torch.no_grad()
    def tables(self) -> tuple[Tensor, Tensor]:
        """`liked` (titles, size) and `vectors` (titles, size + 1) of all titles."""
        every = torch.arange(len(self.titles.embeddings), device=self.titles.embeddings.device)
        return self.histories(every), self.candidates(every)

    def silent(self) -> Tensor:
        """(k,) the titles of which nothing is known: without likes and without content."""
        return torch.nonzero((self.titles.counts == 0) & ~self.titles.features.any(dim=1)).flatten()

    def newcomers(self) -> Newcomers:
        """What remains of it for titles that come later."""
        return Newcomers(self.tower, self.liked.content.detach()[:, :-1], self.titles.content.detach())


class Newcomers(nn.Module):
    """Titles that came after fitting: the tables of `Learner` for titles of which content alone is known.

    `tower` is the one for titles; features are mapped by `content_liked` (features, size) and `content_titles`
    (features, size + 1).
    """

    content_liked: Tensor
    content_titles: Tensor

    def __init__(self, tower: nn.Module, content_liked: Tensor, content_titles: Tensor) -> None:
        super().__init__()
        self.tower = tower
        self.register_buffer("content_liked", content_liked.contiguous())
        self.register_buffer("content_titles", content_titles)

    @torch.no_grad()
    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """`liked` (k, size) and `vectors` (k, size + 1) of features (k, features)."""
        vectors = features @ self.content_titles
        return features @ self.content_liked, torch.cat([self.tower(vectors[:, :-1]), vectors[:, -1:]], dim=1)


class Dot(nn.Module):
    """score = request · title + bias."""

    def forward(self, requests: Tensor, titles: Tensor) -> Tensor:
        """See `Parts.meet`."""
        return torch.addmm(titles[:, -1], requests, titles[:, :-1].T)


class Tower(nn.Module):
    """x + W2 gelu(W1 norm(x)): a random start is short, and without the norm it would not bend."""

    def __init__(self, size: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size)
        self.first, self.second = nn.Linear(size, hidden), nn.Linear(hidden, size, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(k, size) to (k, size)."""
        moved: Tensor = self.second(self.dropout(functional.gelu(self.first(self.norm(x)))))
        return x + moved


class Pairs(nn.Module):
    """score = w · (request * title) + MLP([request; title]) + bias, for every pair (NeuMF, He et al. 2017).

    The first layer of the MLP is the sum of a part for the request and a part for the title, so that only the layers
    above it are worked out for each pair.
    """

    def __init__(self, size: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.product = nn.Parameter(torch.ones(size))
        self.of_request, self.of_title = nn.Linear(size, hidden), nn.Linear(size, hidden, bias=False)
        self.second, self.last = nn.Linear(hidden, hidden // 2), nn.Linear(hidden // 2, 1, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, requests: Tensor, titles: Tensor) -> Tensor:
        """See `Parts.meet`."""
        points, biases = titles[:, :-1], titles[:, -1]
        first = torch.relu(self.of_request(requests)[:, None, :] + self.of_title(points)[None, :, :])
        second = torch.relu(self.second(self.dropout(first)))
        deep: Tensor = self.last(second).squeeze(-1)
        return deep + torch.addmm(biases, requests * self.product, points.T)
