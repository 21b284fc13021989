"""Writes the outputs that README and tour show, by running what they show. Run: python docs/make_outputs.py"""

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"(?<=```console\n)\$ ([^\n]*)\n(.*?)(?=```)", re.S)


@cache
def printed(command: str) -> list[str]:
    """The lines that a command prints in the repository's folder."""
    words = [sys.executable if word == "python" else word for word in shlex.split(command)]
    return subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout.rstrip().splitlines()


def excerpt(shown: list[str], lines: list[str]) -> list[str]:
    """All lines; where the first one shown is "...", as many as before of those after a blank one, and the last."""
    if shown[:1] != ["..."]:
        return lines
    start = lines.index("") + 1
    return ["...", *lines[start : start + len(shown) - 3], "...", lines[-1]]


def written(text: str) -> str:
    """A page with the outputs of today."""

    def again(block: re.Match[str]) -> str:
        lines = excerpt(block[2].splitlines(), printed(block[1]))
        return "\n".join([f"$ {block[1]}", *lines, ""])

    return BLOCK.sub(again, text)


if __name__ == "__main__":
    for page in (ROOT / "README.md", ROOT / "docs" / "tour.md"):
        page.write_text(written(page.read_text()))
