"""The workspace: data comes in again and again, titles keep their indexes, artifacts are found and pruned by name."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from matinee.catalog import Catalog
from matinee.data.dataset import UNKNOWN_TITLE, Dataset, only_known_titles, profiles_of, with_titles_of
from matinee.data.log import EventLog
from matinee.data.units import Units
from matinee.errors import ArtifactRefused, BadData, BadRequest
from matinee.events import TIME, Rejections
from matinee.files import write_whole
from matinee.maths.calibration import Platt
from matinee.models.artifacts.artifact import load_artifact, save_artifact
from matinee.models.popularity import Popularity
from matinee.profile import Profile
from matinee.testing import make_catalog, make_data, make_events
from matinee.workspace import KEPT, Workspace, grown

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def dataset(likes, catalog: Catalog, name: str = "toy") -> Dataset:
    events = make_events(likes)
    return Dataset(name, "free", catalog, profiles_of(events), events)


def titles(*ids: str, **columns) -> Catalog:
    return Catalog.from_frame(pl.DataFrame({"item_id": list(ids), **columns}))


def make_artifacts(place: Workspace, name: str, n: int, start: datetime = NOON) -> list[str]:
    """`n` empty artifacts of this name, a minute apart; returns their folders' names."""
    folders = [place.new_artifact(name, start + timedelta(minutes=k)) for k in range(n)]
    for folder in folders:
        folder.mkdir(parents=True)
    return [folder.name for folder in folders]


@pytest.mark.parametrize(("short", "long"), [("popularity", "popularity-7d"), ("ease", "ease-recent")])
def test_a_name_that_begins_like_another_is_another(tmp_path, short, long):
    place = Workspace(tmp_path)
    mine = make_artifacts(place, short, KEPT)
    others = make_artifacts(place, long, KEPT, NOON + timedelta(hours=1))
    place.prune(short)
    assert sorted(one.name for one in (tmp_path / "models").iterdir()) == sorted(mine + others)
    assert place.newest_artifact(short).name == mine[-1]
    assert place.newest_artifact(long).name == others[-1]


def test_the_newest_artifacts_are_kept(tmp_path):
    place = Workspace(tmp_path)
    names = make_artifacts(place, "ease", KEPT + 2)
    (tmp_path / "models" / f".{names[0]}-0123abcd").mkdir()  # one that is being written
    place.prune("ease")
    left = sorted(one.name for one in (tmp_path / "models").iterdir() if not one.name.startswith("."))
    assert left == names[2:]
    assert place.newest_artifact("ease").name == names[-1]


def test_no_artifact_is_a_refusal_that_names_the_remedy(tmp_path):
    with pytest.raises(ArtifactRefused, match="matinee train ease --workspace"):
        Workspace(tmp_path).newest_artifact("ease")


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "about.txt"
    path.write_text("old")

    def half(draft):
        draft.write_text("ne")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        write_whole(path, half)
    assert path.read_text() == "old"
    write_whole(path, lambda draft: draft.write_text("new"))
    assert [one.name for one in tmp_path.iterdir()] == ["about.txt"]
    assert path.read_text() == "new"


def test_two_may_write_one_file_at_once_and_what_a_crash_left_goes(tmp_path):
    path, left = tmp_path / "kept", tmp_path / ".kept.crashed.draft"
    left.write_text("half")
    os.utime(left, (0, 0))

    def slowly(draft):
        draft.write_text("first")
        write_whole(path, lambda other: other.write_text("second"))

    write_whole(path, slowly)
    assert path.read_text() == "first"
    assert [one.name for one in tmp_path.iterdir()] == ["kept"]


def test_a_catalogue_is_never_half_written(tmp_path):
    path = tmp_path / "catalog.parquet"
    make_catalog(3).save(path)
    old = path.open("rb")  # who reads the old file goes on reading it
    make_catalog(5).save(path)
    assert len(Catalog.load(path)) == 5
    with old:
        (tmp_path / "seen.parquet").write_bytes(old.read())
    assert len(Catalog.load(tmp_path / "seen.parquet")) == 3


def test_bringing_in_twice_adds_nothing(tmp_path):
    place, data = Workspace(tmp_path / "new"), dataset([[0, 1], [2]], make_catalog(4))
    assert not place.exists
    with pytest.raises(BadRequest, match="matinee data"):
        place.require()
    done = []
    assert place.bring_in(data, done.append) == 3
    assert done == [3]
    place.require()
    assert place.about == "toy (free)"
    assert place.bring_in(data) == 0
    assert Catalog.load(place.catalog_path).titles.equals(data.catalog.titles)
    with EventLog(place.log_path) as log:
        assert log.profile("m0").user_id == "m0"


def test_a_catalogue_grows_and_keeps_its_order(tmp_path):
    place = Workspace(tmp_path)
    place.bring_in(dataset([[0, 1]], titles("t0", "t1", "t2", title=["A", "B", "C"])))
    place.bring_in(dataset([[0, 1], [4]], titles("t4", "t1", "t3", title=["E", "B again", "D"])))
    catalog = Catalog.load(place.catalog_path)
    assert catalog.item_ids == ["t0", "t1", "t2", "t4", "t3"]
    assert catalog.names == ["A", "B again", "C", "E", "D"]
    assert not catalog.titles["closed"].any()


