"""Browsing: chips narrow what is shown, "More" goes on without what was shown, and a row of a genre leads here."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.browser


def titles(page) -> list[dict]:
    made = json.loads(page.locator("#decision").text_content())
    return [item for row in made["rows"] for item in row["items"]]


def test_chips_narrow_and_more_goes_on(visit, fresh):
    page = visit(f"/home?user={fresh}")
    page.get_by_role("link", name="Browse").click()
    page.locator("h1").get_by_text("All titles").wait_for()
    page.locator(".chips").get_by_text("Comedy", exact=True).click()
    page.locator(".chips").get_by_text("From 1990 on").click()
    page.locator("h1").get_by_text("Comedy, from 1990 on").wait_for()
    first = titles(page)
    assert len(first) == 48
    assert all("Comedy" in item["genres"] and item["year"] >= 1990 for item in first)
    assert page.locator(".chip[aria-current]").all_inner_texts() == ["Comedy", "From 1990 on"]
    page.locator("#more").click()
    page.wait_for_function("id => !document.querySelector(`[data-item='${id}']`)", arg=first[0]["item_id"])
    second = titles(page)
    assert not {item["item_id"] for item in first} & {item["item_id"] for item in second}
    assert all("Comedy" in item["genres"] for item in second)


def test_a_row_of_a_genre_ends_in_more_of_it(visit, fresh):
    page = visit(f"/home?user={fresh}")
    row = page.locator('.row[data-kind="genre"]').first
    genre = row.locator("h2").inner_text()
    row.locator(".more a").click()
    page.locator("h1").get_by_text(genre, exact=True).wait_for()
    assert all(genre in item["genres"] for item in titles(page))


def test_on_a_phone_the_chosen_genre_is_in_sight_words_are_whole_and_the_end_says_so(visit, fresh):
    page = visit(f"/browse?user={fresh}&genre=Western")
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    page.get_by_text("That was all.").wait_for()
    assert page.locator("#more").count() == 0
    chosen = page.locator(".chip[aria-current]").first.bounding_box()
    assert chosen["x"] >= 0
    assert chosen["x"] + chosen["width"] <= 390
    cut = (
        "[...document.querySelectorAll('.lettering .facts')].filter((line) => [...line.children].some((word) => "
        "word.offsetTop === line.children[0].offsetTop && word.scrollWidth > line.clientWidth)).length"
    )
    assert page.evaluate(cut) == 0
