"""What is believed is seen and corrected: the very next page differs, and each correction is undone by one press."""

from __future__ import annotations

import pytest
from steps import close, decided, stands

pytestmark = pytest.mark.browser


def seeds(page) -> set[str]:
    """The titles that rows of the home page are founded on."""
    return {row["about"][0] for row in decided(page)["rows"] if row["kind"].startswith("because_you")}


def genres(page) -> set[str]:
    return {genre for row in decided(page)["rows"] for item in row["items"] for genre in item["genres"]}


def test_a_belief_is_corrected_by_keyboard_and_the_next_page_knows(visit, api, fresh):
    rows = api.post("/v1/home", json={"user_id": fresh, "filter": 'genre = "Sci-Fi"'}).json()["rows"]
    liked = list(dict.fromkeys(item["item_id"] for row in rows for item in row["items"]))[:6]
    events = [{"event_id": one, "user_id": fresh, "kind": "thumbs_up", "item_id": one} for one in liked]
    api.post("/v1/events", json={"events": events}).raise_for_status()
    page = visit(f"/home?user={fresh}")
    wrong = sorted(seeds(page) & set(liked))[0]
    page.get_by_role("link", name="Your tastes").click()
    page.wait_for_url("**/tastes?user=*")
    assert "6 titles speak for your taste" in page.locator(".lead").inner_text()
    page.locator(f'[data-item="{wrong}"] [data-uncount]').focus()
    page.keyboard.press("Enter")
    page.locator(".lead", has_text="5 titles speak").wait_for()
    page.locator('li[data-genre="Sci-Fi"] [data-wish="less"]').press("Enter")
    page.get_by_text("Held back, as you wished").wait_for()
    page.get_by_role("link", name="Home").click()
    page.wait_for_url("**/home?user=*")
    assert wrong not in seeds(page)
    assert wrong not in [item["item_id"] for row in decided(page)["rows"] for item in row["items"]]
    page.go_back()
    page.locator(f'[data-item="{wrong}"] [data-back]').wait_for()
    page.get_by_role("button", name="Delete everything").press("Enter")
    page.locator("#sure[open]").get_by_role("button", name="Keep").press("Enter")
    with page.expect_download() as file:
        page.get_by_role("link", name="Download everything").press("Enter")
    assert fresh in file.value.path().read_text()
    page.get_by_role("button", name="Delete everything").press("Enter")
    page.get_by_role("button", name="Delete for good").press("Enter")
    page.wait_for_url("**/")
    assert api.get(f"/v1/exports/{fresh}").json()["events"] == []


def test_a_genre_is_hidden_from_a_title_and_comes_back_by_undo_and_from_the_one_place(visit, api, fresh):
    page = visit(f"/home?user={fresh}")
    card = page.locator('.row .card[data-genres*="Comedy"]').first
    card.locator(".poster").click()
    chip = page.locator('#details [data-genre="Comedy"]')
    with page.expect_response("**/v1/wishes/genre"):
        chip.click()
    page.wait_for_function("() => document.querySelector('#details [data-genre=Comedy]').ariaPressed === 'true'")
    assert "gone" in card.get_attribute("class")
    assert api.get(f"/v1/profiles/{fresh}").json()["blocked_genres"] == ["Comedy"]
    with page.expect_response("**/v1/wishes/genre"):
        page.get_by_role("button", name="Undo").click()
    page.wait_for_function("() => document.querySelector('#details [data-genre=Comedy]').ariaPressed === 'false'")
    with page.expect_response("**/v1/wishes/genre"):
        chip.click()
    page.locator('#details [data-do="seen"]').click()
    close(page)
    page.reload()
    assert "Comedy" not in genres(page)
    page.get_by_role("link", name="Your tastes").click()
    page.get_by_role("button", name="Show Comedy again").click()
    page.get_by_text("Comedy counts as usual again.").wait_for()
    page.get_by_role("link", name="Home").click()
    page.wait_for_url("**/home?user=*")
    assert "Comedy" in genres(page)
    assert [one["seen"] for one in stands(api, fresh).values()] == [True]
