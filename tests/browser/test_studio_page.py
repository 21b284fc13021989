"""The studio of a billboard that learned on two days: all of it is on the page, by keyboard and on a phone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import uvicorn
from conftest import visiting

from matinee.data.log import EventLog
from matinee.decision import Requests
from matinee.events import DAY
from matinee.history import Histories
from matinee.policies.arms import LinearArms
from matinee.policies.features import Features
from matinee.policies.layered import Layered
from matinee.policies.uniform import Uniform
from matinee.profile import Profile
from matinee.recipes.studio import studio_of
from matinee.service.app import create_app
from matinee.service.deployment import Deployment
from matinee.service.run import listen
from matinee.service.studio import Studio
from matinee.testing import make_catalog

pytestmark = pytest.mark.browser
TITLES, ASKED = 40, 200
NOW = 1_700_000_000_000_000


class Alike:
    """Title vectors at random; nothing is known of members."""

    title_vectors = np.random.default_rng(5).normal(size=(TITLES, 4)).astype(np.float32)

    def member_vectors(self, requests: Requests) -> np.ndarray:
        return np.zeros((len(requests), 4), np.float32)


def learned(log: EventLog) -> LinearArms:
    """A billboard that was shown on two days, and learned after each that title 3 is enjoyed most."""
    catalog = make_catalog(TITLES)
    arms = LinearArms("billboard-thompson", "made-up", catalog, Features.of(Alike(), TITLES, 3))
    page, people = Layered(arms, Uniform(catalog)), [Profile(f"m{k}") for k in range(ASKED)]
    for day in (1, 0):
        times = NOW - day * DAY
        asked = Requests.of_histories(Histories.empty(ASKED), times, people, surface="home")
        made = page.decide(asked, np.random.default_rng(day))
        log.decisions.append(made)
        worth = np.where(made.choices.actions == 3, 0.9, 0.2)
        arms.learn(made, np.where(made.billboards, worth, np.nan))
    return arms


@contextmanager
def serving(deployment: Deployment) -> Iterator[str]:
    """The address of a service in a thread."""
    with listen("127.0.0.1", 0) as sock:
        server = uvicorn.Server(uvicorn.Config(create_app(deployment), log_level="error", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def studio(browser, tmp_path_factory) -> Iterator[tuple[str, Studio]]:
    """Where it is served, and what it tells."""
    with EventLog(Path(tmp_path_factory.mktemp("studio")) / "log.db") as log:
        arms = learned(log)
        told, policies = studio_of(arms, log, NOW + 1), [("uniform", Uniform(arms.catalog))]
        deployment = Deployment(log, arms.catalog, {"home": policies, "similar": policies}, studio=lambda: told)
        with serving(deployment) as address:
            yield address, told


def test_all_that_is_believed_shown_and_learned_is_on_the_page(browser, studio):
    address, told = studio
    with visiting(browser, address) as visit:
        page = visit("/studio")
        words = page.locator("main").inner_text()
        assert f"Learned today: {told.learned_today:,.0f} looks" in words
        assert "version 2" in words
        rows = page.locator("section:has(h2:text-is('Titles')) tbody tr")
        best = told.titles[0]
        assert rows.first.locator("th, td").all_inner_texts() == [
            best.title,
            f"{best.mean:.3f}",
            f"{best.low:.3f} to {best.high:.3f}".replace("-", "−"),
            f"{100 * best.chance:.2f} %",
            f"{best.looks:,.1f}",
            f"{best.reward:.3f}",
            f"{best.shown:,}",
        ]
        assert rows.count() == len(told.titles)
        days = page.locator("section:has(h2:text-is('Days')) tbody tr").all_inner_texts()
        assert [one.split()[0] for one in days] == [day.day for day in told.days]
        assert [float(one.split()[-1]) for one in days] == [round(day.entropy, 2) for day in told.days]
        assert page.locator("section:has(h2:text-is('Versions')) tbody tr").count() == len(told.versions) == 3
        assert page.locator("figure svg").count() == len(told.plots) == 3
        beliefs = page.locator("figure svg").first.locator("text.number").all_text_contents()
        assert beliefs[0] == f"{best.mean:.2f} [{best.low:.2f}, {best.high:.2f}]", "a value has no sign before it"


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_it_fits_screens_and_what_is_wider_scrolls_by_keyboard(browser, studio, width):
    with visiting(browser, studio[0]) as visit:
        page = visit("/studio", width=width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for _ in range(20):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.matches('.across')"):
                break
        across = page.locator(".across:focus")
        assert across.get_attribute("aria-labelledby") == "of-titles"
        wider = across.evaluate("(one) => one.scrollWidth > one.clientWidth")
        page.keyboard.press("ArrowRight")
        page.wait_for_function(f"() => (document.activeElement.scrollLeft > 0) === {str(wider).lower()}")
        named = page.evaluate("[...document.querySelectorAll('figure')].every((one) => one.ariaLabel)")
        assert named, "a drawing has no name for a screen reader"
