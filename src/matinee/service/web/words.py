"""Beliefs and moments in words, as pages say them."""

from __future__ import annotations

from datetime import datetime

from matinee.events import FINISHED
from matinee.service.responses import BeliefsOut, CountsOut, GenreBeliefOut

ALIKE = 1.15  # a share that is so many times another one is said to differ from it
TONES_APART = 0.08  # so are tones that lie so far apart
STARS = 5


def compared(genre: GenreBeliefOut) -> str:
    """How a genre's share compares with that of everybody."""
    times = genre["share"] / max(genre["usual"], 1e-6)
    if times >= 1.95:
        return f"{times:.0f} times as much as most" if times >= 2.95 else "twice as much as most"
    if times >= ALIKE:
        return "more than most"
    return "less than most" if times < 1 / ALIKE else "as much as most"


def counted(why: CountsOut) -> str:
    """Why a title counts, with the day."""
    moment = datetime.fromisoformat(why["timestamp"])
    return f"{_deed(why)} on {moment.day} {moment:%B %Y}"


def toned(beliefs: BeliefsOut) -> str:
    """How light or serious a member's titles are beside those of everybody."""
    apart = beliefs["tone"] - beliefs["usual_tone"]
    if abs(apart) < TONES_APART:
        return "as light as what most watch"
    return "lighter than what most watch" if apart > 0 else "more serious than what most watch"


def moment(iso: str) -> str:
    """A moment to the minute, of its ISO form in UTC."""
    return f"{iso[:16].replace('T', ' ')} UTC"


def _deed(why: CountsOut) -> str:
    value = why["value"] or 0.0
    if why["kind"] == "rating":
        return f"You gave it {value * STARS:.3g} of {STARS} stars"
    if why["kind"] == "play":
        return "You watched it to the end" if value >= FINISHED else f"You watched {value:.0%} of it"
    return "You liked it"
