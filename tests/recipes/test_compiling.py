"""What is compiled while models train: the pages of a service, in a process that never outlives its block."""

from __future__ import annotations

import subprocess

import pytest

from matinee.recipes import compiling


def test_policies_over_the_toy_catalogue_pass_the_check_of_a_service():
    compiling.compile_pages()


def test_the_other_process_ends_with_the_block(monkeypatch):
    started, popen = [], subprocess.Popen

    def spy(*command, **options):
        started.append(popen(*command, **options))
        return started[-1]

    monkeypatch.setattr(compiling.subprocess, "Popen", spy)
    with pytest.raises(ZeroDivisionError), compiling.compiled_meanwhile():
        raise ZeroDivisionError
    assert started[0].poll() is not None


def test_a_process_that_fails_stops_nobody(monkeypatch):
    monkeypatch.setattr(compiling.sys, "executable", "false")
    with compiling.compiled_meanwhile():
        pass
