"""What a linear learner knows: sums over rewards, and the beliefs about titles that follow from them.

The reward of title a for a member with features u is modelled as

    r = b + uᵀ W v_a + e_a + noise,   W_ij ~ N(0, deviation²),  e_a ~ N(0, title_deviation²),  noise ~ N(0, noise²),

with v_a the title's features and b the base rate: one model for all titles, which a new title enters with what the
others taught, and a part of its own. Where v_a is doubtful e_a varies by doubt * |u|² deviation² more, for what W would
have made of the rest of v_a; |u|² counts as 2. Everything rewards say is in two sums a title, over its rewards with
weights w:

    U_a = Σ w u uᵀ        R_a = Σ w r u

so that rewards may come in any order. With c_a = (U_a e_0) ⊗ v_a / noise² and 1/d_a the variance of e_a given W, the
precision of W is S = I / deviation² + Σ U_a ⊗ v_a v_aᵀ / noise² - Σ d_a⁻¹ c_a c_aᵀ (the e_a eliminated), and a title's
mean and variance for a member are linear in u and in the products of u's entries: `Beliefs`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from matinee.errors import BadRequest
from matinee.maths.arrays import Doubles, Int32s, Int64s
from matinee.policies import arm_kernels as kernels
from matinee.policies import stored

DAY = 86_400_000_000  # microseconds
MEMBER = 2.0  # |u|² of a member of whom something is known: 1 and a direction


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed before any reward, in units of the reward: see the head of the file.

    `half_life_days`: the age of a decision at which what came of it counts half; None = everything counts for ever.
    `window_days`: the latest UTC days whose decisions count, all others being forgotten, see `windowed.py`; None = all.
    """

    base_rate: float = 0.1
    deviation: float = 0.1
    title_deviation: float = 0.1
    noise: float = 0.3
    half_life_days: float | None = None
    window_days: int | None = None

    def __post_init__(self) -> None:
        for name in ("deviation", "noise"):
            if not getattr(self, name) > 0:
                raise BadRequest(f"the prior's {name} is {getattr(self, name)}; give a number above 0")
        if not self.title_deviation >= 0:
            raise BadRequest(f"the prior's title_deviation is {self.title_deviation}; give 0 or more")
        if self.half_life_days is not None and not self.half_life_days > 0:
            raise BadRequest(f"half_life_days is {self.half_life_days}; give a number above 0, or None")
        if self.window_days is not None and not (self.window_days >= 1 and self.half_life_days is None):
            raise BadRequest(f"window_days is {self.window_days}; give 1 or more without a half-life, or None")


@dataclass(frozen=True)
class Beliefs:
    """Mean and variance of each title's reward for a member with features u (size; u_0 = 1), as products with `means`
    (size, titles) and `variances` (pairs, titles), the pairs i <= j of u's entries.
    """

    means: Doubles
    variances: Doubles

    def of(self, members: Doubles) -> tuple[Doubles, Doubles]:
        """(batch, titles) means and standard deviations for members (batch, size)."""
        mean, deviation = np.empty((2, len(members), self.means.shape[1]))
        for b, member in enumerate(members):
            kernels.believe(member, self.means, self.variances, mean[b], deviation[b])
        return mean, deviation


