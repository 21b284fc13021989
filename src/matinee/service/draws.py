"""The chance in a page: a keyed hash of who asks, when and for what, so that one member sees one page all day."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from secrets import randbits


@dataclass(frozen=True)
class Draws:
    """Seeds that nobody without the `secret` (at most 64 bytes) can tell, each as likely as any other.

    Over members and days pages are as frequent as their logged probabilities say; for one member on one day the same
    question has one answer.
    """

    secret: bytes

    def seed(self, user_id: str | None, day: date, surface: str, about: str = "", draw: int = 0) -> int:
        """128 bits for a member's page of `surface` (about a title) on a local day; another `draw` is another page.

        For nobody in particular they are others each time.
        """
        if user_id is None:
            return randbits(128)
        asked = json.dumps([user_id, day.isoformat(), surface, about, draw])
        return int.from_bytes(blake2b(asked.encode(), key=self.secret, digest_size=16).digest(), "big")
