"""`matinee data`: a dry run stores nothing, what was said is kept, what contradicts it or is not heard is refused."""

from __future__ import annotations

import gzip
import sys

import pytest

from matinee.cli import main
from matinee.data.sources.reading import Source, guess
from matinee.data.units import Units
from matinee.workspace import Workspace

HEADER = "user_id,item_id,timestamp,rating"
DAY = [f"u{n},t{n % 3},{1_700_000_000 + n},{n % 5 + 1}" for n in range(30)]
ONES = [f"v{n},t{n % 3},{1_700_100_000 + n},1" for n in range(30)]
TENS = [f"w{n},t{n % 3},{1_700_200_000 + n},{n % 10 + 1}" for n in range(30)]


@pytest.fixture
def data(monkeypatch, capsys, tmp_path):
    """Runs `matinee data tabular` on lines in an empty folder; returns exit code, standard output and error."""
    monkeypatch.chdir(tmp_path)

    def run(lines: list[str], *words: str, header: str = HEADER) -> tuple[int, str, str]:
        (tmp_path / "day.csv").write_text("\n".join([header, *lines]) + "\n")
        monkeypatch.setattr(sys, "argv", ["matinee", "data", "tabular", "day.csv", "--workspace", "ws", *words])
        with pytest.raises(SystemExit) as end:
            main()
        return (int(end.value.code or 0), *capsys.readouterr())

    return run


def test_a_dry_run_and_a_refusal_make_no_workspace(data, tmp_path):
    code, out, _ = data(DAY, "--dry-run")
    assert code == 0
    assert "nothing is stored" in out
    for lines in ([], ONES):
        code, _, err = data(lines)
        assert code == 1, err
    assert not (tmp_path / "ws").exists()


def test_a_workspace_keeps_the_best_rating_and_refuses_what_contradicts_it(data, tmp_path):
    assert data(DAY)[0] == 0
    place = Workspace(tmp_path / "ws")
    assert place.units == Units(best=5.0, time_unit="s")
    assert data(ONES)[0] == 0  # read as 1 of 5, which is not liked
    for lines, words in ((ONES, ("--best", "10")), (TENS, ())):
        code, _, err = data(lines, *words)
        assert code == 1
        assert "--best" in err
    code, _, err = data([line.removesuffix(",1") + "000,1" for line in ONES])
    assert code == 1
    assert "no times in s; they look like ms" in err


def test_what_a_source_would_not_hear_is_refused(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", ["matinee", "data", "movielens", str(tmp_path), "--best", "5", "--dry-run"])
    with pytest.raises(SystemExit):
        main()
    assert "movielens says itself" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("--map", "uid"), ("--kinds", "=open"), ("--map", "user_id=nobody")])
def test_a_mapping_that_is_none_is_refused(data, words):
    code, _, err = data(DAY, *words)
    assert code in (1, 2)
    assert words[0] in err or "mapping" in err


def test_packed_tables_and_json_lines_are_told_from_rankings(tmp_path):
    row, ranking = '{"user_id": 1, "item_id": 2, "timestamp": 1700000000}', '{"event":"ranking","user":"a"}'
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(HEADER.encode()))
    for name, text in (("a.jsonl", row), ("a.ndjson", row), ("b.jsonl", ranking)):
        (tmp_path / name).write_text(text)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(ranking.encode()))
    for name in ("a.csv.gz", "a.jsonl", "a.ndjson"):
        assert guess(tmp_path / name) is Source.TABULAR
    for name in ("b.jsonl", "b.jsonl.gz"):
        assert guess(tmp_path / name) is Source.RANKLENS
