"""What works beside the service tells of itself: gauges for /metrics, alarms for /health/ready."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple


class Alarm(NamedTuple):
    """Something that degrades the service without stopping it: its name, what is wrong, and what to do."""

    name: str
    cause: str
    remedy: str


@dataclass(frozen=True)
class Watched:
    """Numbers by name, and what is wrong now."""

    gauges: Mapping[str, float] = field(default_factory=dict)
    alarms: tuple[Alarm, ...] = ()

    def with_alarms(self, more: tuple[Alarm, ...]) -> Watched:
        """The same with more alarms."""
        return replace(self, alarms=(*self.alarms, *more))
