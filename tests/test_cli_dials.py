"""The verb for dials: one surface at a time, what is kept of it stays until it is reset."""

import json
import sys

import polars as pl
import pytest

from matinee.catalog import Catalog
from matinee.cli import main
from matinee.data.log import EventLog
from matinee.data.tunings import Tuning
from matinee.decision import Dials
from matinee.workspace import Workspace


@pytest.fixture
def place(tmp_path):
    made = Workspace(tmp_path)
    Catalog.from_frame(pl.DataFrame({"item_id": ["a", "b"]})).save(made.catalog_path)
    EventLog(made.log_path).close()
    return made


def test_a_surface_is_tuned_listed_and_reset(monkeypatch, capsys, place):
    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["matinee", "dials", *words, "--workspace", str(place.folder)])
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return int(end.value.code or 0), captured.out + captured.err

    assert run("home", "--diversity", "0.3", "--exploration", "0.1")[0] == 0
    assert run("home", "--novelty", "1")[0] == 0
    assert place.tunings() == {"home": Tuning(0.1, Dials(0.3, novelty=1.0))}
    told = json.loads(run("--json")[1].splitlines()[-1])
    assert told["home"]["dials"]["novelty"] == 1.0
    assert told["search"] == {"exploration": None, "dials": dict.fromkeys(told["home"]["dials"], 0.0)}
    assert run("home", "--reset", "--freshness", "0.5")[0] == 0
    assert place.tunings() == {"home": Tuning(None, Dials(freshness=0.5))}
    assert run("home", "--reset")[0] == 0
    assert place.tunings() == {}
    code, said = run("--diversity", "0.3")
    assert (code, "name the surface" in said) == (2, True)
    assert run("home", "--diversity", "3")[0] == 2
