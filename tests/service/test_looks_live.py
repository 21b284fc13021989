"""From a living service to its report: what members saw and played comes back as shares, until they are deleted."""

import json
import sqlite3
from pathlib import Path

import pytest
from service_fakes import small_catalog
from typer.testing import CliRunner

from matinee.cli import app
from matinee.data.log import EventLog
from matinee.errors import LogDamaged
from matinee.profile import Profile
from matinee.workspace import Workspace


@pytest.fixture
def place(tmp_path) -> Workspace:
    found = Workspace(tmp_path / "place")
    found.folder.mkdir()
    small_catalog().save(found.catalog_path)
    return found


@pytest.fixture
def log(place):
    with EventLog(place.log_path) as opened:
        yield opened


def reported(place: Workspace, *options: str) -> dict:
    done = CliRunner().invoke(app, ["report", "--workspace", str(place.folder), "--json", *options])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout.splitlines()[-1])


def look(client, user: str, played: int, looks: int = 4) -> str:
    """Ask for a page, see the first titles of its second row and play some of them."""
    page = client.post("/v1/home", json={"user_id": user, "context": {"device": "tv"}}).json()
    row = page["rows"][1]
    events = [
        {
            "event_id": f"{kind}{at}", "user_id": user, "kind": kind, "item_id": one["item_id"],
            "decision_id": page["decision_id"], "row": row["row"], "column": at,
            "value": 1.0 if kind == "play" else None,
        }
        for at, one in enumerate(row["items"][:looks])
        for kind in ("impression", "play")
        if kind == "impression" or at < played
    ]  # fmt: skip
    taken = client.post("/v1/events", json={"events": events}).json()
    assert taken["accepted"] == len(events)
    return page["decision_id"]


def test_what_members_did_comes_back_as_shares(client, place, tmp_path):
    look(client, "ann", played=1)
    look(client, "bob", played=3)
    found = reported(place, "--html", str(tmp_path / "page.html"))
    assert (found["decisions"], found["whole"]["looks"], found["whole"]["members"]) == (2, 8, 2)
    assert found["whole"]["rate"]["value"] == pytest.approx(4 / 8)
    groups = {one["name"]: {share["name"]: share["looks"] for share in one["shares"]} for one in found["breakdowns"]}
    assert groups["Row"] == {"2": 8}
    assert groups["Column"] == {"1": 2, "2": 2, "3": 2, "4 to 6": 2}
    assert (groups["Policy"], groups["Device"], groups["Surface"]) == ({"genres": 8}, {"tv": 8}, {"home": 8})
    assert "50.0 %" in (tmp_path / "page.html").read_text()
    assert reported(place, "--reward", "opened")["whole"]["rate"]["value"] == pytest.approx(4 / 8)


def test_a_page_that_nobody_looked_at_is_no_look(client, place):
    client.post("/v1/home", json={"user_id": "ann"})
    found = reported(place)
    assert (found["decisions"], found["whole"]["looks"], found["breakdowns"][0]["shares"]) == (1, 0, [])
    assert found["findings"][0].startswith("No impressions yet: the log holds 1 decisions")


def test_an_empty_log_has_a_report(log, place):
    assert reported(place)["findings"][0].startswith("No impressions yet: the log holds 0 decisions")


def test_a_deleted_member_is_in_no_report(client, log, place):
    look(client, "ann", played=1)
    look(client, "bob", played=3)
    log.delete_member("bob")
    found = reported(place)
    assert (found["decisions"], found["whole"]["looks"], found["whole"]["members"]) == (1, 4, 1)
    assert found["whole"]["rate"]["value"] == pytest.approx(1 / 4)


def test_a_record_of_an_earlier_form_is_left_out_and_named(client, log, place):
    look(client, "ann", played=1)
    look(client, "bob", played=3)
    with sqlite3.connect(place.log_path) as other:
        other.execute("INSERT INTO earlier_a (decision_id, user_id, time, record) VALUES ('old', 'ann', 5, '{}')")
    found = reported(place)
    assert found["whole"]["looks"] == 8
    assert found["findings"][-1] == "Decisions that cannot be read and are left out: 1 (for example old)."


def test_text_that_is_no_record_is_damage(client, log, place):
    decision_id = look(client, "ann", played=1)
    log.put_profile(Profile("ann"))
    damage(place.log_path, "decisions", "body", "ann")
    damage(place.log_path, "profiles", "record", "ann")
    with pytest.raises(LogDamaged, match="not as it was written"):
        log.decisions.get(decision_id)
    with pytest.raises(LogDamaged, match="--forget-decisions-before"):
        list(log.decisions.read(2**62))
    with pytest.raises(LogDamaged):
        log.decisions.of_member("ann")
    with pytest.raises(LogDamaged):
        log.profile("ann")


def damage(path: Path, table: str, column: str, user_id: str) -> None:
    connection = sqlite3.connect(path)
    for generation in "ab":
        connection.execute(f"UPDATE {table}_{generation} SET {column} = '{{' WHERE user_id = ?", (user_id,))
    connection.commit()
    connection.close()
