"""Every arrow of the drawings in README and docs/architecture.md is a call that the function named makes."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "matinee"

Arrow = tuple[str, str]
ROAD: dict[Arrow, tuple[str, str, tuple[str, ...]]] = {  # file, function, what it calls, one after the other
    ("events", "log"): ("service/core.py", "_stored", ("rows_of", "submit_events")),
    ("log", "histories"): ("service/core.py", "_load", ("read", "histories_of")),
    ("histories", "scorer"): ("decision/contracts.py", "scored", ("score_with_reasons", "score")),
    ("scorer", "surface policy"): ("surfaces/home.py", "_page", ("scored", "worth", "rows", "build")),
    ("surface policy", "Decisions"): ("surfaces/home.py", "_page", ("build", "decided")),
    ("Decisions", "log"): ("service/core.py", "_kept", ("submit",)),
    ("log", "outcomes"): ("cli/report.py", "report", ("shown_choices", "with_outcomes")),
    ("outcomes", "report"): ("cli/report.py", "report", ("with_outcomes", "looks_of", "LooksReport")),
    ("outcomes", "looks"): ("recipes/training.py", "train_into", ("seen_pages", "looks_of")),
    ("looks", "train"): ("recipes/training.py", "train_into", ("looks_of", "train")),
    ("train", "artifact"): ("recipes/training.py", "train_into", ("train", "save_artifact")),
    ("artifact", "surface policy"): ("recipes/serving.py", "served_policies", ("_affordable", "_home")),
}
CIRCLE: dict[Arrow, tuple[str, str, tuple[str, ...]]] = {
    ("request", "eligible"): ("surfaces/home.py", "_page", ("eligible",)),
    ("eligible", "scores"): ("surfaces/home.py", "_page", ("eligible", "scored")),
    ("scores", "rows"): ("surfaces/home.py", "_page", ("scored", "rows")),
    ("rows", "page"): ("surfaces/home.py", "_page", ("rows", "build")),
    ("page", "decision"): ("surfaces/home.py", "_page", ("build", "decided")),
    ("decision", "log"): ("service/core.py", "decide_all", ("settled", "_kept")),
    ("log", "the member sees it"): ("service/core.py", "decide", ("decide_all", "answer")),
    ("the member sees it", "plays, thumbs, list"): ("service/app.py", "_writing", ("take",)),
    ("plays, thumbs, list", "log"): ("service/core.py", "take", ("validate", "_stored")),
    ("log", "history"): ("service/core.py", "_load", ("read", "histories_of")),
    ("history", "request"): ("service/core.py", "decide", ("request_of",)),
}


def chain(line: str) -> list[Arrow]:
    """The arrows of one line, from left to right."""
    stations = [one.strip() for one in re.split(r"\s-+>\s", line.strip())]
    return list(pairwise(stations))


def drawn(page: str, arrow: str) -> list[str]:
    """The indented lines of a page that hold an arrow."""
    return [line for line in (ROOT / page).read_text().splitlines() if line.startswith("    ") and arrow in line]


def arrows_of_the_road() -> set[Arrow]:
    return {arrow for line in drawn("docs/architecture.md", " --> ") for arrow in chain(line)}


def arrows_of_the_circle() -> set[Arrow]:
    (there,), (back,) = drawn("README.md", " -> "), drawn("README.md", "<--")
    forward = chain(there)
    stations = [one.strip("+<- ") for one in re.split(r"<-+", back)]
    returning = [forward[-1][1], *(one for one in reversed(stations) if one), forward[0][0]]
    return {*forward, *pairwise(returning)}


def function(file: str, name: str) -> ast.AST:
    found = [
        node
        for node in ast.walk(ast.parse((SRC / file).read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
    ]
    assert len(found) == 1, f"{file} has {len(found)} functions {name}"
    return found[0]


def calls(node: ast.AST) -> dict[str, list[tuple[int, int]]]:
    """Where each name is called in a function: (line, column) of the end, so that what is inside comes first."""
    found: dict[str, list[tuple[int, int]]] = {}
    for one in ast.walk(node):
        if isinstance(one, ast.Call):
            name = one.func.attr if isinstance(one.func, ast.Attribute) else getattr(one.func, "id", "")
            found.setdefault(name, []).append((one.end_lineno or 0, one.end_col_offset or 0))
    return found


DEFINED = {
    node.name
    for path in SRC.rglob("*.py")
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
}


@pytest.mark.parametrize(
    ("drawing", "known"), [(arrows_of_the_road, ROAD), (arrows_of_the_circle, CIRCLE)], ids=["architecture", "README"]
)
def test_every_arrow_drawn_is_known_and_every_one_known_is_drawn(drawing, known):
    assert drawing() == set(known)


@pytest.mark.parametrize("arrow", [*ROAD, *CIRCLE], ids=" to ".join)
def test_every_arrow_is_a_call(arrow):
    file, name, names = {**ROAD, **CIRCLE}[arrow]
    made = calls(function(file, name))
    missing = [one for one in names if one not in made or one not in DEFINED]
    assert not missing, f"{file}: {name} does not call {missing}"
    for before, after in pairwise(names):
        assert min(made[before]) < max(made[after]), f"{file}: {name} calls {after} before {before}"


def test_what_is_no_call_is_found_out():
    code = ast.parse("def flow():\n    second(first())\n    self.third.fourth()\n")
    assert set(calls(code)) == {"first", "second", "fourth"}
    assert min(calls(code)["first"]) < max(calls(code)["second"])
    assert chain("   a --> b c --> d") == [("a", "b c"), ("b c", "d")]
