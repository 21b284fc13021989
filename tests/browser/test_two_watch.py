"""Two people choose together: who else watches is picked, titles say whom they are for, and a play counts for both."""

from __future__ import annotations

import uuid

import pytest
from steps import close, decided, logged, stands

pytestmark = pytest.mark.browser


@pytest.fixture
def ben(api) -> str:
    """A child who liked four films for children."""
    user = f"ben-{uuid.uuid4().hex[:8]}"
    api.put(f"/v1/profiles/{user}", json={"name": f"Ben {user[-4:]}", "kids": True}).raise_for_status()
    page = api.post("/v1/home", json={"user_id": user}).json()
    liked = [item["item_id"] for row in page["rows"] for item in row["items"]][:4]
    likes = [{"event_id": one, "user_id": user, "kind": "thumbs_up", "item_id": one} for one in liked]
    api.post("/v1/events", json={"events": likes}).raise_for_status()
    return user


def test_two_people_choose_together(visit, api, fresh, ben):
    page = visit(f"/home?user={fresh}")
    page.get_by_role("link", name="Watch together").click()
    page.get_by_role("searchbox", name="Find a member by name").fill(f"Ben {ben[-4:]}")
    page.keyboard.press("Enter")
    page.get_by_label(f"Ben {ben[-4:]}").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Watch together").click()
    page.wait_for_url("**/together?*with=*")
    made = decided(page)
    assert made["watchers"] == [fresh, ben]
    shown = [item for row in made["rows"] for item in row["items"]]
    assert all("Children's" in item["genres"] for item in shown), "only what Ben may see"
    assert any(f"Ben {ben[-4:]}, because of" in item["reason"] for item in shown)
    assert f"Ada and Ben {ben[-4:]}".lower() in page.locator(".kicker").inner_text().lower()
    title = page.locator(".pitch").get_attribute("data-item")
    page.locator(".pitch").get_by_role("button", name="More").click()
    assert page.locator("#details h3").count() == 0, "what else goes with it would be for one of them"
    page.locator("#details").get_by_role("button", name="Play").click()
    with logged(page, "play"):
        page.get_by_label("Watched so far").fill("950")
        close(page)
    assert [stands(api, one)[title]["watched"] for one in (fresh, ben)] == pytest.approx([0.95, 0.95], abs=0.02)
    page.reload()
    assert title not in [item["item_id"] for row in decided(page)["rows"] for item in row["items"]]
    page.get_by_role("button", name="Show me a new page").click()
    page.wait_for_url("**draw=*")
    assert decided(page)["watchers"] == [fresh, ben]
