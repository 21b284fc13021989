"""All that can be looked up in a catalogue: titles, people and genres by name, titles by what they are about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from matinee.catalog import Catalog
from matinee.lookup.matcher import Matcher
from matinee.lookup.topics import Topics
from matinee.maths.arrays import Flags, Floats
from matinee.maths.ragged import Ragged, transpose
from matinee.models.content.words import WordEmbedding


@dataclass(frozen=True)
class Indexes:
    """Each part is made when it is first asked. With an `embedding` subjects are found by meaning too, else by words
    alone.
    """

    catalog: Catalog
    embedding: WordEmbedding | None = None

    def warm(self) -> None:
        """Make every part now rather than when the first member asks."""
        for part in (self.titles, self.people, self.genres, self.topics, self.of_person, self._meanings):
            assert part is not None

    def about(self, query: str) -> Floats:
        """(titles,) how much each title is about what was typed, 0..1."""
        near = self.topics.closeness(query)
        if self.embedding is None:
            return near
        (meaning,) = _directions(self.embedding.embed([query]))
        return np.asarray(np.maximum(near, np.clip(self._meanings @ meaning, 0.0, 1.0)))

    def told(self, item: int) -> str:
        """What is known of a title, as a query for others like it."""
        row = self.catalog.titles.row(item, named=True)
        return " ".join([*row["genres"], *row["tags"], *row["people"]])

    def people_of(self, allowed: Flags) -> Flags:
        """(people,) who stands in one of the `allowed` titles (titles,)."""
        titles = np.repeat(allowed, np.diff(self.catalog.title_people.offsets))
        seen = np.zeros(len(self.catalog.people), np.bool_)
        seen[self.catalog.title_people.values[titles]] = True
        return seen

    @cached_property
    def titles(self) -> Matcher:
        """Titles by name, in every language that the catalogue has."""
        return Matcher(self.catalog.names, self.catalog.titles["other_names"].to_list())

    @cached_property
    def people(self) -> Matcher:
        """People by name."""
        return Matcher(self.catalog.people)

    @cached_property
    def genres(self) -> Matcher:
        """Genres by name."""
        return Matcher(self.catalog.genres)

    @cached_property
    def topics(self) -> Topics:
        """Titles by the words of what is told of them."""
        return Topics(self.catalog)

    @cached_property
    def of_person(self) -> Ragged:
        """Person -> titles."""
        return transpose(self.catalog.title_people, len(self.catalog.people))

    @cached_property
    def _meanings(self) -> Floats:
        """(titles, dimensions) the direction of each title's name, subjects and description."""
        if self.embedding is None:
            return np.empty((len(self.catalog), 0), np.float32)
        texts = self.catalog.titles["text"].to_list()
        told = [f"{name} {self.told(item)} {texts[item] or ''}" for item, name in enumerate(self.catalog.names)]
        return _directions(self.embedding.embed(told))


def _directions(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0))
