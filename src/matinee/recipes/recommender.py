"""Five lines for a data scientist: read a frame or a path, fit a model by name, ask it for titles.

import matinee

data = matinee.read("ratings.csv")
model = matinee.fit("ease", data)
model.recommend(users=["ada"], n=10)
model.similar("603")
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from numbers import Integral
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from matinee.data.dataset import Dataset
from matinee.data.histories import histories_of, training_data
from matinee.data.sources import reading, tabular
from matinee.data.sources.frames import to_pandas
from matinee.decision import Progress, Requests, Scorer, no_progress
from matinee.decision.eligibility import eligible
from matinee.errors import BadData, BadRequest
from matinee.history import Histories, TrainingData
from matinee.maths.ragged import owners_of
from matinee.maths.ranking_metrics import top_n
from matinee.profile import Profile
from matinee.recipes.costs import Cost, expected, taken, told
from matinee.recipes.models.entry import Model
from matinee.recipes.registry import MODELS

BATCH = 256  # members scored at a time
Ids: TypeAlias = Sequence[str | int]


def read(interactions: Any, titles: Any = None, **options: Any) -> Dataset:
    """A pandas or polars frame, or a path (text or `Path`), as a data set.

    Frames, and paths with `titles` or `options`, are read by `data.sources.tabular.read`, whose options these are; of
    any other path the names of its files tell what it is. `print(data.describe())` says what was understood.
    """
    if isinstance(interactions, str | Path) and titles is None and not options:
        path = Path(interactions)
        return reading.read(reading.guess(path), path)
    return tabular.read(interactions, titles, **options)


def fit(model: str | Scorer, data: Dataset, seed: int = 0, progress: Progress = no_progress) -> Recommender:
    """Fit a model of the registry by its name, or a scorer of your own settings, on everything in `data`.

    `progress` is told what is being done and the share of the work done; of a model of the registry, first what it will
    cost. `Recommender.cost` says what it took. Raises `BadRequest` for anything that is no model, data set or seed.
    """
    _require_fittable(model, data, seed)
    if data.events.is_empty():
        raise BadData(f"{data.name} holds no event to learn from: {data.rejections}; print(data.describe()) says why")
    name, scorer = (model, _named(model).make()) if isinstance(model, str) else (type(model).__name__, model)
    after = int(data.events["timestamp"].cast(pl.Int64).max()) + 1  # type: ignore[arg-type]
    training = training_data(data.events, data.catalog, after)

    def fitted() -> Scorer:
        return scorer.fit(training, np.random.default_rng(seed), progress)

    if isinstance(model, str) and progress is not no_progress:
        found = told(expected(_named(name), training), fitted, progress)
    else:
        found = taken(fitted)
    return Recommender(name, data, found[0], training, found[1])


def _require_fittable(model: Any, data: Any, seed: Any) -> None:
    if isinstance(model, type) or not isinstance(model, str | Scorer):
        seen = f"the class {model.__name__}" if isinstance(model, type) else f"a {type(model).__name__}"
        raise BadRequest(f"{seen} is no model; give its name, such as 'ease', or a scorer, such as Ease(EaseConfig())")
    if not isinstance(data, Dataset):
        raise BadRequest(f"a {type(data).__name__} is no data set; read it first: matinee.read(...)")
    if not _is_whole(seed) or seed < 0:
        raise BadRequest(f"the seed is {seed!r}; give a whole number from 0 on")


def _require_count(n: Any) -> None:
    if not _is_whole(n) or n < 1:
        raise BadRequest(f"n is {n!r}; ask for a whole number of titles, at least one")


def _is_whole(number: Any) -> bool:
    return isinstance(number, Integral) and not isinstance(number, bool)


def _named(name: str) -> Model:
    if name not in MODELS:
        raise BadRequest(f"there is no model {name!r}{_meant(name, list(MODELS))}; choose from {[*MODELS]}")
    return MODELS[name]


@dataclass(frozen=True, eq=False, repr=False)
class Recommender:
    """A fitted model that answers in frames: `scorer` is the model itself, `training` what it learned from, `cost` what
    fitting took; None for a model that was loaded.

    Ids may be text or integers; they come back as they came in the data. Answers are polars frames, and pandas frames
    where the data was one. The guarantees of `eligibility` hold as of the data's last event.
    """

    name: str
    data: Dataset
    scorer: Scorer
    training: TrainingData
    cost: Cost | None = None

    def __repr__(self) -> str:
        return f"Recommender({self.name!r}, {self.data!r})"

    def recommend(self, users: str | int | Ids | None = None, n: int = 10, seen: bool = False) -> Any:
        """The best `n` titles of each of `users` (None: everybody): `user_id, item_id, score, rank`, best first.

        Scores are the model's own, comparable within a member. `seen`: titles that the member played, rated or judged
        before may be among them. A member with fewer titles left has fewer lines. Raises `BadRequest` for an id that
        the data does not hold.
        """
        _require_count(n)
        asked = self._members(users)
        histories = histories_of(self.training.events, asked, self.training.catalog, self.training.as_of)
        profiles = tuple(self.data.profiles.get(user, Profile(user)) for user in asked)
        requests = Requests.of_histories(histories, self.training.as_of, profiles=profiles)
        starts = range(0, max(len(asked), 1), BATCH)
        blocks = [requests.take(np.arange(start, min(start + BATCH, len(asked)))) for start in starts]
        return self._given_back(pl.concat([self._best(block, n, seen) for block in blocks]))

    def similar(self, item: str | int, n: int = 10) -> Any:
        """The `n` titles nearest to one: `item_id, score, rank`, best first.

        They are what the model recommends to somebody who liked nothing else, as far as that like speaks for them.
        Raises `BadRequest` for an id that the data does not hold.
        """
        _require_count(n)
        catalog = self.training.catalog
        if str(item) not in catalog.index:
            raise BadRequest(f"there is no title {item!r} in the data{_meant(str(item), catalog.item_ids)}")
        alone = Histories.of_items([[catalog.index[str(item)]]])
        requests = Requests.of_histories(alone, self.training.as_of)
        return self._given_back(self._best(requests, n, seen=False, explained=True).drop("user_id"))

    def _members(self, users: str | int | Ids | None) -> list[str]:
        """Ids as text, all of them known."""
        if users is None:
            return self.training.user_ids
        single = isinstance(users, str | Integral)
        if not single and not isinstance(users, Iterable):
            raise BadRequest(f"users is {users!r}; give one id as text or a whole number, or several")
        asked = [str(one) for one in ([users] if single else users)]  # type: ignore[union-attr]
        known = dict.fromkeys([*self.training.user_ids, *self.data.profiles])
        for one in asked:
            if one not in known:
                raise BadRequest(f"there is no member {one!r} in the data{_meant(one, list(known))}")
        return asked

    def _best(self, requests: Requests, n: int, seen: bool, explained: bool = False) -> pl.DataFrame:
        """The best titles of a few members as a frame; with `explained` only those for which a taste speaks."""
        scores, histories = self.scorer.score(requests), requests.histories
        allowed = eligible(self.training.catalog, requests)
        if not seen:
            member = owners_of(histories.offsets)
            allowed[member[histories.speaking], histories.items[histories.speaking]] = False
        best = top_n(scores, min(n, scores.shape[1]), np.arange(scores.shape[1]), allowed)
        if explained:
            best = np.where(self.scorer.explain(requests, best) >= 0, best, np.int32(-1))
        b, column = np.nonzero(best >= 0)
        items = best[b, column]
        return pl.DataFrame(
            {
                "user_id": requests.user_ids.gather(b),
                "item_id": [self.training.catalog.item_ids[item] for item in items],
                "score": scores[b, items],
                "rank": np.cumsum(best >= 0, axis=1)[b, column],
            },
            schema={"user_id": pl.String, "item_id": pl.String, "score": pl.Float32, "rank": pl.Int32},
        )

    def _given_back(self, frame: pl.DataFrame) -> Any:
        """The answer with ids, and in the kind of frame, in which the data came."""
        numbers = self.data.numeric_ids.intersection(frame.columns)
        answer = frame.with_columns(pl.col(name).cast(pl.Int64) for name in sorted(numbers))
        return to_pandas(answer) if self.data.pandas else answer


def _meant(name: str, known: Sequence[str]) -> str:
    """What was probably meant, or else what ids look like, for a message."""
    near = [] if name.isdigit() else get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; it holds {len(known):,}, such as {known[0]!r}"
