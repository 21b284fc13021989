"""Any path into a Dataset: which source it is, told by the names of its files, and what that source finds there."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from matinee.data.dataset import Dataset


class Source(StrEnum):
    """What can be read."""

    MOVIELENS = "movielens"
    RANKLENS = "ranklens"
    TABULAR = "tabular"
    SEQUENCES = "sequences"
    NETFLIX = "netflix"
    TASTE_PROFILE = "taste-profile"


def read(
    source: Source, path: Path, titles: Path | None = None, vectors: Path | None = None, pairs: bool = False
) -> Dataset:
    """What the source finds there, and `vectors` of its titles; `pairs` takes all pairs of sequences that have both."""
    from matinee.data.sources.vectors import with_vectors

    dataset = _read(source, path, titles, pairs)
    return dataset if vectors is None else with_vectors(dataset, vectors)


def _read(source: Source, path: Path, titles: Path | None, pairs: bool) -> Dataset:
    from matinee.data.sources import movielens, netflix, ranklens, sequences, tabular, taste_profile

    match source:
        case Source.MOVIELENS:
            return movielens.read(path)
        case Source.RANKLENS:
            return ranklens.read(path)
        case Source.TABULAR:
            return tabular.read(path, titles)
        case Source.SEQUENCES:
            return sequences.read(path, pairs)
        case Source.NETFLIX:
            return netflix.read(path)
        case Source.TASTE_PROFILE:
            return taste_profile.read(path)


def guess(path: Path) -> Source:
    """The source of a path, by the names of its files and, of a table or text, by its columns or first line."""
    from matinee.data.sources import netflix, sequences, tabular, taste_profile

    if taste_profile.holds(path):
        return Source.TASTE_PROFILE
    if netflix.holds(path):
        return Source.NETFLIX
    lines = (".jsonl", ".gz")
    if path.suffix in lines or (path.is_dir() and any(one.suffix in lines for one in path.iterdir())):
        return Source.RANKLENS
    if path.is_file() and path.suffix in (*sequences.TEXTS, ".parquet", ""):
        return Source.TABULAR if tabular.holds(path) else Source.SEQUENCES
    return Source.SEQUENCES if sequences.holds(path) else Source.MOVIELENS
