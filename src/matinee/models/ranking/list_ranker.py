"""Shown lists: which of the titles that a member is shown will the member like? Learned from impressions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, get_args

import numpy as np
from numpy.typing import NDArray

from matinee.decision import Progress, Requests, no_progress
from matinee.errors import ArtifactRefused, BadRequest, NotFitted
from matinee.extras import needing
from matinee.history import Histories, TrainingData
from matinee.models.artifacts import storage
from matinee.models.linear_autoencoder import Ease, EaseConfig
from matinee.models.neighbors import Neighbors
from matinee.models.ranking.blend import fit_blend
from matinee.models.ranking.features import ARRAYS, Candidates, Rows, TitleFacts
from matinee.models.ranking.list_features import (
    Appeal,
    ShownLists,
    collaborative_features,
    content_features,
    nearest_liked,
)
from matinee.models.ranking.trees import TREE_ARRAYS, Grow, Lists, Objective, Trees, TreesConfig

AT_ONCE = 1 << 18  # rows whose features are held at a time
FIRST_PLACE = 0.0  # where every title is assumed to stand when it is scored


@dataclass(frozen=True, slots=True)
class ListRankerConfig:
    """`content`, `collaborative`: which features speak. `position`: whether a title's place explains likes in training
    (all are scored as if in first place). `objective`: "lambdarank" learns the order, "binary" whether a title is
    liked. `folds`: parts of the members; what others liked is learned without the part whose lists are explained.
    `l2`: penalty of the EASE that learns it. `enough`: lists from which on trees are grown; `ridge`: pull of the blend
    under them towards equal weights.
    """

    content: bool = True
    collaborative: bool = True
    position: bool = True
    objective: Objective = "lambdarank"
    l2: float = 200.0
    folds: int = 5
    enough: int = 100
    ridge: float = 10.0
    trees: TreesConfig = TreesConfig(rate=0.03, leaves=15)

    def __post_init__(self) -> None:
        if isinstance(self.trees, dict):
            object.__setattr__(self, "trees", TreesConfig(**self.trees))
        if not (self.content or self.collaborative):
            raise BadRequest("the list ranker has neither content nor collaborative features; allow one of them")
        if self.objective not in get_args(Objective):
            raise BadRequest(
                f"the list ranker knows no objective {self.objective!r}; choose from {get_args(Objective)}"
            )
        if self.folds < 2 or self.enough < 1 or not (self.ridge >= 0 and self.l2 > 0):
            raise BadRequest(f"the list ranker needs 2 folds, enough >= 1, ridge >= 0 and l2 > 0, got {self}")


@dataclass(frozen=True)
class Knowledge:
    """What features are made of: facts of titles, their appeal, and two models of who likes what."""

    facts: TitleFacts
    appeal: Appeal
    ease: Ease
    neighbors: Neighbors


@dataclass(frozen=True)
class Fitted:
    """Knowledge from all members, the weights of the leading features, and the trees on top."""

    knowledge: Knowledge
    weights: NDArray[np.float64]
    trees: Trees


class ListRanker:
    """score = w · leading features + trees(features, first place); every title is scored as if shown.

    Learned from impressions: a title that was shown and not liked speaks against its like, one that was never shown
    says nothing. A place in the list is a feature in training only (as in Google Play's wide model, Cheng et al. 2016),
    so what its place earned is not credited to a title. Right where lists were shown at random or by several policies;
    it fails where one policy chose both titles and places: then the place is the title.
    """

    def __init__(self, config: ListRankerConfig = ListRankerConfig()) -> None:
        self.config = config
        self._fitted: Fitted | None = None

    def fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Explain each part of the members by what the others liked; then learn from all members for serving."""
        with needing("rank"):
            from matinee.models.ranking.boosting import fit_trees
        lists, facts = ShownLists.of(data), TitleFacts.fit(data)
        part = rng.integers(self.config.folds, size=len(data.user_ids))
        rows = []
        for fold in range(self.config.folds if len(lists) else 0):
            progress(f"part {fold + 1} of {self.config.folds}", fold / (self.config.folds + 2))
            asked = part[lists.members] == fold
            known = self._know(data.of_members(np.flatnonzero(part != fold)), facts, rng)
            rows.append(self._rows(lists.take(asked), data, known))
        progress("learning to rank", self.config.folds / (self.config.folds + 2))
        knowledge = self._know(data, facts, rng)
        weights, trees = self._learn(Lists.joined(rows, self._leading()), fit_trees, rng)
        self._fitted = Fitted(knowledge, weights, trees)
        return self

    def score(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, titles) how much each title would be liked if it stood first."""
        fitted = self._state()
        n = fitted.knowledge.facts.n_titles
        scores = np.zeros((len(requests), n), np.float32)
        at_once = max(1, AT_ONCE // n)
        for start in range(0, len(requests), at_once):
            some = np.arange(start, min(start + at_once, len(requests)))
            features = self._features(requests.take(some), _everything(len(some), n), fitted.knowledge)
            leading = features[:, : len(fitted.weights)] @ fitted.weights
            scores[some] = (leading + fitted.trees.predict(features)).reshape(len(some), n)
        return scores

    def explain(self, requests: Requests, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """(batch, k): EASE's reason; without collaborative features the liked title of nearest content; or -1."""
        known = self._state().knowledge
        if self.config.collaborative:
            return known.ease.explain(requests, items)
        return nearest_liked(requests.histories, items, known.facts.content)

    def save(self, folder: Path) -> None:
        """Write arrays, trees, and the two models into folders of their own."""
        fitted = self._state()
        known = fitted.knowledge
        arrays: dict[str, NDArray[Any]] = {
            "weights": fitted.weights,
            **vars(known.facts),
            **vars(known.appeal),
            **vars(fitted.trees),
        }
        storage.write(folder, self.config, arrays)
        for name, scorer in (("ease", known.ease), ("neighbors", known.neighbors)):
            (folder / name).mkdir()
            scorer.save(folder / name)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises `ArtifactRefused` on anything else."""
        dtypes: dict[str, type[np.generic]] = {
            "weights": np.float64,
            "rates": np.float32,
            "shown": np.float32,
            **ARRAYS,
            **TREE_ARRAYS,
        }
        config, arrays, _ = storage.read(folder, ListRankerConfig, dtypes)
        facts = TitleFacts.of(arrays, folder)
        ranker, appeal = cls(config), Appeal(arrays["rates"], arrays["shown"])
        if appeal.rates.shape != (2, facts.n_titles) or appeal.shown.shape != (facts.n_titles,):
            raise ArtifactRefused(f"{folder} has rates of shape {appeal.rates.shape}; {storage.REMEDY}")
        if arrays["weights"].shape != (ranker._leading(),):
            raise ArtifactRefused(f"{folder} has {arrays['weights'].shape} weights; {storage.REMEDY}")
        known = Knowledge(facts, appeal, Ease.load(folder / "ease"), Neighbors.load(folder / "neighbors"))
        trees = Trees.of(arrays, ranker._width(known), folder)
        ranker._fitted = Fitted(known, arrays["weights"], trees)
        return ranker

    def _know(self, data: TrainingData, facts: TitleFacts, rng: np.random.Generator) -> Knowledge:
        ease = Ease(EaseConfig(l2=self.config.l2)).fit(data, rng)
        return Knowledge(facts, Appeal.fit(data, facts.content), ease, Neighbors().fit(data, rng))

    def _rows(self, lists: ShownLists, data: TrainingData, known: Knowledge) -> Lists:
        features = self._features(lists.requests(data), lists.candidates, known)
        if self.config.position:
            features[:, -1] = lists.columns
        return Lists(lists.candidates.offsets, features, lists.liked, np.zeros(len(features)))

    def _learn(self, lists: Lists, grow: Grow, rng: np.random.Generator) -> tuple[NDArray[np.float64], Trees]:
        weights = fit_blend(lists, self._leading(), self.config.ridge)
        if len(lists) < self.config.enough:
            return weights, Trees.none()
        part = np.arange(len(lists)) % self.config.folds
        base = lists.features[:, : len(weights)] @ weights
        return weights, grow(replace(lists, base=base), part, self.config.objective, self.config.trees, rng)

    def _features(self, requests: Requests, candidates: Candidates, known: Knowledge) -> Rows:
        """Leading features, the others, and the place in the list as the last column."""
        blocks = []
        if self.config.collaborative:
            blocks.append(collaborative_features(requests, candidates, (known.ease, known.neighbors), known.appeal))
        if self.config.content:
            blocks.append(content_features(requests, candidates, known.facts, known.appeal))
        likes = np.log1p(requests.histories.tastes.lengths)[candidates.owners]
        place = np.full(len(likes), FIRST_PLACE)
        columns = [
            *(leading for leading, _ in blocks),
            *(others for _, others in blocks),
            likes[:, None],
            place[:, None],
        ]
        return np.hstack(columns).astype(np.float32)

    def _width(self, known: Knowledge) -> int:
        """Number of features."""
        return len(self._features(Requests.of_histories(Histories.empty(0)), _everything(0, 0), known).T)

    def _leading(self) -> int:
        return 3 * self.config.collaborative + 2 * self.config.content

    def _state(self) -> Fitted:
        if self._fitted is None:
            raise NotFitted("the list ranker was asked before it was fitted; call fit or load first")
        return self._fitted


def _everything(batch: int, n: int) -> Candidates:
    """Every title a candidate of every request."""
    return Candidates(np.arange(batch + 1) * n, np.tile(np.arange(n), batch))
