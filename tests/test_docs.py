"""The docs are true: every command, option and endpoint stands in them, links lead somewhere, examples run."""

from __future__ import annotations

import re
import runpy
import sys
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


def test_every_endpoint_is_in_the_http_page():
    source = (ROOT / "src" / "matinee" / "service" / "app.py").read_text()
    page = (ROOT / "docs" / "http.md").read_text()
    prefix = {"_reading": "/v1", "_writing": "/v1", "_watching": ""}
    current, found = "", 0
    for line in source.splitlines():
        if match := re.match(r"def (_\w+)\(", line):
            current = match[1]
        if match := re.match(r'\s*@router\.(get|post|put|delete)\(\s*"([^"]+)"', line):
            path = prefix.get(current, "") + match[2].replace(":id}", "}")
            assert f"{match[1].upper()} {path}" in page, f"{match[1].upper()} {path} is not in docs/http.md"
            found += 1
    assert found >= 12


def test_every_public_name_is_documented():
    import matinee

    for name in matinee.__all__:
        assert getattr(matinee, name).__doc__, f"{name} has no docstring"


def test_the_home_page_example_runs(monkeypatch, capsys, ml100k):
    monkeypatch.setattr(sys, "argv", ["home_page.py"])
    monkeypatch.chdir(ROOT)
    runpy.run_path(str(ROOT / "examples" / "home_page.py"), run_name="__main__")
    said = capsys.readouterr().out
    logged, again = re.search(r"log P\(this page\) = (\S+), recomputed from the page alone (\S+)", said).groups()
    assert abs(float(logged) - float(again)) <= 1e-6
    assert "Tonight's pick" in said


def test_numbers_of_the_readme_name_their_command():
    assert "matinee bench" in EVERYTHING
    assert "matinee evaluate" in EVERYTHING
