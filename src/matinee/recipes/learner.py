"""The billboard that learns while a service runs: from the log alone, one writer, every version kept to be asked again.

A workspace that names a billboard serves it above the rows of every home page. What it learned lies in
`posteriors/PARAMETERS-ARTIFACT/VERSION`; a new artifact of title vectors learns from the whole log anew.
"""

from __future__ import annotations

import fcntl
import logging
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from typing import IO, Any

from matinee.catalog import Catalog
from matinee.data.counted import Counted
from matinee.data.log import EventLog
from matinee.decision import Maker
from matinee.errors import ArtifactRefused, BadRequest
from matinee.events import DAY
from matinee.models.artifacts.artifact import Artifact, id_of, load_artifact
from matinee.models.artifacts.widen import Widened
from matinee.policies.arms import ArmsConfig, LinearArms
from matinee.policies.features import AverageTaste, Features
from matinee.policies.posterior import Prior
from matinee.recipes.background import looking
from matinee.recipes.learning import SECOND, LearnerConfig, LearnsFromLog, learn_from
from matinee.recipes.newcomers import predicted_vectors
from matinee.recipes.posteriors import kept_posteriors
from matinee.recipes.registry import SCORERS
from matinee.recipes.studio import studio_of
from matinee.recipes.vitals import Vitals, Watch, watched
from matinee.recipes.ways import ways_to_choose
from matinee.service.studio import Studio
from matinee.service.watched import Watched
from matinee.workspace import Workspace

log = logging.getLogger("matinee.learner")

PRIOR = Prior(base_rate=0.05)
ARMS: Mapping[str, ArmsConfig] = ways_to_choose(PRIOR)
VECTORS = "factors"  # the model whose title vectors it reads
SIZE = 8  # numbers of a title beside the one that all share


def billboard_of(workspace: Workspace, catalog: Catalog, name: str) -> LinearArms:
    """The named billboard with the newest vectors and all that was learned.

    Raises `BadRequest` where no billboard has this name, `ArtifactRefused` where the workspace holds no vectors.
    """
    if name not in ARMS:
        raise BadRequest(f"{name!r} is no billboard; choose from {', '.join(ARMS)}")
    artifact = load_artifact(workspace.newest_artifact(VECTORS), SCORERS, catalog)
    parameters = {"policy": f"billboard-{name}", "arms": asdict(ARMS[name]), "size": SIZE}
    arms = _arms(workspace, catalog, artifact, parameters)
    workspace.keep_parameters(arms.maker.parameters, parameters)
    return arms


def billboard_as_it_was(workspace: Workspace, catalog: Catalog, maker: Maker) -> LinearArms:
    """The billboard that made a decision. Raises `ArtifactRefused` or `NotFound` where a part of it is gone."""
    folder = next((one for one in workspace.artifacts() if id_of(one) == maker.artifact), None)
    if folder is None:
        raise ArtifactRefused(f"the artifact {maker.artifact} of {maker.policy!r} is gone; put it back to ask again")
    artifact = load_artifact(folder, SCORERS, catalog)
    return _arms(workspace, catalog, artifact, workspace.parameters(maker.parameters), maker)


def _arms(
    workspace: Workspace,
    catalog: Catalog,
    artifact: Artifact,
    parameters: Mapping[str, Any],
    made_by: Maker | None = None,
) -> LinearArms:
    """What was learned lies where they learned it, or under the digest of who made a decision before that changed."""
    config = ArmsConfig(**{**parameters["arms"], "prior": Prior(**parameters["arms"]["prior"])})
    fitted = artifact.scorer.scorer if isinstance(artifact.scorer, Widened) else artifact.scorer
    vectors = getattr(fitted, "title_vectors", None)
    if vectors is None:
        raise ArtifactRefused(f"{artifact.artifact_id} has no vectors of titles; train `{VECTORS}`")
    predicted = predicted_vectors(vectors, catalog)
    features = Features.of(AverageTaste(vectors), len(catalog), parameters["size"], predicted)
    plain = LinearArms(parameters["policy"], artifact.artifact_id, catalog, features, config)
    known_as = {plain.learned_as, *(() if made_by is None else (made_by.parameters,))}
    folders = [workspace.folder / "posteriors" / f"{one}-{artifact.artifact_id}" for one in known_as]
    kept = kept_posteriors(next((one for one in folders if one.is_dir()), folders[0]), config.prior)
    learned = kept.latest if made_by is None else kept.find(made_by.posterior)
    return LinearArms(plain.policy_id, plain.artifact_id, catalog, features, config, learned, kept)


@dataclass
class Learner:
    """A thread that looks at the log every so often. Of all services of a workspace one learns, the others only serve.

    `arms` is the billboard that serves now, `presentation` chooses its picture and reason; a reload puts others here.
    """

    workspace: Workspace
    events: EventLog
    config: LearnerConfig = LearnerConfig()
    arms: LinearArms | None = None
    presentation: LearnsFromLog | None = None
    _counted: dict[int, Counted] = field(default_factory=dict)  # as of the latest decisions learned from
    _watch: Watch | None = None
    _vitals: Vitals = Vitals()
    _looked: float = field(default_factory=time.time)

    def running(self) -> AbstractContextManager[None]:
        """Learn in the background while the block runs."""
        every, failed = self.config.every, "the billboard could not learn; it serves as it is"
        return looking(self.look, self.see, first=every, every=every, failed=failed)

    def look(self, now: int) -> int:
        """Learn from what is new at `now`; 0 also where another service is the one that learns."""
        learners = [one for one in (self.arms, self.presentation) if one is not None]
        with (self.workspace.folder / ".learner").open("ab") as file:
            ours = _locked(file)
            for one in learners:
                one.catch_up()
            return max(self._taught(learners, now), default=0) if ours else 0

    def _taught(self, learners: list[LearnsFromLog], now: int) -> list[int]:
        """How much those learn who know as much; what is read of the log is read once for all of them."""
        alike: dict[tuple[int, Catalog], list[LearnsFromLog]] = {}
        for one in learners:
            alike.setdefault((one.as_of, one.catalog), []).append(one)
        before, self._counted, learned = self._counted, {}, []
        for (as_of, _), some in alike.items():
            counted = before.get(as_of, Counted())
            learned.append(learn_from(self.events, some, now, self.config, counted))
            self._counted[counted.as_of] = counted
        return learned

    def watched(self) -> Watched:
        """How the billboard did at the latest look; what waits goes on waiting while no look comes."""
        if self.arms is None:
            return Watched()
        late = max(0.0, time.time() - self._looked - self.config.every)
        vitals = replace(self._vitals, waiting=self._vitals.waiting + late)
        return watched(vitals, self.arms.config.sampling, self.config.every)

    def studio(self) -> Studio | None:
        """What there is to see of the billboard now; None where none learns."""
        return None if self.arms is None else studio_of(self.arms, self.events, round(time.time() * SECOND))

    def see(self, now: int) -> None:
        """Look at what the billboard decided until `now` (microseconds since 1970), and at what waits to be learned."""
        if self.arms is None:
            return
        if self._watch is None:
            self._watch = Watch(now - DAY)
        self._vitals, self._looked = self._watch.look(self.events, self.arms, now, self.config), time.time()


def _locked(file: IO[bytes]) -> bool:
    """Whether the lock on a file is ours until it is closed; False where somebody else has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
