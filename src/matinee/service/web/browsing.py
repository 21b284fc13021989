"""What is browsed on the web page: a genre, a tag, titles from a year on; as a filter, in words, and as links."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from matinee.decision.expressions import quoted

EVERYTHING = "year > 0 or not year > 0"  # a search without words or filter would be the page before typing
YEARS = (2020, 2010, 2000, 1990, 1980)


@dataclass(frozen=True)
class Browsing:
    """A choice of titles; "" and 0 leave a part open."""

    genre: str = ""
    tag: str = ""
    since: int = 0

    @property
    def filter(self) -> str:
        """The expression that these titles pass; all pass where nothing is chosen."""
        parts = [f"{name} = {quoted(value)}" for name, value in (("genre", self.genre), ("tag", self.tag)) if value]
        return " and ".join([*parts, *([f"year >= {self.since}"] if self.since else [])]) or EVERYTHING

    @property
    def title(self) -> str:
        """What stands above them."""
        named = ": ".join(part for part in (self.genre, self.tag) if part) or "All titles"
        return f"{named}, from {self.since} on" if self.since else named

    def link(self, **changed: str | int) -> str:
        """The query of a choice with other parts."""
        parts = {"genre": self.genre, "tag": self.tag, "since": self.since, **changed}
        return urlencode({name: value for name, value in parts.items() if value})
