"""The report on the laboratory: what is said is what was measured, and the page holds every plot and number."""

from matinee.evaluate.results import Estimate
from matinee.report.courses import Series
from matinee.report.laboratory import MEASURES, Arm, LaboratoryReport

ONE = dict.fromkeys(MEASURES, Estimate(0.5, 0.4, 0.6))
COURSE = [Series("Drama", [0.1, 0.2, 0.1])]
REPORT = LaboratoryReport(
    "A laboratory",
    {"at each step": {"popularity": ONE, "<b>": ONE}},
    [Arm("as it is", 4.0, Estimate(0, 0, 0), COURSE), Arm("with a floor", 1.0, Estimate(0.1, 0.05, 0.15), COURSE)],
    ["1", "2", "3"],
    ["By hand."],
)


def test_it_says_what_was_measured():
    said = list(REPORT.findings())
    assert "popularity +0.500 [+0.400, +0.600]" in said[0]
    assert said[1].startswith("With a floor: 75.0 % less power of swings; reward a decision changes by +0.100 [+0.050")


def test_the_page_has_a_plot_an_arm_and_escapes_names(tmp_path):
    path = tmp_path / "somewhere" / "loops.html"
    REPORT.write_html(path)
    page = path.read_text()
    assert page.count("<svg") == 2
    assert "<b>popularity" not in page
    assert "&lt;b&gt;" in page
    assert page.count('<th scope="row">') == 4
