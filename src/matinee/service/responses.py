"""What goes out over HTTP: the shape of every answer, checked by the type checker and shown in the API page."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from matinee.service.shown import Doubt
from matinee.service.studio import DayShown, TitleBelief, VersionKept


class ErrorOut(TypedDict):
    """What went wrong, in words, and what to do about it."""

    error: str
    message: str
    remedy: NotRequired[str]


class NextOut(TypedDict):
    """The episode of a series that comes next: a play of it names this `item_id` and begins at the share `resume`.

    `new`: it arrived after the member had caught up with the series.
    """

    item_id: str
    season: int
    episode: int
    name: str | None
    resume: float
    new: bool


class WatcherOut(TypedDict):
    """Somebody whom a title is for: what it is worth to them, and the title of their history that speaks for it."""

    user_id: str
    worth: float
    because: str | None


class ItemOut(TypedDict):
    """One title in one place. `score` estimates the probability that it satisfies, if looked at.

    `whom`: of those who watch together, those who would choose it alone. `art`: which of its wide pictures was chosen,
    on a billboard; `artwork_url` its address, null where it is drawn; `presentation_log_prob` that of this picture and
    this reason, given the title.
    """

    item_id: str
    title: str
    column: int
    score: float
    log_prob: float
    year: int | None
    genres: list[str]
    image_url: str | None
    reason: NotRequired[str]
    next: NotRequired[NextOut]
    whom: NotRequired[list[WatcherOut]]
    art: NotRequired[int]
    artwork_url: NotRequired[str | None]
    presentation_log_prob: NotRequired[float]


class RowOut(TypedDict):
    """One row of the page: its kind and what it is about. `log_prob` is that of the row given the rows above it."""

    row: int
    kind: str
    about: list[str]
    title: str
    log_prob: float
    items: list[ItemOut]


class MissOut(TypedDict):
    """A step of the fallback that did not answer, and why."""

    step: str
    reason: str


class FallbackOut(TypedDict):
    """Set when the intended policy did not answer: the step that did, and the ones that did not."""

    step: str
    missed: list[MissOut]


class HeadOut(TypedDict):
    """What every decision says of itself. `note` says why there is nothing."""

    decision_id: str
    policy_id: str
    artifact_id: str
    surface: str
    user_id: str
    fallback: FallbackOut | None
    log_prob: float
    note: NotRequired[str]


class DialsOut(TypedDict):
    """How far the answer left what is likeliest, 0 to 1 each."""

    diversity: float
    calibration: float
    novelty: float
    freshness: float
    exposure: float


class PageOut(HeadOut):
    """A decision as it was made and logged, with `dials` as they were turned; `exploration` null: the policy's own.
    `timings` are milliseconds.
    """

    dials: DialsOut
    exploration: float | None
    rows: list[RowOut]
    timings: dict[str, float]


class TogetherOut(PageOut):
    """A page for several: `watchers`, who asked first."""

    watchers: list[str]


class SuggestionOut(HeadOut):
    """One suggestion of an episode, logged as it was made; ask for the next one `after` it. No title: none is left."""

    step: int
    title: ItemOut | None
    timings: dict[str, float]


class MessageOut(TypedDict):
    """A message to a member: the title, why, and what it says. `decision_id`: what events that answer it carry."""

    decision_id: str
    title: TitleOut
    reason: str
    message: str


class OutreachOut(HeadOut):
    """Whether to write to the member now; no message: stay silent."""

    message: MessageOut | None
    timings: dict[str, float]


class InboxOut(TypedDict):
    """What a member was lately written to about, newest first."""

    messages: list[MessageOut]


class PagesOut(TypedDict):
    """Pages in the order asked."""

    pages: list[PageOut]


class ChosenOut(TypedDict):
    """The title of a billboard. `score` estimates the probability that it satisfies, if looked at; `log_prob` is that
    of the title, `presentation_log_prob` that of its picture and reason, given the title.
    """

    item_id: str
    title: str
    score: float
    log_prob: float
    reason: NotRequired[str]
    art: NotRequired[int]
    artwork_url: NotRequired[str | None]
    presentation_log_prob: NotRequired[float]


class BillboardOut(TypedDict):
    """A billboard, logged as a decision of its own. `log_prob` is that of all of it; no `item`: `note` says why."""

    decision_id: str
    user_id: str
    log_prob: float
    fallback: FallbackOut | None
    item: ChosenOut | None
    note: NotRequired[str]


class BillboardsOut(TypedDict):
    """Billboards in the order asked. `timings` are milliseconds."""

    billboards: list[BillboardOut]
    timings: dict[str, float]


class EventOut(TypedDict):
    """What became of one event. `decision` says why it was taken without the decision that it names."""

    event_id: str | None
    status: Literal["accepted", "duplicate", "rejected"]
    reason: NotRequired[str]
    decision: NotRequired[Doubt]


class EventsOut(TypedDict):
    """What became of each event, in the order sent. Accepted means: it is on disk."""

    accepted: int
    duplicate: int
    rejected: int
    results: list[EventOut]


class ProfileOut(TypedDict):
    """A member's profile."""

    user_id: str
    account_id: str
    name: str
    maturity_limit: int | None
    kids: bool
    languages: list[str]
    country: str | None
    blocked_titles: list[str]
    blocked_genres: list[str]
    time_zone: str | None
    messages: bool
    less_genres: list[str]


