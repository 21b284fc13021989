"""A real server for the benchmarks: MovieLens 100K trained, then `matinee serve` in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from matinee.data.sources import movielens
from matinee.recipes.demo import as_if_it_ended_now
from matinee.recipes.learner import VECTORS
from matinee.recipes.serving import SERVED
from matinee.recipes.training import train_into
from matinee.workspace import Workspace

HERE = Path(__file__).parent
VAR = HERE.parent / "var"
HOLD = """
from served import server
with server(lambda what, done: None) as (port, process_id, *_):
    print(port, process_id, flush=True)
    input()
"""
Progress = Callable[[str, float], None]


@contextmanager
def server(progress: Progress, billboard: str = "page") -> Iterator[tuple[int, int, Path, float]]:
    """Train, then serve under this billboard; gives port, process id, the log and the seconds from process start to the
    first page.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Workspace(Path(folder) / "workspace")
        _train(place, progress, () if billboard == "page" else (VECTORS,))
        progress("starting the server", 0.0)
        command = [sys.executable, "-c", "from matinee.cli import main; main()", "serve", "--port", "0", "--seed", "0"]
        command += ["--billboard", billboard]
        started = time.perf_counter()
        process = subprocess.Popen(
            [*command, "--workspace", str(place.folder)], stdout=subprocess.PIPE, text=True, cwd=HERE.parent
        )
        try:
            port = _port(process)
            _first_page(port)
            yield port, process.pid, place.log_path, time.perf_counter() - started
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def server_of(tree: Path) -> Iterator[tuple[int, int]]:
    """What the source tree at `tree` trains and serves, by its own `server`; gives port and process id."""
    environment = {**os.environ, "PYTHONPATH": f"{tree / 'src'}:{tree / 'benchmarks'}"}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tree, env=environment,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        port, process_id = process.stdout.readline().split()
        yield int(port), int(process_id)
    finally:
        process.communicate("\n", 60)


def load(**spec: Any) -> dict[str, Any]:
    """Run the load generator in a process of its own and return what it says."""
    done = subprocess.run(
        [sys.executable, str(HERE / "load.py"), json.dumps(spec)], stdout=subprocess.PIPE, text=True, check=True
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def resident(process_id: int) -> float | None:
    """Memory of a process in MB; None where the system does not tell."""
    status = Path(f"/proc/{process_id}/status")
    if not status.exists():
        return None
    line = next(one for one in status.read_text().splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def processor_seconds(process_id: int) -> float:
    """What a process has used of all cores since it began."""
    used = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, used)) / os.sysconf("SC_CLK_TCK")


def _train(place: Workspace, progress: Progress, further: tuple[str, ...] = ()) -> None:
    """Bring MovieLens 100K into the workspace and train what is served."""
    progress("reading MovieLens 100K", 0.0)
    dataset, _ = as_if_it_ended_now(movielens.read(movielens.fetch_100k(VAR / "data", lambda said: None)))
    place.bring_in(dataset)
    for name in (*SERVED, *further):
        progress(f"training {name}", 0.0)
        train_into(place, name, np.random.default_rng(0))


def _port(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Home page: "):
            return int(line.strip().rstrip("/").rpartition(":")[2])
    raise RuntimeError("the server ended before it served; run `matinee serve` by hand to see why")


def _first_page(port: int) -> None:
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/home", b'{"user_id": "1"}', {"content-type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        assert json.load(answer)["rows"], "the first page is empty"
