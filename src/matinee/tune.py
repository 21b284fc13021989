"""Tuning: the same budget for every model, judged on validation only, resumable. Needs the extra `tune`."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from matinee.data.dataset import Dataset
from matinee.decision import Progress, Scorer, no_progress, part_of
from matinee.errors import BadData, BadRequest, TooLarge
from matinee.evaluate.leaderboard import unmakeable
from matinee.evaluate.measure import measure_hits
from matinee.evaluate.protocols import Protocol
from matinee.evaluate.summarise import by_member
from matinee.evaluate.trial import Trial, prepare
from matinee.files import require_file

FIRST_LOOK = 0.25  # share of the members that a setting is first fitted on; what looks poor then is dropped
STARTUP = 5  # settings measured in full before there is a median of them to be worse than
REFUSED = (TooLarge, BadData, BadRequest)  # too large, no data left, or diverged: the next setting may do better

Make = Callable[[optuna.trial.BaseTrial], Scorer]


@dataclass(frozen=True, slots=True)
class Budget:
    """What each model may spend: `trials` settings and `seconds` of fitting and ranking, whichever ends first."""

    trials: int = 20
    seconds: float = 600.0

    def __post_init__(self) -> None:
        if self.trials < 1 or not self.seconds > 0:
            raise BadRequest(f"a tuning budget needs at least one trial and some seconds, got {self}")


@dataclass(frozen=True, slots=True)
class Tuned:
    """What tuning found for one model: the `settings` with the best `value` of `metric` on the validation, and what
    was spent on it: settings measured in full, dropped at first look, refused (could not be fitted or rank), seconds.

    `reason`: why the latest refused setting was, or why the model cannot be made. A model of which none was measured
    has no value and no settings.
    """

    model: str
    metric: str
    value: float | None
    settings: Mapping[str, Any]
    measured: int
    dropped: int
    refused: int
    seconds: float
    reason: str = ""


def tune(
    dataset: Dataset,
    protocol: Protocol,
    spaces: Mapping[str, Make],
    storage: Path,
    budget: Budget = Budget(),
    seed: int = 0,
    progress: Progress = no_progress,
) -> list[Tuned]:
    """Search the settings of every model of `spaces` on the protocol's validation; the test is never cut.

    `spaces` name -> maker of an unfitted scorer from what an optuna trial suggests. Settings are suggested by TPE
    (Bergstra et al. 2011), first fitted on a quarter of the members, and dropped when worse there than the median of
    those that were measured in full, once there are five. `storage` is a folder: a study of the same model, space,
    protocol, data and seed goes on there until its budget is spent, seconds counted over all sittings. A model that
    lacks a package, or of which no setting could be fitted, stops no other. Raises `BadRequest` without models,
    `MissingExtra` when no model can be made, `BadData` when none could be fitted, or what is in `storage` cannot be
    read.
    """
    if not spaces:
        raise BadRequest("tuning was given no model; name at least one")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    first = {name: optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask() for name in spaces}
    refused = unmakeable({name: partial(make, first[name]) for name, make in spaces.items()})
    progress(f"cutting by {protocol.name}, for validation", 0.0)
    trial = prepare(dataset, protocol, np.random.default_rng(seed), "validation")
    studies = _studies(storage)
    judged_on = f"{protocol.name}, {dataset.name} {_fingerprint(trial)}, seed {seed}"
    found = []
    for at, (name, make) in enumerate(spaces.items()):
        if name in refused:
            found.append(Tuned(name, protocol.metrics[0].named.key, None, {}, 0, 0, 0, 0.0, refused[name]))
            continue
        study = _study(f"{name}, {judged_on}, space {_digest(first[name].distributions)}", studies, seed)
        said = part_of(progress, name, at / len(spaces), (at + 1) / len(spaces))
        _spend(study, budget, partial(_value, make=make, trial=trial, protocol=protocol, seed=seed), said)
        found.append(_outcome(name, protocol, study))
    if all(one.value is None for one in found):
        reasons = "; ".join(
            f"none of {one.refused} settings of {one.model}: {one.reason}"
            if one.refused
            else f"{one.model}: {one.reason}"
            for one in found
        )
        raise BadData(f"no model could be fitted; give more members or memory, or other models. {reasons}")
    return found


def _fingerprint(trial: Trial) -> str:
    """Eight bytes, in hexadecimal, that tell a cut of a data set from others: its titles, vectors, events, answers."""
    catalog, digest = trial.data.catalog, hashlib.blake2b(digest_size=8)
    digest.update("\0".join([str(catalog.unrated_age), *catalog.vectors]).encode())
    for column in catalog.titles.iter_columns():
        digest.update(column.to_frame().write_ndjson().encode())
    for vectors in catalog.vectors.values():
        digest.update(vectors.tobytes())
    for told in (trial.data.histories, trial.targets):
        for part in fields(told):
            digest.update(getattr(told, part.name).tobytes())
    return digest.hexdigest()


def _studies(folder: Path) -> optuna.storages.RDBStorage:
    """The database of a folder's studies, opened by its path: a URL gives some characters another meaning."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "studies.sqlite3"
    connect = partial(sqlite3.connect, path, check_same_thread=False)
    try:
        require_file(path)
        return optuna.storages.RDBStorage("sqlite:///studies.sqlite3", engine_kwargs={"creator": connect})
    except (OSError, SQLAlchemyError, optuna.exceptions.OptunaError, RuntimeError, AssertionError) as error:
        said = str(error).partition("\n")[0]
        raise BadData(f"{path} cannot be read as studies: {said}; move it away or give another folder") from error


