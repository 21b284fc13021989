"""A world after real data: popularity, worth, tastes, activity and hours of a data set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy import sparse
from scipy.sparse.linalg import svds
from scipy.special import expit, logit

from matinee.catalog import Catalog
from matinee.clock import Clocks
from matinee.data.dataset import Dataset
from matinee.data.genres import genre_shares
from matinee.data.histories import training_data
from matinee.errors import BadData
from matinee.history import Histories, TrainingData
from matinee.maths.arrays import Doubles, Floats, Int64s
from matinee.simulate.config import WorldConfig
from matinee.simulate.marginals import concentration, plays_by_hour
from matinee.simulate.members import Members
from matinee.simulate.moods import moods_of
from matinee.simulate.titles import FACTORS, Titles, changing, launches, phases
from matinee.simulate.visits import Rhythm

KNOWN = 20.0  # likes that a member or title is trusted to have had besides, so that rare ones make no factor
RATED = 10.0  # ratings by which a title's mean is shrunk
SPREAD = 2.0  # how many times log-odds of worth differ more between titles than those of mean ratings
HALVINGS = 20  # in the search for each title's appeal
ASKED = 200  # members whose tastes decide about appeal and concentration
STRENGTHS = (0.0, 3.0)  # between which the strength of taste is looked for
TRIES = 7  # halvings of that
JITTER = 0.5  # standard deviation of what tells a member from the real one it is made after
FEWEST = 3 * FACTORS  # members and titles without which no taste can be told


class Fitted(NamedTuple):
    """What was told from a data set: appeal (titles,) and the strength of taste that gives its concentration."""

    appeal: Floats
    taste: float


class Parts(NamedTuple):
    """What a `World` is made of."""

    catalog: Catalog
    titles: Titles
    members: Members
    config: WorldConfig
    rhythm: Rhythm
    moods: Floats


def parts_of(dataset: Dataset, members: int | None, config: WorldConfig, seed: int) -> Parts:
    """The parts of a world after a data set, see `World.from_data`."""
    rng = np.random.default_rng(seed)
    data = training_data(dataset.events, dataset.catalog, _end(dataset), Clocks())
    tastes, vectors = factors_of(data)
    fitted = fit(data, tastes, vectors, config, rng)
    config = replace(config, taste=fitted.taste)
    catalog = changing(dataset.catalog, config, rng)
    launched = launches(catalog, config.start)
    titles = Titles(vectors, fitted.appeal, worth_of(data), launched, phases(catalog, rng))
    after = np.arange(members or len(tastes)) % len(tastes)
    activity = np.diff(data.histories.offsets).astype(np.float64)
    folk = Members.of(_alike(tastes, after, rng), activity[after], config, rng)
    folk.ring.remember(_moved(data.histories, config.start - data.as_of).take(after))
    rhythm = Rhythm(plays_by_hour(dataset.events)) if dataset.timed else Rhythm.usual()
    return Parts(catalog, titles, folk, config, rhythm, moods_of(vectors, config, rng))


def factors_of(data: TrainingData) -> tuple[Floats, Floats]:
    """Tastes (members, factors) of mean 0 and standard deviation 1, and vectors (titles, factors), of what is liked.

    A correspondence analysis: the singular vectors of D_m^(-1/2) L D_t^(-1/2) behind the first, which is popularity;
    L the likes, D the counts of each member and title and `KNOWN` more. Only the directions are kept: every member is
    as particular as any other, a title the less the fewer like it, so that taste . vector has a standard deviation of
    about 1 and no long tails.
    """
    likes = data.matrix.astype(np.float64)
    if min(likes.shape) < FEWEST:
        raise BadData(
            f"the data set has {likes.shape[0]:,} members and {likes.shape[1]:,} titles; to tell tastes from it takes "
            f"{FEWEST} of each, so take a larger one or draw a world without data"
        )
    rows, columns = (np.asarray(likes.sum(axis=axis)).ravel() + KNOWN for axis in (1, 0))
    scaled = sparse.diags(rows**-0.5) @ likes @ sparse.diags(columns**-0.5)
    left, strengths, right = svds(scaled, k=FACTORS + 1, v0=np.ones(min(likes.shape)))
    order = np.argsort(-strengths)[1:]
    tastes, vectors = left[:, order] / rows[:, None] ** 0.5, right[order].T * strengths[order] / columns[:, None] ** 0.5
    trust = 1.0 - KNOWN / columns
    return _directions(tastes) * np.float32(FACTORS**0.5), _directions(vectors) * trust[:, None].astype(np.float32)


def fit(data: TrainingData, tastes: Floats, vectors: Floats, config: WorldConfig, rng: np.random.Generator) -> Fitted:
    """The appeal that gives titles their popularity, and the strength of taste that gives members their concentration.

    Concentration is the mean over members of sum over genres of share², of as many titles as each liked; without genres
    the strength stays as `config` says.
    """
    asked = rng.choice(len(tastes), min(ASKED, len(tastes)), replace=False)
    affinity = tastes[asked].astype(np.float64) @ vectors.T
    likes = data.matrix[asked]
    counts = np.asarray(data.matrix.sum(axis=0), np.float64).ravel() + 0.5
    target, noise = config.click * counts / counts.max(), rng.gumbel(size=affinity.shape)
    genres = genre_shares(data.catalog)

    def concentrated(strength: float) -> float:
        chance = expit(appeal_for(target, strength * affinity)[None] + strength * affinity)
        return concentration(_drawn(np.log(chance) + noise, np.diff(likes.indptr)) @ genres)

    wanted = concentration(likes @ genres)
    strength = _halved(lambda one: concentrated(one) < wanted) if genres.nnz else config.taste
    return Fitted(appeal_for(target, strength * affinity).astype(np.float32), strength)


def appeal_for(target: Doubles, affinity: Doubles) -> Doubles:
    """(titles,) the appeal a with which the mean over members of sigmoid(a + affinity) is the `target` (titles,).

    `affinity` (members, titles). By halving, for the mean rises with a.
    """
    low, high = logit(target) - 12.0, logit(target) + 4.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        below = expit(middle + affinity).mean(axis=0) < target
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2)


def worth_of(data: TrainingData) -> Floats:
    """(titles,) log-odds of enjoyment: of each title's mean rating or share watched, shrunk to that of all.

    Titles differ `SPREAD` times more than their means, for people rate what they chose, so means are flattered.
    """
    valued = data.events.filter(pl.col("value").is_not_null())
    n = len(data.catalog)
    items, given = valued["item"].to_numpy(), valued["value"].to_numpy()
    overall = given.mean() if len(given) else 0.5
    means = (np.bincount(items, given, n) + RATED * overall) / (np.bincount(items, minlength=n) + RATED)
    middle = logit(np.clip(overall, 0.05, 0.95))
    return np.asarray(middle + SPREAD * (logit(np.clip(means, 0.01, 0.99)) - middle), np.float32)


def _drawn(keys: Doubles, counts: Int64s) -> sparse.csr_matrix:
    """(members, titles) ones at the `counts` (members,) largest keys of each row."""
    ranks = np.argsort(np.argsort(-keys, axis=1), axis=1)
    return sparse.csr_matrix((ranks < counts[:, None]).astype(np.float64))


def _halved(too_low: Callable[[float], bool]) -> float:
    low, high = STRENGTHS
    for _ in range(TRIES):
        middle = (low + high) / 2
        low, high = (middle, high) if too_low(middle) else (low, middle)
    return (low + high) / 2


def _directions(rows: Doubles) -> Floats:
    """Each row at length 1."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0), np.float32)


def _alike(tastes: Floats, after: Int64s, rng: np.random.Generator) -> Floats:
    """Tastes of members made after those of `after`: the first of each the same, further ones with a jitter."""
    own = tastes[after]
    later = slice(len(tastes), None)
    jitter = JITTER * rng.standard_normal(own[later].shape, np.float32)
    own[later] = (own[later] + jitter) / np.float32(np.sqrt(1 + JITTER**2))
    return own


def _moved(histories: Histories, by: int) -> Histories:
    return replace(histories, times=histories.times + by)


def _end(dataset: Dataset) -> int:
    if dataset.events.is_empty():
        raise BadData(f"{dataset.name} holds no event; a world is made after data with events")
    return int(dataset.events["timestamp"].dt.epoch("us").max()) + 1  # type: ignore[arg-type]
