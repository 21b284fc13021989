"""The options of every verb that reads files: what a file does not tell surely, and how much of it may be read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matinee.data.sources.reading import Options

Titles = Annotated[Path | None, typer.Option(help="The titles of a tabular source.")]
Vectors = Annotated[
    Path | None, typer.Option(help="Parquet file of item_id and lists of numbers: what models see in images or sound.")
]
Map = Annotated[
    str | None, typer.Option("--map", help="Columns of the interactions, ours=yours: user_id=uid,timestamp=when.")
]
MapTitles = Annotated[str | None, typer.Option(help="Columns of the titles, ours=yours; ours= leaves one out.")]
Kinds = Annotated[str | None, typer.Option(help="Kinds of event, yours=ours: view=open,transaction=play,bot=ignore.")]
Best = Annotated[float | None, typer.Option(min=1e-9, help="The best rating: 5 for five stars.")]
TimeFormat = Annotated[
    str | None,
    typer.Option(help="s, ms, us, ns, days, year, day-first, month-first, or one such as %d.%m.%Y."),
]
MaxBytes = Annotated[int | None, typer.Option(min=1, help="Largest file, unpacked, that is read; 2 GB by default.")]


def options(
    columns: str | None,
    title_columns: str | None,
    kinds: str | None,
    best: float | None,
    time_format: str | None,
    max_bytes: int | None,
) -> Options:
    """The options as one value. Raises `typer.BadParameter` where a list of pairs is none."""
    return Options(
        pairs(columns, "--map"), pairs(title_columns, "--map-titles"), pairs(kinds, "--kinds"), best, time_format,
        max_bytes,
    )  # fmt: skip


def pairs(text: str | None, option: str) -> dict[str, str]:
    """Text such as a=b,c=d as a mapping."""
    parts = [part.strip() for part in (text or "").split(",") if part.strip()]
    wrong = [part for part in parts if "=" not in part or part.startswith("=")]
    if wrong:
        raise typer.BadParameter(f"{option} has {wrong[0]!r}; give pairs such as name=name, separated by commas")
    return {left.strip(): right.strip() for left, _, right in (part.partition("=") for part in parts)}
