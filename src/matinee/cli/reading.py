"""The options of every verb that reads files: what a file does not tell surely, and how much of it may be read."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from matinee.data.dataset import Dataset
from matinee.data.sources.reading import Options, Source, read
from matinee.data.units import Units


@dataclass(frozen=True)
class FileOptions:
    """The options; `takes_files` gives them to a verb."""

    titles: Annotated[Path | None, typer.Option(help="The titles of a tabular source.")] = None
    vectors: Annotated[
        Path | None,
        typer.Option(help="Parquet file of item_id and lists of numbers: what models see in images or sound."),
    ] = None
    columns: Annotated[
        str | None, typer.Option("--map", help="Columns of the interactions, ours=yours: user_id=uid,timestamp=when.")
    ] = None
    map_titles: Annotated[str | None, typer.Option(help="Columns of the titles, ours=yours; ours= leaves one out.")] = (
        None
    )
    kinds: Annotated[
        str | None, typer.Option(help="Kinds of event, yours=ours: view=open,transaction=play,bot=ignore.")
    ] = None
    best: Annotated[float | None, typer.Option(min=1e-9, help="The best rating: 5 for five stars.")] = None
    time_format: Annotated[
        str | None,
        typer.Option(help="s, ms, us, ns, days, year, day-first, month-first, or one such as %d.%m.%Y."),
    ] = None
    max_bytes: Annotated[
        int | None, typer.Option(min=1, help="Largest file, unpacked, that is read; 2 GB by default.")
    ] = None

    def read(self, source: Source, path: Path, pairs: bool = False, units: Units = Units()) -> Dataset:
        """What the source finds there, read so. Raises `typer.BadParameter` where a list of pairs is none."""
        said = replace(self._options(), units=units)
        return read(source, path, self.titles, self.vectors, pairs, said)

    def _options(self) -> Options:
        return Options(
            columns=pairs(self.columns, "--map"),
            title_columns=pairs(self.map_titles, "--map-titles"),
            kinds=pairs(self.kinds, "--kinds"),
            best=self.best,
            time_format=self.time_format,
            max_bytes=self.max_bytes,
        )


def takes_files(verb: Callable[..., None]) -> Callable[..., None]:
    """The verb with the options of `FileOptions` in place of its parameter `files`."""
    own, options = (inspect.signature(one, eval_str=True).parameters for one in (verb, FileOptions))

    @wraps(verb)
    def with_options(**given: Any) -> None:
        verb(files=FileOptions(**{name: given.pop(name) for name in options}), **given)

    every = [one for name in own for one in (options.values() if name == "files" else (own[name],))]
    with_options.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]
    with_options.__annotations__ = {one.name: one.annotation for one in every}
    return with_options


def pairs(text: str | None, option: str) -> dict[str, str]:
    """Text such as a=b,c=d as a mapping."""
    parts = [part.strip() for part in (text or "").split(",") if part.strip()]
    wrong = [part for part in parts if "=" not in part or part.startswith("=")]
    if wrong:
        raise typer.BadParameter(f"{option} has {wrong[0]!r}; give pairs such as name=name, separated by commas")
    return {left.strip(): right.strip() for left, _, right in (part.partition("=") for part in parts)}
