"""Learners on ratings that members chose, judged on ratings that chance chose: naive, IPS, SNIPS, doubly robust."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from matinee.decision import Progress, no_progress
from matinee.errors import BadRequest
from matinee.evaluate.measure import Metric
from matinee.evaluate.results import Estimate, Line
from matinee.maths import missing_ratings as missing
from matinee.maths.arrays import Doubles, Int32s, Int64s
from matinee.maths.mean_intervals import normal
from matinee.maths.propensities import logistic, naive_bayes, popularity_power
from matinee.maths.rating_factors import Fit, Plane, Ratings, fit_ratings

METRICS = (
    Metric("mse", "MSE", "lower", "mean squared error of stars"),
    Metric("mae", "MAE", "lower", "mean absolute error of stars"),
    Metric("ndcg", "NDCG@5", "higher", "each member's tested titles in order of predicted stars; gain 2^stars - 1"),
)
LEARNERS = ("naive", "IPS", "SNIPS", "doubly robust")
PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3)
SLICE = 0.05  # of the ratings at random, that naive Bayes may see and that are not tested
HELD_OUT = 0.2  # of the chosen ratings, on which penalties are chosen
DEPTH = 5


class Propensity(StrEnum):
    """How it is told how likely a cell was rated."""

    NAIVE_BAYES = "naive-bayes"
    LOGISTIC = "logistic"
    POPULARITY = "popularity"


@dataclass(frozen=True, slots=True)
class SelfSelectedConfig:
    """`propensity`: how they are told. `cap`: largest weight 1 / p. `size` of factors, `rounds` of fitting."""

    propensity: Propensity = Propensity.NAIVE_BAYES
    cap: float = 100.0
    size: int = 8
    rounds: int = 12

    def __post_init__(self) -> None:
        if not self.cap >= 1:
            raise BadRequest(f"the cap is {self.cap}; give a number from 1")


@dataclass(frozen=True)
class Judged:
    """What each learner scored on ratings at random, over seeds; `told`: what estimators say of the naive learner's
    squared error from chosen ratings that it did not learn from, and beside them the `truth`, from those at random.
    `penalties` chosen for each learner; `differences` of each learner's metrics from the naive ones, paired by seed.
    """

    data: str
    config: SelfSelectedConfig
    seeds: int
    lines: tuple[Line, ...]
    differences: tuple[Line, ...]
    told: tuple[tuple[str, Estimate], ...]
    truth: Estimate
    penalties: Mapping[str, float]


class _Drawn(NamedTuple):
    """The parts of one seed, and what propensities were told of the chosen ratings `learnt` and `held`."""

    learnt: Ratings
    held: Ratings
    tested: Ratings
    weights: Doubles
    held_weights: Doubles


def judge(
    name: str,
    chosen: Ratings,
    at_random: Ratings,
    config: SelfSelectedConfig = SelfSelectedConfig(),
    seeds: int = 10,
    seed: int = 0,
    progress: Progress = no_progress,
) -> Judged:
    """Fit every learner once a seed on the same draw. Penalties are chosen once, on the first, each by its own estimate
    of the error on chosen ratings left out: nothing but the propensities ever sees a rating at random.
    """
    draws = [_drawn(chosen, at_random, config, np.random.default_rng([seed, k])) for k in range(seeds)]
    progress("choosing penalties", 0.0)
    penalties = _penalties(draws[0], config, seed)
    scored: dict[str, list[Sequence[float]]] = {learner: [] for learner in LEARNERS}
    told: list[list[float]] = []
    for k, drawn in enumerate(draws):
        progress(f"seed {k + 1} of {seeds}", (k + 1) / (seeds + 1))
        planes = _fitted(drawn, penalties, config, np.random.default_rng([seed, k, 1]))
        for learner, plane in planes.items():
            scored[learner].append(_scores(plane, drawn.tested))
        told.append(_told(planes["naive"], planes["IPS"], drawn))
    table = {learner: np.array(rows) for learner, rows in scored.items()}
    says = np.array(told).T
    return Judged(
        name,
        config,
        seeds,
        tuple(_line(learner, rows) for learner, rows in table.items()),
        tuple(_line(learner, table[learner] - table["naive"]) for learner in LEARNERS[1:]),
        tuple((learner, Estimate(*normal(one))) for learner, one in zip(LEARNERS, says[:-1], strict=True)),
        Estimate(*normal(says[-1])),
        penalties,
    )


def propensities_of(chosen: Ratings, asked: Ratings, how: Propensity) -> Doubles:
    """(ratings,) P(rated) of each chosen rating; `asked`: some ratings at random, which only naive Bayes reads."""
    if how is Propensity.NAIVE_BAYES:
        levels = np.unique(np.concatenate([chosen.values, asked.values]))
        counts = [np.bincount(np.searchsorted(levels, one.values), minlength=len(levels)) for one in (chosen, asked)]
        return naive_bayes(counts[0], counts[1], chosen.cells)[np.searchsorted(levels, chosen.values)]
    by_title = np.bincount(chosen.titles, minlength=chosen.shape[1])
    if how is Propensity.LOGISTIC:
        b, c = logistic(np.bincount(chosen.members, minlength=chosen.shape[0]), by_title)
        return np.asarray(1 / (1 + np.exp(-(b[chosen.members] + c[chosen.titles]))))
    power = popularity_power(by_title, 0.5)
    share = len(chosen.values) / chosen.cells
    return np.asarray(np.clip(share * power / power.mean(), 1e-9, 1.0)[chosen.titles])


def _drawn(chosen: Ratings, at_random: Ratings, config: SelfSelectedConfig, rng: np.random.Generator) -> _Drawn:
    asked, tested = _parts(at_random, SLICE, rng)
    if not len(asked.values):
        raise BadRequest(f"{len(at_random.values)} ratings at random are too few to take {SLICE:.0%} of; give 20")
    weights = np.minimum(1 / propensities_of(chosen, asked, config.propensity), config.cap)
    held, learnt = _split(len(chosen.values), HELD_OUT, rng)
    kept = 1 - len(held) / len(chosen.values)
    return _Drawn(
        chosen.take(learnt), chosen.take(held), tested, weights[learnt] / kept, weights[held] / max(1 - kept, 1e-9)
    )


def _parts(ratings: Ratings, share: float, rng: np.random.Generator) -> tuple[Ratings, Ratings]:
    some, others = _split(len(ratings.values), share, rng)
    return ratings.take(some), ratings.take(others)


def _split(n: int, share: float, rng: np.random.Generator) -> tuple[Int64s, Int64s]:
    order = rng.permutation(n)
    return np.sort(order[: round(share * n)]), np.sort(order[round(share * n) :])


def _penalties(drawn: _Drawn, config: SelfSelectedConfig, seed: int) -> dict[str, float]:
    """For each learner the penalty with which it estimates its own error lowest."""
    errors: dict[str, list[float]] = {learner: [] for learner in LEARNERS}
    for reg in PENALTIES:
        planes = _fitted(drawn, dict.fromkeys(LEARNERS, reg), config, np.random.default_rng([seed, 0, 1]))
        for learner, plane in planes.items():
            squared = (drawn.held.values - plane.at(drawn.held.members, drawn.held.titles)) ** 2
            weights = np.ones(len(squared)) if learner == "naive" else drawn.held_weights
            errors[learner].append(float(np.average(squared, weights=weights)))
    return {learner: PENALTIES[int(np.argmin(one))] for learner, one in errors.items()}


def _fitted(
    drawn: _Drawn, penalties: Mapping[str, float], config: SelfSelectedConfig, rng: np.random.Generator
) -> dict[str, Plane]:
    def plane(learner: str, weights: Doubles, **more: float | Plane) -> Plane:
        fit = Fit(config.size, penalties[learner], config.rounds)
        return fit_ratings(drawn.learnt, weights, fit, rng, **more)  # type: ignore[arg-type]

    cells = float(drawn.learnt.cells)
    found = {"naive": plane("naive", np.ones(len(drawn.learnt.values)))}
    found["IPS"] = plane("IPS", drawn.weights, total=cells)
    found["SNIPS"] = plane("SNIPS", drawn.weights)
    found["doubly robust"] = plane("doubly robust", drawn.weights, believed=found["SNIPS"])
    return found


def _scores(plane: Plane, tested: Ratings) -> tuple[float, float, float]:
    """MSE, MAE and NDCG@5; stars are kept within those that were given."""
    low, high = tested.values.min(), tested.values.max()
    predicted = plane.at(tested.members, tested.titles)
    errors = np.clip(predicted, low, high) - tested.values
    return float((errors**2).mean()), float(np.abs(errors).mean()), graded_ndcg(tested, predicted)


def graded_ndcg(tested: Ratings, predicted: Doubles, depth: int = DEPTH) -> float:
    """Mean over members with a gain of sum_k (2^stars_k - 1) / log2(k + 1), over the same of the best order.

    Equal predictions share their places in the order of the file. Source: Järvelin and Kekäläinen 2002; Burges 2005.
    """
    gains = np.exp2(tested.values) - 1
    got, best = (_discounted(tested.members, gains, by, depth, tested.shape[0]) for by in (predicted, tested.values))
    return float((got[best > 0] / best[best > 0]).mean())


def _discounted(members: Int32s, gains: Doubles, by: Doubles, depth: int, n: int) -> Doubles:
    order = np.lexsort((-by, members))
    lengths = np.bincount(members, minlength=n)
    rank = np.arange(len(order)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    discounts = np.where(rank < depth, 1 / np.log2(rank + 2.0), 0.0)
    return np.asarray(np.bincount(members[order], gains[order] * discounts, n), np.float64)


def _told(plane: Plane, believed: Plane, drawn: _Drawn) -> list[float]:
    """The squared error of `plane` as each estimator tells it, and as it is where chance chose."""
    held, tested, cells = drawn.held, drawn.tested, drawn.held.cells
    errors, truth = ((one.values - plane.at(one.members, one.titles)) ** 2 for one in (held, tested))
    propensities = 1 / drawn.held_weights
    everywhere = ((believed.left @ believed.right.T - plane.left @ plane.right.T) ** 2).mean()
    guessed = (believed.at(held.members, held.titles) - plane.at(held.members, held.titles)) ** 2
    return [
        missing.naive(errors),
        missing.ips(errors, propensities, cells),
        missing.snips(errors, propensities),
        missing.doubly_robust(errors, propensities, guessed, float(everywhere), cells),
        float(truth.mean()),
    ]


def _line(name: str, rows: Doubles) -> Line:
    """Means over seeds (rows) with normal intervals."""
    return Line(name, {m.key: Estimate(*normal(rows[:, k])) for k, m in enumerate(METRICS)})
