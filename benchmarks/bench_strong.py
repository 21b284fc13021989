"""The strong protocol at the size of MovieLens 20M, the Netflix Prize or MSD's Taste Profile, on made-up files.

    python benchmarks/bench_strong.py movielens-20m|netflix|taste-profile [SHARE]

Those data are no part of this project. This writes files of their form with as many members and titles, and SHARE (a
fifth by default) of the ratings, by likes without taste: what it measures is time and memory, the quality on them means
nothing. Each step runs in a process of its own, for its own peak: reading and cutting; then `matinee leaderboard
--protocol strong` with popularity and EASE.

`run()` returns machine, name, members, titles, ratings; cut_seconds, cut_peak_bytes (of all memory of the process),
cut_bytes_a_rating; board_seconds, board_peak_bytes, asked (members), refused (the models that refuse such a size).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl
from machine import machine
from rich.console import Console
from rich.table import Table
from synthetic import likes

SHARE = 0.2
PEAK = """
import atexit
from matinee.evaluate.cost import peak
atexit.register(lambda: print(peak() or 0))
"""  # what the system says of an ended process counts its parent's memory too
CUT = """
import sys
from pathlib import Path
from matinee.data.sources.reading import guess, read
from matinee.data.splits.published import strong
path = Path(sys.argv[1])
strong(read(guess(path), path))
"""
BOARD = "from matinee.cli import main; main()"


@dataclass(frozen=True)
class Shape:
    """Of a published data set: its numbers, and how its files are written from one row a rating.

    `write` is given a folder and a frame of member and title (numbers from 1, sorted by title) and stars (1..5).
    """

    members: int
    titles: int
    ratings: int
    write: Callable[[Path, pl.DataFrame], None]


def movielens(folder: Path, ratings: pl.DataFrame) -> None:
    """`ratings.csv` and `movies.csv`."""
    columns = pl.col("member").alias("userId"), pl.col("title").alias("movieId"), pl.col("stars").alias("rating")
    by_member = ratings.sort("member", maintain_order=True)
    by_member.select(*columns, (1_000_000_000 + pl.int_range(pl.len())).alias("timestamp")).write_csv(
        folder / "ratings.csv"
    )
    titles = ratings.select(pl.col("title").unique(maintain_order=True).alias("movieId"))
    named = titles.with_columns(pl.format("Title {} (1999)", "movieId").alias("title"), pl.lit("Drama").alias("genres"))
    named.write_csv(folder / "movies.csv")


def netflix(folder: Path, ratings: pl.DataFrame) -> None:
    """`combined_data_1.txt`: a line for each title, then its ratings."""
    lines = ratings.select("title", pl.format("{},{},2005-06-01", "member", "stars").alias("line"))
    heads = ratings.select(pl.col("title").unique(maintain_order=True)).select(
        "title", pl.format("{}:", "title").alias("line")
    )
    both = pl.concat([heads, lines]).sort("title", maintain_order=True).select("line")
    both.write_csv(folder / "combined_data_1.txt", include_header=False, quote_style="never")


def taste_profile(folder: Path, ratings: pl.DataFrame) -> None:
    """`train_triplets.txt`: ids as long as the published ones."""
    member, song = (pl.col(name).cast(pl.String) for name in ("member", "title"))
    triplets = ratings.select(member.str.zfill(40), "SO" + song.str.zfill(16), "stars")
    triplets.write_csv(folder / "train_triplets.txt", include_header=False, separator="\t")


SHAPES = {
    "movielens-20m": Shape(138_493, 26_744, 20_000_263, movielens),
    "netflix": Shape(480_189, 17_770, 100_480_507, netflix),
    "taste-profile": Shape(1_019_318, 384_546, 48_373_586, taste_profile),
}


def run(
    progress: Callable[[str, float], None] | None = None,
    name: str = "netflix",
    share: float = SHARE,
    shape: Shape | None = None,
) -> dict[str, Any]:
    """Write the files, cut them, make the board; `shape` instead of the published one."""
    progress = progress or (lambda what, done: None)
    made = shape or SHAPES[name]
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        progress("writing files", 0.0)
        ratings = write(folder, made, share)
        progress("reading and cutting", 0.2)
        cut_seconds, cut_peak, _ = alone(CUT, str(folder))
        progress("the board", 0.5)
        asked = f"leaderboard --protocol strong --models popularity,ease --fits 1 --json --data {folder}".split()
        board_seconds, board_peak, said = alone(BOARD, *asked)
    board = json.loads(said[-1])
    return {
        "machine": machine(),
        "name": name,
        "members": made.members,
        "titles": made.titles,
        "ratings": ratings,
        "cut_seconds": cut_seconds,
        "cut_peak_bytes": cut_peak,
        "cut_bytes_a_rating": cut_peak / ratings,
        "board_seconds": board_seconds,
        "board_peak_bytes": max(cut_peak, board_peak),  # it cuts the same, but each fit begins to measure afresh
        "asked": board["groups"][0]["members"],
        "refused": board["refused"],
    }


def write(folder: Path, shape: Shape, share: float, seed: int = 0) -> int:
    """Fill `folder` with files of a shape; the number of ratings written, about `share` of the published one."""
    pairs = likes(shape.members, shape.titles, round(share * shape.ratings), seed).tocsc()
    ratings = pl.DataFrame(
        {
            "member": pairs.indices + 1,
            "title": np.repeat(np.arange(1, shape.titles + 1), np.diff(pairs.indptr)),
            "stars": np.random.default_rng(seed).choice([3, 4, 5], pairs.nnz),
        }
    )
    shape.write(folder, ratings)
    return ratings.height


def alone(code: str, *arguments: str) -> tuple[float, int, list[str]]:
    """Seconds, most bytes resident (0 where the system does not tell), and the lines of a process that ran `code`."""
    started = perf_counter()
    asked = [sys.executable, "-c", PEAK + code, *arguments]
    *said, peak = subprocess.run(asked, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return perf_counter() - started, int(peak), said


def show(result: dict[str, Any], console: Console) -> None:
    """Print what `run` found."""
    size = f"{result['members']:,} members, {result['titles']:,} titles, {result['ratings']:,} ratings"
    table = Table(title=f"{result['name']}, made up: {size} ({result['machine']})")
    for column in ("step", "seconds", "peak, GB"):
        table.add_column(column, justify="left" if column == "step" else "right")
    bytes_each = f"reading and cutting, {result['cut_bytes_a_rating']:.0f} bytes a rating"
    asked = f"popularity and EASE, {result['asked']:,} members asked"
    for step, seconds, peak in (
        (bytes_each, "cut_seconds", "cut_peak_bytes"),
        (asked, "board_seconds", "board_peak_bytes"),
    ):
        table.add_row(step, f"{result[seconds]:.0f}", f"{result[peak] / 1e9:.1f}")
    console.print(table)
    for name, why in result["refused"].items():
        console.print(f"{name}: {why}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=SHAPES)
    parser.add_argument("share", nargs="?", type=float, default=SHARE)
    wanted, out = parser.parse_args(), Console()
    show(run(lambda what, done: out.print(f"[dim]{what}[/dim]"), wanted.name, wanted.share), out)
