"""The docs are true: every command, option and endpoint stands in them, links lead somewhere, examples run."""

from __future__ import annotations

import ast
import re
import runpy
import shlex
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
import typer.main

from matinee.cli import app

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
COMMANDS = typer.main.get_command(app).commands
EVERYTHING = "\n".join(page.read_text() for page in PAGES)


def code_lines(page: Path) -> list[str]:
    """Lines of indented and fenced code."""
    text = page.read_text()
    fenced = "\n".join(re.findall(r"```\w*\n(.*?)```", text, re.S))
    return [line.strip().removeprefix("$ ") for line in (text + "\n" + fenced).splitlines() if line.startswith("    ")]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_and_option_is_in_the_cli_page(name):
    page = (ROOT / "docs" / "cli.md").read_text()
    assert f"`matinee {name}`" in page
    for parameter in COMMANDS[name].params:
        for option in [one for one in parameter.opts if one.startswith("--")]:
            assert f"`{option}`" in page, f"{name} {option} is not in docs/cli.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_the_docs_exist(page):
    for line in code_lines(page):
        words = line.split("#")[0].split()
        if words[:1] == ["matinee"] and len(words) > 1:
            assert words[1] in COMMANDS, f"{page.name}: no command {words[1]!r}"
            known = {
                option
                for parameter in COMMANDS[words[1]].params
                for option in (*parameter.opts, *parameter.secondary_opts)
            }
            unknown = {word for word in words if word.startswith("--")} - known
            assert not unknown, f"{page.name}: {words[1]} has no option {unknown}"
        if words[:1] == ["make"]:
            assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.M), (
                f"{page.name}: no target {words[1]}"
            )
        if words[:1] == ["python"]:
            assert (ROOT / words[1]).is_file(), f"{page.name}: {words[1]} is not there"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_page_is_reachable_from_the_readme():
    readme = (ROOT / "README.md").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert f"(docs/{page.name})" in readme, f"the README does not link docs/{page.name}"
    models = (ROOT / "docs" / "models.md").read_text()
    for page in (ROOT / "docs" / "models").glob("*.md"):
        assert f"(models/{page.name})" in models, f"docs/models.md does not link models/{page.name}"


def section(page: str, heading: str) -> str:
    """What stands under a heading of the second order that begins with `heading`."""
    (found,) = [part for part in (ROOT / "docs" / page).read_text().split("\n## ") if part.startswith(heading)]
    return found


MODELS = {page.name: page.read_text() for page in sorted((ROOT / "docs" / "models").glob("*.md"))} | {
    heading: section(page, heading)
    for page, heading in (
        ("models.md", "Popularity"),
        ("models/neighbors.md", "Item neighbours"),
        ("models/neighbors.md", "User neighbours"),
        ("models/content.md", "Content:"),
        ("models/content.md", "ContentFactors:"),
        ("models/ranker.md", "Shown lists"),
    )
}


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_an_idea_a_formula_and_says_when_it_wins_and_fails(name):
    text = re.sub(r"```.*?```", "", MODELS[name], flags=re.S)
    paragraphs = [one for one in text.split("\n\n")[1:] if re.match(r"[*`\w]", one)]
    assert any(len(one.split()) >= 10 for one in paragraphs), f"{name} has no paragraph that tells the idea"
    blocks = [one for one in text.split("\n\n") if one.startswith("    ") and "import " not in one]
    assert any(re.search("[=·²]", one) for one in blocks), f"{name} has no block with a formula"
    for word in ("wins?", "fails?"):
        assert re.search(rf"\b{word}\b", text, re.I), f"{name} does not say when the model {word.removesuffix('s?')}s"


def measured_tables() -> list[tuple[str, str]]:
    """Tables of quality, each with what stands between it and the heading or table before it; by page and first row."""
    pages = [ROOT / "docs" / "cold_start.md", *(ROOT / "docs" / "models").glob("*.md")]
    texts = {page.name: page.read_text() for page in pages}
    texts["leaderboard.md"] = (ROOT / "docs" / "leaderboard.md").read_text()
    texts["benchmarks.md"] = section("benchmarks.md", "Quality on MovieLens")
    return [
        (f"{name}: {rows.partition(chr(10))[0]}", above + rows)
        for name, text in texts.items()
        for above, rows in re.findall(r"((?:^(?![|#]).*\n)*)((?:^\|.*\n)+)", text, re.M)
        if re.search(r"NDCG|HR@|recall@", above + rows) and re.search(r"\.\d\d", rows)
    ]


@pytest.mark.parametrize(("table", "text"), measured_tables())
def test_a_table_of_quality_says_when_with_which_seed_and_whether_refitted(table, text):
    for needed in (r"2026-\d\d-\d\d", r"[Ss]eed|draws nothing", r"refitted|validation\s+part", r"\bfits?\b|seeds"):
        assert re.search(needed, text), f"{table}: say {needed}"


