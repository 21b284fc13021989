"""Rows of a table of titles that are episodes: what they say of themselves and of their series."""

from __future__ import annotations

import polars as pl

from matinee.catalog import SCHEMA, Catalog
from matinee.errors import BadData
from matinee.events import MAX_TEXT, Rejections
from matinee.series import Series, misfits

NUMBERS = ("season", "episode")
COLUMNS = ("series_id", *NUMBERS)
UNKEPT = {  # what holds a title back is said of the series
    "countries": pl.col("countries").list.len() > 0,
    "available_until": pl.col("available_until").is_not_null(),
}


def parted(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that are titles, with a row for each series that has none, and those that are episodes.

    A row is an episode where it names a series and has a season or a number.
    """
    if not set(COLUMNS) <= set(frame.columns):
        return frame, frame.clear()
    numbered = pl.any_horizontal(pl.col(NUMBERS).is_not_null())
    is_episode = (pl.col("series_id").fill_null("") != "") & numbered
    titles, episodes = frame.filter(~is_episode), frame.filter(is_episode)
    return pl.concat([titles.drop(COLUMNS, strict=False), _unsaid(titles, episodes)], how="diagonal"), episodes


def with_episodes(catalog: Catalog, episodes: pl.DataFrame) -> tuple[Catalog, Rejections]:
    """The catalogue with the good ones of these rows, and a count of the others, which name their `row` in the file.

    Raises `BadData` where an episode says what holds it back, which would be lost.
    """
    if episodes.is_empty():
        return catalog, Rejections()
    for name, says in UNKEPT.items():
        if name in episodes.columns and (told := episodes.filter(says)).height:
            raise BadData(
                f"{told.height:,} episodes have {name}, first row {told['row'][0]}, and would be shown without; say it "
                "of their series"
            )
    taken = episodes["item_id"].is_in(catalog.titles["item_id"].implode())
    checks = {
        "episodes with an item_id that is too long": pl.col("item_id").str.len_chars() > MAX_TEXT,
        "episodes with the item_id of a title": pl.lit(taken),
        "episodes of a title that was rejected": ~pl.col("series_id").is_in(catalog.titles["item_id"].implode()),
        **misfits(episodes),
    }
    good, rejected = sifted(episodes, checks)
    return _rated(catalog, good).with_series(Series.from_frame(_named(good))), rejected


def sifted(frame: pl.DataFrame, checks: dict[str, pl.Expr]) -> tuple[pl.DataFrame, Rejections]:
    """The rows that pass all checks, and a count of the others by the first that they fail; `row` names them."""
    reason = pl.coalesce(*[pl.when(bad).then(pl.lit(text)) for text, bad in checks.items()])
    marked = frame.with_columns(reason.alias("_reason"))
    bad = marked.filter(pl.col("_reason").is_not_null())
    counts = dict(bad["_reason"].value_counts().iter_rows())
    examples = {text: tuple(f"row {at}" for at in bad.filter(_reason=text)["row"].head(3)) for text in counts}
    return marked.filter(pl.col("_reason").is_null()).drop("_reason"), Rejections(counts, examples)


def _unsaid(titles: pl.DataFrame, episodes: pl.DataFrame) -> pl.DataFrame:
    """A row for each series that no title describes, with all genres of its episodes, oldest first."""
    missing = episodes.filter(~pl.col("series_id").is_in(titles["item_id"].drop_nulls().implode()))
    genres = [pl.col(one).list.explode().drop_nulls().unique() for one in ("genres",) if one in missing.columns]
    rows = missing.group_by("series_id", maintain_order=True).agg(pl.col("row").first(), *genres)
    return rows.rename({"series_id": "item_id"}).with_columns(pl.lit("series").alias("kind"))


def _named(episodes: pl.DataFrame) -> pl.DataFrame:
    """The columns of the table of episodes; one was added when it became available, else when it was released."""
    dates = [name for name in ("available_from", "released") if name in episodes.columns]
    added = pl.coalesce(dates) if dates else pl.lit(None, SCHEMA["released"])
    name = pl.col("title") if "title" in episodes.columns else pl.lit(None, pl.String)
    return episodes.with_columns(added.alias("added"), name.alias("name"))


def _rated(catalog: Catalog, episodes: pl.DataFrame) -> Catalog:
    """The catalogue in which no series is for younger people than one of its episodes."""
    if "maturity" not in episodes.columns:
        return catalog
    oldest = episodes.group_by(pl.col("series_id").alias("item_id")).agg(pl.col("maturity").max().alias("_oldest"))
    titles = catalog.titles.join(oldest, on="item_id", how="left", maintain_order="left")
    rated = pl.max_horizontal("maturity", "_oldest").alias("maturity")
    return Catalog.from_frame(titles.with_columns(rated).drop("_oldest"), catalog.unrated_age)
