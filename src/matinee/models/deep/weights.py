"""A network's weights as plain arrays, by the names that torch gives them: how networks enter and leave artifacts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from matinee.errors import ArtifactRefused
from matinee.models.storage import REMEDY


def arrays_of(network: nn.Module) -> dict[str, NDArray[Any]]:
    """Every parameter and buffer of the state, by name, on the processor."""
    return {name: np.ascontiguousarray(tensor.cpu().numpy()) for name, tensor in network.state_dict().items()}


def dtypes_of(network: nn.Module) -> dict[str, type[np.generic]]:
    """What `storage.read` needs to read the arrays of such a network."""
    return {name: array.dtype.type for name, array in arrays_of(network).items()}


def put_into(network: nn.Module, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Copy arrays of `arrays_of` into a network of the same shape; raises `ArtifactRefused` where a shape differs."""
    for name, tensor in network.state_dict().items():
        if tuple(tensor.shape) != arrays[name].shape:
            raise ArtifactRefused(
                f"weights {name} have the shape {arrays[name].shape} instead of {tuple(tensor.shape)}; {REMEDY}"
            )
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})
    network.eval()
