"""Somebody who is just looking: a session of this tab, which shapes its pages, and of which no other tab knows."""

from __future__ import annotations

import pytest
from steps import decided, press, stands

pytestmark = pytest.mark.browser


def test_a_visitor_looks_around_and_their_page_follows_them(visit, api):
    page = visit("/")
    page.get_by_role("button", name="Look around").press("Enter")
    page.wait_for_url("**/home?user=visitor*")
    user = page.locator("#page").get_attribute("data-user")
    assert decided(page)["user_id"] == user
    liked = page.locator(".row .card").first
    item = liked.get_attribute("data-item")
    press(page, liked.locator(".poster"), "dismiss", "dismiss")
    assert stands(api, user)[item]["hidden"]
    page.reload()
    assert item not in [one["item_id"] for row in decided(page)["rows"] for one in row["items"]]
    page.goto(page.url.split("/home")[0])
    assert user not in page.locator("body").inner_html(), "nobody else finds a visitor"
    page.get_by_role("button", name="Look around").click()
    page.wait_for_url("**/home?user=visitor*")
    assert page.locator("#page").get_attribute("data-user") == user, "the tab goes on with its session"
    other = page.context.new_page()
    other.goto(page.url.split("/home")[0])
    other.get_by_role("button", name="With kids").click()
    other.wait_for_url("**/home?user=visitor*kids*")
    shown = [item for row in decided(other)["rows"] for item in row["items"]]
    assert all("Children's" in one["genres"] for one in shown)
