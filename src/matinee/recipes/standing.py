"""Which models of a workspace are worth serving: those that are surely better than every simpler one on its data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import product

from matinee.errors import ArtifactRefused
from matinee.models.artifacts.artifact import quality_of
from matinee.models.artifacts.quality import Lead, Quality, lead
from matinee.workspace import Workspace

Better = Callable[[str, str], bool]  # whether the first model is surely better than the second


@dataclass(frozen=True, slots=True)
class Verdict:
    """What validation says of a model beside the simpler one that is served: how much it leads, and whether it stays.

    `lead` is None where the two were not asked the same.
    """

    model: str
    simpler: str
    lead: Lead | None
    served: bool

    def __str__(self) -> str:
        if self.lead is None:
            return f"{self.model} was not measured beside the simpler {self.simpler}: train both"
        known = "better" if self.lead.low > 0 else "worse" if self.lead.high < 0 else "not surely better"
        said = f"{self.model} is {known} than the simpler {self.simpler} on this data: {self.lead} NDCG@20"
        stays = self.served and not self.lead.low > 0
        return f"{said}; it serves, for {self.simpler} is alike for everybody" if stays else said


def worth_serving(models: Sequence[str], better: Better) -> tuple[str, ...]:
    """Those of `models`, from largest to simplest, that are surely better than the next simpler one that stays.

    The last is the one for want of any other, such as popularity, which is nobody's taste: it always stays, every other
    stays before it unless it is surely better than that one.
    """
    *personal, last = models
    kept: list[str] = []
    for model in reversed(personal):
        if not better(last, model) and (not kept or better(model, kept[-1])):
            kept.append(model)
    return (*reversed(kept), last)


def surely_better(workspace: Workspace) -> Better:
    """Whether a model's lead over another is above 0 with its 95 % interval, as their artifacts say."""

    def better(model: str, other: str) -> bool:
        found = lead_in(workspace, model, other)
        return found is not None and found.low > 0

    return better


def lead_in(workspace: Workspace, model: str, other: str) -> Lead | None:
    """The lead of the newest artifacts of two models that were asked the same; else of the newest of all."""
    pairs = list(product(_qualities(workspace, model), _qualities(workspace, other)))
    alike = [pair for pair in pairs if pair[0].whom == pair[1].whom]
    found = (lead(*pair) for pair in [*alike, *pairs])
    return next((one for one in found if one is not None), None)


def verdicts(workspace: Workspace, models: Sequence[str]) -> list[Verdict]:
    """What is said of each of `models`, from largest to simplest, that is there, beside the next simpler one served."""
    there = [model for model in models if workspace.holds(model)]
    served = worth_serving(there, surely_better(workspace)) if there else ()
    found = []
    for at, model in enumerate(there[:-1]):
        simpler = next(one for one in there[at + 1 :] if one in served)
        found.append(Verdict(model, simpler, lead_in(workspace, model, simpler), model in served))
    return found


def _qualities(workspace: Workspace, model: str) -> list[Quality]:
    """Of the artifacts of this name, newest first; one that cannot be read says nothing."""
    found = []
    for folder in reversed(workspace.artifacts_of(model)):
        with suppress(ArtifactRefused):
            found.append(quality_of(folder))
    return found
