"""The contextual sequence model: a network reads the history in order and answers the request's situation."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from matinee.catalog import Catalog
from matinee.decision import Progress, Requests, no_progress, part_of
from matinee.errors import ArtifactRefused, NotFitted
from matinee.history import Histories, TrainingData
from matinee.models.artifacts import storage
from matinee.models.artifacts.widen import WidePrior, require_appended
from matinee.models.cold_start import Prior
from matinee.models.content.features import TitleEncoder
from matinee.models.deep.fitting import Training, best_device, seeded
from matinee.models.deep.sequence_config import FEW_PLAYS, Body, Loss, SequenceConfig
from matinee.models.deep.sequence_fitting import fit_sequence_network
from matinee.models.deep.sequence_network import SequenceNetwork
from matinee.models.deep.title_vectors import TitleVectors
from matinee.models.deep.tokens import Reading, Tokens, situations_of, tokens_of
from matinee.models.deep.weights import Dtypes, arrays_of, network_of
from matinee.models.factors import Initial
from matinee.models.popularity import Popularity
from matinee.models.reasons import top_reasons
from matinee.models.sequence_search import Look, found_config

__all__ = ["Body", "Loss", "Reading", "Sequence", "SequenceConfig", "Training"]

BLOCK = 64  # histories read at one time when scoring
REASONS = 20  # latest liked titles among which a reason is sought
REREAD = 50  # latest tokens that are read again without each of them
NOTHING = np.int32(-1)  # no title
LATELY = 1_000  # latest speaking events among which these are sought


@dataclass(frozen=True)
class Fitted:
    """What serving needs: the network on the processor, `vectors` (titles, size + 1) of all titles, the time of the
    `latest` event that it learned from, and the prior.

    Nothing is known of the titles `silent`, without plays and without content: they share the lowest score.
    """

    network: SequenceNetwork
    vectors: Tensor
    silent: NDArray[np.int64]
    encoder: TitleEncoder
    latest: int
    prior: Prior

    @property
    def n_titles(self) -> int:
        """Number of titles it answers for: those that it was fitted on, and those that came since."""
        return len(self.vectors)


class Sequence:
    """score_i = q · e_i + b_i, where q is what the network makes of the history, moved by the request's situation.

    Right when the order of plays tells what comes next and there are some thousand members to learn it from; it
    fails on small data, where EASE with a half-life costs less and knows as much. Titles that nobody played are
    scored by their content. `initial` gives title vectors to start from, such as `Factors(...).fit(...).title_vectors`.
    (SASRec, Kang and McAuley 2018, with the softmax of Klenitskiy and Vasilev 2023 and request-time context.)
    """

    def __init__(
        self,
        config: SequenceConfig = SequenceConfig(),
        initial: Initial | None = None,
    ) -> None:
        self.config = config
        self.initial = initial
        self._fitted: Fitted | None = None

    def fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Train from a random start, or from the `initial` title vectors, on a CUDA device where there is one; with a
        `search` find the settings first, which stay for fits to come.
        """
        if self.config.search:
            self.config = found_config(self.config, data, rng, part_of(progress, "search", 0.0, 0.7), self._tried)
            progress = part_of(progress, "fit", 0.7, 1.0)
        return self._fit(data, rng, progress)

    def _tried(self, config: SequenceConfig, data: TrainingData, look: Look, progress: Progress) -> None:
        """Fit another scorer with these settings, looked at after each epoch; always of the same start."""
        type(self)(config, self.initial)._fit(data, np.random.default_rng(0), progress, look)

    def _fit(
        self, data: TrainingData, rng: np.random.Generator, progress: Progress, look: Look = lambda epoch, part: False
    ) -> Self:
        encoder = TitleEncoder.fit(data.catalog)
        features = encoder.encode(data.catalog)
        tokens = tokens_of(data.histories, len(data.catalog), self.config.reading)
        counts = _counts(tokens, data)
        self.config = decided(self.config, counts)
        with seeded(rng):
            network = _network(self.config, counts, features)
        if self.initial is not None:
            network.titles.start_at(self.initial(data, rng))
        return self._train(network, encoder, tokens, data, self.config.training, rng, progress, look)

    def refit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Go on from the fitted weights for `refit_epochs`; new titles of a catalogue that grew start from content.

        Raises `BadRequest` when the catalogue lacks titles or vectors that it learned from.
        """
        older = self.state
        require_appended(len(older.network.titles.counts), data.catalog)
        older.encoder.require_learned(data.catalog)
        tokens = tokens_of(data.histories, len(data.catalog), self.config.reading)
        with seeded(rng):
            features = older.encoder.encode(data.catalog)
            network = _network(self.config, _counts(tokens, data), features)
        kept = {name: w for name, w in older.network.state_dict().items() if not name.startswith("titles.")}
        network.load_state_dict(kept, strict=False)
        network.titles.continue_from(older.network.titles)
        training = replace(self.config.training, epochs=self.config.refit_epochs)
        return self._train(network, older.encoder, tokens, data, training, rng, progress)

    @torch.no_grad()
    def for_titles(self, catalog: Catalog) -> Self:
        """The scorer answering for all of `catalog`: titles that came after fitting have the vectors of their content.

        In a history they speak by the same vectors.
        """
        fitted = self.state
        known = fitted.vectors[: fitted.prior.popularity.n_titles]
        if len(known) == fitted.n_titles == len(catalog):
            return self
        features = torch.from_numpy(fitted.encoder.encode(catalog, first=len(known)))
        answering = torch.cat([known, fitted.network.titles.of_content(features)])
        added = len(known) + np.flatnonzero(~features.any(dim=1).numpy())
        silent = np.concatenate([fitted.silent[fitted.silent < len(known)], added])
        grown = type(self)(self.config, self.initial)
        grown._fitted = replace(
            fitted, vectors=answering, silent=silent, prior=WidePrior.over(fitted.prior, len(catalog))
        )
        return grown

    def score(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, titles) q · e_i + b_i plus the prior of `cold_start`; only the prior where a history is empty."""
        fitted = self.state
        scores = fitted.prior.scores(requests)
        scores += _part(fitted, requests, self.config)
        return scores

    def explain(self, requests: Requests, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """(batch, k): of the latest `REASONS` liked titles the one that adds most to the score, or -1 where none does.

        What a title adds is the mean of its last and its first marginal contribution, [v(S) - v(S - {i}) + v({i})] / 2,
        where v = q · (e - mean e), 0 without a history: what raises all titles alike moves none. With two titles that
        is the Shapley value (1953); the last contribution alone is silent where any one of several titles suffices.
        Measured, not guessed: the network reads the latest `REREAD` tokens again without each and with each alone.
        A silent title neither explains nor is explained.
        """
        fitted = self.state
        mean = fitted.vectors[:, :-1].mean(dim=0)

        def told(b: int, asked: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
            liked = _lately(requests.take(np.array([b])))
            seen = liked.histories.tastes.items[-REASONS:]
            seen = seen[(seen < fitted.n_titles) & ~np.isin(seen, fitted.silent)]
            less = _answers(fitted, _apart(liked, np.append(NOTHING, seen), kept=False), self.config, REREAD)
            alone = _answers(fitted, _apart(liked, seen, kept=True), self.config, REREAD)
            added = (fitted.vectors[asked, :-1] - mean) @ (less[0] - less[1:] + alone).T
            return seen, np.asarray(added.numpy())

        return top_reasons(items, (items >= 0) & (items < fitted.n_titles) & ~np.isin(items, fitted.silent), told)

    def answers(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, size) q of every request, zeros for an empty history; with `title_vectors` the input of others."""
        return np.asarray(_answers(self.state, requests, self.config).numpy())

    @property
    def title_vectors(self) -> NDArray[np.float32]:
        """(titles, size + 1) e_i and, in the last column, b_i."""
        return np.asarray(self.state.vectors.numpy())

    def save(self, folder: Path) -> None:
        """Write the weights, the titles' vectors, the encoder of titles and the prior."""
        fitted = self.state
        titles, features = len(fitted.network.titles.counts), fitted.encoder.width
        extra = {"titles": titles, "features": features, "latest": fitted.latest, "prior_scale": fitted.prior.scale}
        told = {"vectors": fitted.vectors[:titles].numpy(), "silent": fitted.silent[fitted.silent < titles]}
        storage.write(folder, self.config, arrays_of(fitted.network) | told, **extra)
        fitted.encoder.save(folder)
        fitted.prior.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises `ArtifactRefused` on anything else."""
        names = "titles", "features", "latest", "prior_scale"
        known: Dtypes = {"titles.counts": np.float32, "vectors": np.float32, "silent": np.int64}
        config, arrays, extra = storage.read(folder, SequenceConfig, known, *names)
        counts, vectors, silent = (arrays[name] for name in known)
        prior, encoder = Prior.load(folder, config.kappa, extra["prior_scale"]), TitleEncoder.load(folder)
        said, known_by = (extra["titles"], extra["features"]), (prior.n_titles, encoder.width)
        if not (said == known_by and counts.shape == said[:1] and vectors.shape == (*said[:1], config.size + 1)):
            raise ArtifactRefused(
                f"{folder} speaks of {said} titles and features, holds vectors of {vectors.shape} and counts of "
                f"{counts.shape}, and its prior and encoder know {known_by}; {storage.REMEDY}"
            )
        if silent.ndim != 1 or ((silent < 0) | (silent >= len(counts))).any():
            raise ArtifactRefused(f"{folder} names silent titles beyond its {len(counts):,}; {storage.REMEDY}")
        latest = storage.moment(folder, extra["latest"])
        network = network_of(
            lambda: _network(config, counts, np.zeros((0, encoder.width), np.float32)),
            lambda dtypes: storage.read(folder, SequenceConfig, dtypes, *names)[1],
        )
        scorer = cls(config)
        scorer._fitted = Fitted(network, torch.from_numpy(np.array(vectors)), np.array(silent), encoder, latest, prior)
        return scorer

    def _train(
        self,
        network: SequenceNetwork,
        encoder: TitleEncoder,
        tokens: Tokens,
        data: TrainingData,
        training: Training,
        rng: np.random.Generator,
        progress: Progress,
        look: Look = lambda epoch, part: False,
    ) -> Self:
        def part(histories: Histories) -> NDArray[np.float32]:
            so_far = self._rough(deepcopy(network).cpu(), encoder, tokens)
            return _part(so_far, Requests.of_histories(histories), self.config)

        def enough(epoch: int) -> bool:
            return look(epoch, part)

        fit_sequence_network(network.to(best_device()), tokens, self.config, training, rng, progress, enough)
        network.cpu()
        rough = self._rough(network, encoder, tokens)

        def learned(histories: Histories) -> NDArray[np.float32]:
            return _part(rough, Requests.of_histories(histories), self.config)

        self._fitted = replace(rough, prior=Prior.fit(data, rng, self.config.kappa, learned))
        return self

    def _rough(self, network: SequenceNetwork, encoder: TitleEncoder, tokens: Tokens) -> Fitted:
        """What a network on the processor knows, without a prior."""
        unfitted = Prior(Popularity(), self.config.kappa, 0.0)
        return Fitted(network, *_titles(network), encoder, tokens.latest, unfitted)

    @property
    def state(self) -> Fitted:
        """What it learned; raises `NotFitted` before."""
        if self._fitted is None:
            raise NotFitted("the sequence model was asked before it was fitted; call fit or load first")
        return self._fitted


@torch.no_grad()
def _answers(fitted: Fitted, requests: Requests, config: SequenceConfig, most: int | None = None) -> Tensor:
    """(batch, size) what the network makes of each request, of its latest tokens; zeros where there is none."""
    length = min(config.length, most or config.length)
    tokens = tokens_of(requests.histories, fitted.n_titles, config.reading, length)
    situation = torch.from_numpy(situations_of(requests, tokens, config.reading, fitted.latest).astype(np.int64))
    answers = torch.zeros(len(requests), config.size)
    for rows in _alike(tokens.lengths):
        lengths = np.minimum(tokens.lengths[rows], length)
        places = tokens.offsets[rows + 1, None] - lengths[:, None] + np.arange(lengths.max())
        places = np.minimum(places, tokens.offsets[rows + 1, None] - 1)
        items = torch.from_numpy(tokens.items[places].astype(np.int64))
        history = torch.from_numpy(tokens.history[places].astype(np.int64))
        latest = fitted.network.states_at(fitted.vectors, items, history, torch.from_numpy(lengths - 1))
        answers[rows] = fitted.network.request(latest, situation[rows])
    return answers


def _alike(lengths: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Members with a token, in blocks of like length."""
    order = np.argsort(lengths, kind="stable")
    order = order[np.searchsorted(lengths[order], 1) :]
    for start in range(0, len(order), BLOCK):
        yield order[start : start + BLOCK]


def _part(fitted: Fitted, requests: Requests, config: SequenceConfig) -> NDArray[np.float32]:
    """(batch, titles) q · e_i + b_i, zeros where the history has no known title."""
    answers = _answers(fitted, requests, config)
    started = answers.any(dim=1, keepdim=True).float()
    scores = np.asarray((torch.cat([answers, started], dim=1) @ fitted.vectors.T).numpy())
    if len(fitted.silent):
        scores[:, fitted.silent] = scores.min(axis=1, keepdims=True)
    return scores


def _lately(request: Requests) -> Requests:
    """A batch of one request with its latest `LATELY` speaking events alone."""
    speaking = request.histories.speaking
    late = np.cumsum(speaking[::-1])[::-1] <= LATELY
    return replace(request, histories=request.histories.keep(speaking & late))


def _apart(request: Requests, titles: NDArray[np.int32], kept: bool) -> Requests:
    """The one request once for each of the titles: its history with that title alone if `kept`, else without it."""
    many = request.take(np.zeros(len(titles), np.int64))
    histories = many.histories
    of_title = histories.items == np.repeat(titles, np.diff(histories.offsets))
    return replace(many, histories=histories.keep(of_title == kept))


@torch.no_grad()
def _titles(network: SequenceNetwork) -> tuple[Tensor, NDArray[np.int64]]:
    """(titles, size + 1) vectors of all titles, as they serve, and those of which nothing is known; the network needs
    the titles' features no more.
    """
    titles = network.eval().titles
    silent = (titles.counts == 0) & ~titles.features.any(dim=1)
    vectors = titles(torch.arange(len(titles.counts)))
    titles.forget()
    return vectors, np.flatnonzero(silent.numpy())


def _counts(tokens: Tokens, data: TrainingData) -> NDArray[np.float32]:
    return np.bincount(tokens.items, minlength=len(data.catalog)).astype(np.float32)


def decided(config: SequenceConfig, counts: NDArray[np.float32]) -> SequenceConfig:
    """The settings with `unit` decided by the tokens of each title (titles,), where that was left open."""
    if config.unit is not None:
        return config
    return replace(config, unit=bool(counts.sum() < FEW_PLAYS * np.count_nonzero(counts)))


def _network(config: SequenceConfig, counts: NDArray[np.float32], features: NDArray[np.float32]) -> SequenceNetwork:
    return SequenceNetwork(config, TitleVectors(counts, features, config.size, config.id_dropout, bool(config.unit)))
