"""Feedback loops in words: what was found, since when, and what helps; or that there are too few days to tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from matinee.decision.whom import listed
from matinee.evaluate.loops import ALPHA, LATELY, NEW_DAYS, Alarm, Kind, Level, Loops
from matinee.report.courses import LINES, Series
from matinee.report.terminal import grid
from matinee.report.words import number, p_value

UNBIAS = (
    "train on looks weighed by 1 / the probability of what was shown, leave a share of places to chance, and learn "
    "from more than the days since the last training"
)
VARY = "leave some places to chance, turn up the dials exposure, novelty and freshness, and learn by 1 / probability"
REMEDIES = {Kind.SWING: UNBIAS, Kind.GROWTH: UNBIAS, Kind.NARROWING: VARY, Kind.SAMENESS: VARY}
METHOD = (
    f"Alarms of a report without a loop: at most {sum(ALPHA.values()):.0%} of all reports have one. Swings, growth and "
    "trends are compared with red noise, AR(1), which drifts without a beat; genres are corrected by Holm.",
    "Days of the week are taken out, so that what returns each week is no swing. Dispersion is no alarm: titles of one "
    "page are not independent, and tastes drift.",
)


def findings(loops: Loops) -> Iterator[str]:
    """What the log says of feedback loops, in plain sentences."""
    if loops.starved:
        yield (
            f"Of {loops.new:,} titles that arrived in the last {NEW_DAYS} days {loops.starved:,} "
            f"{'was' if loops.starved == 1 else 'were'} shown less than a tenth as often as an even share in the last "
            f"{LATELY} days. Remedy: turn up the dial exposure."
        )
    yield from _of_loops(loops)


def _of_loops(loops: Loops) -> Iterator[str]:
    unit = "weeks" if loops.step_days == 7 else "days"
    if not loops.told:
        yield f"Feedback loops: {loops.steps} of {loops.needed} {unit} with enough shown; too few to tell."
        return
    if not loops.alarms:
        yield f"Feedback loops: none found in {loops.steps} {unit} from {loops.since} to {loops.until}."
    yield from (_SAID[one.kind](one, loops) for one in loops.alarms)


def table(levels: Sequence[Level]) -> RenderableType:
    """The measures of exposure, first and last quarter."""
    made = grid("Exposure, in the mean of the first and the last quarter of the time", "first", "last", "")
    for one in levels:
        made.add_row(one.name, number(one.first), number(one.last), one.about)
    return made


def parts(loops: Loops) -> Iterator[RenderableType]:
    """For the terminal: the sentences, and the measures."""
    yield Text("\nFeedback loops", style="bold")
    yield from (Padding(Text(f"· {said}"), (0, 0, 0, 1)) for said in findings(loops))
    if loops.told:
        yield table(loops.levels)


def lines(loops: Loops) -> list[Series]:
    """The courses of the genres that alarms are about, at most as many as the plot has lines."""
    named = list(dict.fromkeys(name for one in loops.alarms for name in one.genres))[:LINES]
    places = [loops.genres.index(name) for name in named]
    return [
        Series(name, [row[k] for row in loops.shares], at)
        for at, (name, k) in enumerate(zip(named, places, strict=True))
    ]


def _swing(alarm: Alarm, loops: Loops) -> str:
    return (
        f"{_genres(alarm)} swing{'' if len(alarm.genres) > 1 else 's'} every {number(alarm.period or 0, 1)} days by "
        f"± {number(100 * alarm.size, 1)} % of {'their shares' if len(alarm.genres) > 1 else 'its share'}, since "
        f"{alarm.since} ({p_value(alarm.p)}). {_beat(alarm, loops)}"
    )


def _beat(alarm: Alarm, loops: Loops) -> str:
    if alarm.near_training:
        turned = ", each turning the last one around" if loops.lag_one < 0 else ""
        return f"Models are trained every {number(loops.training_days or 0, 1)} days{turned}. Remedy: {UNBIAS}."
    return f"No training has this beat: look for campaigns and releases that do; if there are none, {UNBIAS}."


def _growth(alarm: Alarm, loops: Loops) -> str:
    return (
        f"What the share of {_genres(alarm)} moves by grows: the variance is {number(alarm.size, 1)} times what it was "
        f"({p_value(alarm.p)}). Remedy: {UNBIAS}."
    )


def _narrowing(alarm: Alarm, loops: Loops) -> str:
    return (
        f"Fewer titles share what is shown: since {alarm.since} the chance that two showings are of one title rose by "
        f"{number(100 * alarm.size, 0)} % ({p_value(alarm.p)}). Remedy: {VARY}."
    )


def _sameness(alarm: Alarm, loops: Loops) -> str:
    return (
        f"Members are shown more of the same: since {alarm.since} what two of them have in common rose by "
        f"{number(100 * alarm.size, 0)} % ({p_value(alarm.p)}). Remedy: {VARY}, and the dial calibration."
    )


def _genres(alarm: Alarm) -> str:
    return listed(alarm.genres)


_SAID: Mapping[Kind, Callable[[Alarm, Loops], str]] = {
    Kind.SWING: _swing,
    Kind.GROWTH: _growth,
    Kind.NARROWING: _narrowing,
    Kind.SAMENESS: _sameness,
}
