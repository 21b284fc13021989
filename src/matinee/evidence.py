"""The words for why a row and a title are there: each can be checked against the data that made the decision."""

from __future__ import annotations

from datetime import UTC, datetime

from matinee.catalog import Catalog
from matinee.decision import UNSPOKEN, Decisions
from matinee.page import RowKind

WINDOWS: tuple[tuple[int, str], ...] = ((7, "this week"), (28, "this month"), (365, "this year"), (0, "of all time"))
UNDATED = len(WINDOWS)  # the window of a chart that was drawn too long ago to be dated
LETTERS = 26
PER_WINDOW = LETTERS * LETTERS + 1

FIXED_TITLES = {
    RowKind.BILLBOARD: "Tonight's pick",
    RowKind.CONTINUE_WATCHING: "Continue watching",
    RowKind.TOP_PICKS: "Top picks for you",
    RowKind.TRENDING: "Trending now",
    RowKind.NEW_ARRIVALS: "New arrivals",
    RowKind.MY_LIST: "My list",
    RowKind.WATCH_AGAIN: "Watch it again",
}


def chart_key(window: int, country: str | None) -> int:
    """The row key of a chart: position in `WINDOWS`, or `UNDATED`, and ISO country, None = everywhere."""
    place = 0 if country is None else 1 + (ord(country[0]) - ord("A")) * LETTERS + ord(country[1]) - ord("A")
    return window * PER_WINDOW + place


def read_chart_key(key: int) -> tuple[int, str | None]:
    """Position in `WINDOWS` and country of a chart's row key: the inverse of `chart_key`."""
    window, place = divmod(key, PER_WINDOW)
    if place == 0:
        return window, None
    first, second = divmod(place - 1, LETTERS)
    return window, chr(ord("A") + first) + chr(ord("A") + second)


def row_title(kind: int, key: int, catalog: Catalog) -> str:
    """What stands above a row."""
    match RowKind(kind):
        case RowKind.BECAUSE_YOU_WATCHED:
            return f"Because you watched {catalog.names[key]}"
        case RowKind.BECAUSE_YOU_LIKED:
            return f"Because you liked {catalog.names[key]}"
        case RowKind.SIMILAR:
            return f"More like {catalog.names[key]}"
        case RowKind.GENRE:
            return catalog.genres[key]
        case RowKind.GENRE_TAG:
            genre, tag = divmod(key, len(catalog.tags))
            return f"{catalog.genres[genre]}: {catalog.tags[tag]}"
        case RowKind.POPULAR:
            return _chart_name(key)
        case fixed:
            return FIXED_TITLES[fixed]


def title_reasons(decisions: Decisions, b: int, r: int, catalog: Catalog) -> list[str]:
    """Why each title of row `r` of decision `b` is there, in the order of its columns."""
    used, key = decisions.items[b, r] >= 0, int(decisions.row_keys[b, r])
    n = int(used.sum())
    match RowKind(int(decisions.row_kinds[b, r])):
        case RowKind.CONTINUE_WATCHING:
            return ["You started this and have not finished it"] * n
        case RowKind.MY_LIST:
            return ["You put this on your list"] * n
        case RowKind.WATCH_AGAIN:
            return ["You watched this before"] * n
        case RowKind.TRENDING:
            return [f"More members liked this {_window(key)} than in the one before"] * n
        case RowKind.POPULAR:
            return [_chart_name(key)] * n
        case RowKind.SIMILAR:
            return [f"Goes with {catalog.names[key]}"] * n
        case RowKind.NEW_ARRIVALS:
            return [_arrival(catalog, int(item)) for item in decisions.items[b, r][used]]
        case _:
            return [_because(catalog, int(source)) for source in decisions.evidence[b, r][used]]


def _because(catalog: Catalog, source: int) -> str:
    if source >= 0:
        return f"Because of {catalog.names[source]}, in your history"
    return "From your history" if source == UNSPOKEN else "No title in your history speaks for it"


def _arrival(catalog: Catalog, item: int) -> str:
    return f"Arrived on {datetime.fromtimestamp(catalog.arrived[item] / 1e6, UTC):%d %B %Y}"


def _window(key: int) -> str:
    return WINDOWS[read_chart_key(key)[0]][1].replace("this", "in the last")


def _chart_name(key: int) -> str:
    window, country = read_chart_key(key)
    where = "" if country is None else f" in {_country_name(country)}"
    when = "" if window == UNDATED else f" {WINDOWS[window][1]}"
    return f"Popular{where}{when}"


def _country_name(code: str) -> str:
    return COUNTRIES.get(code, code)


COUNTRIES = {
    "AR": "Argentina", "AT": "Austria", "AU": "Australia", "BE": "Belgium", "BR": "Brazil", "CA": "Canada",
    "CH": "Switzerland", "CL": "Chile", "CN": "China", "CO": "Colombia", "CZ": "Czechia", "DE": "Germany",
    "DK": "Denmark", "ES": "Spain", "FI": "Finland", "FR": "France", "GB": "the United Kingdom", "GR": "Greece",
    "HU": "Hungary", "IE": "Ireland", "IL": "Israel", "IN": "India", "IT": "Italy", "JP": "Japan",
    "KR": "South Korea", "MX": "Mexico", "NL": "the Netherlands", "NO": "Norway", "NZ": "New Zealand",
    "PL": "Poland", "PT": "Portugal", "RO": "Romania", "SE": "Sweden", "TR": "Türkiye", "UA": "Ukraine",
    "US": "the United States", "ZA": "South Africa",
}  # fmt: skip
