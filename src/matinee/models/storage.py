"""How scorers write themselves: one `.npy` per array and one JSON file for the rest. Nothing here can run code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from matinee.errors import ArtifactRefused, BadRequest

MAPPED = 1 << 20  # arrays from this many bytes on are mapped into memory instead of read
REMEDY = "train again, or restore the folder from where it was written"

Config = TypeVar("Config")


def write(folder: Path, config: Any, arrays: Mapping[str, NDArray[Any]], **extra: Any) -> None:
    """Write a scorer's config (a dataclass), its arrays and what else JSON can hold into an existing folder."""
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    (folder / "scorer.json").write_text(json.dumps({"config": asdict(config), **extra}, indent=1, sort_keys=True))


def read(
    folder: Path, config_type: type[Config], dtypes: Mapping[str, type[np.generic]], *extra: str
) -> tuple[Config, dict[str, NDArray[Any]], dict[str, Any]]:
    """What `write` wrote: (config, arrays by name, the extra fields by name).

    Raises `ArtifactRefused` when a file is missing, an array has another dtype or a field is missing or unknown.
    """
    try:
        fields = json.loads((folder / "scorer.json").read_text())
        config = config_type(**{name: _frozen(value) for name, value in fields.pop("config").items()})
        if set(fields) != set(extra):
            raise ValueError(f"fields {sorted(fields)} instead of {sorted(extra)}")
        return config, {name: _array(folder, name, dtype) for name, dtype in dtypes.items()}, fields
    except (OSError, ValueError, TypeError, KeyError, AttributeError, BadRequest) as error:
        raise ArtifactRefused(f"{folder} does not hold what {config_type.__name__} needs: {error}; {REMEDY}") from error


def _array(folder: Path, name: str, dtype: type[np.generic]) -> NDArray[Any]:
    path = folder / f"{name}.npy"
    large = path.stat().st_size >= MAPPED
    array = np.asarray(np.load(path, mmap_mode="c" if large else None, allow_pickle=False))
    if array.dtype != dtype:
        raise ValueError(f"{path.name} holds {array.dtype} instead of {np.dtype(dtype)}")
    return array


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
