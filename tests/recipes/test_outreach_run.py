"""Outreach of a workspace: kept, asked again, never twice a day, within the budget, and a no holds at once."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from matinee.catalog import Catalog
from matinee.cli import main
from matinee.data.dataset import Dataset
from matinee.data.log import EventLog
from matinee.decision import Layer
from matinee.decision.messages import sent_by
from matinee.errors import BadRequest
from matinee.events import DAY
from matinee.profile import Profile
from matinee.recipes.audit import audit
from matinee.recipes.outreach.learning import trials_of
from matinee.recipes.outreach.run import outreach
from matinee.recipes.training import train_into
from matinee.surfaces.outreach.config import By
from matinee.testing import make_events
from matinee.workspace import Workspace

MEMBERS, TITLES = 90, 40
EVENING = int(np.datetime64("2026-12-01T18:00", "us").astype(np.int64))


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Workspace:
    """A workspace of members who want messages, m0 and every tenth after it but."""
    place = Workspace(tmp_path_factory.mktemp("outreach"))
    rng = np.random.default_rng(0)
    likes = [rng.permutation(TITLES)[:8].tolist() for _ in range(MEMBERS)]
    titles = pl.DataFrame({"item_id": [f"t{k}" for k in range(TITLES)], "title": [f"Title {k}" for k in range(TITLES)]})
    place.bring_in(Dataset("likes", "made up", Catalog.from_frame(titles), {}, make_events(likes)))
    train_into(place, "ease-recent", np.random.default_rng(0))
    with EventLog(place.log_path) as log:
        log.put_profiles([Profile(f"m{k}", messages=k % 10 != 0) for k in range(MEMBERS)])
    return place


@pytest.fixture
def place(trained, tmp_path) -> Workspace:
    """A copy that a test may change."""
    import shutil

    return Workspace(shutil.copytree(trained.folder, tmp_path / "own"))


def sends(run) -> list[dict[str, str]]:
    return list(csv.DictReader(run.file.open()))


def test_a_run_keeps_its_budget_and_can_be_asked_again(place):
    run = outreach(place, 20, EVENING, seed=0)
    assert len(sends(run)) == run.counts["written to"] == 20
    assert (run.counts["want messages"], run.counts["left in peace"]) == (81, 61)
    assert run.expected == pytest.approx(20)
    asked = audit(place, 81)
    assert (asked.asked, asked.same) == (81, 81)
    with EventLog(place.log_path) as log:
        told = log.read(EVENING + 1, since=EVENING, kinds=["message"])
    assert set(told["decision_id"]) == {one["decision_id"] for one in sends(run)}
    assert not {one["user_id"] for one in sends(run)} & {f"m{k}" for k in range(0, MEMBERS, 10)}


def test_the_same_day_again_sends_nothing_more_and_gives_the_same_file(place):
    first = outreach(place, 20, EVENING, seed=0)
    before = first.file.read_bytes()
    again = outreach(place, 20, EVENING + DAY // 24, seed=1)
    assert again.counts["written to"] == 0
    assert again.counts["decided for earlier today"] == 81
    assert again.file.read_bytes() == before


def test_what_a_crash_left_half_done_is_completed_not_repeated(place, monkeypatch):
    """Decided and kept, but cut off before the sends were noted: the next run notes them and hands them on."""
    with monkeypatch.context() as broken:
        broken.setattr("matinee.recipes.outreach.run.keep_sends", lambda *_: None)
        cut = outreach(place, 20, EVENING, seed=0)
    assert sends(cut) == []
    assert len(sends(outreach(place, 20, EVENING + 1, seed=3))) == 20


def test_a_no_holds_on_the_very_next_run_of_the_day_too(place):
    first = sends(outreach(place, 81, EVENING, seed=0))
    leaver = first[0]["user_id"]
    with EventLog(place.log_path) as log:
        log.put_profile(replace(log.profile(leaver), messages=False))
    again = outreach(place, 81, EVENING + 1, seed=0)
    assert leaver not in {one["user_id"] for one in sends(again)}
    assert len(sends(again)) == len(first) - 1
    for days in range(1, 4):
        late = outreach(place, 81, EVENING + days * DAY, seed=0)
        assert leaver not in {one["user_id"] for one in sends(late)}


def test_nobody_gets_more_than_two_in_a_week_and_one_seed_gives_each_day_ids_of_its_own(place):
    got: dict[str, int] = {}
    for day in range(5):
        for one in sends(outreach(place, 81, EVENING + day * DAY, seed=7)):
            got[one["user_id"]] = got.get(one["user_id"], 0) + 1
    assert set(got.values()) == {2}
    assert len(got) == 81


def test_who_sleeps_is_asked_later_the_same_day(place):
    """Tokyo is nine hours ahead: at 18 UTC it is night there, at 1 in the morning UTC day."""
    with EventLog(place.log_path) as log:
        log.put_profile(Profile("m1", messages=True, time_zone="Asia/Tokyo"))
    run = outreach(place, 81, EVENING, seed=0)
    assert run.counts["asleep"] == 1
    assert "m1" not in {one["user_id"] for one in sends(run)}
    morning = EVENING + 7 * DAY // 24
    assert "m1" in {one["user_id"] for one in sends(outreach(place, 81, morning, seed=0))}


def test_an_effect_is_learned_from_earlier_days_and_chooses_by_it(place, monkeypatch):
    """Odd members return when written to, even ones whatever happens; odd ones have watched lately, and that tells."""
    monkeypatch.setattr("matinee.models.effects.FEWEST", 40)
    played = [event(f"p{k}", f"m{k}", EVENING - 3 * DAY) for k in range(1, MEMBERS, 2)]
    with EventLog(place.log_path) as log:
        log.append_events(played, EVENING - 3 * DAY)
    for day in (0, 8, 16):
        now = EVENING + day * DAY
        outreach(place, 40, now, seed=0, by=By.RANDOM)
        with EventLog(place.log_path) as log:
            log.append_events([event(f"r{now}{u}", u, now + DAY // 2) for u in returning(log, now)], now + DAY)
            log.append_events(
                [event(f"q{day}{k}", f"m{k}", now + 5 * DAY) for k in range(1, MEMBERS, 2)], now + 6 * DAY
            )
    later = EVENING + 24 * DAY
    with EventLog(place.log_path) as log:
        trials, notes = trials_of(place, log, Catalog.load(place.catalog_path), By.UPLIFT, later)
    assert notes == []
    assert len(trials) == 3 * 81
    run = outreach(place, 20, later, seed=0)
    odd = [int(one["user_id"][1:]) % 2 for one in sends(run)]
    assert run.notes == []
    assert np.mean(odd) >= 0.8
    assert audit(place, 81).same == 81


def event(event_id: str, user_id: str, at: int) -> dict:
    return {"event_id": event_id, "user_id": user_id, "kind": "play", "item_id": "t1", "value": 1.0, "timestamp": at}


def returning(log: EventLog, now: int) -> list[str]:
    """Even members half of the time, odd ones where they were written to."""
    found = []
    for batch in log.decisions.read(now + 1, now, "outreach"):
        sent = np.isin(np.arange(len(batch)), sent_by(batch))
        for user, was in zip(batch.requests.user_ids, sent, strict=True):
            number = int(user[1:])
            if was if number % 2 else number % 4 == 0:
                found.append(user)
    return found


def test_too_little_is_told_and_chance_decides(place):
    run = outreach(place, 20, EVENING, seed=0)
    assert "too few to learn from: members are drawn at random within the budget" in run.notes[0]
    with EventLog(place.log_path) as log:
        made = next(iter(log.decisions.read(EVENING + 1, surface="outreach")))
    assert made.makers[0].policy == "outreach-random"
    sent = made.choices.actions[made.layer(Layer.SEND)] == 1
    chance = np.exp(made.choices.log_probs[made.layer(Layer.SEND)])
    np.testing.assert_allclose(np.where(sent, chance, 1 - chance), 20 / 81, atol=1e-5)


def test_a_time_before_what_the_log_holds_is_refused(place):
    with pytest.raises(BadRequest, match=r"720 events of the log happened after the time given; give a time after"):
        outreach(place, 5, 1_000_000, seed=0)


def test_the_command(place, monkeypatch, capsys):
    words = ["--budget", "9", "--workspace", str(place.folder), "--at", "2026-12-01T18:00", "--seed", "1", "--json"]
    monkeypatch.setattr(sys, "argv", ["matinee", "outreach", *words])
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr().out
    assert end.value.code == 0
    assert "written to" in said
    told = json.loads(said.splitlines()[-1])
    assert told["counts"]["written to"] == 9
    assert told["file"].endswith("2026-12-01.csv")


def test_a_time_that_is_none_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["matinee", "outreach", "--budget", "1", "--at", "soon"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "is no time" in capsys.readouterr().err
