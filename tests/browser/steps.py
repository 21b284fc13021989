"""What several tests of the page do: look at its decision, at what is sent, and press a title's buttons."""

from __future__ import annotations

from typing import Any


def decided(page: Any) -> dict[str, Any]:
    """The decision on screen."""
    return page.evaluate("JSON.parse(document.querySelector('#decision').textContent)")


def layout(page: Any) -> list[list[str]]:
    """The titles on screen, row by row."""
    return page.evaluate(
        "[...document.querySelectorAll('.billboard, .row')].map((row) => "
        "[...row.querySelectorAll('.slot')].map((slot) => slot.dataset.item))"
    )


def listen(page: Any) -> list[dict[str, Any]]:
    """The events that the page sends from now on."""
    sent: list[dict[str, Any]] = []
    page.on("request", lambda asked: sent.extend(asked.post_data_json["events"]) if is_events(asked) else None)
    return sent


def is_events(asked: Any) -> bool:
    """Whether a request carries events."""
    return asked.url.endswith("/v1/events")


def logged(page: Any, kind: str) -> Any:
    """A context that ends when the log has an event of this kind."""
    return page.expect_response(lambda answer: is_events(answer) and f'"{kind}"' in (answer.request.post_data or ""))


def press(page: Any, poster: Any, do: str, kind: str) -> None:
    """Open the details of a title, press one of its buttons and close them; the log has the event when it returns."""
    poster.click()
    with logged(page, kind):
        page.locator(f'#details[open] [data-do="{do}"]').click()
    close(page)


def close(page: Any) -> None:
    """Close the dialog, and wait until the browser is back where it was."""
    page.keyboard.press("Escape")
    page.wait_for_function("() => !document.querySelector('dialog[open]') && !history.state?.dialog")


def stands(api: Any, user: str) -> dict[str, dict[str, Any]]:
    """What the log says of each title."""
    return {title["item_id"]: title for title in api.get("/v1/state", params={"user_id": user}).json()["titles"]}
