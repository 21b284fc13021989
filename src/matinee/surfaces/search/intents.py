"""What a query may mean, as rows: a title by name, a person, a genre, a subject, and what goes with the title found.

Lamkhede and Das (2019, "Challenges in search on streaming services") tell three intents apart: fetch one title, find
some of a kind, explore. Each row promises the closeness of what it found to what was typed; the rows that follow from
the title found promise less than its own. How likely a title is meant, of those of a row:

    log P(meant | typed, member) = sharpness * closeness + taste * log worth + constant

a noisy channel, in which the worth for the member stands where the frequency of a word stands in spelling.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from matinee.decision import RowName
from matinee.errors import require_share
from matinee.lookup.matcher import AMONG, WORDS, Matcher, Matches
from matinee.lookup.topics import places
from matinee.maths.arrays import Flags, Floats, Int32s
from matinee.maths.ragged import Ragged
from matinee.maths.shares import Shares
from matinee.page import RowKind
from matinee.surfaces.neighborhood import Neighborhood
from matinee.surfaces.search.indexes import Indexes
from matinee.surfaces.search.shelves import Shelf, distinct, shelf_of

SURE = 0.65  # closeness from which on a title counts as the one that was named, see docs/search.md
CLEAR = 0.04  # closeness by which a title that may not be shown has to be nearer to count as that one
NEARLY = 0.2  # closeness by which a title may be behind the closest of its row
SUBJECT = 0.9  # what a subject promises that is covered in full
ALIKE = 0.5  # what a title promises that merely goes with the one named
LEAST = np.float32(1e-3)  # so that every title is close to some degree
BEGINNING = 3  # letters from which on people, genres and subjects are looked for
HALF = 0.5  # of a query that a title has to be about


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """`sharpness`: nats between a title named to the letter and one unlike what was typed; `taste`: how much the worth
    of a title for the member counts, 0 = what was typed alone; `exploration` as on the home page; `most`: titles
    considered a row; `neighbors`: titles that go with one.
    """

    sharpness: float = 30.0
    taste: float = 1.0
    exploration: float = 0.0
    most: int = 200
    neighbors: int = 100

    def __post_init__(self) -> None:
        require_share("exploration", self.exploration)


@dataclass(frozen=True)
class Asked:
    """One request: what was typed, which titles may be shown (titles,), which of them are `welcome` where nobody named
    them and `fresh` where nobody looked for them, and the probability that each satisfies the member (titles,).
    `factors` (titles,) what is boosted, without titles where nothing is; `shares` what is promoted.
    """

    query: str
    allowed: Flags
    welcome: Flags
    fresh: Flags
    worth: Floats
    factors: Floats
    shares: Shares

    def shelf(
        self, name: RowName, promise: float, items: Int32s, logits: Floats, most: int, founder: int = -1
    ) -> Shelf:
        """A shelf of these titles, those boosted likelier, with room for those promoted."""
        logits = logits + np.log(self.factors[items]) if len(self.factors) else logits
        promoted = self.shares.groups[items] > 0 if len(self.shares.shares) else None
        return shelf_of(name, promise, items, logits, most, promoted, founder)

    def best(self, values: Floats, most: int) -> Int32s:
        """The `most` titles with the largest numbers above 0, and as many of those promoted."""
        found = places(values, most)
        if not len(self.shares.shares):
            return found
        return np.union1d(found, places(np.where(self.shares.groups > 0, values, 0), most)).astype(np.int32)


@dataclass(frozen=True)
class Intents:
    """The rows that answer a query over one catalogue. Safe to share by threads."""

    indexes: Indexes
    neighborhood: Neighborhood
    config: SearchConfig

    def shelves(self, asked: Asked) -> list[Shelf]:
        """The rows on offer, each name once; none is empty. What names no title here leads to the closest ones."""
        found = self.indexes.titles.match(asked.query, asked.allowed)
        best = float(found.closeness.max(initial=0.0))
        missed = self._missed(asked, best)
        said = distinct(self._said(asked)) if len(asked.query.strip()) >= BEGINNING else []
        if missed >= 0 or max([best, *(shelf.promise for shelf in said)]) < SURE:
            return distinct([self._closest(asked, found, missed), *said])
        if best < SURE:
            return said
        named = self._shelf(asked, RowName(RowKind.FOUND), best, _close(found, SURE))
        return distinct([named, *said, *self._beside(asked, int(named.items[0]))])

    def _missed(self, asked: Asked, best: float) -> int:
        """The title that was named and may not be shown here and now, -1 for none."""
        if asked.allowed.all():
            return -1
        hidden = self.indexes.titles.match(asked.query, ~asked.allowed)
        if hidden.closeness.max(initial=0.0) < max(WORDS, best + CLEAR):
            return -1
        return int(hidden.items[hidden.closeness.argmax()])

    def _closest(self, asked: Asked, found: Matches, missed: int) -> Shelf:
        """What comes closest to a query: by name, by subject, and by what goes with the title that was meant."""
        near = self.indexes.about(asked.query)
        near[found.items] = np.maximum(near[found.items], found.closeness)
        if missed >= 0:
            np.maximum(near, SURE * self.indexes.about(self.indexes.told(missed)), out=near)
            beside = self._nearest(missed)
            near[beside.items] = np.maximum(near[beside.items], beside.closeness)
        return self._shelf(asked, RowName(RowKind.CLOSEST, (asked.query,)), 1.0, self._welcome(asked, near + LEAST))

    def _said(self, asked: Asked) -> Iterator[Shelf]:
        """A person, a genre and a subject, where the query names one."""
        indexes, genres = self.indexes, np.ones(len(self.indexes.catalog.genres), np.bool_)
        for person, promise in self._named(asked, indexes.people, indexes.people_of(asked.allowed), indexes.of_person):
            yield self._with(asked, person, promise)
        for genre, promise in self._named(asked, indexes.genres, genres, indexes.catalog.genre_titles):
            yield self._of_genre(asked, genre, promise)
        about = _close(self._welcome(asked, indexes.about(asked.query)), HALF)
        promise = SUBJECT * float(about.closeness.max(initial=0.0))
        yield self._shelf(asked, RowName(RowKind.ABOUT, (asked.query,)), promise, about)

    def _named(self, asked: Asked, names: Matcher, some: Flags, titles: Ragged) -> list[tuple[int, float]]:
        """The person or genre that the query names, if it does, and what it promises; of equal ones that of most worth.

        The less of the name stands there, the less sure it is.
        """
        near = names.match(asked.query, some)
        best = float(near.closeness.max(initial=0.0))
        if best < SURE:
            return []
        equal = near.items[near.closeness >= best - CLEAR]
        worths = [float(asked.worth[titles[one]][asked.allowed[titles[one]]].sum()) for one in equal[:AMONG].tolist()]
        one = int(equal[int(np.argmax(worths))])
        return [(one, best * (1.0 + names.share(asked.query, one)) / 2.0)]

    def _beside(self, asked: Asked, item: int) -> Iterator[Shelf]:
        """What goes with the title found: more like it, and what its people and its genre made beside it."""
        catalog, near = self.indexes.catalog, self._nearest(item)
        fresh = asked.allowed[near.items] & asked.fresh[near.items]
        alike = Matches(near.items[fresh], near.closeness[fresh])
        yield self._shelf(asked, RowName(RowKind.SIMILAR, (catalog.item_ids[item],)), ALIKE, alike, item)
        for person in catalog.title_people[item][:1].tolist():
            yield self._with(asked, person, ALIKE * WORDS)
        for genre in catalog.title_genres[item][:1].tolist():
            yield self._of_genre(asked, genre, ALIKE * SURE)

    def _with(self, asked: Asked, person: int, promise: float) -> Shelf:
        name = RowName(RowKind.WITH, (self.indexes.catalog.people[person],))
        return self._theme(asked, name, promise, self.indexes.of_person[person])

    def _of_genre(self, asked: Asked, genre: int, promise: float) -> Shelf:
        catalog = self.indexes.catalog
        return self._theme(
            asked, RowName(RowKind.GENRE, (catalog.genres[genre],)), promise, catalog.genre_titles[genre]
        )

    def _nearest(self, item: int) -> Matches:
        """What goes with a title, the nearest first, from `SUBJECT` down."""
        near = self.neighborhood.nearest(np.array([item], np.int32))[0]
        near = near[near >= 0]
        return Matches(near, np.linspace(SUBJECT, 0.0, len(near), endpoint=False, dtype=np.float32))

    def _theme(self, asked: Asked, name: RowName, promise: float, items: Int32s) -> Shelf:
        """The welcome ones of titles that all say the same of themselves."""
        items = items[asked.allowed[items] & asked.welcome[items]]
        return self._shelf(asked, name, promise, Matches(items, np.zeros(len(items), np.float32)))

    def _welcome(self, asked: Asked, near: Floats) -> Matches:
        items = asked.best(np.where(asked.allowed & asked.welcome, near, 0.0), self.config.most)
        return Matches(items, near[items])

    def _shelf(self, asked: Asked, name: RowName, promise: float, near: Matches, founder: int = -1) -> Shelf:
        worth = np.log(asked.worth[near.items])
        logits = self.config.sharpness * near.closeness + self.config.taste * worth
        return asked.shelf(name, promise, near.items, logits.astype(np.float32), self.config.most, founder)


def _close(near: Matches, least: float) -> Matches:
    """Those at least so close, and nearly as close as the closest."""
    kept = near.closeness >= max(least, float(near.closeness.max(initial=0.0)) - NEARLY)
    return Matches(near.items[kept], near.closeness[kept])
