"""The hybrid: first stages propose titles, boosted trees over what they say and what is known put them in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from matinee.decision import Progress, Refits, Requests, Scorer, no_progress, part_of
from matinee.errors import ArtifactRefused, BadRequest, NotFitted
from matinee.extras import needing
from matinee.history import TrainingData
from matinee.maths.ragged import owners_of
from matinee.models.artifacts import storage
from matinee.models.artifacts.widen import require_appended
from matinee.models.factors import Factors
from matinee.models.linear_autoencoder import Ease, EaseConfig
from matinee.models.markov import Markov, MarkovConfig
from matinee.models.neighbors import Neighbors, NeighborsConfig
from matinee.models.popularity import Popularity
from matinee.models.ranking.blend import fit_blend
from matinee.models.ranking.features import (
    ABOUT_BOTH,
    ABOUT_REQUESTS,
    ABOUT_TITLES,
    ARRAYS,
    PER_COMPONENT,
    Candidates,
    TitleFacts,
    component_features,
    standardised,
)
from matinee.models.ranking.folds import Fold, Labels, hold_out
from matinee.models.ranking.trees import TREE_ARRAYS, Grow, Lists, Trees, TreesConfig
from matinee.models.slim import Slim
from matinee.models.transition_graph import TransitionGraph
from matinee.models.user_neighbors import UserNeighbors

Components = tuple[tuple[str, Scorer], ...]

AT_ONCE = 1 << 20  # scores of one component that are held at a time
MARGIN = 1.0  # between the least candidate and the best of the rest


@dataclass(frozen=True, slots=True)
class RankerConfig:
    """`candidates`: titles that each component proposes. `labels`: which answers are kept from the first stage, and
    `share`: of the members, for `Labels.MEMBERS`. `most`: requests learned from. `folds`: parts of them, each left out
    in turn to say how many trees serve best. `enough`: requests from which on trees are grown at all; below it the
    blend alone speaks. `ridge`: pull of the blend's weights towards equal ones. `refit`: whether components learn from
    the answers too in the end.
    """

    candidates: int = 30
    labels: Labels = Labels.LAST
    share: float = 0.2
    most: int = 20_000
    folds: int = 5
    enough: int = 500
    ridge: float = 10.0
    refit: bool = True
    trees: TreesConfig = TreesConfig()

    def __post_init__(self) -> None:
        if self.labels not in tuple(Labels):
            raise BadRequest(f"the ranker knows no labels {self.labels!r}; choose from {[one.value for one in Labels]}")
        object.__setattr__(self, "labels", Labels(self.labels))
        if isinstance(self.trees, dict):
            object.__setattr__(self, "trees", TreesConfig(**self.trees))
        if min(self.candidates, self.most, self.enough) < 1:
            raise BadRequest(f"the ranker needs candidates, most and enough of at least 1, got {self}")
        if not (0 < self.share < 1 and self.folds >= 2 and self.ridge >= 0):
            raise BadRequest(f"the ranker needs a share between 0 and 1, 2 folds and a ridge of at least 0, got {self}")


@dataclass(frozen=True)
class Second:
    """What the second stage learned: `weights` (components,) of the blend, the trees on top, and facts of titles."""

    weights: NDArray[np.float64]
    trees: Trees
    facts: TitleFacts


class Ranker:
    """score = sum over components of w_c z_c + trees(features) for candidates; all other titles stand below them.

    z_c is component c's answer, standardised within the request. The blend is a conditional logit, the trees are
    LambdaMART grown on it, and both learn from answers that no component has seen. Right where several models know
    different things and a request may cost the sum of them; it fails with few labels, where it is the blend.
    The reason of a title is that of the component with the greatest weight that has one. (Burges 2010; RecTools'
    and the RecSys Challenges' two-stage rankers)

    `types` are the scorers that may be components of a saved ranker, by the name that it gives them; `standard` makes
    those that are components unless others are given; a composition with others is a subclass that names both.
    """

    types: ClassVar[Mapping[str, type[Scorer]]] = {
        "Popularity": Popularity,
        "Neighbors": Neighbors,
        "UserNeighbors": UserNeighbors,
        "Ease": Ease,
        "Slim": Slim,
        "Factors": Factors,
        "Markov": Markov,
        "TransitionGraph": TransitionGraph,
    }

    def __init__(self, config: RankerConfig = RankerConfig(), components: Components | None = None) -> None:
        self.config = config
        self.components = self.standard() if components is None else components
        names = [name for name, _ in self.components]
        if not names or len(set(names)) < len(names):
            raise BadRequest(f"a ranker needs components with names of their own, got {names}")
        self._fitted: Second | None = None

    @staticmethod
    def standard() -> Components:
        """Popularity, neighbours and EASE that forget, factors, what follows the last title, co-visits, the graph."""
        return (
            ("popularity", Popularity()),
            ("neighbors-recent", Neighbors(NeighborsConfig(half_life=5.0))),
            ("ease-recent", Ease(EaseConfig(half_life=5.0))),
            ("factors", Factors()),
            ("markov", Markov()),
            ("co-visits", Markov(MarkovConfig(reach=5, last=5, decay=0.7))),
            ("transition-graph", TransitionGraph()),
        )

    def fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Fit components without the answers, learn to order their candidates, and fit them again with the answers."""
        with needing("rank"):
            from matinee.models.ranking.boosting import fit_trees
        config = self.config
        fold = hold_out(data, config.labels, config.share, rng).sample(config.most, rng)
        self._fit_components(fold.data, rng, part_of(progress, "first stage", 0.0, 0.5), afresh=True)
        facts = TitleFacts.fit(fold.data)
        progress("learning to rank", 0.5)
        self._fitted = Second(*self._learn(fold, facts, fit_trees, rng), facts)
        return self.refit(data, rng, part_of(progress, "first stage again", 0.7, 1.0)) if config.refit else self

    def refit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Bring components and facts up to `data`, each component going on from where it is if it can; blend and trees
        stay as they are, for the components must have seen no answer that these learn from.
        """
        second = self._state()
        require_appended(second.facts.n_titles, data.catalog)
        self._fit_components(data, rng, progress, afresh=False)
        self._fitted = replace(second, facts=TitleFacts.fit(data))
        return self

    def score(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, titles): candidates by blend and trees, the rest by the blend below the least candidate."""
        second = self._state()
        scores = np.zeros((len(requests), second.facts.n_titles), np.float32)
        for rows in self._blocks(len(requests), second.facts.n_titles):
            scores[rows] = self._score(requests.take(rows), second)
        return scores

    def explain(self, requests: Requests, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """(batch, k): the reason of the component of greatest weight that has one, or -1."""
        weights = self._state().weights
        reasons = np.full(items.shape, -1, np.int32)
        for at in np.argsort(-weights, kind="stable"):
            if weights[at] > 0 and (reasons < 0).any():
                theirs = self.components[at][1].explain(requests, items)
                reasons = np.where(reasons < 0, theirs, reasons)
        return reasons

    def importance(self) -> dict[str, float]:
        """The share of the trees' gain that each feature brought, greatest first; empty without trees."""
        trees, names = self._state().trees, self._names()
        named = zip(names, trees.importance(len(names)).tolist(), strict=True)
        return dict(sorted(named, key=lambda pair: -pair[1])) if len(trees) else {}

    def save(self, folder: Path) -> None:
        """Write the second stage, and each component into its own folder below `components`."""
        second = self._state()
        called = {kind: name for name, kind in self.types.items()}
        kinds = [[name, called[type(scorer)]] for name, scorer in self.components]
        arrays: dict[str, NDArray[Any]] = {"weights": second.weights, **vars(second.facts), **vars(second.trees)}
        storage.write(folder, self.config, arrays, components=kinds)
        for at, (_, scorer) in enumerate(self.components):
            inside = folder / "components" / str(at)
            inside.mkdir(parents=True)
            scorer.save(inside)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises `ArtifactRefused` on anything else, also on components outside `types`."""
        dtypes: dict[str, type[np.generic]] = {"weights": np.float64, **ARRAYS, **TREE_ARRAYS}
        config, arrays, extra = storage.read(folder, RankerConfig, dtypes, "components")
        try:
            kinds = [(str(name), cls.types[kind]) for name, kind in extra["components"]]
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactRefused(
                f"{folder} has components {extra['components']}; it may have {sorted(cls.types)}"
            ) from error
        loaded = [(name, kind.load(folder / "components" / str(at))) for at, (name, kind) in enumerate(kinds)]
        ranker = cls(config, tuple(loaded))
        if arrays["weights"].shape != (len(loaded),):
            raise ArtifactRefused(f"{folder} has {arrays['weights'].shape} weights; {storage.REMEDY}")
        trees = Trees.of(arrays, len(ranker._names()), folder)
        ranker._fitted = Second(arrays["weights"], trees, TitleFacts.of(arrays, folder))
        return ranker

    def _fit_components(self, data: TrainingData, rng: np.random.Generator, progress: Progress, afresh: bool) -> None:
        for at, ((name, scorer), own) in enumerate(zip(self.components, rng.spawn(len(self.components)), strict=True)):
            learn = scorer.refit if isinstance(scorer, Refits) and not afresh else scorer.fit
            learn(data, own, part_of(progress, name, at / len(self.components), (at + 1) / len(self.components)))

    def _learn(
        self, fold: Fold, facts: TitleFacts, grow: Grow, rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], Trees]:
        """The blend's weights and the trees, from the requests that have an answer among their candidates."""
        lists, n = self._lists(fold, facts), len(self.components)
        weights = fit_blend(lists, n, self.config.ridge)
        if len(lists) < self.config.enough:
            return weights, Trees.none()
        part = np.arange(len(lists)) % self.config.folds
        blended = Lists(lists.offsets, lists.features, lists.relevant, lists.features[:, :n] @ weights)
        return weights, grow(blended, part, "lambdarank", self.config.trees, rng)

    def _lists(self, fold: Fold, facts: TitleFacts) -> Lists:
        parts = []
        for rows in self._blocks(len(fold.requests), facts.n_titles):
            requests = fold.requests.take(rows)
            _, candidates, features = self._features(requests, facts)
            wanted = np.zeros((len(rows), facts.n_titles), np.bool_)
            targets = fold.targets.take(rows)
            wanted[owners_of(targets.offsets), targets.values] = True
            relevant = wanted[candidates.owners, candidates.items]
            lists = Lists(candidates.offsets, features, relevant, np.zeros(len(relevant)))
            parts.append(lists.take(np.bincount(candidates.owners, relevant, minlength=len(rows)) > 0))
        return Lists.joined(parts, len(self._names()))

    def _features(
        self, requests: Requests, facts: TitleFacts
    ) -> tuple[list[NDArray[np.float32]], Candidates, NDArray[np.float32]]:
        """Standardised answers of the components, their candidates, and the candidates' features."""
        z = [standardised(scorer.score(requests)) for _, scorer in self.components]
        candidates = Candidates.best_of(z, requests.histories, self.config.candidates)
        at = candidates.owners, candidates.items
        said = np.stack([component_features(one[at], candidates) for one in z], axis=2)
        flat = said.reshape(len(said), len(PER_COMPONENT) * len(z))
        return z, candidates, np.hstack([flat, facts.features(requests, candidates)])

    def _score(self, requests: Requests, second: Second) -> NDArray[np.float64]:
        z, candidates, features = self._features(requests, second.facts)
        blend = sum((w * one for w, one in zip(second.weights, z, strict=True)), np.zeros(z[0].shape))
        owners, items = candidates.owners, candidates.items
        chosen = np.zeros(blend.shape, np.bool_)
        chosen[owners, items] = True
        ordered = np.where(chosen, blend, 0.0)
        ordered[owners, items] += second.trees.predict(features)
        least = np.where(chosen, ordered, np.inf).min(axis=1, initial=np.inf)
        best_left = np.where(chosen, -np.inf, blend).max(axis=1, initial=-np.inf)
        shift = np.where(np.isfinite(least) & np.isfinite(best_left), least - best_left - MARGIN, 0.0)
        return np.where(chosen, ordered, blend + np.minimum(shift, 0.0)[:, None])

    def _blocks(self, batch: int, n: int) -> Iterator[NDArray[np.int64]]:
        at_once = max(1, AT_ONCE // max(1, n))
        for start in range(0, batch, at_once):
            yield np.arange(start, min(start + at_once, batch))

    def _names(self) -> list[str]:
        said = [f"{name} {kind}" for kind in PER_COMPONENT for name, _ in self.components]
        return [*said, *ABOUT_TITLES, *ABOUT_REQUESTS, *ABOUT_BOTH]

    def _state(self) -> Second:
        if self._fitted is None:
            raise NotFitted("the ranker was asked before it was fitted; call fit or load first")
        return self._fitted
