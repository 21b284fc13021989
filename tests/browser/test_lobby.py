"""Who is watching: members are found, edited and deleted; someone new begins with three titles they like."""

from __future__ import annotations

import pytest
from steps import decided, stands

pytestmark = pytest.mark.browser


def test_someone_new_picks_three_and_the_page_is_made_of_them(visit, api):
    page = visit("/")
    page.locator("#create").get_by_label("Name").fill("Newcomer")
    page.get_by_role("button", name="Start watching").click()
    page.wait_for_url("**/start?user=*")
    go = page.locator("#go")
    assert go.is_disabled()
    for place in (0, 8, 16):
        page.locator(".pick").nth(place).click()
    picked = page.locator('.pick[aria-pressed="true"]').count()
    assert (picked, go.inner_text()) == (3, "Show my page")
    go.click()
    page.wait_for_url("**/home?user=*")
    user = page.locator("#page").get_attribute("data-user")
    stand = stands(api, user).values()
    assert [title["thumb"] for title in stand] == ["up"] * 3
    shown = [title for row in decided(page)["rows"] for title in row["items"]]
    begun = [title for title in shown if any(one["title"] in (title["reason"] or "") for one in stand)]
    assert len(begun) > len(shown) / 2, "most titles say which of the three picks they stand there for"


def test_members_are_found_edited_and_deleted(visit, api, fresh):
    whole = {"name": "Zuleika", "country": "DK", "blocked_genres": ["Horror"], "languages": []}
    api.put(f"/v1/profiles/{fresh}", json=whole).raise_for_status()
    page = visit("/")
    assert "Zuleika" in page.locator(".someone").first.inner_text(), "the latest member comes first"
    page.get_by_label("Find a member by name").fill("zule")
    page.wait_for_function("() => document.querySelectorAll('.someone').length === 1")
    page.get_by_role("button", name="Edit Zuleika").click()
    dialog = page.locator("#member[open]")
    dialog.get_by_label("Name").fill("Zuleika D")
    dialog.get_by_label("Western").check()
    dialog.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Edit Zuleika D").wait_for()
    profile = api.get(f"/v1/profiles/{fresh}").json()
    assert (profile["name"], profile["country"]) == ("Zuleika D", "DK")
    assert sorted(profile["blocked_genres"]) == ["Horror", "Western"]
    page.get_by_role("button", name="Edit Zuleika D").click()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Keep").click()
    assert api.get(f"/v1/profiles/{fresh}").status_code == 200
    page.get_by_role("button", name="Edit Zuleika D").click()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete for good").click()
    page.get_by_text("Nobody's name or id begins like this.").wait_for()
    assert api.get(f"/v1/profiles/{fresh}").status_code == 404
