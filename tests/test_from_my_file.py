"""The page "From my file to a home page": its files are written, its commands run, its outputs are what they print."""

from __future__ import annotations

import re
import shlex
import sys
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from matinee.cli import main, terminal
from matinee.service import run as web

PAGE = (Path(__file__).parents[1] / "docs" / "from_my_file.md").read_text()
FILES = re.findall(r"`([\w.]+)`:\n\n```csv\n(.*?)```", PAGE, re.S)
SESSIONS = re.findall(r"```console\n(.*?)```", PAGE, re.S)
WIDTH = 100
TRIES = 600  # pages asked for until one is in time: a busy machine compiles the first ones too slowly
PAUSE = 0.1  # seconds after one that was late, which leave the machine to the compiler


def steps() -> list[tuple[str, list[str]]]:
    """Each command of the page and the lines below it."""
    found = []
    for session in SESSIONS:
        for step in re.split(r"^\$ ", session, flags=re.M)[1:]:
            command, *lines = step.replace("\\\n", " ").splitlines()
            found.append((command, lines))
    return found


def run(command: str, monkeypatch, capsys) -> list[str]:
    monkeypatch.setattr(sys, "argv", shlex.split(command))
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr()
    return [line.rstrip() for line in (said.out + said.err).splitlines() if line.strip()]


def agrees(line: str, said: str) -> bool:
    """Whether a line is as printed; "..." stands for what differs from run to run."""
    return re.fullmatch(".*".join(re.escape(part) for part in line.rstrip().split("...")), said) is not None


def test_every_command_prints_what_the_page_shows(tmp_path, monkeypatch, capsys):
    served = []

    def serve(app, sock, ready):
        ready("http://127.0.0.1:8100/")
        client = TestClient(app, base_url="http://127.0.0.1")
        for _ in range(TRIES):
            answer = client.post("/v1/home", json={"user_id": "ann"})
            if answer.status_code == 200:
                break
            time.sleep(PAUSE)
        served.append(answer.json())

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(terminal.console, "width", WIDTH)
    monkeypatch.setattr(web, "run", serve)
    assert len(FILES) == 2
    for name, text in FILES:
        (tmp_path / name).write_text(text)
    for command, lines in steps():
        said = run(command, monkeypatch, capsys)
        assert len(said) == len([line for line in lines if line.strip()]), (command, said)
        for line, other in zip([one for one in lines if one.strip()], said, strict=True):
            assert agrees(line, other), (command, line, other)
    (page,) = served
    assert "Pulp Fiction" in str(page) or "Your Name" in str(page), "what ann has not seen stands on the home page"
