"""A browser is found wherever an ordinary machine has one; installing never fails and says what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import find_chromium
import pytest

HERE = Path(__file__).parent


def program(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def only(tmp_path, monkeypatch):
    """A folder that is all there is to find programs in; playwright has installed nothing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "browsers"))
    return tmp_path


@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google-chrome"])
def test_a_browser_of_the_system_is_found_by_each_of_its_names(only, name):
    assert program(only / name, "echo Chromium 1.0") == find_chromium.chromium()


def test_a_stand_in_that_does_not_start_is_passed_over(only):
    program(only / "chromium-browser", "echo 'requires the snap to be installed' >&2; exit 1")
    assert program(only / "google-chrome", "echo Chrome 1.0") == find_chromium.chromium()


def test_without_any_there_is_none(only):
    assert find_chromium.chromium() is None


def test_playwrights_own_is_found(only, monkeypatch):
    monkeypatch.setattr(find_chromium, "NAMES", ())
    command = [sys.executable, "-c", "from find_chromium import _places; print(*_places())"]
    place = Path(subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=True).stdout.strip())
    place.parent.mkdir(parents=True)
    assert program(place, "echo Chromium 1.0") == find_chromium.chromium()


@pytest.mark.parametrize("works", [True, False])
def test_without_root_playwright_is_tried_and_nothing_fails(tmp_path, works):
    """The shell finds an ordinary user without sudo, and a Python that notes what it was asked to do."""
    for name in ("sh", "dirname"):
        (tmp_path / name).symlink_to(shutil.which(name))
    program(tmp_path / "id", "echo 1000")
    program(tmp_path / "sudo", "exit 1")
    program(tmp_path / "apt-get", 'echo "apt-get $*"')
    python = program(
        tmp_path / "python",
        f'case "$*" in *find_chromium*) [ -e "{tmp_path}/there" ] ;; *) echo "asked: $*"; '
        + (f': > "{tmp_path}/there"' if works else "exit 1")
        + ";; esac",
    )
    done = subprocess.run(
        ["sh", str(HERE / "install.sh")],
        env={**os.environ, "PATH": str(tmp_path), "BROWSER_PYTHON": python},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert "apt-get " not in done.stdout.replace("sudo apt-get install", "")
    assert "asked: -m playwright install chromium" in done.stdout
    assert ("SKIPPED" in done.stdout) is not works
