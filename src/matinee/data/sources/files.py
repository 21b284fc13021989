"""Files by name, from a folder or a zip alike, and tables out of them."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import polars as pl

from matinee.data.sources.bounds import MAX_BYTES, regular, require_lines, unpacked, within
from matinee.data.sources.tables import refuse_utf16
from matinee.data.sources.values import known
from matinee.errors import BadData


@dataclass(frozen=True)
class Files:
    """The files of a folder or a zip archive, by their bare names; of equal names the shallowest is taken."""

    path: Path
    places: dict[str, str]
    max_bytes: int = MAX_BYTES

    @classmethod
    def of(cls, path: Path, max_bytes: int = MAX_BYTES) -> Files:
        """List a folder (with its subfolders) or a zip; a file larger than `max_bytes` is refused when it is read.

        Raises `BadData` when it is neither or is damaged.
        """
        if path.is_dir():
            found = [str(one.relative_to(path)) for one in path.rglob("*") if one.is_file()]
        elif path.exists():
            found = _zip_names(regular(path, max_bytes))
        else:
            raise BadData(f"there is nothing at {path}; give an existing file, folder or zip archive")
        deepest_first = sorted(found, key=lambda name: (-name.count("/"), name))
        return cls(path, {PurePosixPath(name).name: name for name in deepest_first}, max_bytes)

    def __contains__(self, name: str) -> bool:
        return name in self.places

    def ending(self, suffix: str) -> list[str]:
        """The bare names that end so, sorted."""
        return sorted(name for name in self.places if name.endswith(suffix))

    def raw(self, name: str) -> Path | bytes:
        """Where the file lies, or what it holds when it lies in an archive: what `table` reads without a copy."""
        return regular(self.path / self.places[name], self.max_bytes) if self.path.is_dir() else self._bytes(name)

    def text(self, name: str) -> str:
        """The file as text: UTF-8, or Latin-1 where it is not. Raises `BadData` when it cannot be read or is UTF-16."""
        data = self._bytes(name)
        refuse_utf16(data[:1_000], name)
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return data.decode("latin-1")

    def _bytes(self, name: str) -> bytes:
        place = self.places[name]
        try:
            if self.path.is_dir():
                return regular(self.path / place, self.max_bytes).read_bytes()
            with zipfile.ZipFile(self.path) as archive, archive.open(place) as packed:
                within(archive.getinfo(place).file_size, f"{name} in {self.path}", self.max_bytes)
                return unpacked(packed, f"{name} in {self.path}", self.max_bytes)
        except (OSError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise BadData(f"cannot read {name} in {self.path}: {error}; get the archive again") from error


def table(
    text: str | bytes | Path, name: str, separator: str, columns: list[str] | None = None, quote: str | None = None
) -> pl.DataFrame:
    """A separated text, or the file or UTF-8 bytes of one, as a frame of strings; null where a cell says nothing.

    `columns` name them where the text has no header line. Raises `BadData` when it is empty, is not
    UTF-8 or has fewer columns than named.
    """
    data = text.encode() if isinstance(text, str) else text
    require_lines(data, name)
    try:
        frame = pl.read_csv(
            data,
            separator=separator,
            has_header=columns is None,
            quote_char=quote,
            infer_schema=False,
            truncate_ragged_lines=True,
        )
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BadData(f"{name} is not a table separated by {separator!r}: {error}; get the file again") from error
    frame = known(frame)
    if columns is None:
        return frame
    if frame.width < len(columns):
        raise BadData(f"{name} has {frame.width} column(s) where {columns} are expected; get the file again")
    return frame.select(pl.nth(range(len(columns)))).rename(dict(zip(frame.columns, columns, strict=False)))


def split(lines: pl.Series, separator: str, names: list[str]) -> pl.DataFrame:
    """Lines as columns of these names: the last holds all that is left of a line; where a line is shorter, null."""
    return known(lines.str.splitn(separator, len(names)).struct.rename_fields(names).struct.unnest())


def _zip_names(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return [name for name in archive.namelist() if not name.endswith("/")]
    except (OSError, zipfile.BadZipFile) as error:
        raise BadData(f"{path} is not a readable zip archive: {error}; get it again or give a folder") from error
