"""Tables as they come: without a header, packed under a false name, of old Macs, with ids that no request may name."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pytest

import matinee
from matinee.errors import BadData

HEADER = "user_id,item_id,timestamp,rating\n"
ROWS = [(f"u{k % 7}", f"i{k * 7 % 23}", 1_700_000_000 + 3_600 * k, 1 + k % 5) for k in range(40)]
LINES = "".join("{},{},{},{}\n".format(*row) for row in ROWS)


def read(folder, text: str | bytes, name: str = "seen.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return matinee.read(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LINES, r"no column for \['user_id', 'item_id', 'timestamp'\].*write one above it"),
        ("uid,film,when,stars\n" + LINES, r"among \['uid', 'film', 'when', 'stars'\].*--map user_id=NAME$"),
        ((HEADER + LINES).replace("\n", "\r"), "ends its lines as old Macs did"),
        (b"\x1f\x8b\x08\x00 packed", "holds NUL bytes"),
        (bytes(range(256)) * 9, "holds NUL bytes"),
        (HEADER + "u1,i1,1700000000,5\n", "too few ratings to tell what they are out of: 1, up to 5.*best=5"),
    ],
)
def test_what_would_be_misread_is_refused(tmp_path, text, message):
    for _ in range(2):
        with pytest.raises(BadData, match=message):
            read(tmp_path, text)


def test_members_with_a_line_each_are_sequences_still(tmp_path):
    assert read(tmp_path, "a,x,y\nb,y,z\nc,z,x\n").events["item_id"].to_list() == ["x", "y", "z", "y", "z", "x"]
    assert read(tmp_path, "a b c\na c\nb a c d\n", "seen.txt").events.height == 6


def test_an_id_that_no_request_may_name_is_rejected_and_odd_ones_are_kept(tmp_path):
    odd = '"a,b",🎬,1700000000,3\n"x\ny",i1,1700000001,4\nu\x001,i1,1700000002,4\n'
    data = read(tmp_path, HEADER + odd + LINES)
    assert data.rejections.counts == {"with a control character in an id": 2}
    assert data.events.filter(pl.col("user_id") == "a,b")["item_id"].to_list() == ["🎬"]


def test_one_row_is_a_row(tmp_path):
    data = read(tmp_path, HEADER + LINES + "u1,i1,tomorrow,3\n")
    assert str(data.rejections).startswith("1 row rejected: 1 without a readable time (for example row 41")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"best": float("nan")}, "the best rating is nan; give a number above 0"),
        ({"best": 0}, "the best rating is 0"),
        ({"best": "5"}, "the best rating is '5'"),
        ({"columns": ["uid"]}, "the column mapping is a list"),
        (
            {"columns": dict.fromkeys(["user_id", "item_id"], "item_id")},
            "'item_id' is mapped to user_id and to",
        ),
    ],
)
def test_an_option_that_would_misread_everything_is_refused(options, message):
    with pytest.raises(BadData, match=message):
        matinee.read(pl.DataFrame(ROWS, ["user_id", "item_id", "timestamp", "rating"], orient="row"), **options)


def test_a_frame_of_pandas_with_a_column_twice_is_refused():
    frame = pd.DataFrame(ROWS, columns=["user_id", "item_id", "timestamp", "user_id"])
    with pytest.raises(BadData, match=r"the frame repeats the column\(s\) \['user_id'\]"):
        matinee.read(frame)
