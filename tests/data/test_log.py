"""The event log: idempotent, whole after every crash, honest about damage, and able to forget."""

import shutil
import sqlite3
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from time import process_time

import numpy as np
import orjson
import polars as pl
import pytest

from matinee.data.dataset import Dataset
from matinee.data.log import EventLog
from matinee.data.log import compact as log_compact
from matinee.data.log import forget as log_forget
from matinee.data.log import log as log_module
from matinee.data.log import sealed as log_sealed
from matinee.data.log import sealing as log_sealing
from matinee.data.log import store as log_store
from matinee.decision import Decisions, Dials
from matinee.errors import BadData, BadRequest, LogDamaged, NotFound
from matinee.events import SCHEMA, arrival, clean
from matinee.history import Histories
from matinee.profile import Profile
from matinee.testing import make_decisions

DAY = 86_400_000_000
FOREVER = 2**62


def event(event_id: str, day: float = 0, user: str = "ann", **fields: object) -> dict:
    given = {"event_id": event_id, "user_id": user, "item_id": "t1", "kind": "play", "value": 0.5, **fields}
    return {"timestamp": int(day * DAY), **given}


def decided(*decision_ids: str, time: int = 5, user: str = "ann", **fields: object) -> Decisions:
    """Single titles for one member at one time."""
    return make_decisions([time] * len(decision_ids), [user] * len(decision_ids), decision_ids, **fields)


def decision_ids(log: EventLog, as_of: int = FOREVER, **wanted: object) -> list[str]:
    return [one for batch in log.decisions.read(as_of, **wanted) for one in batch.ids]


def ids(log: EventLog, as_of: int = FOREVER, **wanted: object) -> list[str]:
    return log.read(as_of, **wanted)["event_id"].to_list()


@pytest.fixture
def log(tmp_path: Path):
    with EventLog(tmp_path / "events.db") as opened:
        yield opened


def test_an_event_is_taken_once(log: EventLog):
    assert log.append_events([event("a"), event("b"), event("a")]) == [True, True, False]
    assert log.append_events([event("b", value=0.9), event("c")]) == [False, True]
    assert ids(log) == ["a", "b", "c"]
    assert log.read(FOREVER)["value"].to_list() == [0.5, 0.5, 0.5]


def test_every_field_comes_back_as_it_was(log: EventLog):
    moment = datetime(2024, 5, 6, 7, 8, 9, 123_456, tzinfo=UTC)
    full = event(
        "é\N{PILE OF POO}",
        timestamp=moment,
        decision_id="d",
        row=3,
        column=7,
        query="q'\"",
        country="DK",
        device="tv",
        language="da",
        source="search",
    )
    bare = {"event_id": "z", "user_id": "u", "kind": "search", "timestamp": moment.replace(tzinfo=None)}
    arrived = moment + timedelta(days=40)
    log.append_events([full, {**bare, "received": 7}], received=int(arrived.timestamp() * 1e6))
    expected = [
        {**dict.fromkeys(SCHEMA), **full, "received": arrived},
        {**dict.fromkeys(SCHEMA), **bare, "timestamp": moment, "received": arrived},
    ]
    for _ in range(2):
        frame = log.read(FOREVER)
        assert dict(frame.schema) == dict(SCHEMA)
        assert frame.rows(named=True) == expected
        log.seal(date(2024, 6, 1))


def test_an_event_arrives_when_the_log_takes_it_and_an_imported_one_at_its_own_time(log: EventLog):
    before = datetime.now(UTC)
    log.append_events([event("late", 1, "bob")])
    log.import_events(clean(pl.DataFrame([event("old", 0)]).with_columns(pl.col("timestamp") / 1e6))[0])
    told, known = log.read(FOREVER, user_ids=["ann"]), log.read(FOREVER, user_ids=["bob"])
    assert told["received"].to_list() == [None]
    assert told.select(arrival()).item() == told["timestamp"].item()
    assert before <= known["received"].item() <= datetime.now(UTC)


