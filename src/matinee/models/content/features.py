"""Titles as vectors of what they are: genres, people, tags, words, years, and the vectors that the catalogue holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from matinee.catalog import Catalog
from matinee.errors import ArtifactRefused, BadRequest
from matinee.maths.text import directions, informativeness, tfidf
from matinee.models.artifacts import storage

BAGS: Mapping[str, int] = {"genres": 64, "kind": 16, "languages": 16, "people": 96, "tags": 64, "text": 128}
YEARS = np.arange(1910.0, 2031.0, 8.0)  # knots; a year lies between two of them
VECTORS = 112  # columns that all vectors of a catalogue share
WIDEST = sum(BAGS.values()) + len(YEARS) + VECTORS  # 512

WORD = r"[\p{L}\p{N}]{2,}"
AT_LEAST = 2  # a word of one title alone says nothing about another
CHUNK = 65_536  # titles encoded at a time


@dataclass(frozen=True, slots=True)
class FeaturesConfig:
    """`words`: most frequent names or words kept of each kind. `sample`: titles, evenly spaced, that words and
    directions are learned from; it bounds the time of learning whatever the size of the catalogue.
    """

    words: int = 20_000
    sample: int = 50_000

    def __post_init__(self) -> None:
        if self.words < 1 or self.sample < 1:
            raise BadRequest(f"features need words and sample of at least 1, got {self}")


@dataclass(frozen=True)
class Bag:
    """A kind of names or words: `words`, how much each tells `idf` (words,), and their `basis` (words, width)."""

    words: tuple[str, ...]
    idf: NDArray[np.float64]
    basis: NDArray[np.float32]

    @classmethod
    def fit(cls, bags: pl.DataFrame, width: int, most: int) -> Self:
        """Learn from `bags` (one column of lists): words of at least two titles but not of all, the commonest first."""
        titles = _words(bags).unique()
        seen = titles.group_by("word").len().filter(pl.col("len").is_between(AT_LEAST, bags.height - 1))
        words = seen.sort("len", "word", descending=[True, False]).head(most)["word"].to_list()
        counts = _counts(bags, words)
        idf = informativeness(counts)
        return cls(tuple(words), idf, directions(tfidf(counts, idf), width))

    def encode(self, bags: pl.DataFrame) -> NDArray[np.float32]:
        """(titles, width); zeros for titles without a known word."""
        return np.asarray(tfidf(_counts(bags, self.words), self.idf) @ self.basis, np.float32)


@dataclass(frozen=True)
class Projection:
    """Vectors of titles, moved by their `mean` (dimensions,), of length 1, turned by `basis` (dimensions, width)."""

    mean: NDArray[np.float32]
    basis: NDArray[np.float32]

    @classmethod
    def fit(cls, vectors: NDArray[np.float32], width: int) -> Self:
        """Learn from (titles, dimensions); rows of zeros are unknown and take no part."""
        known = vectors[vectors.any(axis=1)]
        mean = known.mean(axis=0, dtype=np.float64) if len(known) else np.zeros(vectors.shape[1])
        moved = _moved(known, mean.astype(np.float32))
        return cls(mean.astype(np.float32), directions(moved.astype(np.float64), width))

    def encode(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """(titles, width); zeros where unknown."""
        if vectors.shape[1:] != self.mean.shape:
            raise BadRequest(
                f"vectors have {vectors.shape[1]} dimensions and the scorer learned from {len(self.mean)}; fit it anew"
            )
        return _moved(vectors, self.mean) @ self.basis


@dataclass(frozen=True)
class TitleEncoder:
    """Turns titles into features. Learned once, it encodes titles that come later with the same meaning of columns.

    features = [genres, kind, languages, people, tags, text | year | vectors], at most `WIDEST` columns, float32.

    Names and words are TF-IDF rows of length 1, reduced by a truncated SVD where they are more than the block's
    columns; years are shares of the two nearest knots; vectors are centred and of length 1. Every block has a mean
    squared length of 1 over the titles that have it, so none drowns the others; what a title lacks is zeros.
    """

    config: FeaturesConfig
    bags: Mapping[str, Bag]
    projections: Mapping[str, Projection]

    @classmethod
    def fit(cls, catalog: Catalog, config: FeaturesConfig = FeaturesConfig()) -> Self:
        """Learn words and directions from at most `config.sample` titles."""
        vectors = catalog.vectors
        if len(vectors) > VECTORS:
            raise BadRequest(f"{len(vectors)} kinds of vectors do not fit into {VECTORS} columns; join some of them")
        step = max(1, -(-len(catalog) // config.sample))
        titles = catalog.titles.gather_every(step)
        bags = {name: Bag.fit(_bags(titles, name), width, config.words) for name, width in BAGS.items()}
        share = VECTORS // max(1, len(vectors))
        projections = {name: Projection.fit(vectors[name][::step], share) for name in sorted(vectors)}
        return cls(config, bags, projections)

    @property
    def width(self) -> int:
        """Number of features."""
        bases = [bag.basis for bag in self.bags.values()] + [one.basis for one in self.projections.values()]
        return sum(int(basis.shape[1]) for basis in bases) + len(YEARS)

    def encode(self, catalog: Catalog, first: int = 0) -> NDArray[np.float32]:
        """Features (titles, width) of the titles from `first` on, always finite.

        Vectors that it learned from and the catalogue lacks are zeros. Memory: the result, and a chunk of words.
        """
        out = np.zeros((len(catalog) - first, self.width), np.float32)
        for start in range(first, len(catalog), CHUNK):
            end = min(start + CHUNK, len(catalog))
            out[start - first : end - first] = self._chunk(catalog, start, end)
        return out

    def _chunk(self, catalog: Catalog, start: int, end: int) -> NDArray[np.float32]:
        titles = catalog.titles[start:end]
        blocks = [bag.encode(_bags(titles, name)) for name, bag in self.bags.items()]
        blocks.append(_years(titles))
        for name, projection in self.projections.items():
            known = catalog.vectors.get(name)
            lacking = np.zeros((end - start, projection.basis.shape[1]), np.float32)
            blocks.append(lacking if known is None else projection.encode(known[start:end]))
        return np.hstack(blocks)

    def require_learned(self, catalog: Catalog) -> None:
        """Raise `BadRequest` when `catalog` lacks vectors that it learned from, so that nothing is learned without."""
        missing = sorted(set(self.projections) - set(catalog.vectors))
        if missing:
            raise BadRequest(
                f"the scorer learned from the vectors {missing}, and the catalogue lacks them; bring them in again, or "
                "fit anew"
            )

    def save(self, folder: Path) -> None:
        """Write words and directions into a new folder `encoder` inside `folder`."""
        inside = folder / "encoder"
        inside.mkdir()
        arrays: dict[str, NDArray[Any]] = {}
        for name, bag in self.bags.items():
            arrays |= {f"{name}_idf": bag.idf, f"{name}_basis": bag.basis}
        for at, one in enumerate(self.projections.values()):
            arrays |= {f"vectors{at}_mean": one.mean, f"vectors{at}_basis": one.basis}
        words = {name: list(bag.words) for name, bag in self.bags.items()}
        storage.write(inside, self.config, arrays, words=words, vectors=list(self.projections))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises `ArtifactRefused` on anything else."""
        inside = folder / "encoder"
        config, _, fields = storage.read(inside, FeaturesConfig, {}, "words", "vectors")
        try:
            words = {name: tuple(fields["words"][name]) for name in BAGS}
            vectors = [str(name) for name in fields["vectors"]]
        except (KeyError, TypeError) as error:
            raise ArtifactRefused(f"{inside} lacks words or names: {error!r}; {storage.REMEDY}") from error
        dtypes: dict[str, type[np.generic]] = {}
        for name in BAGS:
            dtypes |= {f"{name}_idf": np.float64, f"{name}_basis": np.float32}
        for at in range(len(vectors)):
            dtypes |= {f"vectors{at}_mean": np.float32, f"vectors{at}_basis": np.float32}
        _, arrays, _ = storage.read(inside, FeaturesConfig, dtypes, "words", "vectors")
        bags = {name: Bag(words[name], arrays[f"{name}_idf"], arrays[f"{name}_basis"]) for name in BAGS}
        projections = {
            name: Projection(arrays[f"vectors{at}_mean"], arrays[f"vectors{at}_basis"])
            for at, name in enumerate(vectors)
        }
        encoder = cls(config, bags, projections)
        encoder._require_fitting(inside)
        return encoder

    def _require_fitting(self, folder: Path) -> None:
        for name, bag in self.bags.items():
            n, width = len(bag.words), bag.basis.shape[1:]
            words = all(isinstance(word, str) for word in bag.words)
            if not (words and bag.idf.shape == (n,) and len(width) == 1 and bag.basis.shape == (n, *width)):
                raise ArtifactRefused(f"{folder} has {len(bag.words)} {name} and {bag.basis.shape}; {storage.REMEDY}")
        for name, one in self.projections.items():
            if one.basis.ndim != 2 or one.mean.shape != one.basis.shape[:1]:
                raise ArtifactRefused(f"{folder} has vectors {name} of {one.basis.shape}; {storage.REMEDY}")


