"""Events at the door: each of a batch is validated on its own, and says what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from matinee.catalog import Catalog
from matinee.events import CLOCK_SKEW, NEEDS_TITLE, NEEDS_VALUE, OLDEST
from matinee.service.members import KIND_NUMBER, Action
from matinee.service.problems import in_words, printable
from matinee.service.requests import EventIn
from matinee.service.shown import Doubt, Shown, doubt
from matinee.situation import country_code, device_code


@dataclass(frozen=True, slots=True)
class Validated:
    """One event of a batch: taken (`event` and `time` in microseconds are set) or refused (`reason` is).

    `doubt` says why it is taken without the decision that it names; `stamped`: the time is the service's own, so the
    event came after everything acknowledged before it.
    """

    event_id: str | None
    event: EventIn | None = None
    time: int = 0
    stamped: bool = False
    reason: str = ""
    doubt: Doubt | None = None


def validate(raw: Any, catalog: Catalog, now: int, latest: int) -> Validated:
    """Whether one event can be taken; an absent timestamp becomes `now`, and so does one a little ahead of it.

    `latest` is the latest time that the service's clock ever showed: a clock that has jumped back refuses nothing that
    it would have taken before. Times are microseconds since 1970, UTC.
    """
    event_id = raw.get("event_id") if isinstance(raw, dict) else None
    event_id = printable(event_id[:100]) if isinstance(event_id, str) else None
    try:
        event = EventIn.model_validate(raw)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        return Validated(event_id, reason=in_words(found))
    moment = None if event.timestamp is None else _aware(event.timestamp)
    reason = _unfit(event, moment, catalog, max(now, latest))
    if reason:
        return Validated(event_id, reason=reason)
    time = now if moment is None else min(microseconds(moment), now)
    return Validated(event.event_id, event, time, stamped=time == now)


def after(last: Mapping[str, int], validated: Sequence[Validated]) -> list[Validated]:
    """The batch with each event that the service stamped later than all that is known of its member.

    `last` gives the time of the last event of members, where they have one.
    """
    times, ordered = dict(last), []
    for one in validated:
        user_id = one.event.user_id if one.event else ""
        before = times.get(user_id, 0)
        ordered.append(replace(one, time=max(one.time, before + 1)) if one.stamped else one)
        times[user_id] = max(before, ordered[-1].time)
    return ordered


def answering(taken: Sequence[Validated], shown: Mapping[str, Shown | None], catalog: Catalog) -> list[Validated]:
    """The events, each with its decision only where `shown` has it, it is theirs, and it showed the title there."""
    return [_answering(one, shown, catalog) for one in taken]


def rows_of(taken: Sequence[Validated]) -> list[dict[str, Any]]:
    """The events as the log takes them, by the names of `events.SCHEMA`."""
    return [{**vars(one.event), "timestamp": one.time} for one in taken]


def actions_of(arrived: Sequence[tuple[Validated, int]], catalog: Catalog) -> list[Action]:
    """Events and their places in the order of arrival in the types of a history; without a title there is no action."""
    return [
        Action(
            event.user_id,
            catalog.speaks_for[event.item_id],
            KIND_NUMBER[event.kind],
            event.value or 0.0,
            one.time,
            country_code(event.country),
            device_code(event.device),
            place,
            catalog.episode_index.get(event.item_id, -1),
        )
        for one, place in arrived
        if (event := one.event) is not None and event.item_id is not None and event.kind in NEEDS_TITLE
    ]


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970, UTC."""
    passed = moment - OLDEST
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _answering(validated: Validated, shown: Mapping[str, Shown | None], catalog: Catalog) -> Validated:
    event = validated.event
    if event is None or event.decision_id is None:
        return validated
    item = None if event.item_id is None else catalog.speaks_for[event.item_id]
    why = doubt(shown.get(event.decision_id), event.user_id, item, event.row, event.column)
    if why is None:
        return validated
    alone = event.model_copy(update={"decision_id": None, "row": None, "column": None})
    return replace(validated, event=alone, doubt=why)


def _unfit(event: EventIn, moment: datetime | None, catalog: Catalog, latest: int) -> str:
    """What keeps a well-formed event from being taken; empty when nothing does."""
    if moment is not None and moment < OLDEST:
        return f"timestamp: {moment.isoformat()} is before 1970; give the time at which it happened"
    if moment is not None and moment - OLDEST > timedelta(microseconds=latest) + CLOCK_SKEW:
        return f"timestamp: {moment.isoformat()} is in the future; check the device's clock"
    if event.kind in NEEDS_VALUE and event.value is None:
        return f"value: a {event.kind} needs one from 0 to 1"
    if event.kind in NEEDS_TITLE and event.item_id is None:
        return f"item_id: a {event.kind} needs one"
    if event.item_id is not None and event.item_id not in catalog.speaks_for:
        return f"item_id: {event.item_id[:100]!r} is not in the catalogue"
    return ""
