"""Replaying a training step on a CUDA device: recorded once for each shape, it runs without waiting for Python."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from matinee.models.deep.windows import Cuts


class Replayed:
    """`step`, for batches of `recurring` windows; it must not ask the device for a number.

    The first batch of a shape runs as it is written, for the second the step is recorded (a CUDA graph), and from there
    on it is replayed, in memory that stays where it is. A small network's step is some hundred kernels of a few
    microseconds each, which Python takes longer to ask for than a device to run.
    """

    def __init__(self, step: Callable[[Cuts], None]) -> None:
        self._step = step
        self._stream: torch.cuda.Stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._bounds: dict[tuple[int, int], Tensor] = {}
        self._graphs: dict[tuple[int, int], torch.cuda.CUDAGraph] = {}
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, cuts: Cuts) -> None:
        """Run the step for a batch."""
        shape = cuts.length, cuts.most
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            if shape not in self._bounds:
                self._bounds[shape] = cuts.bounds.cuda()
                self._step(cuts._replace(bounds=self._bounds[shape]))
            else:
                self._bounds[shape].copy_(cuts.bounds)
                if shape not in self._graphs:
                    self._graphs[shape] = self._recorded(cuts._replace(bounds=self._bounds[shape]))
                self._graphs[shape].replay()
        torch.cuda.current_stream().wait_stream(self._stream)

    def _recorded(self, cuts: Cuts) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, self._pool, self._stream):
            self._step(cuts)
        return graph
