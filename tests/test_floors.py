"""The floors of docs/architecture.md: nothing imports upward, siblings do not import each other, no circles."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

SRC = Path(__file__).parents[1] / "src" / "matinee"
FLOORS = {
    "maths": 1, "errors": 1, "extras": 1, "files": 1,
    "catalog": 2, "clock": 2, "events": 2, "history": 2, "likes": 2, "page": 2, "profile": 2,
    "maturity": 2, "series": 2, "situation": 2, "tone": 2,
    "decision": 3, "lookup": 3,
    "data": 4, "policies": 4, "testing": 4,
    "experiment": 5, "models": 5, "evaluate": 5, "service": 5,
    "drift": 6, "report": 6, "simulate": 6, "surfaces": 6, "train": 6, "tune": 6, "workspace": 6,
    "recipes": 7,
    "cli": 8, "__init__": 9,
}  # fmt: skip
SIBLINGS = {"models", "evaluate", "service"}


def modules() -> dict[str, Path]:
    """Dotted name inside the package -> file."""
    found = {}
    for path in SRC.rglob("*.py"):
        parts = path.relative_to(SRC).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)] = path
    return found


def imports(path: Path, known: set[str]) -> set[str]:
    """Modules of the package that a file imports, wherever in the file."""
    targets = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import; write it whole"
            both = [(f"{node.module}.{alias.name}", str(node.module)) for alias in node.names]
            names = [part if part.removeprefix("matinee.") in known else whole for part, whole in both]
        targets |= {name.removeprefix("matinee.") for name in names if name.startswith("matinee.")} & known
    return targets


GRAPH = {name: imports(path, set(modules())) - {name} for name, path in modules().items()}


def room(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def test_every_room_has_a_floor():
    assert {room(module) for module in GRAPH} == set(FLOORS)


@pytest.mark.parametrize("module", sorted(GRAPH))
def test_nothing_imports_upward(module):
    for target in GRAPH[module]:
        assert FLOORS[room(target)] <= FLOORS[room(module)], f"{module} imports {target} from a higher floor"
        both = {room(module), room(target)}
        assert not (len(both) == 2 and both <= SIBLINGS), f"{module} imports its sibling {target}"


def test_the_simulator_knows_no_model_and_no_surface():
    known = {room(target) for module in GRAPH if room(module) == "simulate" for target in GRAPH[module]}
    assert known <= {"simulate", "data", "decision", "experiment", "policies"} | {
        one for one, floor in FLOORS.items() if floor <= 2
    }


def test_no_circles():
    TopologicalSorter(GRAPH).prepare()


def test_every_file_says_first_what_it_is_for():
    for path in modules().values():
        doc = ast.get_docstring(ast.parse(path.read_text()))
        assert doc, f"{path.name} has no docstring"
        assert doc.splitlines()[0].strip()


def test_the_flow_is_one_function_of_at_most_sixty_lines():
    tree = ast.parse((SRC / "surfaces" / "home.py").read_text())
    flow = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "_page")
    assert flow.end_lineno - flow.lineno < 60


def test_importing_the_package_is_light():
    """No model, surface, service, plot or torch is loaded by `import matinee`."""
    code = "import sys, matinee; print(' '.join(sys.modules))"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert not loaded & {"torch", "fastapi", "plotly", "matinee.models", "matinee.surfaces", "matinee.service"}


def test_a_linear_service_starts_without_torch():
    code = "import sys, matinee.recipes.serving, matinee.service.app; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not set(loaded) & {"torch", "lightgbm", "faiss", "optuna"}


def test_the_public_names_are_sorted_and_exist():
    import matinee

    assert list(matinee.__all__) == sorted(matinee.__all__)
    for name in matinee.__all__:
        assert hasattr(matinee, name)


def test_nothing_unpickles():
    for path in modules().values():
        assert not re.search(r"\bpickle\b.*load|allow_pickle=True", path.read_text()), f"{path} unpickles"


def test_no_test_asks_two_calls_for_equal_bits():
    """Where memory lies moves the last bit of a score: `testing.assert_same` states the tolerance."""
    bits = re.compile(r"(assert_array_equal|array_equal)\([^\n]*(score|scores_of|predict|encode)\(|\.tobytes\(\) ==")
    for folder in (SRC / "testing", Path(__file__).parent):
        for path in folder.rglob("*.py"):
            assert not (found := bits.search(path.read_text())), f"{path.name} compares bits: {found[0]}"


def test_every_test_file_has_a_name_of_its_own():
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    assert sorted(names) == sorted(set(names)), "two test files share a name, and pytest collects neither"


@pytest.mark.parametrize("folder", ["benchmarks", "examples"])
def test_scripts_import_what_exists(folder):
    for path in (SRC.parents[1] / folder).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "matinee":
                module = import_module(node.module)
                missing = [one.name for one in node.names if not _gives(module, one.name)]
                assert not missing, f"{path.name} imports {missing} from {node.module}, which has no such names"


def _gives(module: ModuleType, name: str) -> bool:
    return hasattr(module, name) or f"{module.__name__}.{name}".removeprefix("matinee.") in modules()
