"""The search box: before typing, with a slip of the finger, by intent; what is played from it says so in the log."""

from __future__ import annotations

import pytest
from steps import close, listen, logged

pytestmark = pytest.mark.browser


def headings(page) -> list[str]:
    return page.locator("#found .head").all_inner_texts()


def test_before_typing_the_box_offers_what_may_be_looked_for(visit, fresh):
    page = visit(f"/home?user={fresh}")
    page.locator("#query").focus()
    page.locator("#found .head").get_by_text("Top picks for you").wait_for()
    assert "titles." in page.locator("#found-said").inner_text()


def test_a_slip_finds_the_film_and_its_play_comes_from_search(visit, fresh):
    page = visit(f"/home?user={fresh}")
    sent = listen(page)
    page.locator("#query").fill("strat wars")
    page.locator("#found[data-query='strat wars']").wait_for()
    assert headings(page)[:2] == ["Titles", "More like Star Wars"]
    with logged(page, "search"):
        page.keyboard.press("Enter")
    page.locator("#details-title").get_by_text("Star Wars").wait_for()
    page.locator('#details[open] [data-do="play"]').click()
    page.locator("#player[open] input[type=range]").fill("500")
    with logged(page, "play"):
        close(page)
    play = [one for one in sent if one["kind"] == "play"][-1]
    (asked,) = [one for one in sent if one["kind"] == "search"]
    assert play["source"] == asked["source"] == "search"
    assert play["decision_id"] == asked["decision_id"]
    assert (play["row"], play["column"]) == (0, 0)
    assert asked["query"] == "strat wars"


def test_people_of_every_screen_find_by_keys_and_by_genre(visit, fresh):
    page = visit(f"/home?user={fresh}&device=tv", width=1920, height=1080)
    page.locator("#query").fill("western")
    page.locator("#found[data-query='western'] .head").get_by_text("Western", exact=True).wait_for()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    chosen = page.locator("#query").get_attribute("aria-activedescendant")
    assert page.locator(f"#{chosen}").get_attribute("aria-selected") == "true"
    page.keyboard.press("Escape")
    assert page.locator("#query").input_value() == ""
