"""What serves at one time: a catalogue and all that was made for it, swapped together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from matinee.catalog import Catalog
from matinee.decision import LaysOut, Policy
from matinee.errors import ArtifactRefused, NotFound
from matinee.lookup.words import WordIndex
from matinee.page import Layouts
from matinee.service.deployment import Policies
from matinee.service.fallback import Fallback
from matinee.service.present import Presenter


@dataclass(frozen=True)
class Edition:
    """A catalogue, its policies, its words, its search, and the layout of each kind of screen.

    A request is answered by one edition from start to end.
    """

    catalog: Catalog
    policies: Mapping[str, Fallback]
    presenter: Presenter
    search: WordIndex
    layouts: Layouts = Layouts()

    @classmethod
    def of(cls, catalog: Catalog, policies: Policies, threads: int) -> Self:
        """The edition of these policies, each with `threads` of its own."""
        started = {surface: Fallback(steps, threads) for surface, steps in policies.items()}
        return cls(catalog, started, Presenter(catalog), WordIndex(catalog.names), _layouts(policies["home"][0][1]))

    def fallback(self, surface: str) -> Fallback:
        """The policies of a surface. Raises `NotFound` where it has none."""
        if surface not in self.policies:
            raise NotFound(f"nothing serves {surface!r} here; it has {sorted(self.policies)}")
        return self.policies[surface]

    @property
    def steps(self) -> dict[str, list[str]]:
        """Surface -> the names of its policies from best to simplest."""
        return {surface: [step.name for step in fallback.steps] for surface, fallback in self.policies.items()}


def _layouts(best: Policy) -> Layouts:
    """The layouts of pages, as the best policy of the home page knows them."""
    return best.layouts if isinstance(best, LaysOut) else Layouts()


def require_same_titles(old: Catalog, new: Catalog) -> None:
    """Raise `ArtifactRefused` unless `new` begins with the titles and episodes of `old`: an index never changes."""
    _require_beginning("title", old.item_ids, new.item_ids)
    _require_beginning("episode", *(one.series.frame["item_id"].to_list() for one in (old, new)))


def _require_beginning(what: str, old: Sequence[str], new: Sequence[str]) -> None:
    for place, (before, after) in enumerate(zip(old, new, strict=False)):
        if before != after:
            raise ArtifactRefused(f"the {what} at place {place:,} of the catalogue was {before!r} and is {after!r} now")
    if len(new) < len(old):
        raise ArtifactRefused(f"the catalogue had {len(old):,} {what}s and has {len(new):,} now")
