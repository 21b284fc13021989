"""Any path into a Dataset: which source it is, told by the names of its files, and what that source finds there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from matinee.data.dataset import Dataset
from matinee.data.units import Units
from matinee.errors import BadRequest


class Source(StrEnum):
    """What can be read."""

    MOVIELENS = "movielens"
    RANKLENS = "ranklens"
    TABULAR = "tabular"
    SEQUENCES = "sequences"
    NETFLIX = "netflix"
    TASTE_PROFILE = "taste-profile"
    MNAR = "mnar"


@dataclass(frozen=True)
class Options:
    """What is said of a file beside it, as `tabular.read` takes it; `max_bytes` None is the source's own bound."""

    columns: Mapping[str, str] = field(default_factory=dict)
    title_columns: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    best: float | None = None
    time_format: str | None = None
    max_bytes: int | None = None
    units: Units = Units()

    @property
    def bound(self) -> dict[str, Any]:
        """The bound as an argument, none where nothing was said."""
        return {} if self.max_bytes is None else {"max_bytes": self.max_bytes}

    @property
    def of_tables(self) -> dict[str, Any]:
        """What only tables of one's own need to be told: every published source tells it."""
        return {name: value for name, value in vars(self).items() if name != "max_bytes"}

    def require_none(self, source: Source) -> None:
        """Raise `BadRequest` where something is said that this source would not hear."""
        if self.of_tables != replace(Options(), units=self.units).of_tables:
            raise BadRequest(
                f"{source} says itself what its columns mean; mappings and formats are for tabular sources"
            )


def read(
    source: Source,
    path: Path,
    titles: Path | None = None,
    vectors: Path | None = None,
    pairs: bool = False,
    options: Options = Options(),
) -> Dataset:
    """What the source finds there, and `vectors` of its titles; `pairs` takes all pairs of sequences that have both."""
    from matinee.data.sources.vectors import with_vectors

    if source != Source.TABULAR:
        options.require_none(source)
    dataset = _read(source, path, titles, pairs, options)
    return dataset if vectors is None else with_vectors(dataset, vectors)


def _read(source: Source, path: Path, titles: Path | None, pairs: bool, options: Options) -> Dataset:
    from matinee.data.sources import mnar, movielens, netflix, ranklens, sequences, tabular, taste_profile

    match source:
        case Source.MOVIELENS:
            return movielens.read(path, **options.bound)
        case Source.RANKLENS:
            return ranklens.read(path, **options.bound)
        case Source.TABULAR:
            return tabular.read(path, titles, **options.of_tables, **options.bound)
        case Source.SEQUENCES:
            return sequences.read(path, pairs, **options.bound)
        case Source.NETFLIX:
            return netflix.read(path, **options.bound)
        case Source.TASTE_PROFILE:
            return taste_profile.read(path, **options.bound)
        case Source.MNAR:
            return mnar.read(path, **options.bound)


def guess(path: Path) -> Source:
    """The source of a path, by the names of its files and, of a table or text, by its columns or first line."""
    from matinee.data.sources import mnar, netflix, sequences, tabular, taste_profile

    if mnar.holds(path):
        return Source.MNAR
    if taste_profile.holds(path):
        return Source.TASTE_PROFILE
    if netflix.holds(path):
        return Source.NETFLIX
    lines = (".jsonl", ".ndjson", ".gz")
    if path.is_dir() and any(one.suffix in lines for one in path.iterdir()):
        return Source.RANKLENS
    if path.suffix in lines:
        return Source.TABULAR if tabular.holds(path) else Source.RANKLENS
    if path.is_file() and path.suffix in (*sequences.TEXTS, ".parquet", ""):
        return Source.TABULAR if tabular.holds(path) or tabular.is_laid_out(path) else Source.SEQUENCES
    return Source.SEQUENCES if sequences.holds(path) else Source.MOVIELENS
