"""Writes docs/api.md: the public names and what each says of itself in one sentence. Run: python docs/make_api.py"""

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "api.md"
HEAD = """# Public names

`import matinee` gives the names of the first table. The modules below it are those that the docs import from. Each name
stands with the first sentence of its docstring; `help(name)` has the rest.

This page is generated. Write it again with `python docs/make_api.py`.
"""


def mentioned() -> list[str]:
    """Modules of the package that the docs import from, in order of their names."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    text = "\n".join(page.read_text() for page in pages if page != PAGE)
    found = set()
    for module, names in re.findall(r"^ *from (matinee[\w.]+) import ([\w, ]+)$", text, re.M):
        inner = {f"{module}.{name}" for name in names.split(", ")}
        found |= {name for name in inner if is_module(name)} or {module}
    return sorted(found)


def is_module(name: str) -> bool:
    """Whether a dotted name can be imported as a module."""
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # what stands before the last dot is no package
        return False


def public(module: ModuleType) -> Iterator[tuple[str, object]]:
    """What a module offers: its `__all__`, or the classes and functions that it defines without an underscore."""
    for name in getattr(module, "__all__", None) or sorted(vars(module)):
        thing = getattr(module, name)
        defined = hasattr(module, "__all__") or getattr(thing, "__module__", "") == module.__name__
        if not name.startswith("_") and defined and (inspect.isclass(thing) or inspect.isfunction(thing)):
            yield name, thing


def section(name: str) -> str:
    """A heading and a table, a row a name."""
    module = import_module(name)
    rows = [f"| `{one}` | {first_sentence(thing)} |" for one, thing in public(module)]
    return "\n".join([f"## {name}", "", first_sentence(module), "", "| name | what it is |", "|---|---|", *rows, ""])


def first_sentence(thing: object) -> str:
    """The first sentence of a docstring, fit for a cell of a table."""
    paragraph = " ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split())
    return re.split(r"(?<=[.?!]) ", paragraph)[0].replace("|", r"\|")


def page() -> str:
    """The whole of docs/api.md."""
    return "\n".join([HEAD, *(section(name) for name in ("matinee", *mentioned()))])


if __name__ == "__main__":
    PAGE.write_text(page())
