"""Tables of one's own: other people's column names, and every kind of bad input."""

import io
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from matinee.data.dataset import Dataset
from matinee.data.sources.tabular import read
from matinee.errors import BadData

MOMENT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
SECONDS = int(MOMENT.timestamp())


def write(folder: Path, text: str, name: str = "interactions.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name


DIALECTS = {
    "RecTools": "user_id,item_id,weight,datetime\n"
    f"u,i,4,{MOMENT:%Y-%m-%d %H:%M:%S}\nu,j,5,{MOMENT:%Y-%m-%d %H:%M:%S}\n",
    "RecBole": "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
    f"u\ti\t4\t{SECONDS}\nu\tj\t5.0\t{SECONDS}.0\n",
    "LensKit": f"user,item,rating,timestamp\nu,i,4,{SECONDS}\nu,j,5,{SECONDS}\n",
    "Amazon Personalize": "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE\n"
    f"u,i,{SECONDS},Rating,4\nu,j,{SECONDS},Rating,5\n",
    "Google media": "userPseudoId,documentId,eventTime,eventType,mediaProgressPercentage\n"
    f"u,i,{MOMENT:%Y-%m-%dT%H:%M:%SZ},media-play,0.8\nu,j,{MOMENT:%Y-%m-%dT%H:%M:%SZ},media-complete,1.0\n",
    "semicolons, milliseconds": f"VisitorId;MovieId;ts;stars\nu;i;{SECONDS}000;4\nu;j;{SECONDS}000;5\n",
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_dialect_says_the_same(tmp_path: Path, dialect: str):
    data = read(write(tmp_path, DIALECTS[dialect]), best=5)
    expected = "play" if dialect == "Google media" else "rating"
    assert data.events.select("user_id", "item_id", "kind", "timestamp", "value").rows() == [
        ("u", "i", expected, MOMENT, 4 / 5),
        ("u", "j", expected, MOMENT, 5 / 5),
    ]
    assert data.rejections.total == 0
    assert "columns read" in data.describe()


def test_where_it_was_done_and_when_it_arrived_are_read_where_a_file_says(tmp_path: Path):
    text = "user_id,item_id,timestamp,source,received\nu,i,1700000000,search,1700000060\nu,j,1700000000,,\n"
    events = read(write(tmp_path, text)).events
    assert events["source"].to_list() == ["search", None]
    assert events["received"].dt.epoch("s").to_list() == [1_700_000_060, None]


def test_parquet_with_typed_columns_says_the_same(tmp_path: Path):
    frame = pl.DataFrame({"uid": [7], "film": [3], "when": [MOMENT.replace(tzinfo=None)], "stars": [4]})
    frame.write_parquet(tmp_path / "i.parquet")
    data = read(tmp_path / "i.parquet", columns={"user_id": "uid", "item_id": "film", "timestamp": "when"}, best=10)
    assert data.events.select("user_id", "item_id", "timestamp", "value").rows() == [("7", "3", MOMENT, 4 / 10)]


def test_kinds_of_elsewhere_become_ours(tmp_path: Path):
    kinds = ["Click", "add-to-list", "LIKE", "watch", "detail-page-view", "not_interested"]
    lines = "\n".join(f"u,i{n},{SECONDS},{kind}" for n, kind in enumerate(kinds))
    data = read(write(tmp_path, "user_id,item_id,timestamp,event_type\n" + lines))
    assert data.events["kind"].to_list() == ["open", "list_add", "thumbs_up", "play", "open", "dismiss"]
    assert data.events.filter(kind="play")["value"].to_list() == [1.0]
    assert data.rejections.total == 0
    assert any("watched to the end" in note for note in data.notes)
    assert any("not_interested as dismiss (1)" in note for note in data.notes)


def test_kinds_without_a_clear_meaning_are_refused_by_name_and_count_until_told(tmp_path: Path):
    """`view` of a shop is its details, of an advertisement an impression, of a player a play."""
    kinds = ["view", "view", "addtocart", "transaction", "teleport"]
    lines = "\n".join(f"u,i{n},{SECONDS},{kind}" for n, kind in enumerate(kinds))
    path = write(tmp_path, "visitorid,itemid,timestamp,event\n" + lines)
    with pytest.raises(BadData, match=r"'view' \(2 rows\), 'teleport' \(1 rows\).*--kinds view=open"):
        read(path)
    data = read(path, kinds={"view": "open", "teleport": "ignore", "transaction": "play"})
    assert data.events["kind"].to_list() == ["open", "open", "list_add", "play"]
    with pytest.raises(BadData, match=r"watch_it.*choose from impression"):
        read(path, kinds={"view": "watch_it"})


@pytest.mark.parametrize(
    ("values", "top"), [([0, 1, 1], 1), ([0.5, 4.5, 5], 5), ([1, 7, 10], 10), ([12, 55, 100], 100), ([1, 2, 5], 5)]
)
def test_the_scale_that_values_fit_is_found_and_stated(tmp_path: Path, values: list[float], top: float):
    values = values * 10
    lines = "\n".join(f"u{n},i,{SECONDS},{value}" for n, value in enumerate(values))
    data = read(write(tmp_path, "user_id,item_id,timestamp,rating\n" + lines))
    assert data.events["value"].to_list() == [value / top for value in values]
    assert data.units.best == top
    assert f"rating values are read as shares of {top:g}" in data.notes


def test_a_few_wild_values_do_not_stretch_the_scale(tmp_path: Path):
    lines = "\n".join(f"u{n},i,{SECONDS},{'1e9' if n == 7 else n % 5 + 1}" for n in range(2_000))
    data = read(write(tmp_path, "user_id,item_id,timestamp,rating\n" + lines))
    assert data.events["value"].max() == 1.0
    assert data.rejections.counts == {"with a value that is not a number in 0..1": 1}


def test_values_on_no_known_scale_ask_for_the_best(tmp_path: Path):
    path = write(tmp_path, f"user_id,item_id,timestamp,weight\nu,i,{SECONDS},5832\n")
    with pytest.raises(BadData, match="--best"):
        read(path)
    assert read(path, best=10_000).events["value"].to_list() == [5832 / 10_000]


@pytest.mark.parametrize(
    ("column", "values", "top"),
    [
        ("watch_ratio", [0.3, 0.5, 2.5], 1),
        ("mediaProgressPercentage", [0.3, 0.5, 1.0], 1),
        ("mediaProgressPercentage", [30, 50, 100], 100),
    ],
)
def test_shares_watched_are_plays_and_more_than_all_is_all(
    tmp_path: Path, column: str, values: list[float], top: float
):
    lines = "\n".join(f"u{n},i,{SECONDS},{value}" for n, value in enumerate(values))
    data = read(write(tmp_path, f"user_id,item_id,timestamp,{column}\n{lines}\nu,i,{SECONDS},inf\n"))
    assert data.events.select("kind", "value").rows() == [("play", min(value / top, 1.0)) for value in values]
    assert data.rejections.counts == {"with a value that is not a number in 0..1": 1}
    assert f"play values are read as shares of {top:g}" in data.notes


def test_a_rating_and_a_share_watched_without_a_value_are_rejected(tmp_path: Path):
    rows = f"u,i,{SECONDS},1\nu,j,{SECONDS},\n"
    for header, kind in (("rating", "rating"), ("watch_ratio", "play")):
        data = read(write(tmp_path, f"user_id,item_id,timestamp,{header}\n" + rows), best=1)
        assert data.events.select("kind", "value").rows() == [(kind, 1.0)]
        assert data.rejections.counts == {"with a value that is not a number in 0..1": 1}


TITLES = (
    "ITEM_ID,TITLE,GENRES,CREATION_TIMESTAMP,CONTENT_RATING,RUNTIME,DIRECTOR_AGE\n"
    "i,Heat,Crime|Drama,1995,R,170,52\n"
    f"j,Babe,Children,{SECONDS},TV-G,about an hour,50\n"
    ",Nameless,,,,,\n"
    "i,Heat again,,,,,\n"
)


def test_titles_are_read_and_bad_ones_counted(tmp_path: Path):
    data = read(write(tmp_path, DIALECTS["LensKit"]), best=5, titles=write(tmp_path, TITLES, "titles.csv"))
    titles = data.catalog.titles.select("item_id", "title", "genres", "maturity", "minutes", "released").rows()
    assert titles == [
        ("i", "Heat", ["Crime", "Drama"], 17, 170, datetime(1995, 1, 1, tzinfo=UTC)),
        ("j", "Babe", ["Children"], 0, None, MOMENT),
    ]
    assert data.rejections.counts == {"titles without an item_id": 1, "titles repeating an item_id": 1}


def test_other_names_of_a_title_hold_commas(tmp_path: Path):
    titles = 'id,title,originalTitle\ni,Good Bad Ugly,"Il buono, il brutto|Der Gute, der Böse"\nj,Babe,\n'
    data = read(write(tmp_path, DIALECTS["LensKit"]), best=5, titles=write(tmp_path, titles, "titles.csv"))
    assert data.catalog.titles["other_names"].to_list() == [["Il buono, il brutto", "Der Gute, der Böse"], []]


def test_interactions_about_unknown_titles_are_counted_with_examples(tmp_path: Path):
    text = DIALECTS["LensKit"] + f"u,nowhere,3,{SECONDS}\n"
    data = read(write(tmp_path, text), write(tmp_path, TITLES, "titles.csv"), best=5)
    assert data.events.height == 2
    assert data.rejections.counts["about a title that is not in the catalogue"] == 1
    assert "nowhere" in str(data.rejections)


def test_without_titles_the_catalogue_is_made_of_the_ids(tmp_path: Path):
    assert read(write(tmp_path, DIALECTS["LensKit"]), best=5).catalog.item_ids == ["i", "j"]


def test_recbole_titles_have_lists_separated_by_spaces(tmp_path: Path):
    header = "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
    items = header + "i\tThe Matrix\t1999\tAction Sci-Fi\nj\tA b\t\t\n"
    data = read(write(tmp_path, DIALECTS["RecBole"], "x.inter"), write(tmp_path, items, "x.item"), best=5)
    assert data.catalog.titles["title"].to_list() == ["The Matrix", "A b"]
    assert data.catalog.titles["genres"].to_list() == [["Action", "Sci-Fi"], []]
    assert data.catalog.titles["released"].dt.year().to_list() == [1999, None]


def test_what_describes_a_person_is_not_read(tmp_path: Path):
    text = f"user_id,item_id,timestamp,age,gender,occupation,zip_code\nu,i,{SECONDS},SECRET,SECRET,SECRET,SECRET\n"
    data = read(write(tmp_path, text))
    assert "SECRET" not in repr((data.events.rows(), data.catalog.titles.rows(), data.profiles))


GOOD = [f"u{n},i{n % 3},{SECONDS + n},{n % 5 + 1}" for n in range(20)]
BAD = {
    "no member": f",i1,{SECONDS},3",
    "no title": f"u,,{SECONDS},3",
    "no time": "u,i1,,3",
    "time in words": "u,i1,yesterday,3",
    "time before 1970": "u,i1,-5,3",
    "time in the far future": "u,i1,99999999999,3",
    "value in words": f"u,i1,{SECONDS},good",
    "value nan": f"u,i1,{SECONDS},NaN",
    "value negative": f"u,i1,{SECONDS},-3",
    "value missing": f"u,i1,{SECONDS},",
    "repeated": GOOD[3],
    "too short": "u",
    "long id": f"{'u' * 10_000_000},i1,{SECONDS},3",
    "bytes": f"u\x00,i1,x{SECONDS},3",
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("at", [0, 11, 20])
def test_one_bad_line_anywhere_costs_that_line_only(tmp_path: Path, bad: str, at: int):
    lines = [*GOOD]
    lines.insert(at, BAD[bad])
    data = read(write(tmp_path, "user_id,item_id,timestamp,rating\n" + "\n".join(lines)))
    assert data.events.height == len(GOOD)
    assert data.rejections.total == 1


@pytest.mark.parametrize(
    ("line", "reason"), [("u,i1,yesterday,3", "without a readable time"), (f",i1,{SECONDS},3", "without a user_id")]
)
def test_a_bad_line_is_counted_under_what_it_lacks_not_under_the_id_made_of_it(tmp_path: Path, line: str, reason: str):
    data = read(write(tmp_path, "user_id,item_id,timestamp,rating\n" + "\n".join([*GOOD, line])))
    assert data.rejections.counts == {reason: 1}


def test_a_line_with_too_many_cells_keeps_its_row(tmp_path: Path):
    data = read(write(tmp_path, "user_id,item_id,timestamp,rating\n" + "\n".join([*GOOD, GOOD[0] + "9,extra,cells"])))
    assert data.events.height + data.rejections.total == len(GOOD) + 1


def packed(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


WHOLE = packed(pl.DataFrame({"user_id": ["u"] * 100, "item_id": ["i"] * 100, "timestamp": np.arange(100)}))
UNREADABLE = {
    "missing.csv": None,
    "empty.csv": b"",
    "no_time.csv": b"user_id,item_id\nu,i\n",
    "no_columns.csv": b"1,2,3\n4,5,6\n",
    "empty.parquet": b"",
    "truncated.parquet": WHOLE[: len(WHOLE) // 2],
    "text.parquet": b"user_id,item_id,timestamp\n",
    "kinds_in_lists.parquet": packed(
        pl.DataFrame({"user_id": ["u"], "item_id": ["i"], "timestamp": [5], "kind": [["play"]]})
    ),
    "kinds_in_bytes.parquet": packed(
        pl.DataFrame({"user_id": ["u"], "item_id": ["i"], "timestamp": [5], "kind": [b"\xff"]})
    ),
    "nested.parquet": packed(pl.DataFrame({"user_id": [{"a": 1}], "item_id": [["i"]], "timestamp": [[5]]})),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_cannot_be_read_is_one_clear_error(tmp_path: Path, name: str):
    content = UNREADABLE[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BadData, match=r"give|rename|--time-format"):
        read(tmp_path / name)


@pytest.mark.parametrize("header", ["user_id,item_id,timestamp", "user_id,item_id,timestamp,année"])
def test_text_that_is_not_utf8_keeps_its_ids_apart_and_is_told(tmp_path: Path, header: str):
    (tmp_path / "x.csv").write_bytes(f"{header}\né,i,{SECONDS}\nè,i,{SECONDS}\n".encode("latin-1"))
    (tmp_path / "t.csv").write_bytes("item_id,title\ni,Amélie\n".encode("latin-1"))
    data = read(tmp_path / "x.csv", tmp_path / "t.csv")
    assert data.events["user_id"].to_list() == ["é", "è"]
    assert data.catalog.names == ["Amélie"]
    assert data.notes[-2:] == tuple(f"{name} is not UTF-8 and is read as Latin-1" for name in ("x.csv", "t.csv"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_named(tmp_path: Path, encoding: str):
    (tmp_path / "x.csv").write_bytes(DIALECTS["LensKit"].encode(encoding))
    with pytest.raises(BadData, match="UTF-16; save it as UTF-8"):
        read(tmp_path / "x.csv")


def test_a_mark_of_utf8_is_no_part_of_the_first_column(tmp_path: Path):
    (tmp_path / "x.csv").write_text(DIALECTS["LensKit"], encoding="utf-8-sig")
    assert read(tmp_path / "x.csv", best=5).events.height == 2


def test_a_header_alone_is_refused(tmp_path: Path):
    alone, good = write(tmp_path, "user_id,item_id,timestamp\n"), write(tmp_path, DIALECTS["LensKit"], "x.csv")
    for files in ((alone,), (good, write(tmp_path, "item_id,title\n", "t.csv"))):
        with pytest.raises(BadData, match="no row that can be read"):
            read(*files, best=5)


@pytest.mark.parametrize("mapping", [{"user_id": "nobody"}, {"username": "user_id"}])
def test_a_mapping_that_fits_nothing_is_refused(tmp_path: Path, mapping: dict[str, str]):
    with pytest.raises(BadData, match="mapping"):
        read(write(tmp_path, DIALECTS["LensKit"]), columns=mapping)


def large(folder: Path) -> Dataset:
    n, rng = 1_000_000, np.random.default_rng(4)
    frame = pl.DataFrame(
        {
            "user_id": rng.integers(0, 50_000, n).astype(str),
            "item_id": rng.integers(0, 5_000, n).astype(str),
            "timestamp": (SECONDS + np.arange(n) // 10).astype(str),
            "rating": rng.integers(1, 6, n).astype(str),
            "event_id": np.arange(n).astype(str),
        }
    )
    row = pl.int_range(pl.len())
    frame = frame.with_columns(
        pl.when(row == 10).then(pl.lit("never")).otherwise("timestamp").alias("timestamp"),
        pl.when(row == 500_000).then(pl.lit("nan")).otherwise("rating").alias("rating"),
        pl.when(row == 999_999).then(pl.lit("0")).otherwise("event_id").alias("event_id"),
        pl.when(row == 999_999).then(pl.col("user_id").first()).otherwise("user_id").alias("user_id"),
    )
    frame.write_csv(folder / "large.csv")
    return read(folder / "large.csv")


@pytest.mark.slow
def test_three_bad_rows_in_a_million_cost_three_rows(tmp_path: Path):
    data = large(tmp_path)
    assert data.events.height == 999_997
    assert data.rejections.counts == {
        "without a readable time": 1,
        "with a value that is not a number in 0..1": 1,
        "repeating an event_id": 1,
    }
    named = {"row 11: 'never'", "row 500001", "row 1000000"}  # the second cell says nothing
    assert set(sum(data.rejections.examples.values(), ())) == named


def test_ids_that_hold_dashes_make_different_events(tmp_path: Path):
    """At one moment a-b turned to c, and a to b-c: two events, though the parts read alike side by side."""
    pairs = [("a-b", "c"), ("a", "b-c"), ("a%2Db", "c"), ("a", "b%2Dc")]
    lines = "\n".join(f"{user},{item},{SECONDS}" for user, item in pairs)
    data = read(write(tmp_path, "user_id,item_id,timestamp\n" + lines))
    assert data.rejections.total == 0
    assert sorted(data.events.select("user_id", "item_id").rows()) == sorted(pairs)
