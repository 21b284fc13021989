"""A remote reaches everything and never loses the focus; a phone shows what it must, in letters large enough."""

from __future__ import annotations

import pytest
from steps import close

pytestmark = pytest.mark.browser

FOCUS = "document.activeElement"
WHAT = f"{FOCUS}.id || {FOCUS}.dataset.do || {FOCUS}.getAttribute('href') || {FOCUS}.className"
SMALL = """() => [...document.querySelectorAll('body *')].filter((one) =>
    [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()) && one.checkVisibility()
    && !one.closest('.unseen, svg, script') && parseFloat(getComputedStyle(one).fontSize) < 12
).map((one) => one.outerHTML.slice(0, 90))"""

OUTSIDE = """() => [...document.querySelectorAll('.bar a, .bar button, .bar input')].filter((one) =>
    one.checkVisibility() && one.getBoundingClientRect().right > innerWidth).map((one) => one.outerHTML.slice(0, 90))"""


def walk(page, *keys):
    """Press the keys; the focus after each."""
    reached = []
    for key in keys:
        page.keyboard.press(key)
        reached.append(page.evaluate(WHAT))
    return reached


def test_a_remote_reaches_buttons_bar_rows_and_the_end_and_held_keys_keep_the_focus(visit, fresh):
    page = visit(f"/home?user={fresh}&device=tv", width=1920, height=1080)
    assert page.evaluate(WHAT) == "play", "the first focus is on what can be played"
    assert walk(page, "ArrowRight", "ArrowRight") == ["open", "list"]
    bar = walk(page, "ArrowUp", *["ArrowLeft"] * 10, *["ArrowRight"] * 11)
    home, own = (f"/{name}?user={fresh}&device=tv" for name in ("home", "list"))
    assert {"/", home, own, "query", "why"} <= set(bar)
    assert page.evaluate(f"{FOCUS}.className") == "self"
    down = walk(page, *["ArrowDown"] * 30)
    assert {"play", "open", "list"} & set(down)
    assert {"again", "/docs"} <= set(down)
    assert "" not in down
    assert page.evaluate(f"{FOCUS} !== document.body")
    up = walk(page, *["ArrowUp"] * 30)
    assert up[-1] == up[-2], "the end of the way up keeps the focus"
    assert page.evaluate(f"{FOCUS}.closest('.bar') !== null")


def test_a_remote_walks_through_a_dialog_and_comes_back(visit, fresh):
    page = visit(f"/home?user={fresh}&device=tv", width=1920, height=1080)
    walk(page, "ArrowDown", "ArrowRight", "Enter")
    page.locator("#details[open] .strip .poster").first.wait_for()
    assert page.evaluate(WHAT) == "play"
    steps = walk(page, *["ArrowRight"] * 5, "ArrowDown", *["ArrowLeft"] * 5, "ArrowDown", "ArrowDown")
    assert {"thumbs_up", "thumbs_down", "list", "dismiss"} <= set(steps)
    assert page.evaluate(f"{FOCUS}.closest('#details .strip') !== null")
    assert "close" in walk(page, *["ArrowUp"] * 6)
    close(page)
    assert page.evaluate(f"{FOCUS}.closest('.row .card') !== null")


def test_a_remote_reaches_members_and_their_forms(visit):
    page = visit("/", width=1920, height=1080)
    reached = walk(page, "ArrowDown", *["ArrowUp"] * 6, *["ArrowDown"] * 8)
    assert "find-name" in reached
    assert any(one.startswith("/home?user=") for one in reached)
    assert any(one in ("new-name", "primary") for one in reached)


@pytest.mark.parametrize(("width", "device"), [(390, "phone"), (1280, "web"), (1920, "tv")])
def test_letters_are_at_least_12_pixels_and_stand_on_posters_as_text(visit, fresh, width, device):
    page = visit(f"/home?user={fresh}&device={device}", width=width)
    assert page.evaluate(SMALL) == []
    assert page.evaluate(OUTSIDE) == [], "the bar ends inside the screen"
    poster = page.locator(".row .poster").first
    name = poster.locator(".name").inner_text()
    assert name
    assert poster.locator(".name").evaluate("one => one.scrollWidth <= one.clientWidth + 1"), name
    page.goto(page.url.replace("/home", "/start"))
    assert page.evaluate(SMALL) == []


def test_a_phone_shows_who_is_watching_a_whole_message_and_no_stale_evidence(visit, fresh):
    page = visit(f"/home?user={fresh}&device=phone", width=390, height=844, is_mobile=True, has_touch=True)
    assert page.get_by_role("link", name="switch member").is_visible()
    assert page.get_by_role("link", name="My list").is_visible()
    page.locator(".row .poster").first.tap()
    page.locator('#details[open] [data-do="list"]').tap()
    toast = page.locator("#toast.shown").bounding_box()
    assert toast["height"] <= 64
    assert 0 <= toast["x"] <= toast["x"] + toast["width"] <= 390
    page.locator("#details .close").tap()
    page.wait_for_function("() => !document.querySelector('dialog[open]')")
    shown = "[...document.querySelectorAll('.evidence')].filter((one) => one.checkVisibility({opacityProperty: true}))"
    assert page.evaluate(f"{shown}.length") == 0
