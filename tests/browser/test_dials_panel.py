"""The panel that tunes the page: by mouse and by keyboard, in words, and kept in the address."""

from __future__ import annotations

import pytest
from steps import close, decided

pytestmark = pytest.mark.browser


def shown(page) -> list[str]:
    return [item["item_id"] for row in decided(page)["rows"] for item in row["items"]]


def let_go(page, label: str, key: str, times: int = 1) -> None:
    """Move a slider by its keys, and wait until the page has followed."""
    slider = page.get_by_role("slider", name=label, exact=True)
    before = decided(page)["decision_id"]
    slider.focus()
    for _ in range(times):
        with page.expect_response("**/home?*part=1*"):
            page.keyboard.press(key)
    page.wait_for_function("(id) => !document.querySelector('#decision').textContent.includes(id)", arg=before)


def test_the_diversity_dial_changes_the_page_and_stays_in_the_address(visit):
    page = visit("/home?user=1")
    usual = shown(page)
    page.get_by_role("button", name="Tune this page").first.click()
    let_go(page, "Variety", "End")
    assert decided(page)["dials"]["diversity"] == 1.0
    varied = shown(page)
    assert len(set(varied) - set(usual)) >= 10
    assert "new on the page" in page.get_by_role("status").filter(has_text="new on the page").inner_text()
    assert page.get_by_role("slider", name="Variety").get_attribute("aria-valuetext") == "as much as can be"
    close(page)
    page.wait_for_function("location.search.includes('diversity=1')")
    page.reload()
    assert decided(page)["dials"]["diversity"] == 1.0
    assert shown(page) == varied
    page.get_by_role("button", name="Why this page").click()
    assert "Tuned: variety as much as can be." in page.get_by_role("dialog").inner_text()


def test_as_usual_brings_the_usual_page_back_on_a_phone(visit):
    page = visit("/home?user=1&novelty=1", width=390, height=800)
    tuned = shown(page)
    page.get_by_role("button", name="Tune this page").last.click()
    assert page.get_by_role("slider", name="Off the beaten track").input_value() == "1"
    with page.expect_response("**/home?*part=1*"):
        page.get_by_role("button", name="As usual").click()
    page.wait_for_function("document.querySelector('#dial-novelty').value === '0'")
    assert shown(page) != tuned
    assert set(decided(page)["dials"].values()) == {0.0}
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
