"""Feedback loops measured: what repeated training does to variety, and what damps a loop that swings.

Two laboratories. `homogenization`: models of the registry under Chaney's protocol (`simulate.laboratory`), alone and
feeding on each other's data. `damping`: a world after a data set whose billboard is retrained every few days on the
looks of these days alone (`simulate.retraining`), without and with weights and an exploration floor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np

from matinee.catalog import Catalog
from matinee.data.genres import genre_shares
from matinee.decision import Policy, Progress, Requests, Scorer, no_progress, part_of
from matinee.errors import BadRequest
from matinee.maths.arrays import Doubles
from matinee.maths.mean_intervals import Interval, normal
from matinee.maths.spectra import design, periodogram, without
from matinee.models.content.taste import Content, ContentConfig
from matinee.models.factors import Factors, FactorsConfig
from matinee.models.popularity import Popularity, PopularityConfig
from matinee.policies.rules import Boltzmann, Floored
from matinee.policies.scored import Scored
from matinee.policies.uniform import Uniform
from matinee.recipes.models.entry import NO_PRIOR
from matinee.simulate.laboratory import Effect, Laboratory, LaboratoryConfig, Moment, Recommender, effect
from matinee.simulate.retraining import Course, Looks, retrained
from matinee.simulate.world import World

PAIRS = 800  # of members, at random
SETTLED, FEWEST_TRAININGS = 4, 16  # trainings that are left out when a swing is measured, and that are needed after
REPEATED, ONCE = LaboratoryConfig(startup=10), LaboratoryConfig(startup=50)


def _by(scorer: Scorer) -> Recommender:
    """An unfitted scorer as a recommender that learns of all that is known, and nothing before."""
    return lambda moment, rng: deepcopy(scorer).fit(moment.data, rng).score(moment.requests).astype(np.float64)


def _at_random(moment: Moment, rng: np.random.Generator) -> Doubles:
    return rng.random((len(moment.requests), len(moment.data.catalog)))


POPULARITY = _by(Popularity(PopularityConfig(half_life_days=None, contexts=())))
FACTORS = _by(Factors(FactorsConfig(size=20, epochs=5, kappa=NO_PRIOR)))
CONTENT = _by(Content(ContentConfig(kappa=NO_PRIOR)))
RECOMMENDERS: Mapping[str, Sequence[Recommender]] = {
    "popularity": [POPULARITY],
    "factors": [FACTORS],
    "content": [CONTENT],
    "random": [_at_random],
    "all four together": [POPULARITY, FACTORS, CONTENT, _at_random],
}


def homogenization(
    recommenders: Mapping[str, Sequence[Recommender]] = RECOMMENDERS,
    config: LaboratoryConfig = REPEATED,
    once: bool = False,
    seed: int = 0,
    progress: Progress = no_progress,
) -> dict[str, Effect]:
    """What each does to the members of one laboratory; several share its members and learn from all of them."""
    laboratory = Laboratory.drawn(config, seed)
    ideal = laboratory.run([laboratory.ideal], once)
    drawn = np.random.default_rng([seed, 3]).integers(config.members, size=(2 * PAIRS, 2), dtype=np.int32)
    pairs = drawn[drawn[:, 0] != drawn[:, 1]][:PAIRS]
    found = {}
    for at, (name, served) in enumerate(recommenders.items()):
        progress(name, at / len(recommenders))
        found[name] = effect(laboratory.run(served, once), ideal, pairs)
    return found


@dataclass(frozen=True)
class GenreRates:
    """A billboard by plays per look of genres, learned from the latest looks alone and shrunk to a hopeful `prior`.

        rate_g = (sum of w played + m prior) / (sum of w + m),    P(title) ~ e^(mean over its genres of logit rate / T)

    over looks at titles of genre g, of weight w = 1, or 1 / P(it was shown) where `weighed`, at most `cap` times a
    uniform draw's, all scaled to their number; m is the mean number of looks of a genre. Unweighed, a genre that was
    not shown returns to the prior and is shown next time: the loop swings. `floor`: share of decisions left to chance.
    """

    catalog: Catalog
    weighed: bool = False
    floor: float = 0.0
    prior: float = 0.1
    temperature: float = 0.2
    cap: float = 20.0

    def __call__(self, looks: Looks) -> Policy:
        """The billboard that these looks teach."""
        genres, weights = self._genres[looks.items], self._weights(looks)
        seen, played = weights @ genres, (weights * looks.played) @ genres
        rates = (played + seen.mean() * self.prior) / (seen + seen.mean())
        scores = self._genres @ np.log(rates / (1.0 - rates))
        rule = Floored(Boltzmann(self.temperature), self.floor)
        return Scored("genre-rates", "unsaved", self.catalog, partial(_for_all, scores), rule)

    def _weights(self, looks: Looks) -> Doubles:
        if not self.weighed:
            return np.ones(len(looks.items))
        weights = np.minimum(np.exp(-looks.log_probs) / len(self.catalog), self.cap)
        return np.asarray(weights * (len(weights) / weights.sum()))

    @cached_property
    def _genres(self) -> Doubles:
        """(titles, genres) shares; a title without genres has a little of all."""
        shares = genre_shares(self.catalog).toarray()
        shares[shares.sum(axis=1) == 0] = 1.0 / shares.shape[1]
        return np.asarray(shares)


def _for_all(scores: Doubles, requests: Requests) -> Doubles:
    return np.broadcast_to(scores, (len(requests), len(scores)))


ARMS: Mapping[str, tuple[bool, float]] = {  # weighed, floor
    "as it is": (False, 0.0),
    "floor alone": (False, 0.1),
    "weights alone": (True, 0.0),
    "weights and floor": (True, 0.1),
}


class Damped(NamedTuple):
    """One arm: its `course`; `power` of its swings, see `power_of`; the change of reward a decision against the first
    arm, relative to that arm's mean, with its 95 % interval over members.
    """

    course: Course
    power: float
    change: Interval


def damping(
    world: World,
    days: int = 84,
    every: int = 2,
    arms: Mapping[str, tuple[bool, float]] = ARMS,
    progress: Progress = no_progress,
) -> dict[str, Damped]:
    """Every arm in the same world for `days`, retrained every `every` of them; before, titles are drawn by chance."""
    if days < every * (SETTLED + FEWEST_TRAININGS):
        least = every * (SETTLED + FEWEST_TRAININGS)
        raise BadRequest(f"a swing is seen in {least} days or more where models are trained every {every}; got {days}")
    first, found = Uniform(world.catalog), dict[str, Course]()
    for at, (name, (weighed, floor)) in enumerate(arms.items()):
        done = part_of(progress, name, at / len(arms), (at + 1) / len(arms))
        learn = GenreRates(world.catalog, weighed, floor)
        found[name] = retrained(deepcopy(world), first, learn, days, every, done)
    base = next(iter(found.values()))
    return {name: Damped(one, power_of(one, every), _change(one, base)) for name, one in found.items()}


def power_of(course: Course, every: int) -> float:
    """The largest power of shares of genres at one frequency, summed over genres: of means over the days between two
    trainings, from the fifth on, with a line taken out.
    """
    steps = len(course.decisions) // every
    shares = course.shares[: steps * every].reshape(steps, every, -1).mean(axis=1)[SETTLED:]
    ordinates = periodogram(without(shares.T, design(len(shares))))
    return float(ordinates.sum(axis=0).max())


def _change(one: Course, base: Course) -> Interval:
    """Of reward a decision by the delta method: members are what is sampled."""
    rates = [course.rewards.sum() / course.asked.sum() for course in (one, base)]
    own = [
        (course.rewards - rate * course.asked) / course.asked.mean()
        for course, rate in zip((one, base), rates, strict=True)
    ]
    change = (own[0] * rates[1] - own[1] * rates[0]) / rates[1] ** 2 + rates[0] / rates[1] - 1.0
    return normal(change)
