"""A posterior of the latest days alone: each day's sums are kept apart, and those of a day too old are dropped."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Self, TypeAlias

import numpy as np

from matinee.maths.arrays import Doubles, Int32s, Int64s
from matinee.policies import stored
from matinee.policies.posterior import DAY, Beliefs, Posterior, Prior


@dataclass(frozen=True)
class Windowed:
    """`days`: (day since 1970, UTC; what that day's decisions taught), oldest first; `whole`: all of them together.

    As `Posterior`, for priors with `window_days`. A reward counts by the day of its decision, so that late ones commute
    and come too late once that day is forgotten. Memory: a day's sums of all titles, for each day; on disk those of
    titles with rewards.
    """

    days: tuple[tuple[int, Posterior], ...]
    whole: Posterior

    @classmethod
    def nothing(cls, titles: int, size: int) -> Self:
        """Before the first reward."""
        return cls((), Posterior.nothing(titles, size))

    @property
    def version(self) -> int:
        """How many batches of rewards were learned."""
        return self.whole.version

    @property
    def as_of(self) -> int:
        """The time of the latest decision learned from (microseconds since 1970, UTC), 0 for none."""
        return self.whole.as_of

    @property
    def products(self) -> Doubles:
        """(titles, pairs), see `Posterior`."""
        return self.whole.products

    @property
    def rewards(self) -> Doubles:
        """(titles, size), see `Posterior`."""
        return self.whole.rewards

    def grown(self, titles: int) -> Self:
        """The same for a catalogue that has grown to `titles`."""
        days = tuple((day, one.grown(titles)) for day, one in self.days)
        return replace(self, days=days, whole=self.whole.grown(titles))

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
        """With these rewards, see `Posterior.after`, and without the days that are now too old."""
        assert prior.window_days is not None
        as_of = max(self.as_of, as_of, int(times.max(initial=0)))
        first = as_of // DAY - prior.window_days + 1
        found = {day: one for day, one in self.days if day >= first}
        nothing = Posterior.nothing(*self.rewards.shape)
        weights = np.ones(len(items)) if counts is None else counts
        for day in np.unique(times // DAY).tolist():
            at = times // DAY == day
            if day >= first:
                told = members[at], items[at], rewards[at], times[at]
                found[day] = found.get(day, nothing).after(*told, prior, counts=weights[at])
        return self._of(tuple(sorted(found.items())), self.version + 1, as_of)

    def same(self, other: Windowed) -> bool:
        """Whether both say the same to the bit."""
        if [day for day, _ in self.days] != [day for day, _ in other.days] or not self.whole.same(other.whole):
            return False
        return all(one.same(two) for (_, one), (_, two) in zip(self.days, other.days, strict=True))

    def beliefs(self, titles: Doubles, prior: Prior, doubts: Doubles | float = 0.0) -> Beliefs:
        """As that of `Posterior`."""
        return self.whole.beliefs(titles, prior, doubts)

    def save(self, folder: Path, prior: Prior) -> None:
        """Write each day's sums of titles with rewards, and the prior, into an existing folder."""
        rows = [(day, one, np.flatnonzero(one.products[:, 0])) for day, one in self.days]
        titles, size = self.rewards.shape
        pairs = self.products.shape[1]
        arrays = {
            "days": np.concatenate([np.zeros(0, np.int64), *(np.full(len(at), day) for day, _, at in rows)]),
            "items": np.concatenate([np.zeros(0, np.int32), *(at.astype(np.int32) for *_, at in rows)]),
            "products": np.concatenate([np.zeros((0, pairs)), *(one.products[at] for _, one, at in rows)]),
            "rewards": np.concatenate([np.zeros((0, size)), *(one.rewards[at] for _, one, at in rows)]),
        }
        versions = [[day, one.version, one.as_of] for day, one in self.days]
        about = {"version": self.version, "as_of": self.as_of, "titles": titles, "days": versions}
        stored.write(folder, arrays, {**about, "prior": asdict(prior)})

    @classmethod
    def load(cls, folder: Path, prior: Prior) -> Self:
        """What `save` wrote. Raises `ArtifactRefused` where it is damaged or was learned with another prior."""
        with stored.refusing(folder):
            about = stored.read_about(folder)
            items, of_day = (stored.read_array(folder, *one) for one in (("items", np.int32), ("days", np.int64)))
            products, rewards = (stored.read_array(folder, name) for name in ("products", "rewards"))
            nothing = cls.nothing(int(about["titles"]), rewards.shape[1])
            days = []
            for day, version, as_of in about["days"]:
                one, at = Posterior.nothing(*nothing.rewards.shape), of_day == day
                one.products[items[at]], one.rewards[items[at]] = products[at], rewards[at]
                days.append((int(day), replace(one, version=int(version), as_of=int(as_of))))
            stored.require_learned_with(folder, Prior(**about["prior"]), prior)
            return nothing._of(tuple(days), int(about["version"]), int(about["as_of"]))

    def _of(self, days: tuple[tuple[int, Posterior], ...], version: int, as_of: int) -> Self:
        """These days, and their sums in this order."""
        start = Posterior.nothing(*self.rewards.shape)
        products, rewards = (
            reduce(np.add, [getattr(one, name) for _, one in days], getattr(start, name))
            for name in ("products", "rewards")
        )
        return replace(self, days=days, whole=Posterior(products, rewards, version, as_of))


Learned: TypeAlias = Posterior | Windowed  # what linear arms know


def nothing_learned(titles: int, size: int, prior: Prior) -> Learned:
    """Before the first reward, in the form that this prior wants."""
    return (Posterior if prior.window_days is None else Windowed).nothing(titles, size)


def load_learned(folder: Path, prior: Prior) -> Learned:
    """What was saved by a learner with this prior. Raises `ArtifactRefused` where it is damaged or of another prior."""
    return (Posterior if prior.window_days is None else Windowed).load(folder, prior)
