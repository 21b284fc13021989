"""A data set: what every source turns into."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from matinee.catalog import Catalog, Ragged
from matinee.events import Rejections
from matinee.profile import Profile


@dataclass(frozen=True)
class Questions:
    """Test questions published with a data set: which of `candidates` did the member turn to next?

    One per entry of `user_ids`: `answers` the `item_id` that is right, `candidates` the dense titles to choose from,
    the right one among them.
    """

    user_ids: list[str]
    answers: list[str]
    candidates: Ragged


@dataclass(frozen=True)
class Dataset:
    """One real thing as a catalogue, the members' profiles and their events (`events.SCHEMA`, canonical order).

    `licence` says what may be done with the data, `notes` what a reader of results should know about it. `timed` is
    False where the times only count positions, so that hours, weekdays and ages mean nothing.
    """

    name: str
    licence: str
    catalog: Catalog
    profiles: dict[str, Profile]
    events: pl.DataFrame
    rejections: Rejections = field(default_factory=Rejections)
    notes: tuple[str, ...] = ()
    timed: bool = True
    questions: Questions | None = None

    def describe(self) -> str:
        """A few lines for the terminal: sizes, kinds of event, times, rejections, notes and licence."""
        lines = [
            f"{self.name}: {len(self.catalog):,} titles, {len(self.profiles):,} members, {self.events.height:,} events",
            f"  events: {self._kinds()}",
            f"  times: {self._times()}",
            f"  genres: {', '.join(self.catalog.genres[:20]) or 'none'}",
            f"  {self.rejections}",
            *(f"  note: {note}" for note in self.notes),
            f"  licence: {self.licence}",
        ]
        return "\n".join(lines)

    def _kinds(self) -> str:
        counts = self.events["kind"].value_counts(sort=True)
        return ", ".join(f"{n:,} {kind}" for kind, n in counts.iter_rows()) or "none"

    def _times(self) -> str:
        if not self.timed:
            return "none, only an order"
        first, last = self.events["timestamp"].min(), self.events["timestamp"].max()
        if not isinstance(first, datetime) or not isinstance(last, datetime):
            return "none"
        return f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"


def profiles_of(events: pl.DataFrame) -> dict[str, Profile]:
    """One plain profile for each member of the events, in the order of first appearance.

    Nothing about a person is carried over from a source: a profile knows an id and a name made from it.
    """
    user_ids = events["user_id"].unique(maintain_order=True).to_list()
    return {user: Profile(user, account_id=user, name=f"Member {user}") for user in user_ids}


def only_known_titles(events: pl.DataFrame, catalog: Catalog) -> tuple[pl.DataFrame, Rejections]:
    """The events whose title stands in the catalogue (or that need none), and a count of the others."""
    items = pl.Series(catalog.indexes_of(events["item_id"]))
    unknown = (items < 0) & events["item_id"].is_not_null()
    if not unknown.any():
        return events, Rejections()
    examples = events.filter(unknown)["item_id"].unique(maintain_order=True).head(3).to_list()
    reason = "about a title that is not in the catalogue"
    return events.filter(~unknown), Rejections({reason: int(unknown.sum())}, {reason: tuple(examples)})
