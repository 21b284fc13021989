"""One file as a table: every form, every broken line counted, nothing read beyond the bounds."""

from __future__ import annotations

import gzip
import os
import zipfile
from pathlib import Path

import polars as pl
import pytest

from matinee.data.sources import bounds, movielens, netflix
from matinee.data.sources.files import Files
from matinee.data.sources.tables import WIDER, table_of
from matinee.errors import BadData

ROWS = [("1", "Heat", "Crime"), ("2", 'The "Great"\nCats', None)]
CSV = 'item_id,title,genres\n1,Heat,Crime\n2,"The ""Great""\nCats",\n'


def write(folder: Path, content: str | bytes, name: str) -> Path:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder / name


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", CSV),
        ("a.csv", "\ufeff" + CSV.replace("\n1", "\r\n1")),
        ("a.tsv", CSV.replace(",", "\t")),
        ("a.dat", CSV.replace(",", "|")),
        ("a.csv.gz", gzip.compress(CSV.encode(), mtime=0)),
        (
            "a.jsonl",
            '{"item_id": 1, "title": "Heat", "genres": "Crime"}\n\n{"item_id": 2.0, "title": "The \\"Great\\"\\nCats"}',
        ),
        (
            "a.ndjson",
            '{"item_id": "1", "title": "Heat", "genres": "Crime"}\n'
            '{"item_id": "2", "title": "The \\"Great\\"\\nCats"}\n',
        ),
    ],
)
def test_every_form_says_the_same(tmp_path, name, content):
    found = table_of(write(tmp_path, content, name))
    titled = [(str(item).removesuffix(".0"), title, genre) for item, title, genre in found.frame.rows()]
    assert titled == ROWS
    assert found.frame.columns == ["item_id", "title", "genres"]
    assert found.rejections.total == 0


def test_a_line_with_more_cells_than_columns_is_counted(tmp_path):
    found = table_of(
        write(tmp_path, "item_id,title,genres\n1,Amber, the Road,Drama|War\n2,Heat,Crime,\n3,Babe\n", "a.csv")
    )
    assert found.frame.rows() == [("2", "Heat", "Crime"), ("3", "Babe", None)]
    assert found.rows.to_list() == [2, 3]
    assert found.rejections.counts == {WIDER: 1}
    assert found.rejections.examples == {WIDER: ("row 1",)}


def test_quotes_that_no_writer_closed_are_letters_between_tabs(tmp_path):
    found = table_of(write(tmp_path, 'item_id\ttitle\n1\t"Rome, open\n2\tCity" again\n3\t"Q"\n', "a.tsv"))
    assert found.frame["title"].to_list() == ['"Rome, open', 'City" again', '"Q"']


def test_a_quote_that_swallows_the_rest_is_refused(tmp_path):
    with pytest.raises(BadData, match="a quote that is not closed"):
        table_of(write(tmp_path, 'item_id,title\n1,"Heat\n2,Babe\n', "a.csv"))


def test_lines_of_json_that_are_none_are_counted_and_lists_stay_lists(tmp_path):
    found = table_of(write(tmp_path, '{"a": [1, "x"]}\nnope\n[1]\n{"a": {"name": "y"}}\n', "a.jsonl"))
    assert found.frame["a"].to_list() == ['[1,"x"]', '{"name":"y"}']
    assert found.rejections.counts == {"that are no JSON object": 2}


@pytest.mark.parametrize(("name", "content"), [("a.csv", "a,b,a\n1,2,3\n"), ("a.jsonl", '{"a": 1, "b": 2, "a": 3}\n')])
def test_a_repeated_column_name_is_refused(tmp_path, name, content):
    with pytest.raises(BadData, match=r"repeats the column\(s\) \['a'\]"):
        table_of(write(tmp_path, content, name))


def test_only_regular_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    for path in (tmp_path / "pipe.csv", tmp_path, Path("/dev/null"), tmp_path / "absent.csv"):
        with pytest.raises(BadData, match="give"):
            table_of(path)
    with pytest.raises(BadData, match="no regular file"):
        movielens.read(tmp_path / "pipe.csv")


def test_a_parquet_of_many_rows_in_few_bytes_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "many.parquet"
    pl.DataFrame({"user_id": pl.repeat("u", 1_000_000, eager=True), "item_id": "i"}).write_parquet(path)
    assert path.stat().st_size < 100_000
    with pytest.raises(
        BadData, match=r"1,000,000 rows of 2 columns takes 32,000,000 bytes and 1,000,000 are.*--max-bytes"
    ):
        table_of(path, max_bytes=1_000_000)


def test_what_unpacks_to_more_than_allowed_is_refused(tmp_path):
    zeros = b"0" * 2_000_000
    packed = write(tmp_path, gzip.compress(zeros), "a.csv.gz")
    with pytest.raises(BadData, match=r"unpacks to more than 1,000,000 bytes.*--max-bytes"):
        table_of(packed, max_bytes=1_000_000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("u.data", zeros)
    with pytest.raises(BadData, match=r"u.data in .* takes 2,000,000 bytes"):
        Files.of(tmp_path / "a.zip", max_bytes=1_000_000).text("u.data")


def test_a_line_without_an_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, "LINE", 1_000)
    path = write(tmp_path, "user_id,item_id\n" + "u" * 3_000, "a.csv")
    with pytest.raises(BadData, match="a line of more than 1,000 bytes"):
        table_of(path)


def test_published_sources_name_every_column_too(tmp_path):
    write(tmp_path, "1::2::5::978300760\n", "ratings.dat")
    write(tmp_path, "2::Heat (1995)::Crime|(no genres listed)\n", "movies.dat")
    write(tmp_path, "1::2::slow::978300760\n", "tags.dat")
    data = movielens.read(tmp_path)
    assert "columns read in ratings.dat: user, item, rating, timestamp" in data.describe()
    assert "columns ignored in tags.dat: timestamp" in data.describe()
    assert data.catalog.genres == ("Crime",)


def test_nobody_is_no_member_of_the_netflix_prize(tmp_path):
    write(tmp_path, "1:\nNULL,5,2005-09-06\n7,4,2005-09-06\n", "mv_0000001.txt")
    data = netflix.read(tmp_path)
    assert list(data.profiles) == ["7"]
    assert data.rejections.counts == {"without a user_id": 1}
