"""A series on the page: its next episode plays, and then the following one is offered."""

from __future__ import annotations

import pytest
from steps import decided, listen, logged, stands

pytestmark = pytest.mark.browser

SHOW = "A Show of Its Own"
EPISODES = [(1, 1, "Pilot"), (1, 2, "Second"), (2, 1, "Return")]


@pytest.fixture
def show(api) -> str:
    """A series of three episodes, brought into the running demo."""
    told = [{"item_id": "show", "title": SHOW, "genres": ["Comedy"]}]
    for season, number, name in EPISODES:
        placed = {"series": "show", "season": season, "episode": number}
        told.append({"item_id": f"show-{season}-{number}", "title": name, **placed})
    api.post("/v1/titles", json={"titles": told}, timeout=120).raise_for_status()
    return "show"


LATE = """event => {
  const real = window.fetch;
  window.fetch = async (...asked) => {
    const answer = await real(...asked);
    if (String(asked[0]).includes("/v1/state")) {
      localStorage.setItem("matinee:event:0:late", JSON.stringify(event));
      window.fetch = real;
    }
    return answer;
  };
}"""


def event(user: str, item: str, value: float) -> dict:
    return {"event_id": f"{user}-{item}-{value}", "user_id": user, "kind": "play", "item_id": item, "value": value}


def test_the_next_episode_plays_and_the_following_one_is_offered(visit, api, fresh, show):
    film = api.get("/v1/titles").json()["titles"][0]["item_id"]
    begun = [event(fresh, film, 0.5), event(fresh, "show-1-1", 1.0), event(fresh, "show-1-2", 0.4)]
    api.post("/v1/events", json={"events": begun}).raise_for_status()
    page = visit(f"/home?user={fresh}")
    row = next(one for one in decided(page)["rows"] if one["kind"] == "continue_watching")
    assert {one["item_id"]: one.get("next", {}).get("item_id") for one in row["items"]} == {
        film: None,
        show: "show-1-2",
    }
    card = page.locator(f'.row[data-kind="continue_watching"] .card[data-item="{show}"]')
    assert card.locator(".next").inner_text() == "S1 E2 – Second"
    assert card.locator("progress").get_attribute("value") == "0.4"
    sent = listen(page)
    card.locator(".poster").click()
    button = page.locator('#details[open] [data-do="play"]')
    assert button.inner_text().strip() == "Continue S1 E2"
    button.click()
    slider = page.locator("#player[open] input")
    with logged(page, "play"):
        slider.fill("950")
    with page.expect_response("**/v1/state*"):
        page.keyboard.press("Escape")
    page.wait_for_function("() => document.querySelector('[data-next]').textContent === 'S2 E1 – Return'")
    plays = [one for one in sent if one["kind"] == "play"]
    assert {one["item_id"] for one in plays} == {"show-1-2"}
    assert {one["decision_id"] for one in plays} == {decided(page)["decision_id"]}
    left = stands(api, fresh)[show]
    assert (left["next"]["item_id"], left["watched"]) == ("show-2-1", 0.0)


def test_what_stands_is_asked_again_where_more_was_on_its_way(visit, api, fresh, show):
    film = api.get("/v1/titles").json()["titles"][0]["item_id"]
    api.post("/v1/events", json={"events": [event(fresh, "show-1-1", 0.4)]}).raise_for_status()
    page = visit(f"/home?user={fresh}")
    page.locator(f'.row[data-kind="continue_watching"] .card[data-item="{show}"] .poster').click()
    page.locator('#details[open] [data-do="play"]').click()
    with logged(page, "play"):
        page.locator("#player[open] input").fill("950")
    page.evaluate(LATE, event(fresh, film, 0.3))
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.querySelector('[data-next]').textContent === 'S1 E2 – Second'")
    assert stands(api, fresh)[film]["watched"] == 0.3
