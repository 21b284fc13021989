"""Versions of a posterior on disk: cut off anywhere they are whole or absent, and two writers lose nothing."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from matinee.errors import Overloaded
from matinee.policies.posterior import Posterior, Prior
from matinee.policies.presentation import Learned
from matinee.recipes import posteriors
from matinee.recipes.posteriors import KeptVersions, kept_posteriors

PRIOR = Prior()
TITLES, SIZE, BATCHES = 6, 3, 2


def batch(n: int) -> tuple[np.ndarray, ...]:
    """Members, titles, rewards and times of the n-th batch."""
    rng = np.random.default_rng(n)
    members = np.hstack([np.ones((4, 1)), rng.normal(size=(4, SIZE - 1))])
    return members, rng.integers(TITLES, size=4).astype(np.int32), rng.random(4), np.full(4, n + 1)


def uninterrupted() -> Posterior:
    posterior = Posterior.nothing(TITLES, SIZE)
    for n in range(BATCHES):
        posterior = posterior.after(*batch(n), PRIOR)
    return posterior


class PowerCut(BaseException):
    """The process is gone."""


def go_on(kept: KeptVersions[Posterior]) -> Posterior:
    """Learn what is left after the latest version that is there."""
    posterior = kept.latest or Posterior.nothing(TITLES, SIZE)
    for n in range(posterior.version, BATCHES):
        posterior = posterior.after(*batch(n), PRIOR)
        kept.keep(posterior)
    return posterior


def test_cut_off_at_any_write_it_goes_on_to_the_same_bits(tmp_path, monkeypatch):
    """Every batch is five syncs of files and folders and one of the folder above: the power is cut at each."""
    sync, expected, cuts = posteriors.synced, uninterrupted(), 0
    for at in range(1, 100):
        kept, calls = kept_posteriors(tmp_path / str(at), PRIOR), []

        def cut(path, at=at, calls=calls):
            calls.append(path)
            if len(calls) == at:
                raise PowerCut
            sync(path)

        monkeypatch.setattr(posteriors, "synced", cut)
        try:
            go_on(kept)
            break
        except PowerCut:
            cuts += 1
        monkeypatch.setattr(posteriors, "synced", sync)
        assert go_on(kept).same(expected)
        assert kept.latest.same(expected)
    assert cuts == BATCHES * 6


def test_another_posterior_of_the_same_version_is_refused(tmp_path):
    kept, nothing = kept_posteriors(tmp_path, PRIOR), Posterior.nothing(TITLES, SIZE)
    one, other = nothing.after(*batch(0), PRIOR), nothing.after(*batch(1), PRIOR)
    kept.keep(one)
    with pytest.raises(Overloaded, match="somebody else"):
        kept.keep(other)
    assert kept.latest.same(one)


def test_another_presentation_of_the_same_version_is_refused(tmp_path):
    kept, way = KeptVersions(tmp_path, Learned.save, Learned.load), ("art", "", "t1", "x")
    one, other = (Learned().after([(way, reward, 1.0)], 7) for reward in (0.0, 1.0))
    kept.keep(one)
    kept.keep(one)
    with pytest.raises(Overloaded, match="somebody else"):
        kept.keep(other)
    assert kept.latest == one


WRITER = """
import sys
from pathlib import Path
import numpy as np
from matinee.errors import Overloaded
from matinee.policies.posterior import Posterior, Prior
from matinee.recipes.posteriors import kept_posteriors

kept, title, done, refused = kept_posteriors(Path(sys.argv[1]), Prior()), int(sys.argv[2]), 0, 0
print("ready", flush=True)
input()
while done < 20:
    known = kept.latest or Posterior.nothing(2, 1)
    more = known.after(np.ones((1, 1)), np.array([title], np.int32), np.ones(1), np.array([known.version]), Prior())
    try:
        kept.keep(more)
        done += 1
    except Overloaded:
        refused += 1
print(refused)
"""


def test_two_writers_lose_and_double_nothing(tmp_path):
    """Two processes write versions of one posterior at once: each version is one reward more than that before it."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), title],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for title in "01"
    ]  # fmt: skip
    for one in writers:
        assert one.stdout.readline() == "ready\n"
    for one in writers:
        one.stdin.write("\n")
        one.stdin.flush()
    refused = [int(one.communicate(timeout=300)[0]) for one in writers]
    kept = kept_posteriors(tmp_path, PRIOR)
    assert kept.versions == list(range(1, 41))
    sums = [kept.find(version).rewards.ravel() for version in kept.versions]
    assert (np.diff(sums, axis=0).sum(axis=1) == 1).all(), "a version lost or doubled a reward"
    assert sums[-1].tolist() == [20, 20]
    assert sum(refused) > 0, "they never met"
