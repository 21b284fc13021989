"""What stands of a member's actions: the latest word on each title, by title, and nothing that was taken back."""

from __future__ import annotations

import pytest


def told(client, *acts: tuple[str, str, float | None]) -> dict[str, dict]:
    """Send the acts (kind, title, value) of Ada in this order and give what stands, by title."""
    events = [
        {"event_id": f"{n}", "user_id": "ada", "kind": kind, "item_id": item, "value": value}
        for n, (kind, item, value) in enumerate(acts)
    ]
    if events:
        assert client.post("/v1/events", json={"events": events}).json()["accepted"] == len(events)
    answer = client.get("/v1/state", params={"user_id": "ada"}).json()
    assert answer["user_id"] == "ada"
    return {title["item_id"]: title for title in answer["titles"]}


@pytest.mark.parametrize(
    ("acts", "stands"),
    [
        ([("thumbs_up", None)], {"thumb": "up"}),
        ([("thumbs_up", None), ("thumbs_down", None)], {"thumb": "down"}),
        ([("list_add", None), ("play", 0.6)], {"listed": True, "watched": 0.6}),
        ([("play", 0.9), ("play", 0.25)], {"watched": 0.25}),
        ([("dismiss", None)], {"hidden": True}),
        ([("dismiss", None), ("play", 0.02)], {"hidden": True, "watched": 0.02}),
        ([("dismiss", None), ("list_add", None)], {"listed": True}),
        ([("thumbs_up", None), ("dismiss", None), ("dismiss_clear", None)], {"thumb": "up"}),
        ([("play", 0.4), ("seen", None)], {"watched": 0.4, "seen": True}),
        ([("seen", None), ("thumbs_up", None)], {"seen": True, "thumb": "up"}),
        ([("seen", None), ("play", 0.02)], {"seen": True, "watched": 0.02}),
        ([("seen", None), ("play", 0.5)], {"watched": 0.5}),
        ([("play", 0.4), ("thumbs_up", None), ("play_clear", None)], {"thumb": "up"}),
    ],
)
def test_the_latest_word_on_a_title_stands(client, acts, stands):
    found = told(client, *((kind, "t7", value) for kind, value in acts))["t7"]
    blank = {"thumb": None, "listed": False, "hidden": False, "seen": False, "watched": None}
    assert {name: found[name] for name in blank} == {**blank, **stands}
    assert found["title"] == "Action Story 7 (1957)"


@pytest.mark.parametrize(
    "acts", [[], ["open"], ["thumbs_up", "thumbs_clear"], ["list_add", "list_remove"], ["seen", "seen_clear"]]
)
def test_titles_of_which_nothing_stands_are_left_out(client, acts):
    assert told(client, *((kind, "t7", None) for kind in acts)) == {}


def test_titles_touched_last_come_first_and_forbidden_ones_never(client):
    acts = [("list_add", "t6", None), ("thumbs_up", "t7", None), ("list_add", "t12", None), ("thumbs_up", "t6", None)]
    assert list(told(client, *acts)) == ["t6", "t12", "t7"]
    client.put("/v1/profiles/ada", json={"maturity_limit": 6})
    assert list(told(client)) == ["t6", "t12"]


def test_a_state_is_of_somebody(client):
    assert client.get("/v1/state").status_code == client.get("/v1/state?user_id=").status_code == 422
