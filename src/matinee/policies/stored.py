"""What was learned as files: arrays, and a few words as JSON. What is read back is verified, and nothing executes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from matinee.errors import ArtifactRefused
from matinee.files import opened

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

ABOUT = "posterior.json"
MOST = 1 << 32  # bytes of one file


def write(folder: Path, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> None:
    """Write each array as `NAME.npy`, and what there is to say `about` them, into an existing folder."""
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    (folder / ABOUT).write_text(json.dumps(about, indent=1, sort_keys=True), "utf-8")


def read_about(folder: Path) -> dict[str, Any]:
    """What `write` said about the arrays."""
    with opened(folder / ABOUT, MOST) as file:
        about: dict[str, Any] = json.load(file)
    return about


def read_array(folder: Path, name: str, dtype: type[np.generic] = np.float64) -> NDArray[Any]:
    """An array of finite numbers of this type. Raises `ValueError` on anything else."""
    with opened(folder / f"{name}.npy", MOST) as file:
        array = np.asarray(np.load(file, allow_pickle=False))
    if array.dtype != dtype or not np.isfinite(array).all():
        raise ValueError(f"{name}.npy holds {array.dtype} of shape {array.shape}, or numbers that are not finite")
    return array


@contextmanager
def refusing(folder: Path) -> Iterator[None]:
    """Raise `ArtifactRefused` where what stands in the block cannot read the folder."""
    try:
        yield
    except ArtifactRefused:
        raise
    except Exception as error:  # untrusted bytes fail in many ways, all of which mean the same
        raise ArtifactRefused(
            f"{folder} holds no posterior: {error!r}; restore it from a backup, or delete it to learn anew"
        ) from error


def require_learned_with(folder: Path, known: object, given: object) -> None:
    """Raise `ArtifactRefused` unless what was learned there was learned with what is given."""
    if known != given:
        raise ArtifactRefused(f"{folder} was learned with {known}, not with {given}; go on with the prior it had")


def plain(config: DataclassInstance) -> dict[str, Any]:
    """A config as it stands in a file."""
    found: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return found


def require_shape(name: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Raise `ValueError` unless the array has this shape."""
    if array.shape != shape:
        raise ValueError(f"{name}.npy has the shape {array.shape}, not {shape}")
