"""What `bench_search.py` measured, as numbers with words, and as a page with plots: `var/search.html`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import nan
from pathlib import Path
from typing import NamedTuple

from matinee.evaluate.results import Estimate
from matinee.report.courses import Series
from matinee.report.curves import Curves, CurvesReport, Rows, Section
from matinee.report.words import interval

REPORT = Path("var/search.html")
SLIPS = (0, 1, 2)
METHOD = (
    "Queries are names of three to five words, whole or begun (60 to 100 % of the letters, where one name alone "
    "begins so), typed without a slip, with one and with two: letters swapped, doubled, left out or wrong.",
    "A hit is a title of the name that was meant, first or among the first ten.",
    "Taste: the last title that each member played is looked for by the first one to six letters of its name; NDCG@10 "
    "of the row of titles by name. Intervals are 95 %, of the bootstrap over members; differences are paired.",
    "A look-up is timed three times on one core, and the least counts: the machine has other work. Names are "
    "repeated with a number until there are so many.",
)


class Hits(NamedTuple):
    """How often the title that was meant stands first, and among the first ten."""

    first: float
    ten: float

    def __str__(self) -> str:
        return f"hit@1 {self.first:.3f}, hit@10 {self.ten:.3f}"


class Times(NamedTuple):
    """Milliseconds: half of all are quicker, 95 of 100, and 99."""

    p50: float
    p95: float
    p99: float

    def __str__(self) -> str:
        return f"p50 {self.p50:.2f} ms, p95 {self.p95:.2f} ms, p99 {self.p99:.2f} ms"


class Taste(NamedTuple):
    """NDCG@10 by what orders the titles of one set of data, and what taste adds to each of the others."""

    data: str
    means: Mapping[str, float]
    over: Mapping[str, Estimate]
    page: Times


class Asked(NamedTuple):
    """How a name was typed: whole or begun, with so many slips, and which finder looked for it."""

    whole: bool
    slips: int
    finder: str

    def __str__(self) -> str:
        return f"{'whole' if self.whole else 'begun'}, {self.slips} slips, {self.finder}"


class LookedUp(NamedTuple):
    """Among how many names, and who looked for what."""

    names: int
    how: str

    def __str__(self) -> str:
        return f"{self.names:,} names{self.how}"


def write(
    title: str,
    hits: Mapping[Asked, Hits],
    tastes: Sequence[Taste],
    times: Mapping[LookedUp, Times],
    machine: str,
    path: Path = REPORT,
) -> None:
    """Write the page."""
    sections = [_quality(hits), _taste(tastes), _speed(times)]
    method = [*METHOD, f"Measured on {machine}.", "The trade-offs of the dials stand in dials.html beside this page."]
    lead = "How often what is typed leads to what was meant, what the member's taste adds, and how fast."
    CurvesReport(f"Search: {title}", lead, list(_findings(hits, tastes)), sections, method).write_html(path)


def _findings(hits: Mapping[Asked, Hits], tastes: Sequence[Taste]) -> Iterator[str]:
    for whole in (True, False):
        typed = "Whole names" if whole else "Names that were only begun"
        shares = [hits[Asked(whole, slips, "matinee")] for slips in SLIPS]
        told = ", ".join(f"{one.first:.3f} with {slips}" for slips, one in zip(SLIPS, shares, strict=True))
        yield f"{typed} stand first, by slips: {told}; among the first ten with 2: {shares[-1].ten:.3f}."
    for one in tastes:
        change = interval(one.over["text"], sign=True)
        yield f"{one.data}: the member's taste changes NDCG@10 over text alone by {change}."


def _quality(hits: Mapping[Asked, Hits]) -> Section:
    """A plot for each way of typing and each measure."""
    finders = list(dict.fromkeys(asked.finder for asked in hits))
    curves = [
        Curves(f"{label}, {'whole names' if whole else 'names begun'}", "slips", [str(slips) for slips in SLIPS], lines)
        for whole in (True, False)
        for k, label in enumerate(("hit@1", "hit@10"))
        for lines in [
            [
                Series(finder, [hits[Asked(whole, slips, finder)][k] for slips in SLIPS], key)
                for key, finder in enumerate(finders)
            ]
        ]
    ]
    return Section("Found in spite of mistypings", "Each line is a finder, the peers in the same run.", curves)


def _taste(tastes: Sequence[Taste]) -> Section:
    orders = list(tastes[0].means) if tastes else []
    rows = [[one.data, *(f"{one.means[name]:.3f}" for name in orders)] for one in tastes]
    added = [[one.data, *(interval(one.over[name], sign=True) for name in one.over)] for one in tastes]
    over = [f"over {name}" for name in tastes[0].over] if tastes else []
    tables = [Rows("NDCG@10 by what orders the titles", ["data", *orders], rows)]
    tables.append(Rows("What taste adds, paired, 95 %", ["data", *over], added))
    tables.append(
        Rows("A page of answers, in process", ["data", "times"], [[one.data, str(one.page)] for one in tastes])
    )
    return Section("For the member", "The same letters mean different titles to different members.", (), tables)


def _speed(times: Mapping[LookedUp, Times]) -> Section:
    sizes = list(dict.fromkeys(one.names for one in times))
    hows = list(dict.fromkeys(one.how for one in times))
    known = {one: {"p50": each.p50, "p99": each.p99} for one, each in times.items()}
    curves = [
        Curves(
            f"{share} of a look-up, ms",
            "names",
            [f"{size:,}" for size in sizes],
            [
                Series(how.strip(", "), [known.get(LookedUp(size, how), {}).get(share, nan) for size in sizes], key % 6)
                for key, how in enumerate(hows)
            ],
        )
        for share in ("p50", "p99")
    ]
    rows = [[str(one), str(each)] for one, each in times.items()]
    return Section("Fast", "One look-up on one core.", curves, [Rows("Every time", ["among", "times"], rows)])