@dataclass(frozen=True)
class Posterior:
    """The sums after `version` batches of rewards: `products` (titles, pairs) and `rewards` (titles, size), as of the
    latest decision learned from, `as_of` (microseconds since 1970, UTC).
    """

    products: Doubles
    rewards: Doubles
    version: int = 0
    as_of: int = 0

    @classmethod
    def nothing(cls, titles: int, size: int) -> Self:
        """Before the first reward."""
        return cls(np.zeros((titles, size * (size + 1) // 2)), np.zeros((titles, size)))

    def grown(self, titles: int) -> Self:
        """The same for a catalogue that has grown to `titles`: those appended have no rewards yet."""
        more = max(titles - len(self.rewards), 0)
        if not more:
            return self
        return replace(
            self,
            products=np.pad(self.products, ((0, more), (0, 0))),
            rewards=np.pad(self.rewards, ((0, more), (0, 0))),
        )

    def after(
        self,
        members: Doubles,
        items: Int32s,
        rewards: Doubles,
        times: Int64s,
        prior: Prior,
        as_of: int = 0,
        counts: Doubles | None = None,
    ) -> Self:
        """With `rewards` (n,) of the titles `items` (n,), for members (n, size) who were asked at `times` (n,), each as
        often as `counts` (n,) says, None = once; nothing is new of any decision until `as_of`.
        """
        assert len(members) == len(items) == len(rewards) == len(times)
        as_of = max(self.as_of, as_of, int(times.max(initial=0)))
        kept = 1.0 if prior.half_life_days is None else float(_halved(as_of - self.as_of, prior.half_life_days))
        weights = np.ones(len(items)) if counts is None else counts
        if prior.half_life_days is not None:
            weights = weights * _halved(as_of - times, prior.half_life_days)
        sums = self.products * kept, self.rewards * kept
        kernels.add_rewards(members, items, rewards, weights, *sums)
        return replace(self, products=sums[0], rewards=sums[1], version=self.version + 1, as_of=as_of)

    def same(self, other: Posterior) -> bool:
        """Whether both say the same to the bit; titles without rewards say nothing."""
        titles = max(len(self.rewards), len(other.rewards))
        one, two = self.grown(titles), other.grown(titles)
        sums = np.array_equal(one.products, two.products) and np.array_equal(one.rewards, two.rewards)
        return sums and (self.version, self.as_of) == (other.version, other.as_of)

    def beliefs(self, titles: Doubles, prior: Prior, doubts: Doubles | float = 0.0) -> Beliefs:
        """What follows for titles with features `titles` (titles, width) and these `doubts` (titles,) about them."""
        size, width = self.rewards.shape[1], titles.shape[1]
        trust = prior.noise**-2
        seen, rewards = self.products[:, :size], self.rewards - prior.base_rate * self.products[:, :size]
        open_ = prior.title_deviation**2 + doubts * MEMBER * prior.deviation**2
        own = open_ / (1 + open_ * trust * seen[:, 0])  # 1 / d_a
        share = trust * own[:, None] * seen  # of what a title's own part takes from W: T = I - share e_0'
        precision, moment = np.empty((size, width, size, width)), np.empty((size, width))
        for pair, (i, j) in enumerate(_pairs(size)):
            told = trust * (self.products[:, pair] - share[:, i] * seen[:, j])
            precision[i, :, j] = precision[j, :, i] = titles.T @ (told[:, None] * titles)
        for i in range(size):
            moment[i] = titles.T @ (trust * (rewards[:, i] - share[:, i] * rewards[:, 0]))
        one = np.eye(size * width)
        factor = cho_factor(precision.reshape(one.shape) + one / prior.deviation**2, lower=True)
        means = cho_solve(factor, moment.ravel()).reshape(size, width) @ titles.T  # W v_a
        means[0] += prior.base_rate + own * trust * rewards[:, 0] - np.sum(share.T * means, axis=0)
        spread = cho_solve(factor, one).reshape(precision.shape)
        return Beliefs(means, _variances(spread, titles, share, own))

    def save(self, folder: Path, prior: Prior) -> None:
        """Write the sums of titles with rewards, and the prior, into an existing folder, as arrays and JSON."""
        items = np.flatnonzero(self.products[:, 0]).astype(np.int32)
        arrays = {"products": self.products[items], "rewards": self.rewards[items]}
        about = {"version": self.version, "as_of": self.as_of, "titles": len(self.rewards), "prior": asdict(prior)}
        stored.write(folder, {"items": items, **arrays}, about)

    @classmethod
    def load(cls, folder: Path, prior: Prior) -> Self:
        """What `save` wrote. Raises `ArtifactRefused` where it is damaged or was learned with another prior."""
        with stored.refusing(folder):
            about = stored.read_about(folder)
            products, rewards = (stored.read_array(folder, name) for name in ("products", "rewards"))
            found = cls.nothing(int(about["titles"]), rewards.shape[1])
            items = stored.read_array(folder, "items", np.int32)
            found.products[items], found.rewards[items] = products, rewards
            found = replace(found, version=int(about["version"]), as_of=int(about["as_of"]))
            stored.require_learned_with(folder, Prior(**about["prior"]), prior)
        return found


def most_moved(weight: float, deviation: Doubles, noise: float, surprise: float = 1.0) -> Doubles:
    """How far rewards that count `weight` in all can move means whose standard deviations (any shape) are `deviation`:

        |m' - m| <= surprise * s * min(sqrt(weight) / noise, weight * max(s) / noise²)

    Proof. With z_i the features of rewards r_i of weight w_i, P' the precision with them, and e_i = r_i - m(z_i), what
    was not expected of them (at most `surprise`): m'(x) - m(x) = x'P'⁻¹ Σ w_i z_i e_i / noise². As Σ w_i z_i z_i' /
    noise² <= P', the columns P'^(-1/2) z_i sqrt(w_i) / noise make a matrix of norm at most 1, and Cauchy-Schwarz gives
    s'(x) sqrt(Σ w_i e_i²) / noise; term by term it gives s'(x) Σ w_i s'(z_i) |e_i| / noise². Deviations only shrink:
    s' <= s. `max(s)` must cover the titles and members of those rewards.
    """
    most = min(np.sqrt(weight) / noise, weight * float(np.max(deviation, initial=0.0)) / noise**2)
    return np.asarray(surprise * most * deviation)


def _variances(spread: Doubles, titles: Doubles, share: Doubles, own: Doubles) -> Doubles:
    """(pairs, titles) of u'Q_a u with Q_a = T' G T + own e_0 e_0', T = I - share e_0', G_ij = v' spread_ij v."""
    size = len(spread)
    quadratic = np.empty((size, size, len(titles)))
    for i, j in _pairs(size):
        quadratic[i, j] = quadratic[j, i] = np.sum((titles @ spread[i, :, j]) * titles, axis=1)
    across = np.einsum("ijt,tj->it", quadratic, share)
    quadratic[0] -= across
    quadratic[:, 0] -= across
    quadratic[0, 0] += np.sum(across * share.T, axis=0) + own
    return np.array([quadratic[i, j] * (1.0 if i == j else 2.0) for i, j in _pairs(size)])


def _pairs(size: int) -> list[tuple[int, int]]:
    """The pairs i <= j of a member's entries, in the order of the sums."""
    return [(i, j) for i in range(size) for j in range(i, size)]


def _halved(ages: Int64s | int, half_life_days: float) -> Doubles:
    """What something of these ages (microseconds) still counts for."""
    return np.asarray(0.5 ** (np.asarray(ages, np.float64) / (half_life_days * DAY)))
