"""Finds a browser for the tests; prints where it is, or exits with 1."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator

NAMES = ("chromium", "chromium-browser", "google-chrome")
HANGS = 300  # seconds after which a program that does not say its version never will


def chromium() -> str | None:
    """The first browser of the system that starts, else the one that playwright installed, else None."""
    return next((path for path in _places() if _starts(path)), None)


def _places() -> Iterator[str]:
    yield from filter(None, map(shutil.which, NAMES))
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        yield driver.chromium.executable_path


def _starts(path: str) -> bool:
    """Whether it can say its version: some systems have a stand-in that only says how to install the real one."""
    try:
        asked = subprocess.run([path, "--version"], capture_output=True, timeout=HANGS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


if __name__ == "__main__":
    found = chromium()
    print(found or "no Chromium")
    sys.exit(found is None)
