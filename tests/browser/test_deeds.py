"""A deed shows at once, on its title alone, in every tab; it can be undone, and a play goes on where it stopped."""

from __future__ import annotations

import pytest
from steps import close, decided, layout, listen, logged, press, stands

pytestmark = pytest.mark.browser

DEEDS = (
    ("thumbs_up", "thumbs_up", "thumbs_clear"),
    ("thumbs_down", "thumbs_down", "thumbs_clear"),
    ("list", "list_add", "list_remove"),
    ("dismiss", "dismiss", "dismiss_clear"),
)  # button, what it tells, what undoing tells


@pytest.mark.parametrize(("deed", "told", "undone"), DEEDS)
def test_a_deed_changes_its_title_alone_and_undo_takes_it_back(visit, api, fresh, deed, told, undone):
    page = visit(f"/home?user={fresh}")
    before, decision = layout(page), decided(page)["decision_id"]
    card = page.locator(".row .card").first
    item = card.get_attribute("data-item")
    card.locator(".poster").click()
    button = page.locator(f'#details[open] [data-do="{deed}"]')
    with logged(page, told):
        button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert stands(api, fresh)[item]
    assert card.locator(".marks").count() == 1
    assert (layout(page), decided(page)["decision_id"]) == (before, decision)
    with logged(page, undone):
        page.get_by_role("button", name="Undo").click()
    assert button.get_attribute("aria-pressed") == "false"
    assert stands(api, fresh) == {}
    close(page)
    assert card.locator(".marks").count() == 0
    assert layout(page) == before


def test_two_quick_clicks_on_my_list_put_one_title_on_and_off(visit, api, fresh):
    page = visit(f"/home?user={fresh}")
    sent = listen(page)
    item = decided(page)["rows"][0]["items"][0]["item_id"]
    button = page.locator('.pitch [data-do="list"]')
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    page.wait_for_timeout(400)
    with logged(page, "list_remove"):
        button.click()
    assert button.get_attribute("aria-pressed") == "false"
    listed = [(event["kind"], event["item_id"]) for event in sent if event["kind"].startswith("list")]
    assert listed == [("list_add", item), ("list_remove", item)]
    assert stands(api, fresh) == {}


def test_other_tabs_show_what_was_done_here_and_elsewhere(visit, api, fresh):
    one = visit(f"/home?user={fresh}")
    item = decided(one)["rows"][0]["items"][0]["item_id"]
    other = one.context.new_page()
    other.goto(one.url)
    other.evaluate("item => document.querySelector('.pitch').dataset.item = item", item)
    one.bring_to_front()
    with logged(one, "list_add"):
        one.locator('.pitch [data-do="list"]').click()
    other.locator('.pitch [data-do="list"][aria-pressed="true"]').wait_for(state="attached")
    with one.expect_response("**/v1/state*"):
        away = {"event_id": "elsewhere", "user_id": fresh, "kind": "list_remove", "item_id": item}
        api.post("/v1/events", json={"events": [away]}).raise_for_status()
        one.evaluate("dispatchEvent(new Event('focus'))")
    one.locator('.pitch [data-do="list"][aria-pressed="false"]').wait_for()


def test_a_play_goes_on_where_it_stopped_and_its_card_shows_how_far(visit, api, fresh):
    page = visit(f"/home?user={fresh}")
    card = page.locator(".row .card").first
    item = card.get_attribute("data-item")
    played = {"event_id": "half", "user_id": fresh, "kind": "play", "item_id": item, "value": 0.6}
    api.post("/v1/events", json={"events": [played]}).raise_for_status()
    page.evaluate("dispatchEvent(new Event('focus'))")
    bar = card.locator("progress")
    bar.wait_for()
    assert float(bar.get_attribute("value")) == 0.6
    card.locator(".poster").click()
    page.locator("#details[open]").get_by_role("button", name="Continue").click()
    page.locator("#player[open]").wait_for()
    assert 600 <= int(page.get_by_label("Watched so far").input_value()) <= 750
    close(page)
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function("bar => bar.value === 0.6", arg=card.locator("progress").element_handle())


def test_my_list_is_a_view_without_the_rows_cap_where_hidden_titles_come_back(visit, api, fresh):
    found = api.get("/v1/titles", params={"prefix": "the", "n": 45}).json()["titles"]
    kinds = ["list_add"] * 44 + ["dismiss"]
    events = [
        {"event_id": f"many-{n}", "user_id": fresh, "kind": kind, "item_id": title["item_id"]}
        for n, (kind, title) in enumerate(zip(kinds, found, strict=True))
    ]
    assert api.post("/v1/events", json={"events": events}).json()["accepted"] == 45
    page = visit(f"/home?user={fresh}")
    page.get_by_role("link", name="My list").click()
    page.wait_for_url("**/list?user=*")
    assert page.locator("section", has_text="My list").first.locator(".card").count() == 44
    hidden = page.locator("section", has=page.get_by_role("heading", name="Hidden titles"))
    assert hidden.locator(".card").count() == 1
    press(page, hidden.locator(".poster"), "dismiss", "dismiss_clear")
    assert "gone" not in hidden.locator(".card").get_attribute("class")
    page.reload()
    assert hidden.locator(".card").count() == 0


def test_back_closes_the_dialog_and_leaves_the_page(visit, fresh):
    page = visit(f"/home?user={fresh}")
    before = layout(page)
    page.locator(".row .poster").first.click()
    page.locator("#details[open] .strip .poster").first.click()
    page.locator("#details[open]").get_by_role("button", name="Play").click()
    page.locator("#player[open]").wait_for()
    page.go_back()
    page.locator("#player[open]").wait_for(state="hidden")
    assert page.locator("dialog[open]").count() == 0
    assert layout(page) == before


def test_a_new_page_comes_when_asked_for_and_stays_when_read_again(visit, fresh):
    page = visit(f"/home?user={fresh}")
    first = decided(page)["decision_id"]
    page.get_by_role("button", name="Show me a new page").click()
    page.wait_for_function(
        "first => JSON.parse(document.querySelector('#decision').textContent).decision_id !== first", arg=first
    )
    shown = layout(page)
    page.reload()
    assert layout(page) == shown