def title_features(catalog: Catalog, config: FeaturesConfig = FeaturesConfig()) -> NDArray[np.float32]:
    """Features (titles, at most `WIDEST`) of a catalogue, float32, finite; the same catalogue gives the same bytes.

    A model that must also know titles that come later keeps the `TitleEncoder` instead. Memory: 4 * width bytes a
    title.
    """
    return TitleEncoder.fit(catalog, config).encode(catalog)


def _bags(titles: pl.DataFrame, name: str) -> pl.DataFrame:
    """One column `bag` of lists: the names, or the words of name and text in lower case."""
    if name == "text":
        both = pl.concat_str("title", "text", separator=" ", ignore_nulls=True)
        return titles.select(both.str.to_lowercase().str.extract_all(WORD).alias("bag"))
    column = pl.col(name)
    if titles.schema[name] == pl.String:
        column = pl.concat_list(name).list.drop_nulls()
    return titles.select(column.alias("bag"))


def _words(bags: pl.DataFrame) -> pl.DataFrame:
    """Every occurrence as (row, word)."""
    return bags.with_row_index("row").explode("bag").drop_nulls().rename({"bag": "word"})


def _counts(bags: pl.DataFrame, words: list[str] | tuple[str, ...]) -> sparse.csr_matrix:
    """How often each of `words` stands in each bag: (bags, words)."""
    vocabulary = pl.DataFrame({"word": words}, {"word": pl.String}).with_row_index("column")
    found = _words(bags).join(vocabulary, on="word")
    at = found["row"].to_numpy(), found["column"].to_numpy()
    return sparse.csr_matrix((np.ones(found.height), at), shape=(bags.height, len(words)))


def _years(titles: pl.DataFrame) -> NDArray[np.float32]:
    """(titles, knots): a released title's share of the two nearest knots, at the ends of the one."""
    years = titles["released"].dt.year() + titles["released"].dt.ordinal_day() / 366.0
    known = years.is_not_null().to_numpy()
    inside = np.clip(years.fill_null(0).to_numpy(), YEARS[0], YEARS[-1])
    shares = np.maximum(0.0, 1.0 - np.abs(inside[:, None] - YEARS) / (YEARS[1] - YEARS[0]))
    lengths = np.sqrt((shares**2).sum(axis=1, keepdims=True))
    return np.asarray(np.where(known[:, None], shares / lengths, 0.0), np.float32)


def _moved(vectors: NDArray[np.float32], mean: NDArray[np.float32]) -> NDArray[np.float32]:
    """Centred rows of length 1; rows of zeros stay."""
    moved = np.where(vectors.any(axis=1, keepdims=True), vectors - mean, np.float32(0))
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    return np.asarray(np.divide(moved, lengths, out=np.zeros_like(moved), where=lengths > 0), np.float32)
