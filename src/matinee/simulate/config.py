"""The parameters of a world."""

from __future__ import annotations

from dataclasses import dataclass, fields

from matinee.errors import BadRequest
from matinee.maths.arrays import Doubles
from matinee.page import Attention, Layout

SHARES = ("letdown", "search", "links", "shared", "click", "looks_on", "thumbs", "dismissals", "launching", "leaving")


@dataclass(frozen=True, slots=True)
class WorldConfig:
    """What is true of every member and title. Probabilities and shares are in 0..1, strengths in log-odds."""

    start: int = 1_799_020_800_000_000
    """Midnight of day 0, microseconds since 1970, UTC: by default Monday 4 January 2027."""

    visits: float = 0.4
    """Visits that the average member makes a day while as satisfied as at the start."""

    elasticity: float = 1.0
    """The rate of visits is multiplied by e^(elasticity * (satisfaction - 1/2))."""

    cancelling: float = 0.002
    """Chance a day that a member with satisfaction 1/2 cancels."""

    patience: float = 4.0
    """That chance is multiplied by e^(-patience * (satisfaction - 1/2))."""

    memory: float = 0.9
    """Satisfaction after a visit = memory * satisfaction before + (1 - memory) * what the visit gave."""

    letdown: float = 0.3
    """What a visit gives in which nothing was played; one with plays gives the enjoyment of the best of them."""

    search: float = 0.12
    """Share of visits in which the member searches for a title instead of looking at the page."""

    links: float = 0.03
    """Share of visits that begin at a title by a link from outside."""

    shared: float = 0.15
    """Share of profiles that two people of different taste use: one by day, the other mostly in the evening."""

    taste: float = 1.0
    """Standard deviation over members and titles of the part of appeal that is taste."""

    worth_of_taste: float = 0.7
    """How much of that taste counts for enjoyment."""

    moods: float = 0.3
    """Standard deviation of what part of day, weekend and screen add to the appeal of a title."""

    drift: float = 0.02
    """Standard deviation of the step that each of a person's taste factors (of standard deviation 1) makes a visit."""

    click: float = 0.25
    """Chance that the most appealing title is played when looked at, without season and novelty."""

    novelty: float = 1.0
    """What a title's launch adds to its appeal; it fades as e^(-age / ageing)."""

    ageing: float = 21.0
    """Days after which a third of the novelty is left."""

    season: float = 0.2
    """Amplitude of the season of a title's appeal; titles of one first genre share its phase."""

    season_days: float = 365.0
    """Length of the season in days."""

    again: float = 2.0
    """What a title loses in appeal while the member remembers to have played it."""

    looks_on: float = 0.3
    """Chance that a member looks on over the page after a play."""

    thumbs: float = 0.1
    """A play gets a thumb up with chance thumbs * e², down with thumbs * (1 - e)²; e its enjoyment."""

    dismissals: float = 0.02
    """A title that was looked at and not played is dismissed with chance dismissals * (1 - e)²."""

    attention: Attention | None = None
    """How pages are looked at; None = as the layout of the request says."""

    remembered: int = 20
    """Latest events (plays, thumbs, dismissals) that are known of each member."""

    launching: float = 0.1
    """Share of titles that arrive within `horizon` days of the start."""

    leaving: float = 0.05
    """Share of the other titles that leave within `horizon` days of the start."""

    horizon: int = 90
    """Days over which titles arrive and leave."""

    def __post_init__(self) -> None:
        for name in SHARES:
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise BadRequest(f"{name} of a world is {getattr(self, name)}; give a share from 0 to 1")
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name != "attention" and not 0 <= value < 2**62:
                raise BadRequest(f"{one.name} of a world is {value}; give a number of at least 0")
        if self.search + self.links > 1.0:
            raise BadRequest(f"search and links are {self.search} and {self.links}; together they are at most 1")
        if not (self.remembered >= 1 and self.ageing > 0 and self.season_days > 0 and 0 < self.click < 1):
            raise BadRequest("remembered, ageing and season_days of a world are above 0, click between 0 and 1")

    def looks(self, layout: Layout) -> tuple[Doubles, Doubles]:
        """How likely each row (rows,) is looked at, and each column (columns,) of a row that is."""
        attention = self.attention or layout.attention
        return attention.rows(layout.rows), attention.columns(layout.columns, layout.visible)
