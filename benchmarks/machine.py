"""What a benchmark says about where it ran, and how it measures memory."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from matinee.evaluate.cost import forget_peak, peak

__all__ = ["forget_peak", "machine", "peak"]


INSTRUCTIONS = ("amx_bf16", "avx512_bf16", "avx512f", "avx2", "bf16")  # that decide about speed, the best first


def machine() -> str:
    """The processor's name, its best instructions, the number of cores this process may use, and Python's version."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = (told.get("flags") or told.get("Features") or "").split()
    best = next((f" ({name})" for name in INSTRUCTIONS if name in flags), "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    name = told.get("model name") or platform.processor() or "unknown"
    return f"{name}{best}, {cores} cores, Python {platform.python_version()}"