def test_every_version_of_a_catalogue_is_given_back(tmp_path):
    """Changed titles make a version, new ones alone do not, and a change that was given up leaves none."""
    place, first = Workspace(tmp_path), titles("a", "b", "c", genres=[["War"], ["War"], []])
    place.bring_in(dataset([[0]], first))
    with place.growing([{"item_id": "b", "genres": ["Art"]}, {"item_id": "d", "genres": ["Zen"]}]) as second:
        assert (first.version, second.version) == (0, 1)
    with pytest.raises(ZeroDivisionError), place.growing([{"item_id": "a", "genres": ["Lost"]}]):
        raise ZeroDivisionError
    with place.growing([{"item_id": "e"}]) as same:
        assert same.version == 1
    with place.growing([{"item_id": "b", "closed": True}, {"item_id": "d", "genres": []}]) as third:
        assert third.version == 2
    today = Catalog.load(place.catalog_path)
    assert [today.version, today.titles.equals(third.titles)] == [2, True]
    for version, expected in enumerate((first, second, third)):
        found = place.catalog_as_of(version, today)
        assert found.version == version
        assert found.first(len(expected)).titles.equals(expected.titles)
    (tmp_path / "titles" / "0.parquet").unlink()
    with pytest.raises(BadData, match=r"0\.parquet"):
        place.catalog_as_of(0, today)


def test_a_catalogue_that_shares_nothing_is_refused_and_changes_nothing(tmp_path):
    place = Workspace(tmp_path)
    place.bring_in(dataset([[0]], make_catalog(3)))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with pytest.raises(BadRequest, match="3 titles, and none of the 2 of other is among them"):
        place.bring_in(dataset([], titles("x", "y"), "other"))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


@pytest.mark.parametrize("titles", [0, 3])
def test_a_data_set_of_which_every_row_was_rejected_is_refused_and_writes_nothing(tmp_path, titles):
    place = Workspace(tmp_path / "new")
    rejected = Rejections({"without a user_id": 3}, {"without a user_id": ("row 1",)})
    nothing = replace(dataset([], make_catalog(titles)), rejections=rejected)
    with pytest.raises(BadData, match="no good row: 3 rows rejected: 3 without a user_id"):
        place.bring_in(nothing)
    with pytest.raises(BadData, match="no title"):
        place.bring_in(dataset([], make_catalog(0)))
    assert not place.folder.exists()


def test_an_empty_catalogue_counts_as_none(tmp_path):
    place = Workspace(tmp_path)
    place.bring_in(dataset([[0]], make_catalog(2)))
    make_catalog(0).save(place.catalog_path)
    assert not place.exists
    place.bring_in(dataset([[0]], make_catalog(3)))
    assert place.exists
    assert len(Catalog.load(place.catalog_path)) == 3


def test_what_a_new_source_does_not_tell_stays():
    known = titles("a", "b", title=["A", "B"], maturity=[16, 6], genres=[["Drama"], ["Comedy"]]).close(["b"])
    bare = grown(known, titles("c", "b", "a"))
    assert bare.titles.head(2).equals(known.titles)
    assert bare.item_ids == ["a", "b", "c"]
    told = grown(known, titles("b", "a", maturity=[None, 18], genres=[["Horror"], []]))
    assert told.titles["maturity"].to_list() == [18, None]  # unrated again: shown to no profile with a limit
    assert told.titles["genres"].to_list() == [[], ["Horror"]]
    assert told.names == ["A", "B"]
    assert told.titles["closed"].to_list() == [False, True]


def test_vectors_grow_with_the_catalogue():
    known = titles("a", "b").with_vectors({"poster": np.array([[1, 1], [2, 2]]), "sound": np.array([[7], [8]])})
    new = titles("c", "b", "a").with_vectors({"poster": np.array([[3, 3], [0, 0], [4, 4]])})
    both = grown(known, new)
    np.testing.assert_array_equal(both.vectors["poster"], [[4, 4], [2, 2], [3, 3]], "b has no new one")
    np.testing.assert_array_equal(both.vectors["sound"], [[7], [8], [0]])
    wider = grown(known, new.with_vectors({"poster": np.ones((3, 5))})).vectors["poster"]
    np.testing.assert_array_equal(wider, np.ones((3, 5)))
    np.testing.assert_array_equal(grown(both, titles("d", "a")).vectors["poster"], [[4, 4], [2, 2], [3, 3], [0, 0]])


