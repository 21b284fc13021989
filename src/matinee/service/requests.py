"""What comes in over HTTP: every body with its limits. Nothing is converted: a number is no text, 0 is not false."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    SkipValidation,
    StringConstraints,
    Tag,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from matinee.decision import Boost, Control, Dials, Promotion
from matinee.decision.control import MOST, STRONGEST
from matinee.decision.expressions import LONGEST
from matinee.events import KIND_NAMES, MAX_TEXT
from matinee.page import Attention, Layout
from matinee.profile import Profile

MAX_BATCH = 1_000
MAX_PAGES = 50
MAX_COMPANY = 7  # people who watch with somebody
MAX_NAMES = 100  # genres, people, tags, languages or countries of one title
MAX_PROSE = 20_000  # characters of a title's text

UNPRINTED = r"\x00-\x1f\x7f-\x9f"  # control characters, NUL among them
_UNFIT = re.compile(f"[{UNPRINTED}\ud800-\udfff]")  # and halves of a surrogate pair, which UTF-8 cannot carry


def _plain(text: Any) -> Any:
    """The text, unless it holds what no id, name or query holds."""
    if isinstance(text, str) and (found := _UNFIT.search(text)) is not None:
        problem = "holds the character U+{code} at {at}; leave control characters and lone surrogates out"
        raise PydanticCustomError("unfit_character", problem, {"code": f"{ord(found[0]):04X}", "at": found.start()})
    return text


def _moment(given: Any) -> Any:
    """Text that is a number is no ISO 8601."""
    if isinstance(given, str) and given.strip().lstrip("+-").replace(".", "", 1).isdigit():
        raise PydanticCustomError("not_iso_8601", "give ISO 8601 as text, or seconds since 1970 as a number")
    return given


def _carried(text: Any) -> Any:
    """The text, unless it holds half of a surrogate pair, which UTF-8 cannot carry."""
    if isinstance(text, str) and re.search("[\ud800-\udfff]", text):
        raise PydanticCustomError("unfit_character", "holds a lone surrogate; leave it out")
    return text


def _when(moment: datetime) -> datetime:
    """The moment in UTC, which it is in where it names no zone; no title is of another century."""
    if not 1800 <= moment.year < 2200:
        raise PydanticCustomError(
            "no_time_of_a_title", "is of the year {year}; give 1800 to 2199", {"year": moment.year}
        )
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _trimmed(names: list[str]) -> list[str]:
    """The names without blanks around them, and without those that are nothing but blanks."""
    return [name.strip() for name in names if name.strip()]


def _whole(given: Any) -> Any:
    """JSON knows one kind of number: 3.0 is 3."""
    return int(given) if isinstance(given, float) and given.is_integer() else given


def _text(least: int) -> Any:
    pattern = f"^[^{UNPRINTED}]*$"
    return Field(min_length=least or None, max_length=MAX_TEXT, json_schema_extra={"pattern": pattern})


WHOLE = BeforeValidator(_whole)
Text = Annotated[str, _text(0), BeforeValidator(_plain)]
Id = Annotated[str, _text(1), BeforeValidator(_plain)]
Country = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, pattern=r"^[A-Za-z]{2}$")]
Ids = Annotated[list[Id], Field(max_length=MAX_BATCH)]
Exploration = Annotated[float, Field(ge=0, le=1, description="0 = the best page; left out: the policy's own")]
Dial = Annotated[float, Field(ge=0, le=1)] | None
Draw = Annotated[int, Field(ge=0, lt=2**31, description="another number draws another page of the same day"), WHOLE]
Position = Annotated[int, Field(ge=0, lt=2**31), WHOLE]
Moment = Annotated[
    datetime,
    Field(strict=False),
    BeforeValidator(_moment),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "number"}]}),
]
Expression = Annotated[
    str, Field(max_length=LONGEST, description='titles: genre = "Drama" and year >= 1990'), BeforeValidator(_carried)
]
Answer = Literal[
    "skip", "not_now", "more_like", "lighter", "heavier", "thumbs_up", "thumbs_down", "dismiss", "seen"
]  # a play has a value, so it is an event
Names = Annotated[list[Id], Field(max_length=MAX_NAMES), AfterValidator(_trimmed)]
Prose = Annotated[str, Field(max_length=MAX_PROSE), BeforeValidator(_carried)]
When = Annotated[Moment, AfterValidator(_when)]


class Body(BaseModel):
    """What every body shares: unknown fields, other types, and numbers that are none are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)


class ContextIn(Body):
    """The situation on the member's side; what is left out is unknown, or the time on the member's clock."""

    country: Country | None = None
    device: Text | None = None
    language: Text | None = None
    hour: Annotated[int, Field(ge=0, le=23), WHOLE] | None = None
    weekday: Annotated[int, Field(ge=0, le=6, description="0 is Monday"), WHOLE] | None = None