def test_every_endpoint_is_in_the_http_page():
    source = (ROOT / "src" / "matinee" / "service" / "app.py").read_text()
    page = (ROOT / "docs" / "http.md").read_text()
    current, found = "", 0
    for line in source.splitlines():
        if match := re.match(r"def (_\w+)\(", line):
            current = match[1]
        if match := re.match(r'\s*@router\.(get|post|put|delete)\(\s*"([^"]+)"', line):
            path = ("" if current == "_watching" else "/v1") + match[2].replace(":id}", "}")
            assert f"{match[1].upper()} {path}" in page, f"{match[1].upper()} {path} is not in docs/http.md"
            found += 1
    assert found >= 12


def test_every_public_name_is_documented():
    import matinee

    for name in matinee.__all__:
        assert getattr(matinee, name).__doc__, f"{name} has no docstring"


SHOWING = [ROOT / "README.md", ROOT / "docs" / "tour.md"]
NUMBER = re.compile(r"-?\d+\.\d+")
NEAR = 0.02  # how far probabilities of another processor may be, by rounding in single precision


@pytest.fixture(scope="module")
def page_of_25(ml100k) -> list[str]:
    """What `python examples/home_page.py 25` prints where MovieLens 100K is at hand, without blank lines."""
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as said:
        patch.setattr(sys, "argv", ["home_page.py", "25"])
        patch.chdir(ROOT)
        runpy.run_path(str(ROOT / "examples" / "home_page.py"), run_name="__main__")
    return [line.rstrip() for line in said.getvalue().splitlines() if line.strip()]


def same(shown: str, said: str) -> bool:
    """Whether a line is what was printed: its words, and its numbers nearly."""
    pairs = zip(NUMBER.findall(shown), NUMBER.findall(said), strict=False)
    return NUMBER.sub("#", shown) == NUMBER.sub("#", said) and all(abs(float(a) - float(b)) <= NEAR for a, b in pairs)


def stands_in(shown: list[str], said: list[str]) -> bool:
    """Whether the lines shown were printed in this order; "..." stands for any lines left out, nothing else is."""
    if not shown or shown == ["..."]:
        return bool(shown) or not said
    if shown[0] == "...":
        return any(stands_in(shown[1:], said[skipped:]) for skipped in range(len(said)))
    return bool(said) and same(shown[0], said[0]) and stands_in(shown[1:], said[1:])


def sessions(page: Path) -> list[tuple[str, list[str]]]:
    """Each command of a page that shows what it prints, and the lines shown."""
    blocks = re.findall(r"```console\n\$ (.*?)\n(.*?)```", page.read_text(), re.S)
    return [(command, [line.rstrip() for line in shown.splitlines() if line.strip()]) for command, shown in blocks]


@pytest.mark.parametrize("page", SHOWING, ids=lambda page: page.name)
def test_every_output_shown_is_what_the_command_prints(page, page_of_25):
    assert sessions(page), f"{page.name} shows no output"
    assert "\n    $ " not in page.read_text(), f"{page.name} shows an output outside a console block, where none is run"
    for command, shown in sessions(page):
        assert shlex.split(command) == ["python", "examples/home_page.py", "25"], f"no test runs {command!r}"
        assert stands_in(shown, page_of_25), f"{page.name}: run python docs/make_outputs.py; it prints {page_of_25}"


@pytest.mark.parametrize(
    ("shown", "printed"),
    [("a 1.00|b 2.00", True), ("a 1.01|...", True), ("...|b 2.00", True), ("a 1.00", False), ("a 1.10|...", False),
     ("b 2.00|a 1.00", False), ("a x|...", False)],
)  # fmt: skip
def test_what_counts_as_printed(shown, printed):
    assert stands_in(shown.split("|"), ["a 1.00", "b 2.00"]) == printed


def test_outputs_are_written_again_in_the_form_shown():
    excerpt = runpy.run_path(str(ROOT / "docs" / "make_outputs.py"))["excerpt"]
    assert excerpt(["old"], ["said", "", "a"]) == ["said", "", "a"]
    assert excerpt(["...", "old", "older", "...", "end"], ["said", "", "a", "b", "c", "d"]) == [
        "...",
        "a",
        "b",
        "...",
        "d",
    ]


def test_the_home_page_example_finds_its_probability_again(page_of_25):
    logged, again = NUMBER.findall(page_of_25[-1])
    assert abs(float(logged) - float(again)) <= 1e-6


RATINGS = "user_id,item_id,timestamp\n" + "".join(
    f"{user},{item},{1_700_000_000 + 100 * at}\n"
    for at, (user, item) in enumerate((user, item) for user in ("25", "ada", "bob") for item in ("603", "604", "605"))
    if (user, item) not in {("25", "605"), ("ada", "604")}
)


