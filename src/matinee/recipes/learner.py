"""The billboard that learns while a service runs: from the log alone, one writer, every version kept to be asked again.

A workspace that names a billboard serves it above the rows of every home page. What it learned lies in
`posteriors/PARAMETERS-ARTIFACT/VERSION`; a new artifact of title vectors learns from the whole log anew.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np

from matinee.catalog import Catalog
from matinee.data.asked import as_asked
from matinee.data.log import EventLog
from matinee.data.outcomes import outcomes
from matinee.data.rewards import enjoyed
from matinee.decision import Decisions, Layer, Maker, as_one
from matinee.errors import ArtifactRefused, BadRequest, MatineeError, NotFound
from matinee.maths.arrays import Doubles
from matinee.maths.ragged import offsets_of
from matinee.models.artifacts.artifact import Artifact, id_of, load_artifact
from matinee.policies.arms import ArmsConfig, LinearArms
from matinee.policies.features import AverageTaste, Features
from matinee.policies.layered import BILLBOARD
from matinee.policies.posterior import Posterior, Prior
from matinee.recipes.registry import SCORERS
from matinee.workspace import Workspace

log = logging.getLogger("matinee.learner")

PRIOR = Prior(base_rate=0.05)
ARMS: Mapping[str, ArmsConfig] = {
    "thompson": ArmsConfig(prior=PRIOR),
    "greedy": ArmsConfig(sampling=False, prior=PRIOR),
}
VECTORS = "factors"  # the model whose title vectors it reads
SIZE = 8  # numbers of a title beside the one that all share
AT_ONCE = 2_000  # decisions of one version
VERSIONS = 1_000  # kept on disk


@dataclass(frozen=True, slots=True)
class LearnerConfig:
    """`every`: seconds between two looks at the log. `window`: seconds after which a decision's reward is known."""

    every: float = 600.0
    window: float = 6 * 3_600.0


@dataclass(frozen=True)
class KeptPosteriors:
    """The versions of one posterior in a folder, each whole or not there."""

    folder: Path
    prior: Prior

    def keep(self, posterior: Posterior) -> None:
        """On disk when it returns; a version that is there stays as it is. The oldest beyond `VERSIONS` go."""
        path, draft = self._path(posterior.version), self.folder / ".draft"
        if path.exists():
            return
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        posterior.save(draft, self.prior)
        for one in (*draft.iterdir(), draft):
            _synced(one)
        draft.rename(path)
        _synced(self.folder)
        for version in self.versions[:-VERSIONS]:
            shutil.rmtree(self._path(version))

    def find(self, version: int) -> Posterior:
        """Raises `NotFound` where it is gone, `ArtifactRefused` where it is damaged."""
        path = self._path(version)
        if not path.is_dir():
            raise NotFound(f"{path} is gone; restore it from a backup to ask its decisions again")
        return Posterior.load(path, self.prior)

    @property
    def versions(self) -> list[int]:
        """Those that are there, oldest first."""
        return sorted(int(path.name) for path in self.folder.glob("*") if path.name.isdigit())

    @property
    def latest(self) -> Posterior | None:
        """The newest, None before the first."""
        versions = self.versions
        return self.find(versions[-1]) if versions else None

    def _path(self, version: int) -> Path:
        return self.folder / f"{version:08d}"


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
    return _arms(workspace, catalog, artifact, workspace.parameters(maker.parameters), maker.posterior)


def _arms(
    workspace: Workspace,
    catalog: Catalog,
    artifact: Artifact,
    parameters: Mapping[str, Any],
    version: int | None = None,
) -> LinearArms:
    config = ArmsConfig(**{**parameters["arms"], "prior": Prior(**parameters["arms"]["prior"])})
    vectors = getattr(artifact.scorer, "title_vectors", None)
    if vectors is None:
        raise ArtifactRefused(f"{artifact.artifact_id} has no vectors of titles; train `{VECTORS}`")
    features = Features.of(AverageTaste(vectors), len(catalog), parameters["size"])
    plain = LinearArms(parameters["policy"], artifact.artifact_id, catalog, features, config)
    kept = KeptPosteriors(
        workspace.folder / "posteriors" / f"{plain.maker.parameters}-{artifact.artifact_id}", config.prior
    )
    learned = kept.latest if version is None else kept.find(version)
    return LinearArms(plain.policy_id, plain.artifact_id, catalog, features, config, learned, kept)


