"""The examples of the sources run as their first lines say."""

import runpy
import sys
from pathlib import Path

import pytest

from matinee.data.sources.columns import INTERACTIONS, KINDS, TITLES, plain

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("data_tabular.py", ["2 rows rejected", "ghost", "17"]),
        ("data_ranklens.py", ["3 titles, 1 members", "100.0% of 1"]),
        ("data_movielens.py", ["100,000 events", "before the cut: 90,000 events"]),
    ],
)
def test_an_example_runs_and_says_what_it_shows(
    name: str, says: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(sys, "argv", [name])
    monkeypatch.chdir(EXAMPLES.parent)
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    printed = capsys.readouterr().out
    assert [part for part in says if part not in printed] == []
    assert f"examples/{name}" in (EXAMPLES / name).read_text().split('"""')[1]


def test_the_page_on_data_lists_every_recognised_name():
    page = (EXAMPLES.parent / "docs" / "data.md").read_text()
    known = {name for table in (INTERACTIONS, TITLES, KINDS) for ours in table for name in (ours, *table[ours])}
    assert {name for name in known if f"`{name}`" not in page and name not in plain_names(page)} == set()


def plain_names(page: str) -> set[str]:
    return {plain(name) for name in page.replace("`", " ").split()}
