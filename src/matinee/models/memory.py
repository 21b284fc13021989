"""How much memory a computation may still take on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from matinee.files import kernel_size

CGROUP = Path("/sys/fs/cgroup")


def available_bytes() -> int:
    """Bytes that can still be allocated: what the kernel has free, or less where a container's limit is nearer."""
    free = kernel_size(Path("/proc/meminfo"), "MemAvailable") or os.sysconf("SC_AVPHYS_PAGES") * os.sysconf(
        "SC_PAGE_SIZE"
    )
    room = [
        limit - used
        for limit, used in (
            (_number(CGROUP / "memory.max"), _number(CGROUP / "memory.current")),
            (_number(CGROUP / "memory/memory.limit_in_bytes"), _number(CGROUP / "memory/memory.usage_in_bytes")),
        )
        if limit is not None and used is not None
    ]
    return max(0, min([free, *room]))


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
