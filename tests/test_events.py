"""Cleaning events: every good row is kept, every bad one counted under its reason."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee import events
from matinee.errors import BadData
from matinee.events import KIND_NAMES, TAKES_BACK, Kind, Rejections, clean, liked, standing, strengths

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GOOD = {"event_id": "e", "user_id": "u", "item_id": "i", "kind": "play", "timestamp": 1.7e9, "value": 0.5}


def frame_of(*changes: dict) -> pl.DataFrame:
    """Good rows with distinct ids, each with its changes."""
    rows = [{**GOOD, "event_id": f"e{at}", **change} for at, change in enumerate(changes)]
    return pl.DataFrame(rows, infer_schema_length=None, strict=False)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"event_id": ""}, "without an event_id"),
        ({"event_id": None}, "without an event_id"),
        ({"event_id": None, "user_id": None}, "without a user_id"),
        ({"event_id": None, "timestamp": None}, "without a readable time"),
        ({"user_id": None}, "without a user_id"),
        ({"item_id": None}, "without an item_id"),
        ({"kind": "hum"}, "of an unknown kind"),
        ({"kind": None}, "of an unknown kind"),
        ({"timestamp": None}, "without a readable time"),
        ({"timestamp": float("nan")}, "without a readable time"),
        ({"timestamp": 1e300}, "without a readable time"),
        ({"timestamp": -1.0}, "dated before 1970"),
        ({"timestamp": NOW.timestamp() + 11 * 60}, "dated in the future"),
        ({"value": None}, "with a value that is not a number in 0..1"),
        ({"value": float("nan")}, "with a value that is not a number in 0..1"),
        ({"value": float("inf")}, "with a value that is not a number in 0..1"),
        ({"value": -0.01}, "with a value that is not a number in 0..1"),
        ({"value": 1.01, "kind": "rating"}, "with a value that is not a number in 0..1"),
        ({"event_id": "e0"}, "repeating an event_id"),
        ({"user_id": "u" * 1_001}, "identifier or query too long"),
        ({"query": "q" * 10_000_000}, "identifier or query too long"),
    ],
)
def test_one_bad_row_among_good_ones_is_counted_and_the_good_ones_stay(change: dict, reason: str):
    kept, rejected = clean(frame_of({}, {}, change, {}), now=NOW)
    assert kept["event_id"].to_list() == ["e0", "e1", "e3"]
    assert rejected == Rejections({reason: 1}, {reason: ("row 3",)})
    assert dict(kept.schema) == dict(events.SCHEMA)


@pytest.mark.parametrize(
    "change",
    [
        {"value": 0.0},
        {"value": 1.0},
        {"timestamp": 0.0},
        {"timestamp": NOW.timestamp() + 9 * 60},
        {"kind": "search", "item_id": None, "value": None, "query": "heat"},
        {"kind": "thumbs_up", "value": None},
        {"user_id": "u" * 1_000},
    ],
)
def test_the_edges_of_what_is_good(change: dict):
    kept, rejected = clean(frame_of({}, change), now=NOW)
    assert (kept.height, rejected.total, str(rejected)) == (2, 0, "no row rejected")


def test_a_bad_row_does_not_take_its_id_from_a_good_one():
    kept, rejected = clean(frame_of({"event_id": "a", "value": 2.0}, {"event_id": "a"}, {"event_id": "a"}), now=NOW)
    assert kept["event_id"].to_list() == ["a"]
    assert rejected.counts == {"with a value that is not a number in 0..1": 1, "repeating an event_id": 1}


def test_a_value_that_means_nothing_is_dropped():
    kept, _ = clean(
        frame_of({"kind": "impression", "value": float("nan")}, {"kind": "thumbs_up", "value": 7.0}), now=NOW
    )
    assert kept["value"].to_list() == [None, None]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_times_in_every_form_are_the_same_moment(unit: str):
    moment = datetime(2024, 2, 29, 12, 30, tzinfo=UTC)
    forms = [
        pl.Series([moment.timestamp()]),
        pl.Series([int(moment.timestamp())]),
        pl.Series(["2024-02-29T12:30:00Z"]),
        pl.Series(["2024-02-29T14:30:00+02:00"]),
        pl.Series([moment.replace(tzinfo=None)], dtype=pl.Datetime(unit)),
        pl.Series([moment], dtype=pl.Datetime(unit, "Asia/Tokyo")),
    ]
    for form in forms:
        kept, _ = clean(frame_of({}).with_columns(form.alias("timestamp")), now=NOW)
        assert kept["timestamp"].to_list() == [moment]


@pytest.mark.parametrize("missing", events.REQUIRED)
def test_a_missing_column_is_named(missing: str):
    with pytest.raises(BadData, match=missing):
        clean(frame_of({}).drop(missing))


@pytest.mark.parametrize(
    ("name", "values"), [("user_id", [["u"]]), ("value", [["x"]]), ("timestamp", [{"a": 1}]), ("user_id", [b"\xff"])]
)
def test_a_column_of_a_hopeless_type_is_one_clear_error(name: str, values: list):
    with pytest.raises(BadData, match="give"):
        clean(frame_of({}).with_columns(pl.Series(name, values)))


@pytest.mark.parametrize("typed", [True, False])
def test_a_frame_without_rows_gives_one_of_the_schema(typed: bool):
    columns = {name: (events.SCHEMA[name] if typed else pl.Null) for name in events.REQUIRED}
    kept, rejected = clean(pl.DataFrame(schema=columns))
    assert (kept.height, rejected.total, dict(kept.schema)) == (0, 0, dict(events.SCHEMA))


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "event_id": st.sampled_from(["a", "b", "c", "", None]),
                "user_id": st.sampled_from(["u", "", None]),
                "kind": st.sampled_from([*events.KIND_NAMES, "hum", None]),
                "item_id": st.sampled_from(["i", None]),
                "timestamp": st.floats(width=64) | st.none(),
                "value": st.floats(width=32) | st.none(),
            }
        ),
        min_size=1,
        max_size=20,
    )
)
def test_every_row_is_either_kept_or_counted(rows: list[dict]):
    schema = {name: events.SCHEMA[name] for name in rows[0]} | {"timestamp": pl.Float64}
    kept, rejected = clean(pl.DataFrame(rows, schema, orient="row"), now=NOW)
    assert kept.height + rejected.total == len(rows)
    again, nothing = clean(kept, now=NOW)
    assert nothing.total == 0
    assert again.equals(kept)
    assert kept["timestamp"].null_count() == 0
    assert kept["event_id"].is_unique().all()


def test_liked_says_the_same_of_frames_and_of_arrays():
    pairs = [(kind, value / 20) for kind in Kind for value in range(21)]
    kinds, values = (np.array(column) for column in zip(*pairs, strict=True))
    frame = pl.DataFrame({"kind": [Kind(k).name.lower() for k in kinds], "value": values})
    by_array = strengths(kinds.astype(np.int8), values.astype(np.float32)) > 0
    assert frame.select(liked()).to_series().to_list() == by_array.tolist()
    assert by_array.sum() == 19 + 9 + 21  # plays from 0.10, ratings from 0.60, every thumbs up


def test_rejections_add_up_and_speak():
    one = Rejections({"a": 2, "b": 1}, {"a": ("1", "2"), "b": ("9",)})
    two = Rejections({"a": 3}, {"a": ("4", "5", "6")})
    assert (one + two) == Rejections({"a": 2 + 3, "b": 1}, {"a": ("1", "2", "4"), "b": ("9",)})
    assert str(one + two) == "6 rows rejected: 5 a (for example 1, 2, 4); 1 b (for example 9)"


def test_the_clock_may_run_ahead_a_little_and_no_more():
    late = [NOW + events.CLOCK_SKEW, NOW + events.CLOCK_SKEW + timedelta(microseconds=1)]
    kept, rejected = clean(frame_of({}, {}).with_columns(pl.Series("timestamp", late)), now=NOW)
    assert (kept.height, rejected.total) == (1, 1)


ACTS = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.sampled_from(KIND_NAMES)), max_size=12)


@given(ACTS)
def test_what_stands_is_what_nothing_later_takes_back(acts: list[tuple[str, str, str]]):
    frame = pl.DataFrame(acts, {"user_id": pl.String, "item_id": pl.String, "kind": pl.String}, orient="row")
    stands = [
        (user, item, kind)
        for at, (user, item, kind) in enumerate(acts)
        if kind not in TAKES_BACK.values() and (user, item, TAKES_BACK.get(kind)) not in acts[at + 1 :]
    ]
    assert standing(frame).rows() == stands


def test_an_event_id_is_repeated_within_a_member_only():
    kept, rejected = clean(frame_of(*({"user_id": user, "event_id": "e"} for user in "aba")), now=NOW)
    assert kept["user_id"].to_list() == ["a", "b"]
    assert rejected.counts == {"repeating an event_id": 1}
