"""An experiment is refused in words, kept once, closed once, and never redefined."""

import json

import pytest

from matinee.errors import BadData, BadRequest, NotFound
from matinee.events import DAY
from matinee.experiment.definition import Arm, Experiment, Settings, of_record
from matinee.experiment.folder import Experiments

HALVES = (Arm("control", 0.5), Arm("bold", 0.5, Settings(exploration=0.3)))
BOLDER = Experiment("bolder", "s1", HALVES, start=1_000_000)


def told(**changes):
    return BOLDER.record() | changes


def test_a_record_reads_back():
    assert of_record(json.loads(json.dumps(BOLDER.record()))) == BOLDER
    assert BOLDER.record()["start"] == "1970-01-01T00:00:01+00:00"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "../x"}, "'../x'; give 1 to 64 of a-z"),
        ({"name": None}, "None; give 1 to 64"),
        ({"salt": ""}, "salt of 'bolder' is ''"),
        ({"salt": 7}, "salt of 'bolder' is 7"),
        ({"arms": []}, "has 0 arms; give 2 to 100"),
        ({"arms": "ab"}, "arms are 'ab'; give a list"),
        ({"arms": [{"name": "a", "share": 0.5}, {"name": "a", "share": 0.5}]}, "share a name"),
        ({"arms": [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.6}]}, "sum to 1.1; give 1 at most"),
        ({"arms": [{"name": "a", "share": 0.5}, {"name": "b", "share": 0}]}, "'b' is 0; give a number above 0"),
        ({"arms": [{"name": "a", "share": True}, {"name": "b", "share": 0.1}]}, "'a' is True"),
        ({"arms": [{"name": "a"}, {"name": "b", "share": 0.1}]}, "arm is incomplete"),
        ({"arms": [7, {"name": "b", "share": 0.1}]}, "an arm is 7"),
        ({"arms": [{"name": "a", "share": 0.1, "settings": {"explore": 1}}] * 2}, "['explore'] are no fields of sett"),
        (
            {"arms": [{"name": "a", "share": 0.1, "settings": {"exploration": 2}}] * 2},
            "exploration is 2; give a number",
        ),
        ({"start": "yesterday"}, "start is 'yesterday'; give a time such as"),
        ({"start": "2026-12-01T00:00:00"}, "of no time zone"),
        ({"end": "1970-01-01T00:00:00+00:00"}, "ends at 1970-01-01T00:00:00+00:00 before its start"),
        ({"budget": 3}, "['budget'] are no fields of experiment"),
    ],
)
def test_what_cannot_be_is_refused_in_words(changes, words):
    with pytest.raises(BadRequest) as refused:
        of_record(told(**changes))
    assert words in str(refused.value)


def test_started_kept_stopped(tmp_path):
    known = Experiments(tmp_path / "experiments")
    assert known() == ()
    known.start(BOLDER)
    assert known() == (BOLDER,)
    assert known.get("bolder") == BOLDER
    ended = known.stop("bolder", 5_000_000)
    assert ended.end == 5_000_000
    assert known() == (ended,)
    with pytest.raises(BadRequest, match="ended at 1970-01-01T00:00:05"):
        known.stop("bolder", 6_000_000)


def test_nothing_is_redefined(tmp_path):
    known = Experiments(tmp_path)
    known.start(BOLDER)
    with pytest.raises(BadRequest, match="cannot be redefined"):
        known.start(Experiment("bolder", "s2", HALVES, 0))
    path = tmp_path / "bolder.json"
    path.write_text(path.read_text().replace("0.5", "0.4"))
    with pytest.raises(BadData, match="changed after its start"):
        known.read()


def test_two_that_change_one_thing_at_one_time_are_refused(tmp_path):
    known = Experiments(tmp_path)
    known.start(BOLDER)
    with pytest.raises(BadRequest, match="both change exploration of 'home' at one time"):
        known.start(Experiment("bolder-still", "s2", HALVES, 2_000_000))
    known.start(Experiment("elsewhere", "s2", HALVES, 2_000_000, surface="similar"))
    known.start(Experiment("aa", "s3", (Arm("one", 0.5), Arm("two", 0.5)), 0))
    known.stop("bolder", 2_000_000)
    known.start(Experiment("bolder-later", "s2", HALVES, 2_000_000))


def test_what_a_running_experiment_is_read_from_is_kept(tmp_path):
    known = Experiments(tmp_path)
    known.require_all_kept(9 * DAY, 10 * DAY)
    known.start(Experiment("begun", "s", HALVES, 3 * DAY + 5))
    known.require_all_kept(3 * DAY, 10 * DAY)
    with pytest.raises(BadRequest, match=r"'begun' runs since 1970-01-04 and .* give 1970-01-04 or an earlier day"):
        known.require_all_kept(4 * DAY, 10 * DAY)
    known.stop("begun", 9 * DAY)
    known.require_all_kept(4 * DAY, 10 * DAY)
    with pytest.raises(BadRequest, match="'begun' runs"):
        known.require_all_kept(4 * DAY, 8 * DAY)


@pytest.mark.parametrize("content", ["", "[]", "7", '{"name": "bolder"}', "[" * 100_000, "{\xff"])
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "bolder.json").write_text(content)
    with pytest.raises(BadData, match=r"bolder\.json"):
        Experiments(tmp_path)()


def test_a_server_keeps_what_it_knew_when_a_file_is_damaged(tmp_path):
    known = Experiments(tmp_path)
    known.start(BOLDER)
    assert known() == (BOLDER,)
    (tmp_path / "other.json").write_text("{")
    assert known() == (BOLDER,)
    (tmp_path / "other.json").unlink()
    assert known() == (BOLDER,)


def test_what_is_unknown_is_named_with_what_is_there(tmp_path):
    known = Experiments(tmp_path)
    with pytest.raises(NotFound, match="none yet"):
        known.get("bolder")
    known.start(BOLDER)
    with pytest.raises(NotFound, match="known are: bolder"):
        known.get("other")
    with pytest.raises(BadRequest, match="give 1 to 64"):
        known.get("../bolder")