class LayoutIn(Body):
    """The page's shape; left out, it follows from the device."""

    rows: Annotated[int, Field(ge=1, le=100), WHOLE] = 12
    columns: Annotated[int, Field(ge=1, le=100), WHOLE] = 20
    visible: Annotated[int, Field(ge=1, le=100), WHOLE] = 6
    billboard: bool = True

    def layout(self, attention: Attention) -> Layout:
        """The layout of the house, on a screen that is looked at like this."""
        return Layout(self.rows, self.columns, self.visible, self.billboard, attention)


class BoostIn(Body):
    """Titles that pass the filter count `factor` times as much by their odds, below 1 less."""

    filter: Expression
    factor: Annotated[float, Field(ge=1 / STRONGEST, le=STRONGEST)]


class PromotionIn(Body):
    """Titles that pass the filter have at least a share of the places."""

    filter: Expression
    share: Annotated[float, Field(gt=0, le=1)]


class HowIn(Body):
    """How a decision may be asked for, whoever asks."""

    filter: Expression = ""
    boosts: Annotated[list[BoostIn], Field(max_length=MOST)] = []
    promotions: Annotated[list[PromotionIn], Field(max_length=MOST)] = []
    exploration: Exploration | None = None
    explain: Annotated[bool, Field(description="say for each title why it is there")] = True

    @property
    def control(self) -> Control:
        """What narrows and sways the answer. Raises `BadRequest`."""
        boosts = tuple(Boost(one.filter, one.factor) for one in self.boosts)
        return Control(self.filter, boosts, tuple(Promotion(one.filter, one.share) for one in self.promotions))


class AskIn(HowIn):
    """What every surface may be asked."""

    user_id: Annotated[Id | None, Field(description="left out: a visitor, for this request alone")] = None
    context: ContextIn = ContextIn()
    exclude: Ids = Field(default_factory=list, description="titles not to show this time")
    draw: Draw = 0

    @property
    def company(self) -> Sequence[str]:
        """The ids of who else watches; nobody, unless a surface asks for them."""
        return ()


class PageIn(AskIn):
    """Asks for a page, the first or one that goes on."""

    after: Annotated[Id | None, Field(description="go on after this page, without what the chain showed so far")] = None


class DialsIn(Body):
    """How far the answer may leave what is likeliest: 0 = not at all; left out: as the service has it."""

    diversity: Annotated[Dial, Field(description="titles and rows less like those before them")] = None
    calibration: Annotated[Dial, Field(description="the mix of genres of what the member likes")] = None
    novelty: Annotated[Dial, Field(description="titles that fewer members know")] = None
    freshness: Annotated[Dial, Field(description="what was looked at and passed by gives way")] = None
    exposure: Annotated[Dial, Field(description="titles that few members met have a share of the places")] = None

    def over(self, stored: Dials) -> Dials:
        """What is asked for, and what is stored where nothing is."""
        return replace(stored, **self.model_dump(exclude_none=True))


class TunedIn(PageIn):
    """Asks for a page with dials."""

    dials: DialsIn = DialsIn()


class HomeIn(TunedIn):
    """Asks for a home page."""

    layout: LayoutIn | None = None


class HomesIn(Body):
    """Asks for several home pages at once."""

    homes: Annotated[list[HomeIn], Field(min_length=1, max_length=MAX_PAGES)]


class MemberIn(Body):
    """One member of a batch."""

    user_id: Id
    context: ContextIn = ContextIn()
    exclude: Ids = Field(default_factory=list, description="titles not to show this time")
    draw: Draw = 0


class BillboardsIn(HowIn):
    """Asks for one title each for many members, all in the same way."""

    members: Annotated[list[MemberIn], Field(min_length=1, max_length=MAX_BATCH)]
    dials: DialsIn = DialsIn()


class SimilarIn(TunedIn):
    """Asks for titles like one title."""

    item_id: Id
    n: Annotated[int, Field(ge=1, le=100), WHOLE] = 20


class TogetherIn(TunedIn):
    """Asks for a page for two or more."""

    user_id: Id
    with_: Annotated[
        list[Id], Field(alias="with", min_length=1, max_length=MAX_COMPANY, description="who else watches")
    ]
    layout: LayoutIn | None = None

    @property
    def company(self) -> Sequence[str]:
        """The ids of who else watches, each once."""
        return [one for one in dict.fromkeys(self.with_) if one != self.user_id]


class SearchIn(TunedIn):
    """Asks for answers to what was typed so far."""

    query: Text = Field("", description="as typed, from the first letter on; nothing: what may be looked for")
    rows: Annotated[int, Field(ge=1, le=20), WHOLE] = 5
    n: Annotated[int, Field(ge=1, le=100, description="titles a row"), WHOLE] = 12


class FollowIn(AskIn):
    """Asks for a decision, alone or after one that it follows."""

    after: Annotated[Id | None, Field(description="the decision before it in this episode; left out: begin one")] = None
    answer: Annotated[Answer | None, Field(description="to what that one suggested; logged as an event")] = None


class PlaySomethingIn(FollowIn):
    """Asks for something to play."""