class ProfilesOut(TypedDict):
    """Profiles whose name or id starts with the prefix."""

    profiles: list[ProfileOut]


class DeletedOut(TypedDict):
    """What was removed, counted."""

    user_id: str
    removed: dict[str, int]


class ExportOut(TypedDict):
    """All that the log holds about a member: the profile if one is stored, events and decisions, oldest first."""

    user_id: str
    profile: ProfileOut | None
    events: list[dict[str, Any]]
    decisions: list[dict[str, Any]]


class TitleOut(TypedDict):
    """A title of the catalogue."""

    item_id: str
    title: str
    year: int | None
    genres: list[str]
    image_url: str | None
    next: NotRequired[NextOut]


class TitlesOut(TypedDict):
    """Titles that were searched for, or the next ones of the catalogue."""

    titles: list[TitleOut]


class TitleStateOut(TitleOut):
    """A title with what its member left: `watched` is the share at which the latest play stopped; of a series the
    share of the episode that comes `next`, 1 where none does. `seen`: elsewhere, so it is never offered as new.
    """

    thumb: Literal["up", "down"] | None
    listed: bool
    hidden: bool
    seen: bool
    watched: float | None


class HiddenTitleOut(TitleOut):
    """A title that is kept from its member, and why: blocked by the profile, dismissed, disliked or seen elsewhere."""

    why: Literal["blocked", "dismissed", "disliked", "seen"]


class HiddenOut(TypedDict):
    """All that a member does not want to meet: genres, genres of which less is shown, and titles, latest first."""

    user_id: str
    genres: list[str]
    less_genres: list[str]
    titles: list[HiddenTitleOut]


class GenreBeliefOut(TypedDict):
    """What is believed of a genre: its `share` of what the member likes, and of what everybody likes, 0..1."""

    genre: str
    share: float
    usual: float
    titles: int
    less: bool


class CountsOut(TypedDict):
    """Something that counts for a title; an event of the kind `cleared_by` with this `item_id` takes it back."""

    item_id: str
    kind: str
    value: float | None
    timestamp: str
    cleared_by: str


class TitleBeliefOut(TitleOut):
    """A title that counts: its `weight` in 0..1 of what all of them do to the home page, and why it counts."""

    weight: float
    because: list[CountsOut]


class PersonBeliefOut(TypedDict):
    """Somebody with several titles that the member likes."""

    name: str
    titles: int


class ScreenBeliefOut(TypedDict):
    """The share of plays on a kind of screen."""

    device: str
    share: float


class BeliefsOut(TypedDict):
    """What the home page believes of a member, the strongest first, of what they may see. `tone` is -1 (heavy) to 1
    (light).
    """

    user_id: str
    likes: int
    genres: list[GenreBeliefOut]
    titles: list[TitleBeliefOut]
    people: list[PersonBeliefOut]
    screens: list[ScreenBeliefOut]
    tone: float
    usual_tone: float


class StateOut(TypedDict):
    """Every title that the member said or did something about, of those they may see; touched last first."""

    user_id: str
    blocked_genres: list[str]
    titles: list[TitleStateOut]


class ReloadOut(TypedDict):
    """The policies that serve now: surface -> steps from best to simplest."""

    policies: dict[str, list[str]]


class GrownOut(ReloadOut):
    """How many titles are new and how many were known, and the policies that serve now."""

    added: int
    changed: int


class StudioOut(TypedDict):
    """The billboard that learns."""

    billboard: str
    version: int
    as_of: str
    learned_today: float
    titles: list[TitleBelief]
    days: list[DayShown]
    versions: list[VersionKept]


class AlarmOut(TypedDict):
    """Something that degrades the service without stopping it."""

    name: str
    cause: str
    remedy: str


class HealthOut(TypedDict):
    """Whether the service lives, or is ready: `degraded` where it serves and an alarm is raised."""

    status: str
    alarms: NotRequired[list[AlarmOut]]