def test_reading_filters_by_time_kind_and_member_before_and_after_sealing(log: EventLog):
    kinds, users = ["play", "impression", "open"], ["ann", "bob", "cid"]
    rows = [event(f"{n:03}", n / 10, users[n % 3], kind=kinds[n // 3 % 3]) for n in range(60)]
    log.append_events(rows)
    questions = [
        {"as_of": FOREVER},
        {"as_of": 2 * DAY},
        {"as_of": 4 * DAY + 1, "since": DAY // 2},
        {"as_of": FOREVER, "kinds": ["open"], "user_ids": ["ann", "cid"]},
        {"as_of": FOREVER, "user_ids": []},
        {"as_of": FOREVER, "since": 3 * DAY, "user_ids": [f"u{n}" for n in range(600)] + ["bob"]},
    ]
    expected = [
        [
            row["event_id"]
            for row in rows
            if question.get("since", 0) <= row["timestamp"] < question["as_of"]
            and row["kind"] in question.get("kinds", kinds)
            and row["user_id"] in question.get("user_ids", users)
        ]
        for question in questions
    ]
    assert [ids(log, **question) for question in questions] == expected
    log.seal(date(1970, 1, 4))
    assert [ids(log, **question) for question in questions] == expected
    log.seal(date(1970, 2, 1))
    assert [ids(log, **question) for question in questions] == expected


def test_events_of_one_time_keep_the_order_of_arrival_wherever_they_lie(log: EventLog, tmp_path: Path):
    log.append_events([event("c"), event("a")])
    frame = pl.DataFrame([event("f"), event("e")]).with_columns(timestamp=pl.lit(datetime(1970, 1, 1, tzinfo=UTC)))
    log.import_events(clean(frame)[0])
    log.seal(date(1970, 1, 2))
    log.append_events([event("d"), event("b")])
    assert ids(log) == ["c", "a", "f", "e", "d", "b"]
    log.seal(date(1970, 1, 2))
    assert ids(log) == ["c", "a", "f", "e", "d", "b"]
    log.append_events([event("0")])
    assert ids(log) == ["c", "a", "f", "e", "d", "b", "0"]


def test_an_event_id_belongs_to_its_member(log: EventLog):
    """Nobody takes an id away from another by guessing it first, sealed or not."""
    assert log.append_events([event("a", user="eve"), event("a"), event("a", user="eve")]) == [True, True, False]
    log.seal(date(1970, 1, 2))
    assert log.append_events([event("a"), event("a", user="bob")]) == [False, True]
    assert log.read(FOREVER)["user_id"].to_list() == ["eve", "ann", "bob"]
    log.seal(date(1970, 1, 2))
    log.delete_member("eve")
    assert log.append_events([event("a"), event("a", user="bob"), event("a", user="eve")]) == [False, False, True]


def test_rows_that_are_no_events_are_refused_before_they_are_queued(log: EventLog):
    with pytest.raises(BadData, match="user_id"):
        log.submit_events([event("a"), event("b", user_id=None)])
    assert ids(log) == []


def test_a_write_that_fails_leaves_the_others_of_its_group(log: EventLog):
    gate = threading.Event()
    blocker = log._store.writer.run(lambda cursor: gate.wait(10))
    before, broken, after = (
        log.submit_events([event("a")]),
        log.submit_events([event("x"), event("y", value="\ud800")]),
        log.submit_events([event("b")]),
    )
    gate.set()
    assert blocker.result()
    assert (before.result(), after.result()) == ([1], [2])
    with pytest.raises(UnicodeEncodeError):
        broken.result()
    assert ids(log) == ["a", "b"]


def test_decisions_are_kept_whole_found_and_read_in_order(log: EventLog):
    names = [f"d{n:04}" for n in range(2_500)]
    for surface in (1, 0):
        own = range(surface, 2_500, 2)
        batch = make_decisions(
            [n // 2 for n in own], ["ann"] * len(own), [names[n] for n in own], surface=["home", "similar"][surface]
        )
        for start in range(0, len(own), 500):  # too few at once to make a file
            log.decisions.append(batch.take(np.arange(start, min(start + 500, len(own)))))
    log.decisions.append(decided("d0007", time=3, user="other"))
    for _ in range(2):
        one = log.decisions.get("d0007")
        assert (one.ids, one.requests.user_ids.to_list(), one.requests.surface) == (("d0007",), ["ann"], "similar")
        assert sorted(decision_ids(log)) == names
        assert decision_ids(log, 1_000, since=10, surface="home") == names[20:2_000:2]
        with pytest.raises(NotFound, match="d9999"):
            log.decisions.get("d9999")
        log.seal(date(1970, 1, 2))


def test_profiles_are_replaced_and_found_by_the_start_of_name_or_id(log: EventLog):
    many = [Profile(str(n), name=f"Member {n}") for n in range(120)]
    log.put_profiles(many)
    full = Profile("7", "acc", "50%_off!", 12, True, ("da", "en"), "DK", ("t1",), ("Horror",))
    log.put_profile(full)
    assert log.profile("7") == full
    assert log.profile("nobody") is None
    assert [p.user_id for p in log.profiles("mEMBER 11")] == ["11", *(str(n) for n in range(110, 120))]
    assert [p.user_id for p in log.profiles("1", n=3)] == ["1", "10", "11"]
    assert log.profiles("50%_OFF!") == [full]
    assert log.profiles("%") == []


def test_many_threads_are_answered_once_per_event_and_after_the_commit(log: EventLog, tmp_path: Path):
    def write(thread: int) -> int:
        new = 0
        for batch in range(20):
            new += sum(log.append_events([event(f"{batch}-{n}", n) for n in range(10)]))
            with sqlite3.connect(tmp_path / "events.db") as other:
                assert other.execute("SELECT count(*) FROM events").fetchone()[0] >= (batch + 1) * 10
        return new

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(write, range(8))) == 20 * 10
    assert len(ids(log)) == 200


def test_a_closed_log_takes_nothing_and_an_open_one_finishes_what_it_took(tmp_path: Path):
    log = EventLog(tmp_path / "deep" / "events.db")
    waiting = [log.submit_events([event(str(n))]) for n in range(300)]
    log.close()
    log.close()
    assert [future.result() for future in waiting] == [[n + 1] for n in range(300)]
    with pytest.raises(BadRequest, match="closed"):
        log.submit_events([event("late")])
    with EventLog(tmp_path / "deep" / "events.db") as again:
        assert len(ids(again)) == 300


def test_movielens_is_imported_quickly_and_comes_back(log: EventLog, ml100k: Dataset):
    heard: list[int] = []
    start = process_time()
    assert log.import_events(ml100k.events, heard.append) == 100_000
    assert process_time() - start < 15  # 2 s when nothing else runs
    assert heard == [20_000, 40_000, 60_000, 80_000, 100_000]
    assert log.import_events(ml100k.events.head(50_001)) == 0
    assert log.read(FOREVER).equals(ml100k.events.sort("timestamp", maintain_order=True))


def test_sealing_moves_whole_days_and_keeps_ids_taken(log: EventLog, tmp_path: Path):
    log.append_events([event("a", 0.1), event("b", 0.9), event("c", 1.0), event("d", 2.5)])
    files = log.seal(date(1970, 1, 3))
    assert [file.name for file in files] == ["1970-01-01.parquet", "1970-01-02.parquet"]
    assert files[0].parent == tmp_path / "events.db.sealed"
    assert pl.read_parquet(files[0])["event_id"].to_list() == ["a", "b"]
    assert log.append_events([event("a", 0.1), event("b", 7), event("e", 0.5)]) == [False, False, True]
    assert log.seal(date(1970, 1, 1)) == []
    assert [file.name for file in log.seal(date(1970, 1, 3))] == ["1970-01-01.2.parquet"]
    assert [file.name for file in log.seal(date(1970, 1, 4))] == ["1970-01-03.parquet"]
    assert ids(log) == ["a", "e", "b", "c", "d"]
    assert len(list((tmp_path / "events.db.sealed").glob("*.parquet"))) == 3
    log.check()


def test_reading_a_member_opens_only_the_sealed_days_that_hold_them(log: EventLog, tmp_path: Path):
    log.append_events([event("a", 0), event("b", 1, "bob"), event("c", 2), event("d", 9)])
    log.seal(date(1970, 1, 4))
    (tmp_path / "events.db.sealed" / "1970-01-02.parquet").unlink()
    assert ids(log, user_ids=["nobody"]) == []
    assert ids(log, user_ids=["ann", "nobody"]) == ["a", "c", "d"]
    for wanted in (["bob"], [f"u{n}" for n in range(501)], None):
        with pytest.raises(LogDamaged, match="1970-01-02"):
            log.read(FOREVER, user_ids=wanted)


@pytest.mark.parametrize("act", ["seal", "seal again", "delete", "delete all of a day"])
def test_a_crash_in_any_step_neither_loses_nor_doubles_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str):
    """Before and after every step, the files are copied as they lie on disk; each copy is what a crash would leave."""
    log = EventLog(tmp_path / "live" / "events.db")
    log.append_events([event(f"{user}{n}", n / 4, user) for n in range(12) for user in ("ann", "bob")])
    log.append_events([event("ann alone", 5)])
    log.decisions.append(make_decisions([n * DAY for n in range(4)], ["ann", "bob"] * 2, ["da", "db", "dc", "dd"]))
    if act != "seal":
        log.seal(date(1970, 1, 7) if act == "delete all of a day" else date(1970, 1, 3))
        log.append_events([event("late", 0.3, "bob"), event("later", 0.4)])
    expected = set(ids(log))
    images = take_images(monkeypatch, tmp_path)
    if act.startswith("delete"):
        log.delete_member("ann")
    else:
        log.seal(date(1970, 1, 4))
    log.close()
    monkeypatch.undo()
    assert len(images) > 20
    kept = expected if "delete" not in act else {one for one in expected if one[:3] == "bob" or one == "late"}
    seen = []
    for image in images:
        with EventLog(image / "events.db") as revived:
            revived.check()
            found = ids(revived)
            assert set(found) in (expected, kept)
            assert len(found) == len(set(found))
            seen.append(set(found))
            begun = "delete" in act and set(found) != expected
            assert sorted(decision_ids(revived)) == (["db", "dd"] if begun else ["da", "db", "dc", "dd"])
            if begun:
                assert not mentions(image, "ann"), "a deletion that was cut off is finished"
            stored = revived.read(FOREVER).with_columns(pl.col("timestamp").cast(pl.Int64)).rows(named=True)
            assert not any(revived.append_events(stored))
            files = [file.name for file in (image / "events.db.sealed").glob("*") if file.name != "log.id"]
            assert len(files) == len({file.split(".")[0] for file in files}), "what does not count is gone"
            revived.seal(date(1970, 1, 4))
            assert ids(revived) == found
    assert seen[0] == expected
    assert seen[-1] == kept


def test_a_crash_while_decisions_are_thinned_leaves_each_day_whole_or_thinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    log = EventLog(tmp_path / "live" / "events.db")
    times, names = [n % 3 * DAY for n in range(60)], [f"d{n}" for n in range(60)]
    log.decisions.append(make_decisions(times, [f"m{n}" for n in range(60)], names))
    log.seal(date(1970, 1, 2))  # so that one day of two is a file
    images = take_images(monkeypatch, tmp_path)
    log.decisions.thin(date(1970, 1, 3), 0.4)
    log.close()
    monkeypatch.undo()
    with EventLog(images.pop() / "events.db") as done:
        last = {day: {one for one in decision_ids(done) if int(one[1:]) % 3 == day} for day in range(3)}
    assert len(images) > 20
    assert 0 < len(last[0]) < 20 == len(last[2])
    for image in images[::3]:
        with EventLog(image / "events.db") as revived:
            revived.check()
            batches = list(revived.decisions.read(FOREVER))
            found = {one: n for batch in batches for one, n in zip(batch.ids, batch.stands_for.tolist(), strict=True)}
            for day in range(3):
                of_day = {one: n for one, n in found.items() if int(one[1:]) % 3 == day}
                whole = of_day == {f"d{n}": 1.0 for n in range(day, 60, 3)}
                assert whole or (day < 2 and of_day == dict.fromkeys(last[day], 2.5))
            revived.decisions.thin(date(1970, 1, 3), 0.4)
            assert set(decision_ids(revived)) == set().union(*last.values()), "the next call ends it"


def take_images(monkeypatch: pytest.MonkeyPatch, folder: Path) -> list[Path]:
    """Copies of the log around each of its steps, the shortest that there are."""
    images: list[Path] = []

    def photograph() -> None:
        images.append(folder / f"image {len(images)}")
        shutil.copytree(folder / "live", images[-1])

    def photographed(work: Callable) -> Callable:
        def step(*args: object) -> object:
            photograph()
            result = work(*args)
            photograph()
            return result

        return step

    monkeypatch.setattr(log_store, "STEP", 0)
    monkeypatch.setattr(log_sealing, "BATCH", 3)
    monkeypatch.setattr(log_forget, "BATCH", 3)
    monkeypatch.setattr(log_compact, "BATCH", dict.fromkeys(log_compact.BATCH, 3))
    monkeypatch.setattr(log_store.Store, "do", photographed(log_store.Store.do))
    monkeypatch.setattr(Path, "replace", photographed(Path.replace))
    monkeypatch.setattr(log_compact, "_empty_write_ahead_log", photographed(log_compact._empty_write_ahead_log))
    unlink = photographed(partial(Path.unlink, missing_ok=True))
    monkeypatch.setattr(Path, "unlink", lambda place, missing_ok: unlink(place))
    return images


def test_a_reader_beside_a_deletion_sees_no_damage(log: EventLog, monkeypatch: pytest.MonkeyPatch):
    log.append_events([event("a"), event("b", user="bob")])
    log.seal(date(1970, 1, 2))
    seen: list[list[str]] = []
    unlink = Path.unlink

    def looked_at(*args, **wanted) -> None:
        unlink(*args, **wanted)
        seen.append(ids(log))

    monkeypatch.setattr(Path, "unlink", looked_at)
    log.delete_member("ann")
    assert seen
    assert all(found == ["b"] for found in seen)


def test_a_check_is_not_alarmed_by_a_day_that_is_replaced_under_it(log: EventLog, monkeypatch: pytest.MonkeyPatch):
    log.append_events([event("a"), event("b", user="bob")])
    log.seal(date(1970, 1, 2))

    def read_late(*args) -> pl.DataFrame:
        monkeypatch.undo()
        log.delete_member("ann")
        return log_sealed.read_day(*args)

    monkeypatch.setattr(log_module, "read_day", read_late)
    log.check()
    assert ids(log) == ["b"]


def test_a_file_that_another_handle_removed_before_it_counted_is_not_named(
    log: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Opening removes what nobody finished; whoever was about to finish it must notice."""
    log.append_events([event("a")])

    def slow(*args) -> log_sealed.SealedDay:
        sealed = log_sealed.write_day(*args)
        EventLog(tmp_path / "events.db").close()
        return sealed

    monkeypatch.setattr(log_sealing, "write_day", slow)
    assert log.seal(date(1970, 1, 2)) == []
    log.check()
    monkeypatch.undo()
    assert len(log.seal(date(1970, 1, 2))) == 1
    assert ids(log) == ["a"]


def test_a_day_sealed_beside_a_deletion_does_not_bring_the_member_back(
    log: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    log.append_events([event("a"), event("b", user="bob")])
    with EventLog(tmp_path / "events.db") as other:

        def slow(*args) -> log_sealed.SealedDay:
            sealed = log_sealed.write_day(*args)
            other.delete_member("ann")
            return sealed

        monkeypatch.setattr(log_sealing, "write_day", slow)
        log.seal(date(1970, 1, 2))
        monkeypatch.undo()
    assert ids(log) == ["b"]
    log.seal(date(1970, 1, 2))
    assert ids(log) == ["b"]
    assert not mentions(tmp_path, "ann")


MARK = "zzmember-to-forget-7f3a"


def mentions(folder: Path, word: str) -> list[str]:
    return [str(file) for file in folder.rglob("*") if file.is_file() and word.encode() in file.read_bytes()]


@pytest.mark.parametrize("sealed", [False, True])
def test_deleting_a_member_leaves_no_byte_of_them_in_any_file(tmp_path: Path, sealed: bool):
    rng, counted = np.random.default_rng(0), {"events": 0, "decisions": 0, "profiles": 1}
    with EventLog(tmp_path / "events.db") as log:
        for batch in range(60):  # rows of very different lengths, so that pages split and leave copies behind
            users = [MARK if rng.random() < 0.2 else f"other-{n % 7}" for n in range(100)]
            counted["events"] += users.count(MARK)
            counted["decisions"] += users[:20].count(MARK)
            log.append_events(
                [
                    event(
                        f"{rng.random()}{user}{'z' * int(rng.integers(300))}",
                        rng.random() * 9,
                        user,
                        query="q" * int(rng.integers(990)),
                    )
                    for user in users
                ]
            )
            names, pads = [f"{rng.random()}{user}" for user in users[:20]], [rng.bytes(n).hex() for n in range(20)]
            log.decisions.append(make_decisions([batch] * 20, users[:20], names, queries=tuple(pads)))
        log.put_profiles([Profile(MARK, name=f"The {MARK}"), Profile("other-1")])
        if sealed:
            log.seal(date(1970, 1, 3))
        assert mentions(tmp_path, MARK)
        others = log.read(FOREVER).filter(pl.col("user_id") != MARK)
        decisions = [one for one in decision_ids(log) if MARK not in one]
        counts = log.delete_member(MARK)
        assert mentions(tmp_path, MARK) == []
        assert counts == counted
        assert log.read(FOREVER).equals(others)
        assert decision_ids(log) == decisions
        assert log.profile("other-1") is not None
        log.check()
        assert log.delete_member(MARK) == {"events": 0, "decisions": 0, "profiles": 0}
        known = event(others["event_id"][0], user=others["user_id"][0])
        assert log.append_events([known, event(f"{MARK}|new", user=MARK)]) == [False, True]
    assert mentions(tmp_path, MARK)  # a later event starts a new record


def test_a_day_that_held_only_the_deleted_member_is_gone(log: EventLog, tmp_path: Path):
    log.append_events([event("a"), event("b", 1, "bob")])
    log.seal(date(1970, 1, 3))
    assert log.delete_member("ann") == {"events": 1, "decisions": 0, "profiles": 0}
    assert [file.name for file in (tmp_path / "events.db.sealed").glob("*.parquet")] == ["1970-01-02.parquet"]
    assert ids(log) == ["b"]
    assert log.append_events([event("a")]) == [True]


def test_readers_see_one_moment_while_days_are_sealed_and_members_deleted(log: EventLog):
    rows = [event(f"{n:04}", n / 100, f"m{n % 5}") for n in range(1_000)]
    log.append_events(rows)
    stop, wrong = threading.Event(), []

    expected = [row["event_id"] for row in rows if row["user_id"] in ("m0", "m1", "m2")]

    def look() -> None:
        while not stop.is_set():
            try:
                seen = ids(log, user_ids=["m0", "m1", "m2"])
            except Exception as error:
                wrong.append(repr(error))
            else:
                wrong.extend([] if seen == expected else [len(seen)])

    watchers = [threading.Thread(target=look) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    for day in range(2, 8):
        log.seal(date(1970, 1, day))
    log.delete_member("m3")
    log.delete_member("m4")
    stop.set()
    for watcher in watchers:
        watcher.join()
    assert wrong == []


def filled(folder: Path) -> Path:
    with EventLog(folder / "events.db") as log:
        log.append_events([event(f"e{n:05}", n / 5_000, query="q" * 200) for n in range(10_000)])
        log.seal(date(1970, 1, 2))
    return folder / "events.db"


def cut(path: Path, share: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def overwrite(path: Path, share: float) -> None:
    data = bytearray(path.read_bytes())
    at = int(len(data) * share)
    data[at : at + 3_000] = b"\xa5" * min(3_000, len(data) - at)
    path.write_bytes(bytes(data))


DAMAGES = {
    "emptied": lambda path: cut(path, 0),
    "cut to a half": lambda path: cut(path, 0.5),
    "cut at the end": lambda path: cut(path, 0.99),
    "head overwritten": lambda path: overwrite(path, 0),
    "middle overwritten": lambda path: overwrite(path, 0.7),  # the pages of sealed events lie free before it
    "another file": lambda path: path.write_text("event_id,user_id\n"),
    "another database": lambda path: (
        path.unlink(),
        sqlite3.connect(path).execute("CREATE TABLE t (a)").connection.close(),
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_database_is_said_so_with_a_remedy(tmp_path: Path, damage: str):
    path = filled(tmp_path)
    DAMAGES[damage](path)
    with pytest.raises(LogDamaged, match="restore it from a backup"):
        EventLog(path)


@pytest.mark.parametrize("damage", ["cut", "bit", "gone"])
def test_a_damaged_sealed_day_is_never_read(tmp_path: Path, damage: str):
    path = filled(tmp_path)
    with EventLog(path) as log:
        (file,) = (tmp_path / "events.db.sealed").glob("*.parquet")
        if damage == "cut":
            cut(file, 0.7)
        elif damage == "gone":
            file.unlink()
        else:
            data = bytearray(file.read_bytes())
            data[len(data) // 2] ^= 1
            file.write_bytes(bytes(data))
        for ask in (lambda: log.read(FOREVER), log.check, lambda: log.delete_member("ann")):
            with pytest.raises(LogDamaged, match="restore this file"):
                ask()
        assert log.read(FOREVER, since=DAY).height == 5_000  # other days are still served
    if damage != "bit":
        with pytest.raises(LogDamaged, match=r"1970-01-01\.parquet"):
            EventLog(path)


def test_a_log_of_a_newer_matinee_is_refused(tmp_path: Path):
    path = filled(tmp_path)
    with sqlite3.connect(path) as other:
        other.execute("UPDATE matinee_schema SET version = version + 1")
    with pytest.raises(LogDamaged, match="schema 6, this Matinee knows 5"):
        EventLog(path)


def test_a_log_of_version_1_is_brought_to_today_with_all_that_it_held(tmp_path: Path):
    """Written by the code of that time: sealed "d", "c" (by id: "c", "d"), then "b", "a", "z", "y", a late one."""
    with zipfile.ZipFile(Path(__file__).with_name("log_version_1.zip")) as old:
        old.extractall(tmp_path)
    for _ in range(2):
        with EventLog(tmp_path / "events.db") as log:
            log.check()
            assert ids(log) == ["c", "d", "late", "b", "a", "z", "y"]
            assert log.profile("ann") == Profile("ann", name="Ann", maturity_limit=7, blocked_genres=("Horror",))
            assert log.decisions.record("d1")["rows"] == []
            assert log.decisions.records_of("ann") == [log.decisions.record("d1")]
            assert log.decisions.earlier().examples == {"of an earlier Matinee": ("d1",)}
            with pytest.raises(NotFound):
                log.decisions.get("d1")
            known = [event("d"), event("c", user="bob"), event("late"), event("z")]
            assert log.append_events(known) == [False] * 4
    with EventLog(tmp_path / "events.db") as log:
        log.append_events([event("again", 0.5), event("0", 2.5)])
        log.seal(date(1970, 1, 4))
        assert ids(log) == ["c", "d", "late", "again", "b", "a", "z", "y", "0"]


def test_a_log_of_version_2_is_brought_to_today_with_all_that_it_held(tmp_path: Path):
    """Written by the code of that time: a sealed day, a late event, a deletion, decisions of several kinds."""
    with zipfile.ZipFile(Path(__file__).with_name("log_version_2.zip")) as old:
        old.extractall(tmp_path)
    # what nobody could ask for at that time, nor was anything thinned
    untold = {"dials": asdict(Dials()), "control": None, "keep_probability": 1.0}
    records = [{**told, **untold} for told in orjson.loads((tmp_path / "decisions.json").read_bytes())]
    for told in records:
        told["profile"] |= {"messages": False, "less_genres": []}  # nobody had asked for either
        for one in told["together"]:  # nor were the histories of others read
            one |= {
                "messages": False,
                "less_genres": [],
                "history": f"{Histories.empty(1).digests()[0]:016x}",
                "arrived": None,
            }
    for _ in range(2):
        with EventLog(tmp_path / "events.db") as log:
            log.check()
            events = log.read(FOREVER)
            assert events["event_id"].to_list() == ["d", "c", "late", "b", "a", "z", "y"]
            assert events["received"].to_list() == events["source"].to_list() == [None] * 7
            assert log.arrived == 8  # one of them is deleted
            assert log.read(FOREVER, arrived=4)["event_id"].to_list() == ["d", "c", "b", "a"]
            assert log.profile("ann").blocked_genres == ("Horror",)
            for told in records:
                assert_told(log.decisions.record(told["decision_id"]), told)
            assert sorted(decision_ids(log)) == sorted(told["decision_id"] for told in records)
            known = [event("d"), event("c", user="bob"), event("late"), event("z")]
            assert log.append_events(known) == [False] * 4
    with EventLog(tmp_path / "events.db") as log:
        log.append_events([event("again", 0.5, source="link")], received=5)
        log.seal(date(1970, 1, 4))
        assert log.read(FOREVER).select("event_id", "source", pl.col("received").cast(pl.Int64)).rows()[3] == (
            "again",
            "link",
            5,
        )
        for told in records:
            assert_told(log.decisions.record(told["decision_id"]), told)  # sealed now, but for those of the last day
        assert log.delete_member("bob") == {"events": 1, "decisions": 2, "profiles": 1}
        assert ids(log) == ["d", "late", "again", "b", "a", "z", "y"]
        assert len(decision_ids(log)) == 3


def assert_told(found: dict, told: dict) -> None:
    """A record is the one that was told: what is rounded lies within what the log says of it."""
    found = orjson.loads(orjson.dumps(found))
    assert {**found, "choices": 0} == {**told, "choices": 0}
    for name, values in told["choices"].items():
        near = {"log_probs": 5e-7, "scores": 1.3e-4}.get(name, 0)
        np.testing.assert_allclose(found["choices"][name], values, rtol=0, atol=near)
