"""The verb for experiments: start, list, tell, stop, with words for what cannot be."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl
import pytest

from matinee.data.log import EventLog
from matinee.decision import Cells
from matinee.events import DAY
from matinee.experiment.allocate import cells
from matinee.experiment.definition import Arm, Experiment
from matinee.experiment.folder import Experiments
from matinee.testing import make_decisions


@pytest.fixture
def matinee(verb):
    return partial(verb, "experiment")


ARMS = ("--start", "--arm", "control=0.5", "--arm", "bold=0.5,exploration=0.3")


def test_start_list_tell_stop(matinee, place, tmp_path):
    assert "No experiment yet" in matinee()[1]
    assert matinee("bolder", *ARMS)[0] == 0
    (found,) = Experiments(place.experiments_path)()
    assert [(arm.name, arm.share, arm.settings.exploration) for arm in found.arms] == [
        ("control", 0.5, None),
        ("bold", 0.5, 0.3),
    ]
    _lived(place, found)
    code, out = matinee("--json", "--html", str(tmp_path / "page.html"))
    told = json.loads(out.splitlines()[-1])
    assert (code, told["name"], told["courses"][0]["verdict"]) == (0, "bolder", "better than")
    assert "bold is better than control" in (tmp_path / "page.html").read_text()
    assert matinee("aa", "--start", "--arm", "one=0.1", "--arm", "two=0.1", "--for-days", "7")[0] == 0
    assert "control 0.5, bold 0.5" in matinee()[1]
    assert matinee("bolder", "--stop")[0] == 0
    code, out = matinee("bolder", "--stop")
    assert code == 1
    assert "what ended stays ended" in " ".join(out.split())


def test_no_decision_of_a_running_experiment_goes(verb, place):
    begun = Experiment("begun", "salt", (Arm("one", 0.5), Arm("two", 0.5)), 0)
    Experiments(place.experiments_path).start(begun)
    _lived(place, replace(begun, name="bolder"))
    for words in (("--thin-before", "1970-01-03", "--keep", "0.5"), ("--forget-decisions-before", "1970-01-03")):
        code, out = verb("log", *words)
        assert code == 1
        assert "'begun' runs since 1970-01-01" in " ".join(out.split())
    assert verb("experiment", "begun", "--stop")[0] == 0
    assert "Thinned: " in verb("log", "--thin-before", "1970-01-03", "--keep", "0.5")[1]
    code, out = verb("experiment", "begun")
    assert code == 1, "none of its arms stayed with a decision, yet others of its time were thinned"
    assert "read experiments before their days are thinned" in " ".join(out.split())


def _lived(place, found):
    """400 accounts: those of arm "bold" play nine titles each, the others one or two."""
    users = [f"m{k}" for k in range(400)]
    arms = cells([found], pl.Series(users)).arms[:, 0].tolist()
    at = found.start + 1
    own = Cells(("bolder",), np.array(arms, np.int8)[:, None])
    decisions = make_decisions([at] * len(users), users, [f"d{user}" for user in users], cells=own)
    plays = [
        (user, n) for user, arm in zip(users, arms, strict=True) for n in range(9 if arm else 1 + int(user[1:]) % 2)
    ]
    events = [
        {"event_id": f"{user}-{n}", "user_id": user, "item_id": "a", "kind": "play", "value": 1.0, "timestamp": at + 1}
        for user, n in plays
    ]
    with EventLog(place.log_path) as log:
        log.decisions.append(decisions)
        log.append_events(events)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("bolder",), "there is no experiment 'bolder'"),
        (("bolder", "--start"), "has 0 arms; give 2 to 100"),
        (("bolder", "--start", "--arm", "a=.5", "--arm", "b"), "the arm 'b' is no NAME=SHARE"),
        (("bolder", "--start", "--arm", "a=.5", "--arm", "b=.5,depth=3"), "'b=.5,depth=3' is no NAME=SHARE"),
        (("bolder", "--start", "--arm", "a=.5", "--arm", "b=.6"), "sum to 1.1"),
        (("bolder", "--start", "--stop"), "exclude each other"),
        (("--start",), "give the name of the experiment"),
    ],
)
def test_what_cannot_be_is_said(matinee, words, said):
    code, out = matinee(*words)
    assert code in (1, 2)
    assert said in " ".join(out.replace("│", " ").split())


def test_a_started_one_ends_by_itself(matinee, place):
    matinee("bolder", *ARMS, "--for-days", "2")
    (found,) = Experiments(place.experiments_path)()
    assert found.end - found.start == 2 * DAY
