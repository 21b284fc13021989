"""What the scorers share in which a network matches a request and a title; each brings its own way of matching."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from matinee.catalog import Catalog
from matinee.decision import Progress, Requests, no_progress
from matinee.errors import ArtifactRefused, BadRequest, NotFitted
from matinee.history import Histories, TrainingData
from matinee.maths.ragged import narrowed
from matinee.models.artifacts import storage
from matinee.models.artifacts.widen import WidePrior
from matinee.models.cold_start import Prior
from matinee.models.content.features import TitleEncoder
from matinee.models.deep.fitting import Training, best_device, seeded
from matinee.models.deep.match_fitting import asked_of, examples_of, fit_match
from matinee.models.deep.match_network import Asked, Learner, MatchNetwork, Newcomers, Parts
from matinee.models.deep.propensity_head import HeadConfig, PropensityHead
from matinee.models.deep.title_vectors import TitleVectors
from matinee.models.deep.tokens import Reading, Tokens, situations_of, tokens_of
from matinee.models.deep.weights import Arrays, Dtypes, arrays_of, network_of
from matinee.models.popularity import Popularity
from matinee.models.reasons import top_reasons

BLOCK, TITLES = 16, 8_192  # requests and titles scored at one time, for a network may hold a layer for each pair
REASONS = 20  # latest liked titles among which a reason is sought
EXTRA = ("latest", "prior_scale")
TABLES: Mapping[str, type[np.generic]] = {"liked": np.float32, "vectors": np.float32, "silent": np.int64}


@dataclass(frozen=True, slots=True)
class MatchConfig:
    """`size`: dimensions in which requests and titles meet. `content`: whether titles have side features, see
    `content`. `context`, `time`: whether requests have country and device; hour, weekday and age. `unknown`: chance
    that a code is hidden in training; `id_dropout`: chance that a title has only its content. `candidates`: titles that
    a training batch is scored on, at most. `kappa`: history length at which popularity counts half. `head`: a
    propensity head that weighs what is learned, None for none; serving needs it no more.
    """

    size: int = 64
    content: bool = True
    context: bool = True
    time: bool = True
    unknown: float = 0.1
    id_dropout: float = 0.1
    candidates: int = 8192
    kappa: float = 0.1
    training: Training = Training(epochs=40, batch=128, rate=1e-2, decay=0.01)
    head: HeadConfig | None = None

    def __post_init__(self) -> None:
        for name, nested in (("training", Training), ("head", HeadConfig)):
            if isinstance(value := getattr(self, name), dict):
                object.__setattr__(self, name, nested(**value))
        for name in (one.name for one in fields(self)):
            value = getattr(self, name)
            if name in {"unknown", "id_dropout", "dropout"} and not 0 <= value < 1:
                raise BadRequest(f"matching's {name} is {value}; give a number of at least 0 and below 1")
            if name in {"size", "hidden", "candidates"} and not (isinstance(value, int) and value > 0):
                raise BadRequest(f"matching's {name} is {value}; give a whole number above 0")
            if name == "kappa" and not value > 0:
                raise BadRequest(f"matching's kappa is {value}; give a number above 0")
            if name == "training" and not isinstance(value, Training):
                raise BadRequest(f"matching's training is {value}; give a Training")

    @property
    def reading(self) -> Reading:
        """What is read of histories and requests."""
        return Reading(self.context, self.time, order=False)


@dataclass(frozen=True)
class Fitted:
    """What serving needs: the network on the processor, its two tables of titles, the time of the `latest` event that
    it learned from, the prior, and what tells of titles that come later: `newcomers` and, where titles have content,
    the `encoder`.

    Nothing is known of the titles `silent`, without likes and without content: they share the lowest score, and in a
    history they say nothing.
    """

    network: MatchNetwork
    newcomers: Newcomers
    encoder: TitleEncoder | None
    liked: Tensor
    vectors: Tensor
    latest: int
    prior: Prior
    silent: NDArray[np.int64]

    @property
    def n_titles(self) -> int:
        """Number of titles it answers for: those that it was fitted on, and those that came since."""
        return len(self.vectors)

    def heard(self, items: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Whether each of these numbers is a title of which something is known."""
        return (items >= 0) & (items < self.n_titles) & ~np.isin(items, self.silent)