def test_an_import_that_was_cut_off_is_finished_by_the_next(tmp_path):
    place, data = Workspace(tmp_path / "half"), dataset([[0, 1], [2]], make_catalog(4))

    def cut(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        place.bring_in(data, cut)
    assert not place.exists  # the catalogue is written last
    (place.folder / "log.sqlite3.draft").write_bytes(b"half a log")
    (place.folder / ".catalog.parquet.draft").write_bytes(b"half a catalogue")
    assert place.bring_in(data) == 0  # the events had reached the disk
    place.require()
    assert len(Catalog.load(place.catalog_path)) == 4


def test_an_import_adds_missing_profiles_and_touches_no_stored_one(tmp_path):
    place, data = Workspace(tmp_path), dataset([[0, 1], [2]], make_catalog(4))
    place.bring_in(dataset([[0]], make_catalog(4)))
    set_by_a_person = Profile("m0", "home", "Ada", 7, True, ("da",), "DK", ("t3",), ("Comedy",))
    with EventLog(place.log_path) as log:
        log.put_profile(set_by_a_person)
    place.bring_in(data)
    with EventLog(place.log_path) as log:
        assert log.profile("m0") == set_by_a_person
        assert log.profile("m1").name == "Member m1"


def test_imports_that_overlap_wait_for_each_other_and_lose_no_title(tmp_path):
    """20 titles, then two imports of 100 new ones each, the second while the first is writing: 20 + 100 + 100."""
    place = Workspace(tmp_path)
    place.bring_in(dataset([[0]], make_catalog(20)))
    writing, told, go_on = threading.Event(), threading.Event(), threading.Event()

    def new(first: int) -> Dataset:
        ids = [f"t{k}" for k in (0, *range(first, first + 100))]
        return dataset([[0, first]], titles(*ids), f"from {first}")

    def hold(done: int) -> None:
        writing.set()
        assert go_on.wait(60)

    def refuse() -> None:
        raise BlockingIOError

    one = threading.Thread(target=place.bring_in, args=(new(100), hold))
    two = threading.Thread(target=place.bring_in, args=(new(300), None, told.set))
    one.start()
    assert writing.wait(60)
    two.start()
    assert told.wait(60), "who has to wait is told"
    with pytest.raises(BlockingIOError), place.consistent(waiting=refuse):
        pytest.fail("read between the events and the catalogue of an import")
    go_on.set()
    one.join()
    two.join()
    assert len(Catalog.load(place.catalog_path)) == 20 + 100 + 100


def test_events_about_titles_that_only_the_workspace_knows_are_taken_where_they_stood(tmp_path):
    place = Workspace(tmp_path)
    place.bring_in(dataset([[0]], titles("t0", "t1")))
    events = make_events([[2, 1, 1, 9, 2]])
    events = events.with_columns(timestamp=pl.lit(NOON).cast(TIME), event_id="second " + pl.col("event_id"))
    known, strangers, rejected = only_known_titles(events, titles("t2", "t0"))
    second = Dataset("second", "free", titles("t2", "t0"), {}, known, rejected, strangers=strangers)
    assert rejected.counts == {UNKNOWN_TITLE: 3}
    resolved = with_titles_of(second, Catalog.load(place.catalog_path))
    assert resolved.events["item_id"].to_list() == ["t2", "t1", "t1", "t2"]
    assert resolved.rejections == Rejections({UNKNOWN_TITLE: 1}, {UNKNOWN_TITLE: ("t9",)})
    assert place.bring_in(second) == 4


def test_a_best_rating_or_unit_that_contradicts_the_stored_one_is_refused_and_writes_nothing(tmp_path):
    place, data = Workspace(tmp_path), dataset([[0, 1]], make_catalog(4))
    place.bring_in(replace(data, units=Units(best=5.0)))
    place.bring_in(replace(data, units=Units(time_unit="s")))
    assert place.units == Units(5.0, "s")
    for other, words in ((Units(best=10.0), "--best 5.0"), (Units(time_unit="ms"), "--time-format s")):
        with pytest.raises(BadRequest, match=words):
            place.bring_in(replace(dataset([[2]], make_catalog(5)), units=other))
    assert len(Catalog.load(place.catalog_path)) == 4
    place.units_path.write_text("{")
    with pytest.raises(BadData, match=r"workspace\.json"):
        place.bring_in(data)


def test_a_workspace_keeps_its_time_zone(tmp_path):
    place = Workspace(tmp_path)
    assert place.time_zone == "UTC"
    place.set_time_zone("Asia/Tokyo")
    assert Workspace(tmp_path).time_zone == "Asia/Tokyo"
    with pytest.raises(BadRequest, match="no time zone 'Tokyo'"):
        place.set_time_zone("Tokyo")


def test_text_is_a_path_wherever_one_is_asked_for(tmp_path):
    text = str(tmp_path / "catalog.parquet")
    catalog = Catalog.from_frame(pl.DataFrame({"item_id": ["a"]}))
    catalog.save(text)
    assert len(Catalog.load(text)) == 1
    with EventLog(str(tmp_path / "log.sqlite3")) as log:
        assert log.profiles() == []
    assert Workspace(str(tmp_path)) == Workspace(tmp_path)
    assert Workspace(str(tmp_path)).exists
    fitted = Popularity().fit(make_data(make_events([[0]]), make_catalog(1)), np.random.default_rng(0))
    folder = str(tmp_path / "artifact")
    made = save_artifact(folder, "popularity", fitted, Platt(1.0, 0.0), make_catalog(1), (0, 1), {})
    assert load_artifact(folder, {"popularity": Popularity}, make_catalog(1)).artifact_id == made.artifact_id
