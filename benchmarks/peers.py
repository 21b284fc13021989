"""Peers that want packages of other versions: measured by a script in an environment of their own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


def measured_by(python: str, script: str, write: Callable[[Path], None], *settings: str) -> dict[str, Any]:
    """The JSON object in the last line that `script`, beside this file, prints.

    `python` is the interpreter of the peer's environment. The script is given the path of a `.npz` file, which `write`
    fills, and `settings`. Raises `CalledProcessError` when it fails.
    """
    with TemporaryDirectory() as folder:
        data = Path(folder, "data.npz")
        write(data)
        asked = [python, Path(__file__).with_name(script), data, *settings]
        done = subprocess.run(asked, check=True, stdout=subprocess.PIPE, text=True, cwd=folder)
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))