class MatchScorer(ABC):
    """Base of the scorers in which a network matches a request, as a bag of likes in a situation, and a title.

    A subclass names the type of its config and builds its `Parts`; fitting, scoring, reasons and storage are here.
    """

    config_type: ClassVar[type[MatchConfig]]

    def __init__(self, config: MatchConfig | None = None) -> None:
        self.config = self.config_type() if config is None else config
        self._fitted: Fitted | None = None

    @staticmethod
    @abstractmethod
    def parts(config: Any) -> Parts:
        """The network's parts, with weights that follow from torch's generator."""

    def fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Train from a random start, on a CUDA device where there is one."""
        config = self.config
        tokens = tokens_of(data.histories, len(data.catalog), config.reading)
        encoder = TitleEncoder.fit(data.catalog) if config.content else None
        with seeded(rng):
            learner = self._learner(tokens, _features(encoder, data.catalog)).to(best_device())
        examples = examples_of(tokens, whole=config.head is not None)
        fit_match(learner, examples, config.training, config.candidates, config.unknown, rng, progress)
        liked, vectors = learner.cpu().tables()
        unfitted, silent = Prior(Popularity(), config.kappa, 0.0), learner.silent().numpy()
        rough = Fitted(learner.network, learner.newcomers(), encoder, liked, vectors, tokens.latest, unfitted, silent)

        def part(histories: Histories) -> NDArray[np.float32]:
            return _part(rough, Requests.of_histories(histories), config.reading)

        self._fitted = replace(rough, prior=Prior.fit(data, rng, config.kappa, part))
        return self

    def _learner(self, tokens: Tokens, features: NDArray[np.float32]) -> Learner:
        config = self.config
        counts = np.bincount(tokens.items[tokens.taught], minlength=len(features)).astype(np.float32)
        liked, titles = (TitleVectors(counts, features, config.size, config.id_dropout) for _ in range(2))
        parts = self.parts(config)
        head = None if config.head is None else PropensityHead(len(counts), config.size, config.head)
        return Learner(MatchNetwork(parts, config.size), parts, liked, titles, head)

    def for_titles(self, catalog: Catalog) -> Self:
        """The scorer answering for all of `catalog`: titles that came after fitting have the vectors of their content.

        In a history they speak by their content, too. Those without any feature that was learned share each request's
        lowest score, and in a history they say nothing; without `content` in the config that is all of them.
        """
        fitted = self._state()
        first = fitted.prior.popularity.n_titles
        if first == fitted.n_titles == len(catalog):
            return self
        features = _features(fitted.encoder, catalog, first)
        liked, answering = fitted.newcomers(torch.from_numpy(features))
        grown = type(self)(self.config)
        grown._fitted = replace(
            fitted,
            liked=torch.cat([fitted.liked[:first], liked]),
            vectors=torch.cat([fitted.vectors[:first], answering]),
            prior=WidePrior.over(fitted.prior, len(catalog)),
            silent=np.append(fitted.silent[fitted.silent < first], first + np.flatnonzero(~features.any(axis=1))),
        )
        return grown

    def score(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, titles): the network's scores plus the prior of `cold_start`; only the prior without a history."""
        fitted = self._state()
        scores = fitted.prior.scores(requests)
        scores += _part(fitted, requests, self.config.reading)
        if 0 < len(fitted.silent) < fitted.n_titles:
            scores[:, fitted.silent] = np.inf
            scores[:, fitted.silent] = scores.min(axis=1, keepdims=True)
        return scores

    @torch.no_grad()
    def explain(self, requests: Requests, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """(batch, k): of the latest `REASONS` liked titles the one without which the score would fall most, or -1.

        Measured: the network answers again without each of them. A score counts against the mean over all titles,
        because what raises all alike moves none.
        """
        fitted = self._state()
        tastes = requests.histories.tastes

        def told(b: int, asked: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
            bags = _asked(fitted, requests.take(np.array([b])), self.config.reading)
            latest = tastes.items[tastes.offsets[b] : tastes.offsets[b + 1]][::-1]
            seen = latest[np.isin(latest, bags.items.numpy())][:REASONS]
            answers = fitted.network.answers(fitted.liked, _without_each(bags, seen))
            scores = _scores(fitted, answers)
            scores -= scores.mean(dim=1, keepdim=True)
            return seen, np.asarray((scores[0] - scores[1:]).numpy()[:, asked].T)

        return top_reasons(items, fitted.heard(items), told)

    def save(self, folder: Path) -> None:
        """Write the weights, the tables of the titles fitted on, the encoder of titles and the prior."""
        fitted = self._state()
        n = fitted.prior.popularity.n_titles
        silent = fitted.silent[fitted.silent < n]
        tables = {"liked": fitted.liked[:n].numpy(), "vectors": fitted.vectors[:n].numpy(), "silent": silent}
        weights = arrays_of(fitted.network) | arrays_of(fitted.newcomers)
        extra = {"latest": fitted.latest, "prior_scale": fitted.prior.scale}
        storage.write(folder, self.config, {**weights, **tables}, **extra)
        fitted.prior.save(folder)
        if fitted.encoder is not None:
            fitted.encoder.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises `ArtifactRefused` on anything else."""
        config, tables, extra = storage.read(folder, cls.config_type, TABLES, *EXTRA)
        size, encoder = config.size, TitleEncoder.load(folder) if config.content else None
        width = 0 if encoder is None else encoder.width

        def newcomers_of() -> Newcomers:
            return Newcomers(cls.parts(config).title, torch.zeros(width, size), torch.zeros(width, size + 1))

        def arrays_there(dtypes: Dtypes) -> Arrays:
            return storage.read(folder, cls.config_type, dtypes, *EXTRA)[1]

        network = network_of(lambda: MatchNetwork(cls.parts(config), size), arrays_there)
        newcomers = network_of(newcomers_of, arrays_there)
        prior = Prior.load(folder, config.kappa, extra["prior_scale"])
        latest = storage.moment(folder, extra["latest"])
        shapes = tables["liked"].shape, tables["vectors"].shape
        if shapes != ((prior.n_titles, size), (prior.n_titles, size + 1)):
            raise ArtifactRefused(f"{folder} has tables of the shapes {shapes}; {storage.REMEDY}")
        silent = tables["silent"]
        if silent.ndim != 1 or not ((silent >= 0) & (silent < prior.n_titles)).all():
            raise ArtifactRefused(f"{folder} has silent titles that are not among {prior.n_titles}; {storage.REMEDY}")
        scorer, (liked, vectors) = cls(config), (torch.from_numpy(tables[name]) for name in ("liked", "vectors"))
        scorer._fitted = Fitted(network, newcomers, encoder, liked, vectors, latest, prior, silent)
        return scorer

    def _state(self) -> Fitted:
        if self._fitted is None:
            raise NotFitted(f"{type(self).__name__} was asked before it was fitted; call fit or load first")
        return self._fitted


@torch.no_grad()
def _part(fitted: Fitted, requests: Requests, reading: Reading) -> NDArray[np.float32]:
    """(batch, titles) what the network says; zeros without a history."""
    asked = _asked(fitted, requests, reading)
    answers = fitted.network.answers(fitted.liked, asked)
    known = torch.diff(asked.offsets) > 0
    out = np.zeros((len(requests), fitted.n_titles), np.float32)
    for start in range(0, len(requests), BLOCK):
        block = slice(start, start + BLOCK)
        out[block] = (_scores(fitted, answers[block]) * known[block, None]).numpy()
    return out


def _scores(fitted: Fitted, answers: Tensor) -> Tensor:
    """(batch, titles)."""
    return torch.cat([fitted.network.scores(answers, some) for some in torch.split(fitted.vectors, TITLES)], dim=1)


def _asked(fitted: Fitted, requests: Requests, reading: Reading) -> Asked:
    tokens = tokens_of(requests.histories, fitted.n_titles, reading)
    taught = tokens.taught & fitted.heard(tokens.items)
    offsets = narrowed(tokens.offsets, taught)
    situations = situations_of(requests, tokens, reading, fitted.latest)
    return asked_of(offsets, tokens.items[taught], situations, torch.device("cpu"))


def _features(encoder: TitleEncoder | None, catalog: Catalog, first: int = 0) -> NDArray[np.float32]:
    """(titles, features) of the titles from `first` on, without columns where content is not read."""
    if encoder is None:
        return np.zeros((len(catalog) - first, 0), np.float32)
    return encoder.encode(catalog, first=first)


def _without_each(asked: Asked, seen: NDArray[np.int32]) -> Asked:
    """The one request `asked`, followed by itself without each of `seen`; the other weights stay."""
    times, likes = len(seen) + 1, len(asked.items)
    weights = asked.weights.repeat(times, 1)
    weights[1:][torch.from_numpy(seen.astype(np.int64))[:, None] == asked.items] = 0.0
    offsets = torch.arange(times + 1) * likes
    return Asked(offsets, asked.items.repeat(times), weights.reshape(-1), asked.situations.repeat(times, 1))