class OutreachIn(AskIn):
    """Asks whether to write to a member now, and about what."""

    user_id: Id


class EventIn(Body):
    """One thing that happened."""

    event_id: Id = Field(description="chosen by the client; sending it again changes nothing")
    user_id: Id
    kind: Literal[KIND_NAMES]  # type: ignore[valid-type]
    item_id: Id | None = None
    timestamp: Moment | None = Field(None, description="ISO 8601 or seconds since 1970; the server's time if left out")
    value: Annotated[float, Field(ge=0, le=1)] | None = Field(None, description="share watched, or stars as a share")
    decision_id: Id | None = None
    row: Position | None = None
    column: Position | None = None
    query: Text | None = None
    country: Country | None = None
    device: Text | None = None
    language: Text | None = None
    source: Text | None = Field(None, description="where it was done: home, search, link, similar, billboard, ...")


class EventsIn(Body):
    """A batch of events. Each is validated on its own: a bad one never costs a good one."""

    events: Annotated[list[SkipValidation[EventIn] | Any], Field(min_length=1, max_length=MAX_BATCH)]


class ProfileIn(Body):
    """Who the page is for. There is no field for age, gender, occupation or address."""

    account_id: Text = ""
    name: Text = ""
    maturity_limit: Annotated[int, Field(ge=0, le=99), WHOLE] | None = None
    kids: bool = False
    languages: Ids = []
    country: Country | None = None
    blocked_titles: Ids = []
    blocked_genres: Ids = []
    time_zone: Text | None = Field(None, description="IANA name such as Europe/Copenhagen; hours are read by it")
    messages: bool = Field(False, description="whether the member wants to be written to")
    less_genres: Annotated[Ids, Field(description="held back, not hidden")] = []

    def profile(self, user_id: str) -> Profile:
        """The profile of the house."""
        return Profile(
            user_id,
            self.account_id,
            self.name,
            self.maturity_limit,
            self.kids,
            tuple(self.languages),
            self.country,
            tuple(self.blocked_titles),
            tuple(self.blocked_genres),
            self.time_zone,
            self.messages,
            tuple(self.less_genres),
        )


class GenreWishIn(Body):
    """What a member wants of titles of a genre: never to meet them, less of them, or as usual."""

    user_id: Id
    genre: Id
    wish: Literal["never", "less", "usual"]


class TitleWishIn(Body):
    """What a member wants of one title: never to meet it, whatever they do with it later, or as usual."""

    user_id: Id
    item_id: Id
    wish: Literal["never", "usual"]


class TitleIn(Body):
    """What is told of a title. A field that is left out stays as it is; null and [] take away what was known."""

    item_id: Id
    title: Text | None = None
    other_names: Names = Field([], description="in other languages, or as it was called before; it is found by each")
    genres: Names = []
    people: Names = []
    tags: Names = []
    text: Prose | None = None
    maturity: Annotated[int, Field(ge=0, le=99, description="least age"), WHOLE] | None = None
    languages: Names = Field([], description="spoken or subtitled; empty = unknown")
    countries: Annotated[list[Country], Field(max_length=MAX_NAMES)] = Field(
        [], description="where it may be shown; empty = everywhere"
    )
    released: When | None = None
    available_from: When | None = None
    available_until: When | None = None
    minutes: Annotated[int, Field(ge=0, lt=2**31), WHOLE] | None = None
    image_url: Text | None = None
    artworks: Names = Field([], description="addresses of wide pictures to choose among; empty = it is drawn")
    closed: Annotated[bool, Field(description="true: shown to nobody; its place stays")] = False

    @property
    def told(self) -> dict[str, Any]:
        """The fields that were sent, as the catalogue takes them."""
        return self.model_dump(exclude_unset=True)


class EpisodeIn(Body):
    """What is told of an episode of a series, which is a title. A field that is left out stays as it is."""

    item_id: Id
    series: Annotated[Id, Field(description="the item_id of its series")]
    season: Position
    episode: Annotated[Position, Field(description="its number in the season")]
    title: Text | None = None
    minutes: Annotated[int, Field(ge=0, lt=2**31), WHOLE] | None = None
    available_from: When | None = Field(None, description="left out of a new one: it arrives now")

    @property
    def told(self) -> dict[str, Any]:
        """The fields that were sent, as the table of episodes calls them."""
        return {EPISODE_COLUMNS.get(one, one): value for one, value in self.model_dump(exclude_unset=True).items()}


EPISODE_COLUMNS = {"series": "series_id", "title": "name", "available_from": "added"}
ToldIn = Annotated[
    Annotated[TitleIn, Tag("title")] | Annotated[EpisodeIn, Tag("episode")],
    Discriminator(lambda told: "episode" if isinstance(told, dict) and "series" in told else "title"),
]


class TitlesIn(Body):
    """New titles, new episodes and changed ones. All of them are taken or none."""

    titles: Annotated[list[ToldIn], Field(min_length=1, max_length=MAX_BATCH)]
