"""A network's weights as plain arrays, by the names that torch gives them: how networks enter and leave artifacts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from matinee.errors import ArtifactRefused
from matinee.models.artifacts.storage import REMEDY

Network = TypeVar("Network", bound=nn.Module)
Arrays = Mapping[str, NDArray[Any]]
Dtypes = Mapping[str, type[np.generic]]


def arrays_of(network: nn.Module) -> dict[str, NDArray[Any]]:
    """Every parameter and buffer of the state, by name, on the processor."""
    return {name: np.ascontiguousarray(tensor.cpu().numpy()) for name, tensor in network.state_dict().items()}


def network_of(build: Callable[[], Network], read: Callable[[Dtypes], Arrays]) -> Network:
    """The network that `build` makes, with the arrays of `arrays_of` that `read` finds for these types, to serve.

    It is built without memory first, so that sizes which the arrays do not have are refused before they are allocated:
    raises `ArtifactRefused` where a shape differs.
    """
    arrays = _fitting(build, read)
    network = build()
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})
    return network.eval()


def _fitting(build: Callable[[], nn.Module], read: Callable[[Dtypes], Arrays]) -> Arrays:
    try:
        with torch.device("meta"):
            outline = build().state_dict()
    except (RuntimeError, TypeError) as error:
        raise ArtifactRefused(f"a network of such sizes cannot be built: {error}; {REMEDY}") from error
    arrays = read({name: _dtype(tensor) for name, tensor in outline.items()})
    for name, tensor in outline.items():
        if tuple(tensor.shape) != arrays[name].shape:
            raise ArtifactRefused(
                f"weights {name} have the shape {arrays[name].shape} instead of {tuple(tensor.shape)}; {REMEDY}"
            )
    return arrays


def _dtype(tensor: Tensor) -> type[np.generic]:
    return torch.empty(0, dtype=tensor.dtype).numpy().dtype.type
