"""What a benchmark says about where it ran, and how it measures memory."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from matinee.evaluate.cost import forget_peak, peak

__all__ = ["forget_peak", "machine", "peak"]


def machine() -> str:
    """The processor's name, the number of cores this process may use, and Python's version."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{names[0] if names else platform.processor() or 'unknown'}, {cores} cores, Python {platform.python_version()}"
    )