@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_the_five_lines_run(page, tmp_path, monkeypatch, capsys):
    (tmp_path / "ratings.csv").write_text(RATINGS)
    monkeypatch.chdir(tmp_path)
    code = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.S)[0]
    assert len([line for line in code.splitlines() if line]) == 5
    names: dict[str, object] = {}
    exec(compile(code, page, "exec"), names)
    assert names["model"].recommend(users=["25"], n=10)["item_id"].to_list() == ["605"]


def test_the_readme_is_short_and_its_cells_are():
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) < 120
    for line in lines:
        if line.startswith("|"):
            assert all(len(cell) <= 80 for cell in line.split("|")), f"a cell that needs a paragraph: {line}"


def test_every_figure_of_the_benchmarks_names_command_machine_and_date():
    parts = (ROOT / "docs" / "benchmarks.md").read_text().split("\n### ")
    machines = set(re.findall(r"^\| ([\w, ]+) \|", parts[0], re.M)) - {"name"}
    dated = 0
    for part in parts[1:]:
        assert re.match(r"(matinee|make|python) ", part), f"no command above {part[:60]!r}"
        assert re.search(r"\b20\d\d-\d\d-\d\d\b", part), f"no date in {part[:60]!r}"
        if "| machine | date |" in part:
            for row in re.findall(r"^\| (?!what)(?!-).*", part.split("\n## ")[0], re.M):
                *_, machine, date, _ = (cell.strip() for cell in row.split("|"))
                assert machine in machines, f"{machine!r} is no machine of the table: {row}"
                assert re.fullmatch(r"(before )?20\d\d-\d\d-\d\d", date), f"no date: {row}"
                dated += 1
    assert dated > 50


NOT_YET = {
    "README.md": "no model learns its order from what came of a decision",
    "docs/architecture.md": "No model learns its order from outcomes yet",
}


@pytest.mark.parametrize("name", NOT_YET)
def test_what_nothing_does_yet_is_said(name):
    """No model reads answers joined to decisions: the docs say so, for as long as it is true."""
    models = (ROOT / "src" / "matinee" / "models").rglob("*.py")
    learners = {path.name for path in models if re.search(r"data\.(outcomes|seen) import", path.read_text())}
    text = " ".join((ROOT / name).read_text().split())
    assert (NOT_YET[name] in text) == (not learners), f"{name} is not true of {learners or 'any module'}"


WORDS = re.compile(r"\b(foretell\w*|foretold|founders?|deeds?|thereof|whence)\b", re.I)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_words_are_plain(page):
    assert not (found := WORDS.findall(page.read_text())), f"{page.name} says {found}"


def test_words_of_messages_are_plain():
    for path in (ROOT / "src" / "matinee").rglob("*.py"):
        for said in messages(ast.parse(path.read_text())):
            assert not (found := WORDS.findall(said)), f"{path.name} says {found}: {said}"
    for path in (ROOT / "src" / "matinee").rglob("*.j2"):
        assert not (found := WORDS.findall(path.read_text())), f"{path.name} says {found}"


def messages(tree: ast.Module) -> list[str]:
    """The texts of a file with more than one word that are no docstrings."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in alone)
    return [node.value for node in texts if isinstance(node.value, str) and " " in node.value]


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "decisions").glob("[a-z]*.md")), ids=lambda page: page.stem)
def test_every_decision_has_options_a_choice_reasons_and_a_way_back(page):
    text = page.read_text()
    assert re.findall(r"^## (.*)", text, re.M) == ["Options", "Choice", "Why", "To go back"]
    assert len(re.findall(r"^\d\. ", text, re.M)) >= 3, f"{page.name} has fewer than three options"
    assert len(text.splitlines()) <= 40, f"{page.name} is longer than a short page"
    assert f"({page.name})" in (page.parent / "README.md").read_text(), f"nothing links {page.name}"


def test_the_page_of_public_names_is_what_the_code_says():
    made = runpy.run_path(str(ROOT / "docs" / "make_api.py"))["page"]()
    assert (ROOT / "docs" / "api.md").read_text() == made, "names changed; run python docs/make_api.py"


def test_numbers_of_the_readme_name_their_command():
    assert "matinee bench" in EVERYTHING
    assert "matinee evaluate" in EVERYTHING


def test_numbers_of_the_readme_stand_among_the_measurements():
    table = (ROOT / "README.md").read_text().partition("## Five numbers")[2].partition("## ")[0]
    rows = re.findall(r"^\| (?!what).* \|$", table, re.M)
    assert len(rows) == 5
    measured = "\n".join((ROOT / "docs" / name).read_text() for name in ("benchmarks.md", "leaderboard.md"))
    for row in rows:
        _, _, ours, beside, place, _ = row.split("|")
        assert re.search(r"20\d\d-\d\d-\d\d", place), f"no date: {row}"
        for number in re.findall(r"\d*[.,]?\d+", ours + beside):
            assert re.search(rf"(?<![\d.]){re.escape(number)}(?!\d)", measured), f"{number} of {row} was not measured"
