"""The service is away: one notice, nothing is lost, everything that waits is tried again."""

from __future__ import annotations

import pytest
from steps import listen, logged, stands

pytestmark = pytest.mark.browser


def test_what_is_done_while_the_service_is_away_is_kept_and_sent_again(visit, api, fresh):
    page = visit(f"/home?user={fresh}")
    card = page.locator(".row .card").first
    sent = listen(page)
    page.context.set_offline(True)
    card.locator(".poster").focus()
    page.keyboard.press("u")
    page.get_by_text("Matinee cannot be reached").wait_for()
    assert card.locator(".marks").count() == 1, "it shows as done"
    assert stands(api, fresh) == {}
    page.context.set_offline(False)
    page.get_by_text("Matinee cannot be reached").wait_for(state="hidden")
    page.wait_for_function("() => !Object.keys(localStorage).some((key) => key.startsWith('matinee:event:'))")
    likes = [event for event in sent if event["kind"] == "thumbs_up"]
    assert len(likes) >= 2
    assert len({event["event_id"] for event in likes}) == 1
    assert stands(api, fresh)[card.get_attribute("data-item")]["thumb"] == "up"


def test_what_is_kept_outlives_the_page(visit, api, fresh):
    page = visit(f"/home?user={fresh}")
    item = page.locator(".pitch").get_attribute("data-item")
    page.route("**/v1/events", lambda route: route.abort("internetdisconnected"))
    page.locator('.pitch [data-do="list"]').click()
    page.get_by_text("Matinee cannot be reached").wait_for()
    assert stands(api, fresh) == {}
    page.unroute("**/v1/events")
    with logged(page, "list_add"):
        page.reload()
    assert stands(api, fresh)[item]["listed"]


def test_search_says_that_the_service_is_away_and_answers_when_it_is_back(visit, fresh):
    page = visit(f"/home?user={fresh}")
    page.context.set_offline(True)
    page.locator("#query").fill("star w")
    page.locator("#found").get_by_text("Matinee does not answer").wait_for()
    assert "Nothing found" not in page.locator("#found").inner_text()
    page.context.set_offline(False)
    page.locator("#found [role=option]").filter(has_text="Star Wars").wait_for()
