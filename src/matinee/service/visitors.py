"""Visitors: somebody who is just looking. What they do shapes their next page, and is forgotten when they have gone.

A visitor has an id of their own making that begins with `visitor:`, or `visitor:kids:` for a child; whoever names
nobody is a visitor for one request. Nothing of a visitor is read for training, reports or experiments.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from matinee.catalog import Catalog
from matinee.errors import BadRequest
from matinee.events import VISITOR
from matinee.profile import Profile

KIDS = f"{VISITOR}kids:"
NAME = "Visitor"  # as pages say it


@dataclass(frozen=True)
class Visitors:
    """`limit`: the age above which a visitor is shown nothing, None for no limit; it counts where the age of any title
    is known, for else nothing could be shown. `hours`: how long after the last word all of a visitor is forgotten.
    """

    limit: int | None = 12
    hours: float = 6.0

    def __post_init__(self) -> None:
        if not self.hours > 0:
            raise BadRequest(f"visitors are forgotten after {self.hours} hours; give a number above 0")
        if self.limit is not None and not 0 <= self.limit <= 99:
            raise BadRequest(f"visitors have the maturity limit {self.limit}; give an age from 0 to 99, or None")

    def limit_for(self, catalog: Catalog) -> int | None:
        """The age that holds for the titles of this catalogue."""
        return self.limit if (catalog.maturity >= 0).any() else None

    def profile(self, user_id: str, stored: Profile | None, catalog: Catalog) -> Profile:
        """Who a visitor is: what they wished, never more than visitors may see; nobody writes to them."""
        known = stored or Profile(user_id)
        limits = [one for one in (known.maturity_limit, self.limit_for(catalog)) if one is not None]
        kids = known.kids or user_id.startswith(KIDS)
        named, age = known.name or NAME, min(limits, default=None)
        return replace(known, name=named, maturity_limit=age, kids=kids, messages=False)

    def words(self, catalog: Catalog) -> str:
        """What holds for visitors, as the page says it."""
        age = self.limit_for(catalog)
        seen = "Titles of all ages" if age is None else f"Titles for age {age} and below"
        return (
            f"No name needed. {seen}. What you do shapes your next page, and is forgotten {self.hours:g} hours later."
        )


def is_visitor(user_id: str) -> bool:
    """Whether this is a visitor's id; that of nobody is, too."""
    return not user_id or user_id.startswith(VISITOR)
