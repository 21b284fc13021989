"""The report on the laboratory of loops: repeated training and variety, and a swing before and after damping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matinee.evaluate.results import Estimate
from matinee.report import html
from matinee.report.courses import Series
from matinee.report.words import interval, number

MEASURES = {
    "near": "members nearest by scores",
    "at_random": "members at random",
    "utility": "utility",
    "reach": "titles taken",
}


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to retrain: `power` of its swings, the relative `change` of reward a decision against the first arm, and
    the courses of shares of some genres.
    """

    name: str
    power: float
    change: Estimate
    courses: Sequence[Series]


@dataclass(frozen=True, slots=True)
class LaboratoryReport:
    """`effects`: how it was trained -> recommender -> measure of `MEASURES`; `arms`, the first as it is; `days` of the
    courses; `method` says how it was measured.
    """

    title: str
    effects: Mapping[str, Mapping[str, Mapping[str, Estimate]]]
    arms: Sequence[Arm]
    days: Sequence[str]
    method: Sequence[str]

    def findings(self) -> Iterator[str]:
        """What the numbers say, in plain sentences."""
        for how, by_name in self.effects.items():
            said = "; ".join(f"{name} {interval(one['near'], sign=True)}" for name, one in by_name.items())
            yield f"Trained {how}, members nearest to each other have more in common than under the ideal by: {said}."
        first = self.arms[0]
        for one in self.arms[1:]:
            cut = 100 * (1 - one.power / first.power)
            yield (
                f"{one.name.capitalize()}: {number(cut, 1)} % less power of swings; reward a decision changes by "
                f"{interval(one.change, sign=True)} of what it is without."
            )

    def write_html(self, path: Path) -> None:
        """Write one file with plots and tables that needs nothing else to open."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(html.page("laboratory.html.j2", report=self, measures=MEASURES), encoding="utf-8")
