"""The report on an experiment: verdicts in words, three forms of the same numbers, and names that cannot do harm."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from matinee.experiment.analyse import Analysis, ArmTotal, Course, Ratio, Verdict
from matinee.report.courses import Series, over_days
from matinee.report.experiment import ExperimentReport

NAN = float("nan")
BETTER = Course("bold", (NAN, 0.2, 0.12), (NAN, -0.1, 0.03), (NAN, 0.5, 0.21), (NAN, 0.3, 0.004), 0.05, Verdict.BETTER)
FOUND = Analysis(
    "bolder", "home", "played", 0.95, ("2026-11-01", "2026-11-02", "2026-11-03"), (40, 900, 1_000),
    (ArmTotal("control", 0.5, 510, 2.4), ArmTotal("bold", 0.5, 490, 2.52)), (BETTER,), Ratio(0.5, 0.9, False), 0.6, (),
)  # fmt: skip


def said(found: Analysis) -> list[str]:
    return ExperimentReport(found).json()["findings"]


def test_the_verdict_in_words():
    better, known = said(FOUND)
    assert better == (
        "bold is better than control: +0.120 plays per account and day (band +0.030 to +0.210, +5.0 %), p = 0.004. "
        "Whoever stops now stops rightly."
    )
    assert known == "What was known beforehand takes 40 % of the variance off."
    unclear = replace(BETTER, verdict=Verdict.OPEN, relative=NAN)
    assert "not clearly different from control: +0.120 plays" in said(replace(FOUND, courses=(unclear,)))[0]
    early = replace(BETTER, verdict=Verdict.EARLY)
    assert "510 accounts in control and 490 in bold, of 50" in said(replace(FOUND, courses=(early,)))[0]


def test_what_makes_the_result_worthless_comes_first():
    found = said(replace(FOUND, ratio=Ratio(1e-9, 1e-7, True), left_out=(("seen in two arms", 3),)))
    assert found[0].startswith("Do not trust the result: accounts came 510 to 490 where the shares are 0.5 to 0.5 (p <")
    assert found[-1] == "Left out: 3 seen in two arms."


def test_three_forms_of_the_same_numbers(tmp_path):
    report = ExperimentReport(FOUND)
    told = json.loads(json.dumps(report.json()))
    assert told["courses"][0]["values"] == [None, 0.2, 0.12]
    console = Console(width=100, record=True, file=None, force_terminal=False)
    console.print(report.table())
    printed = console.export_text()
    assert "+0.030 to +0.210" in printed
    assert max(map(len, printed.splitlines())) <= 100
    report.write_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "+0.0300 to +0.2100" in page
    assert not re.search(r"https?://|<script", page), "the page needs nothing else"


def test_names_cannot_do_harm(tmp_path):
    harmful = replace(FOUND, arms=(replace(FOUND.arms[0], name="<script>x</script>"), FOUND.arms[1]))
    ExperimentReport(harmful).write_html(tmp_path / "page.html")
    assert "<script>" not in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize("days", [1, 2, 200])
def test_lines_have_gaps_where_nothing_is_known_and_end_in_their_names(days):
    values = np.linspace(0, 1, days)
    values[1:2] = np.nan
    drawn = over_days([str(day) for day in range(days)], [Series("a", values), Series("b", values + 0.001, 1)], "plays")
    assert "nan" not in drawn
    heights = [float(y) for y in re.findall(r'y="([\d.]+)" text-anchor="start" class="name', drawn)]
    assert len(heights) == 2
    assert abs(heights[0] - heights[1]) >= 17
    assert drawn.count("<path") == (2 if days > 2 else 0)
