"""The audit: logged decisions are asked again, from the log and the artifacts alone, of the policies that made them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from heapq import nlargest
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np

from matinee.catalog import Catalog
from matinee.data.asked import as_asked
from matinee.data.log import EventLog
from matinee.decision import Decisions, Maker, Policy
from matinee.errors import ArtifactRefused, MatineeError
from matinee.events import END_OF_TIME
from matinee.maths.arrays import Doubles
from matinee.models.artifacts.artifact import id_of, load_artifact
from matinee.policies.layered import Layered
from matinee.policies.presented import ART, REASON
from matinee.recipes.learner import billboard_as_it_was
from matinee.recipes.presentation import presented_as_it_was
from matinee.recipes.registry import SCORERS
from matinee.recipes.serving import one_thread_a_request
from matinee.surfaces.home import HomePolicy
from matinee.surfaces.remade import Surfaced, remade
from matinee.workspace import Workspace

TOLERANCE = 1e-6  # how far a log-probability asked again may be from the logged one


@dataclass(frozen=True)
class Audit:
    """Of `asked` decisions, how many the policy that acted gives back choice by choice (`same`).

    `differences`: (choices,) of the log-probabilities; `refused`: why others could not be asked, with counts.
    """

    asked: int
    same: int
    differences: Doubles
    refused: Mapping[str, int] = field(default_factory=dict)

    @property
    def worst(self) -> float:
        """The largest difference of a log-probability; 0 where nothing was asked."""
        return float(self.differences.max(initial=0.0))


def audit(workspace: Workspace, n: int) -> Audit:
    """Ask the last `n` decisions of a workspace's log again."""
    workspace.require()
    catalog, refused, differences = Catalog.load(workspace.catalog_path), Counter[str](), []
    asked = cache(lambda makers, titles: made_by(workspace, catalog.first(titles), makers))
    with EventLog(workspace.log_path) as log:
        last = _last(log, n)
        for one in last:
            try:
                differences.append(_differences(one, log, catalog, asked))
            except MatineeError as error:
                refused[str(error).partition(";")[0]] += 1
    same = sum(bool((each <= TOLERANCE).all()) for each in differences)
    return Audit(len(last), same, np.concatenate([np.empty(0), *differences]), dict(refused))


def _last(log: EventLog, n: int) -> list[Decisions]:
    """The last `n` decisions of a log, each a batch of one, oldest first."""
    found: list[tuple[int, str, int, Decisions]] = []
    for batch in log.decisions.read(END_OF_TIME):
        heads = zip(batch.requests.times.tolist(), batch.ids, strict=True)
        found = nlargest(n, chain(found, ((*head, b, batch) for b, head in enumerate(heads))), key=itemgetter(0, 1))
    return [batch.take(np.array([b])) for _, _, b, batch in found[::-1]]


def _differences(logged: Decisions, log: EventLog, catalog: Catalog, asked: Any) -> Doubles:
    """(choices,) how far each logged log-probability is from the same asked again, of a batch of one."""
    decisions = as_asked(logged, log, catalog)
    again = asked(decisions.makers, decisions.catalog).log_prob(decisions)
    return np.asarray(np.abs(again - decisions.choices.log_probs))


def made_by(workspace: Workspace, catalog: Catalog, makers: tuple[Maker, ...]) -> Policy:
    """The policies that acted, out of their artifacts and parameters, for the catalogue as it was: the page's, below
    the billboard's where that has one of its own, and who presented it. `catalog` is today's, or its first titles.
    """
    parameters = workspace.parameters(makers[0].parameters)
    catalog = workspace.catalog_as_of(parameters.get("catalog", 0), catalog)
    page = _page_of(workspace, catalog, makers[0], parameters)
    presentation = [maker for maker in makers if maker.policy == ART]
    layers = [maker for maker in makers if maker.policy not in (ART, REASON)]
    whole = Layered(billboard_as_it_was(workspace, catalog, layers[1]), page) if layers[1:] else page
    if not presentation or not isinstance(page, HomePolicy):
        return whole
    return presented_as_it_was(workspace, whole, page, presentation[0])


def _page_of(workspace: Workspace, catalog: Catalog, maker: Maker, parameters: Mapping[str, Any]) -> Surfaced:
    folder = next((one for one in workspace.artifacts() if id_of(one) == maker.artifact), None)
    if folder is None:
        raise ArtifactRefused(
            f"the artifact {maker.artifact} of {maker.policy!r} is gone; put it back to ask its decisions again"
        )
    artifact = load_artifact(folder, SCORERS, catalog)
    one_thread_a_request()  # as the service did: on more threads a network's sums round differently
    policy = remade(parameters, artifact, catalog)
    if policy.maker != maker:
        raise ArtifactRefused(f"{maker.policy!r} was made of other parameters than those kept; restore them")
    return policy
