"""Who gets which arm: a keyed hash of the account, the same on every device, server and day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from itertools import accumulate

import numpy as np
import polars as pl

from matinee.decision import Requests
from matinee.decision.requests import Cells
from matinee.events import VISITOR
from matinee.experiment.definition import Experiment, Settings
from matinee.maths.arrays import Doubles, Flags, Int8s, Int64s

NO_ARM = -1


def cells(experiments: Sequence[Experiment], account_ids: pl.Series) -> Cells:
    """The arm of each account (accounts,) in each experiment; an account without an id is in none."""
    arms = [_arms(one, account_ids) for one in experiments]
    names = tuple(one.name for one in experiments)
    return Cells(names, np.stack(arms, axis=1) if arms else np.empty((len(account_ids), 0), np.int8))


def accounts_of(requests: Requests) -> pl.Series:
    """(people,) whom experiments see as one: the account, and a member who has none alone; visitors are nobody."""
    people = requests.people
    own = people.user_ids.set(people.user_ids.str.starts_with(VISITOR), "")
    return pl.select(pl.when(people.account_ids != "").then(people.account_ids).otherwise(own)).to_series()


def in_cells(requests: Requests, experiments: Sequence[Experiment]) -> Requests:
    """The requests with the arms of the experiments that run on their surface at the time of each."""
    here = [one for one in experiments if one.surface == requests.surface]
    running = np.array([_runs(one, requests.times) for one in here], np.bool_).reshape(len(here), len(requests)).T
    shown = np.flatnonzero(running.any(axis=0))
    if not len(shown):
        return requests
    found = cells([here[at] for at in shown], accounts_of(requests)).take(requests.members.astype(np.int64))
    return replace(requests, cells=replace(found, arms=np.where(running[:, shown], found.arms, np.int8(NO_ARM))))


def settings_of(experiments: Sequence[Experiment], cells: Cells | None, b: int) -> list[Settings]:
    """What the arms of request `b` change."""
    if cells is None:
        return []
    by_name = {one.name: one for one in experiments}
    own = zip(cells.names, cells.arms[b].tolist(), strict=True)
    return [by_name[name].arms[arm].settings for name, arm in own if arm != NO_ARM]


def _runs(experiment: Experiment, times: Int64s) -> Flags:
    after = np.inf if experiment.end is None else experiment.end
    return (times >= experiment.start) & (times < after)


def _arms(experiment: Experiment, account_ids: pl.Series) -> Int8s:
    ends = np.array([float(end) for end in accumulate(experiment.shares)])
    arms = np.searchsorted(ends, _places(experiment.salt.encode(), account_ids), side="right").astype(np.int8)
    arms[(arms == len(ends)) | (account_ids == "").to_numpy()] = NO_ARM
    return arms


def _places(salt: bytes, account_ids: pl.Series) -> Doubles:
    """Uniform numbers in [0, 1), multiples of 2^-53: the top bits of BLAKE2b keyed with the salt."""
    keyed = blake2b(key=salt, digest_size=8)
    hashes = np.empty(len(account_ids), np.uint64)
    for at, account in enumerate(account_ids):
        one = keyed.copy()
        one.update(account.encode())
        hashes[at] = int.from_bytes(one.digest(), "big")
    return np.asarray((hashes >> np.uint64(11)) * 2.0**-53)