def _digest(distributions: Mapping[str, Any]) -> str:
    """Four bytes, in hexadecimal, that tell what a space chooses from."""
    return hashlib.blake2b(repr(sorted(distributions.items())).encode(), digest_size=4).hexdigest()


def _study(name: str, studies: optuna.storages.RDBStorage, seed: int) -> optuna.Study:
    """The study of this name, new or as it was left; its sampler does not repeat what it drew before."""
    study = optuna.create_study(
        study_name=name,
        storage=studies,
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP),
    )
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials), n_startup_trials=STARTUP)
    return study


def _spend(study: optuna.Study, budget: Budget, value: Callable[[optuna.Trial], float], progress: Progress) -> None:
    """One setting after the other while there is budget; one broken off in an earlier sitting does not count."""
    while (done := len(_ended(study))) < budget.trials and _seconds(study) < budget.seconds:
        best = f", best so far {study.best_value:.4f}" if _ended(study, TrialState.COMPLETE) else ""
        share = max(done / budget.trials, _seconds(study) / budget.seconds)
        progress(f"setting {done + 1} of {budget.trials}{best}", share)
        study.optimize(partial(_noted, value=value), n_trials=1, catch=REFUSED)


def _noted(asked: optuna.Trial, value: Callable[[optuna.Trial], float]) -> float:
    """The value of a setting; where it is refused, its seconds and the reason stay with the study."""
    started = time.perf_counter()
    try:
        found = value(asked)
        if np.isnan(found):
            raise BadData("the metric has no value for any member; give more members or another protocol")
        return found
    except REFUSED as error:
        asked.set_user_attr("seconds", time.perf_counter() - started)
        asked.set_user_attr("refused", str(error))
        raise


def _value(asked: optuna.Trial, make: Make, trial: Trial, protocol: Protocol, seed: int) -> float:
    """The protocol's first metric, of a scorer fitted on some members and then, if it is worth it, on all."""
    sample = np.random.default_rng(seed).random(len(trial.data.user_ids)) < FIRST_LOOK
    started = time.perf_counter()
    for step, data in enumerate((trial.data.of_members(np.flatnonzero(sample)), trial.data)):
        scorer = make(asked).fit(data, np.random.default_rng(seed))
        lists = [trial.rank(scorer, rows, protocol.metrics[0].n or len(data.catalog)) for rows in trial.blocks()]
        values = measure_hits(np.concatenate(lists), trial.targets, protocol.metrics[:1])[:, 0]
        value = float(np.nanmean(by_member(values, trial.members)))
        asked.report(value, step)
        asked.set_user_attr("seconds", time.perf_counter() - started)
        if step == 0 and asked.should_prune():
            raise optuna.TrialPruned
    return value


def _outcome(name: str, protocol: Protocol, study: optuna.Study) -> Tuned:
    measured, refused = _ended(study, TrialState.COMPLETE), _ended(study, TrialState.FAIL)
    return Tuned(
        name,
        protocol.metrics[0].named.key,
        study.best_value if measured else None,
        dict(study.best_params) if measured else {},
        len(measured),
        len(_ended(study, TrialState.PRUNED)),
        len(refused),
        _seconds(study),
        refused[-1].user_attrs["refused"] if refused else "",
    )


def _ended(study: optuna.Study, *states: TrialState) -> list[optuna.trial.FrozenTrial]:
    """The settings that were measured, dropped or refused, or those `states` of them; none that was interrupted."""
    wanted = states or (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
    found = study.get_trials(deepcopy=False, states=wanted)
    return [one for one in found if one.state != TrialState.FAIL or "refused" in one.user_attrs]


def _seconds(study: optuna.Study) -> float:
    return float(sum(one.user_attrs.get("seconds", 0.0) for one in _ended(study)))
