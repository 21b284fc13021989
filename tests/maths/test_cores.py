"""Cores: affinity and quotas of control groups of both versions, and what takes its threads from them."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from matinee.maths import cores, sparse_dense
from matinee.maths.cores import blas_in_the_calling_thread, blas_on_usable_cores, usable_cores
from matinee.maths.sparse_dense import in_chunks

SRC = Path(cores.__file__).parents[1]


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """A machine of 96 cores, all of which the process may run on, and an empty folder of control groups."""
    monkeypatch.setattr(os, "cpu_count", lambda: 96)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(96)))
    monkeypatch.setattr(cores, "CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(cores, "OWN", tmp_path / "own")

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return write


def test_without_a_quota_the_affinity_counts(groups, monkeypatch):
    assert usable_cores() == 96
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {4, 7})
    assert usable_cores() == 2


@pytest.mark.parametrize(
    ("said", "cores"), [("max 100000", 96), ("200000 100000", 2), ("150000 100000", 2), ("1 9", 1)]
)
def test_a_quota_of_version_2(groups, said, cores):
    groups("cgroup/cpu.max", f"{said}\n")
    assert usable_cores() == cores


@pytest.mark.parametrize(("quota", "cores"), [(-1, 96), (400_000, 4), (50_000, 1)])
def test_a_quota_of_version_1(groups, quota, cores):
    groups("cgroup/cpu/cpu.cfs_quota_us", f"{quota}\n")
    groups("cgroup/cpu/cpu.cfs_period_us", "100000\n")
    assert usable_cores() == cores


def test_a_service_below_a_slice_has_the_least_of_both(groups):
    groups("own", "0::/system.slice/matinee.service\n")
    groups("cgroup/system.slice/cpu.max", "300000 100000\n")
    groups("cgroup/system.slice/matinee.service/cpu.max", "800000 100000\n")
    assert usable_cores() == 3


def test_a_quota_that_changes_is_known_a_minute_later(groups, monkeypatch):
    now = [600.0]
    monkeypatch.setattr(cores, "monotonic", lambda: now[0])
    groups("cgroup/cpu.max", "300000 100000\n")
    assert usable_cores() == 3
    groups("cgroup/cpu.max", "500000 100000\n")
    now[0] += cores.KEPT / 2
    assert usable_cores() == 3
    now[0] += cores.KEPT / 2
    assert usable_cores() == 5


def test_threads_are_as_many_as_usable_cores(groups, monkeypatch):
    groups("cgroup/cpu.max", "200000 100000")
    started = []

    class Pool(sparse_dense.ThreadPoolExecutor):
        def __init__(self, threads, *rest):
            started.append(threads)
            super().__init__(threads, *rest)

    monkeypatch.setattr(sparse_dense, "ThreadPoolExecutor", Pool)
    in_chunks(lambda start, end: None, np.arange(10))
    assert started == [2]


def test_blas_is_limited_to_usable_cores(groups):
    groups("cgroup/cpu.max", "100000 100000")
    before = [library["num_threads"] for library in threadpool_info()]
    with blas_on_usable_cores():
        assert {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"} == {1}
    assert [library["num_threads"] for library in threadpool_info()] == before


def test_nothing_else_counts_the_cores_of_the_machine():
    for path in SRC.rglob("*.py"):
        assert path.name == "cores.py" or not re.search(r"\bcpu_count\b|sched_getaffinity", path.read_text()), path


def _blas_threads():
    """Threads of the libraries behind numpy and scipy, which make our products; others may be loaded later."""
    ours = [one for one in threadpool_info() if {"numpy.libs", "scipy.libs"} & set(Path(one["filepath"]).parts)]
    return {one["num_threads"] for one in ours if one["user_api"] == "blas"}


def test_blas_stays_in_the_calling_thread_until_the_last_of_several_has_left():
    with threadpool_limits(3, user_api="blas"):
        first, second = blas_in_the_calling_thread(), blas_in_the_calling_thread()
        first.__enter__()
        second.__enter__()
        assert _blas_threads() == {1}
        first.__exit__(None, None, None)
        assert _blas_threads() == {1}
        second.__exit__(None, None, None)
        assert _blas_threads() == {3}
