"""Play something on the page: answers lead on and change what comes, Play plays, keys and a screen reader suffice."""

from __future__ import annotations

import pytest
from steps import close, listen, logged, stands

pytestmark = pytest.mark.browser


def suggestion(page) -> dict:
    """What is on screen, once it is there."""
    page.locator("#suggestion:not([aria-busy]) .primary").wait_for()
    card = page.locator("#suggestion .slot")
    return {"item": card.get_attribute("data-item"), "facts": card.locator(".facts").inner_text()}


def answer(page, press) -> dict:
    """Press, and what comes next."""
    with page.expect_response(lambda one: one.url.endswith("/v1/play_something")) as answered:
        press()
    told = answered.value.json()
    page.wait_for_function(
        "(item) => document.querySelector('#suggestion .slot')?.dataset.item === item", arg=told["title"]["item_id"]
    )
    suggestion(page)
    return told


def test_three_skips_change_the_mood_and_nothing_comes_twice(visit, fresh, api):
    page = visit(f"/home?user={fresh}")
    page.locator(".places").get_by_text("Play something").click()
    seen = [suggestion(page)["item"]]
    for _ in range(3):
        seen.append(answer(page, lambda: page.locator('[data-do="skip"]').click())["title"]["item_id"])
    assert len(set(seen)) == 4
    assert page.evaluate("document.activeElement.dataset.do") == "skip", "who skips on need not look for the button"
    decisions = api.get(f"/v1/exports/{fresh}").json()["decisions"]
    steps = [one for one in decisions if one["surface"] == "play_something"]
    assert len({one["episode"][0] for one in steps}) == 1
    assert steps[-1]["episode"][3] == [15, 15, 15]
    unmoved = [one["choices"]["log_probs"][0] for one in steps]
    assert len(set(unmoved)) == 4, "each answer moves the probabilities"


def test_lighter_is_lighter_and_says_so_to_all(visit, fresh):
    page = visit(f"/play?user={fresh}")
    before = suggestion(page)
    told = answer(page, lambda: page.keyboard.press("h"))
    told = answer(page, lambda: page.keyboard.press("l"))
    assert told["title"]["reason"].startswith("Lighter than ")
    assert page.locator(".reason").inner_text() == told["title"]["reason"]
    assert told["title"]["reason"] in page.locator("#suggested[role=status]").inner_text()
    assert told["title"]["item_id"] != before["item"]


def test_play_plays_and_a_thumb_is_a_thumb_everywhere(visit, fresh, api):
    page = visit(f"/play?user={fresh}&device=tv", width=1920, height=1080)
    sent, first = listen(page), suggestion(page)
    with logged(page, "thumbs_up"):
        page.keyboard.press("u")
    assert stands(api, fresh)[first["item"]]["thumb"] == "up"
    page.locator('[data-do="play"]').focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.do") == "skip"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.locator("#player[open] input[type=range]").fill("500")
    with logged(page, "play"):
        close(page)
    play = [one for one in sent if one["kind"] == "play"][-1]
    assert (play["source"], play["item_id"], play["row"], play["column"]) == ("play_something", first["item"], 0, 0)
    assert play["decision_id"]