def learn_from(events: EventLog, arms: LinearArms, now: int, window: float) -> int:
    """Learn from the billboards that home pages of the log showed, whoever chose them, and whose `window` (seconds) is
    over at `now` (microseconds since 1970), but for those learned from before; returns how many decisions these were.
    """
    learned = 0
    until = now - round(window * 1e6)
    for parts in _in_order(list(events.decisions.read(until, arms.as_of + 1, "home"))):
        asked = [as_asked(one, events, arms.catalog) for one in parts if one.requests.arrived is not None]
        if asked:
            decisions = _by_time(as_one(asked))
            arms.learn(decisions, billboard_rewards(decisions, events, arms.catalog, window))
            learned += len(decisions)
    return learned


def billboard_rewards(decisions: Decisions, events: EventLog, catalog: Catalog, window: float) -> Doubles:
    """(lines,) how much each billboard's title was enjoyed within `window` seconds; NaN where nobody looked, and for
    what is no billboard.
    """
    users, times = decisions.requests.user_ids.unique().to_list(), decisions.requests.times
    answers = events.read(int(times.max()) + round(window * 1e6), int(times.min()), user_ids=users)
    found = outcomes(decisions, answers, catalog, window, enjoyed)
    choices = decisions.choices
    heads = decisions.layer(Layer.ROW) & (choices.rows == 0)
    billboard = np.array([name == BILLBOARD for name in decisions.row_names] + [False])
    has = np.zeros(len(decisions), np.bool_)
    has[choices.decisions[heads]] = billboard[choices.actions[heads]]
    counts = decisions.layer(Layer.TITLE) & (choices.rows == 0) & has[choices.decisions] & found.examined
    return np.where(counts, found.reward.astype(np.float64), np.nan)


@dataclass
class Learner:
    """A thread that looks at the log every so often. Of all services of a workspace one learns, the others only serve.

    `arms` is the billboard that serves now; a reload puts another here.
    """

    workspace: Workspace
    events: EventLog
    config: LearnerConfig = LearnerConfig()
    arms: LinearArms | None = None
    _stopped: Event = field(default_factory=Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Learn in the background while the block runs."""
        thread = Thread(target=self._run, name="learner", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join()

    def look(self, now: int) -> int:
        """Learn from what is new at `now`; 0 also where another service is the one that learns."""
        if self.arms is None:
            return 0
        with (self.workspace.folder / ".learner").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.arms.catch_up()
                return 0
            self.arms.catch_up()
            return learn_from(self.events, self.arms, now, self.config.window)

    def _run(self) -> None:
        while not self._stopped.wait(self.config.every):
            try:
                self.look(round(time.time() * 1e6))
            except MatineeError:
                log.exception("the billboard could not learn; it serves as it is")


def _in_order(batches: Sequence[Decisions]) -> Iterator[list[Decisions]]:
    """The decisions of all batches, the oldest first, some `AT_ONCE` at a time; those of one moment stay together."""
    times = np.concatenate([np.empty(0, np.int64), *(batch.requests.times for batch in batches)])
    whose = np.repeat(np.arange(len(batches)), [len(batch) for batch in batches])
    starts = offsets_of([len(batch) for batch in batches])
    order, first = np.argsort(times, kind="stable"), 0
    while first < len(order):
        last = order[min(first + AT_ONCE, len(order)) - 1]
        end = int(np.searchsorted(times[order], times[last], "right"))
        some = order[first:end]
        yield [batches[k].take(some[whose[some] == k] - starts[k]) for k in np.unique(whose[some])]
        first = end


def _by_time(decisions: Decisions) -> Decisions:
    return decisions.take(np.lexsort((np.array(decisions.ids), decisions.requests.times)))


def _synced(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
