"""How to present a title: Beta arms for each way, by what the member likes most, chosen by Thompson sampling."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import numpy as np

from matinee.errors import ArtifactRefused, require_floor
from matinee.files import opened
from matinee.maths.arrays import Doubles
from matinee.policies.independent import BetaBelief, Told
from matinee.policies.versions import Latest, Versions

Way: TypeAlias = tuple[str, str, str, str]  # art or reason, what the member likes most, item_id, which
Came: TypeAlias = tuple[Way, float, float]  # the reward of a way, and how much it counts
FILE = "presentation.json"
LARGEST = 1 << 28  # bytes of it


@dataclass(frozen=True, slots=True)
class PresentationConfig:
    """`belief` of how often a title is enjoyed, however it is presented. `floor`: the share of choices in which each
    way is as likely as any other, so that what each is worth can be told from the log.
    """

    belief: BetaBelief = BetaBelief(1.0, 9.0)
    floor: float = 0.05

    def __post_init__(self) -> None:
        require_floor(self.floor)


class Learned(NamedTuple):
    """What was learned after `version` batches of rewards, the latest of a decision at `as_of` (microseconds since
    1970, UTC): of each way how much its rewards count, and their weighed sum.
    """

    version: int = 0
    as_of: int = 0
    ways: Mapping[Way, tuple[float, float]] = MappingProxyType({})

    def after(self, told: Iterable[Came], as_of: int) -> Learned:
        """With these rewards too."""
        ways = dict(self.ways)
        for way, reward, weight in told:
            count, total = ways.get(way, (0.0, 0.0))
            ways[way] = (count + weight, total + weight * reward)
        return Learned(self.version + 1, max(as_of, self.as_of), ways)

    def same(self, other: Learned) -> bool:
        """Whether both say the same to the bit."""
        return self == other

    def save(self, folder: Path) -> None:
        """Write it into an existing folder as JSON, the same bytes for the same ways."""
        ways = [[*way, *numbers] for way, numbers in sorted(self.ways.items())]
        plain = {"version": self.version, "as_of": self.as_of, "ways": ways}
        (folder / FILE).write_text(json.dumps(plain, indent=0), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Learned:
        """Read what `save` wrote. Raises `ArtifactRefused` on anything else."""
        try:
            with opened(folder / FILE, LARGEST) as file:
                plain = json.load(file)
            ways = {
                (str(a), str(b), str(c), str(d)): (float(count), float(total))
                for a, b, c, d, count, total in plain["ways"]
            }
            return cls(int(plain["version"]), int(plain["as_of"]), ways)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ArtifactRefused(f"{folder} holds nothing learned: {error!r}; restore it from a backup") from error


class PresentationArms:
    """Chooses among ways to tell of a title; each is thought as good as any other until rewards say otherwise."""

    def __init__(
        self,
        config: PresentationConfig = PresentationConfig(),
        learned: Learned | None = None,
        versions: Versions[Learned] | None = None,
    ) -> None:
        self.config, self.learned = config, Learned() if learned is None else learned
        self.versions: Versions[Learned] = Latest(self.learned) if versions is None else versions

    def probabilities(self, ways: Sequence[Way], certain: bool) -> Doubles:
        """(ways,) how likely each is chosen; `certain`: the one of the best mean, the first of equals."""
        told = np.array([self.learned.ways.get(way, (0.0, 0.0)) for way in ways])
        if certain:
            mean, _ = self.config.belief.moments(Told(told[:, 0], told[:, 1]))
            return np.asarray(np.arange(len(ways)) == mean.argmax(), np.float64)
        best = _best(self.config.belief, tuple(map(tuple, told.tolist())))
        return self.config.floor / len(ways) + (1.0 - self.config.floor) * best

    def learn(self, told: Iterable[Came], as_of: int) -> None:
        """Learn what came of ways that were chosen, in decisions up to `as_of`."""
        learned = self.learned.after(told, as_of)
        self.versions.keep(learned)
        self.learned = learned

    def catch_up(self) -> None:
        """Take up the newest version that was kept, where another process has learned since."""
        latest = self.versions.latest
        if latest is not None and latest.version > self.learned.version:
            self.learned = latest

    def frozen(self) -> PresentationArms:
        """The same with what is known now, whatever is learned meanwhile."""
        return PresentationArms(self.config, self.learned, self.versions)

    def at(self, version: int) -> PresentationArms:
        """The same as it was with this version. Raises `NotFound` where it is gone."""
        known = {0: Learned(), self.learned.version: self.learned}
        learned = known[version] if version in known else self.versions.find(version)
        return PresentationArms(self.config, learned, self.versions)


@lru_cache(maxsize=4_096)
def _best(belief: BetaBelief, told: tuple[tuple[float, float], ...]) -> Doubles:
    """(ways,) P(each is the best) of ways with these numbers and sums of rewards; exactly the same for all equals."""
    if len(set(told)) == 1:
        return np.full(len(told), 1.0 / len(told))
    counts, sums = np.array(told).T
    return belief.best(Told(counts, sums), np.ones(len(told), np.bool_))
