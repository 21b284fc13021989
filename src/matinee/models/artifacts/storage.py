"""How scorers write themselves: one `.npy` per array and one JSON file for the rest. Nothing here can run code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from math import isfinite, prod
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from matinee.errors import ArtifactRefused, BadRequest
from matinee.files import opened

JSON_LIMIT = 100_000_000  # bytes; longer settings are refused unread
MAPPED = 1 << 20  # arrays from this many bytes on are mapped into memory instead of read
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}  # readers, by version
REMEDY = "train again, or restore the folder from where it was written"

Config = TypeVar("Config")


def write(folder: Path, config: Any, arrays: Mapping[str, NDArray[Any]], **extra: Any) -> None:
    """Write a scorer's config (a dataclass), its arrays and what else JSON can hold into an existing folder.

    Raises `BadRequest` on a setting that is not finite, which `read` would refuse.
    """
    settings = asdict(config)
    _require_finite(settings)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    (folder / "scorer.json").write_text(json.dumps({"config": settings, **extra}, indent=1, sort_keys=True))


def read(
    folder: Path, config_type: type[Config], dtypes: Mapping[str, type[np.generic]], *extra: str
) -> tuple[Config, dict[str, NDArray[Any]], dict[str, Any]]:
    """What `write` wrote: (config, arrays by name, the extra fields by name).

    Raises `ArtifactRefused` when a file is missing, no plain file or damaged in any way, an array has another dtype, a
    field is missing or unknown, or a setting or a number in an array is not finite.
    """
    try:
        with opened(folder / "scorer.json", JSON_LIMIT) as file:
            fields = json.load(file)
        _require_finite(fields["config"])
        config = config_type(**{name: _frozen(value) for name, value in fields.pop("config").items()})
        if set(fields) != set(extra):
            raise ValueError(f"fields {sorted(fields)} instead of {sorted(extra)}")
        return config, {name: _array(folder, name, dtype) for name, dtype in dtypes.items()}, fields
    except Exception as error:  # untrusted bytes: parsers of headers and JSON fail in many ways, all mean the same
        raise ArtifactRefused(
            f"{folder} does not hold what {config_type.__name__} needs: {error!r}; {REMEDY}"
        ) from error


def moment(folder: Path, value: Any) -> int:
    """`value` read from `folder`, as microseconds since 1970; raises `ArtifactRefused` when it is something else."""
    if not (isinstance(value, int) and 0 <= value < 2**63):
        raise ArtifactRefused(f"{folder} has its latest event at {value}; {REMEDY}")
    return value


def _array(folder: Path, name: str, dtype: type[np.generic]) -> NDArray[Any]:
    path = folder / f"{name}.npy"
    _require_header(path, np.dtype(dtype))
    large = path.stat().st_size >= MAPPED
    array = np.asarray(np.load(path, mmap_mode="c" if large else None, allow_pickle=False))
    if array.dtype.kind == "f" and array.size and not np.isfinite([array.min(), array.max()]).all():
        raise ValueError(f"{path.name} holds numbers that are not finite")
    return array


def _require_header(path: Path, dtype: np.dtype[Any]) -> None:
    """Raise `ValueError` unless a file says that it holds numbers of this type, as many as it has bytes for.

    Looked at before anything is allocated for them.
    """
    with opened(path) as file:
        version = npy.read_magic(file)
        if version not in HEADERS:
            raise ValueError(f"{path.name} has the version {version} instead of one of {sorted(HEADERS)}")
        shape, _, found = HEADERS[version](file)
        said, there = prod(shape) * found.itemsize, path.stat().st_size - file.tell()
    if found != dtype:
        raise ValueError(f"{path.name} holds {found} instead of {dtype}")
    if said != there:
        raise ValueError(f"{path.name} says that it holds {said:,} bytes of the shape {shape} and has {there:,}")


def _require_finite(value: Any) -> None:
    """Raise `BadRequest` where a number in a config is infinite or none."""
    if isinstance(value, dict | list | tuple):
        for inner in value.values() if isinstance(value, dict) else value:
            _require_finite(inner)
    elif isinstance(value, float) and not isfinite(value):
        raise BadRequest(f"a setting is {value}; give a finite number")


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
