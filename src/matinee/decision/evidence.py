"""The words for why a row and a title are there: each can be checked against the data that made the decision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from matinee.catalog import Catalog
from matinee.decision import CHARTED, FAVOURITE, MOMENT, NEW, UNSPOKEN, Decisions, Pages, RowName
from matinee.decision.episodes import UNANSWERED
from matinee.decision.rows import NAME_OF_WINDOW, UNDATED
from matinee.events import Kind
from matinee.page import RowKind

FIXED_TITLES = {
    RowKind.BILLBOARD: "Tonight's pick",
    RowKind.CONTINUE_WATCHING: "Continue watching",
    RowKind.TOP_PICKS: "Top picks for you",
    RowKind.TRENDING: "Trending now",
    RowKind.NEW_ARRIVALS: "New arrivals",
    RowKind.MY_LIST: "My list",
    RowKind.WATCH_AGAIN: "Watch it again",
    RowKind.FOUND: "Titles",
    RowKind.BY_CHANCE: "Something different",
    RowKind.NEW_EPISODES: "New episodes",
    RowKind.PASSING: "All of these",
}


def row_title(name: RowName, catalog: Catalog) -> str:
    """What stands above a row."""
    match name:
        case RowKind.BECAUSE_YOU_WATCHED, (item_id,):
            return f"Because you watched {catalog.name_of(item_id)}"
        case RowKind.BECAUSE_YOU_LIKED, (item_id,):
            return f"Because you liked {catalog.name_of(item_id)}"
        case RowKind.SIMILAR, (item_id,):
            return f"More like {catalog.name_of(item_id)}"
        case RowKind.GENRE | RowKind.GENRE_TAG, about:
            return ": ".join(about)
        case RowKind.POPULAR, (window, country):
            return _chart_name(window, country)
        case RowKind.OCCASION, (feature, occasion, _):
            return f"{feature} {occasion}"
        case RowKind.CLOSEST, (typed,):
            return f"“{typed}” is not here. Closest:"
        case RowKind.ABOUT, (typed,):
            return f"About “{typed}”"
        case RowKind.WITH, (person,):
            return f"With {person}"
        case fixed, _:
            return FIXED_TITLES[fixed]


def title_reasons(pages: Pages, b: int, r: int, catalog: Catalog) -> list[str]:
    """Why each title of row `r` of page `b` is there, in the order of its columns."""
    used = pages.items[b, r] >= 0
    n = int(used.sum())
    match pages.name(b, r):
        case RowKind.CONTINUE_WATCHING, _:
            return ["You started this and have not finished it"] * n
        case RowKind.MY_LIST, _:
            return ["You put this on your list"] * n
        case RowKind.WATCH_AGAIN, _:
            return ["You watched this before"] * n
        case RowKind.NEW_EPISODES, _:
            return ["There is more since you caught up with it"] * n
        case RowKind.BY_CHANCE, _:
            return ["Picked by chance from what you have not watched"] * n
        case RowKind.PASSING, _:
            return ["One of those you asked for"] * n
        case RowKind.TRENDING, (window, _):
            return [f"More members liked this {window.replace('this', 'in the last')} than in the one before"] * n
        case RowKind.POPULAR, (window, country):
            return [_chart_name(window, country)] * n
        case RowKind.OCCASION, (_, occasion, lift):
            return [f"Watched {lift} times as often {occasion} as else"] * n
        case RowKind.SIMILAR, (item_id,):
            return [f"Goes with {catalog.name_of(item_id)}"] * n
        case RowKind.FOUND, _:
            return ["Its name is like what you typed"] * n
        case RowKind.CLOSEST | RowKind.ABOUT, (typed,):
            return [f"Close to “{typed}”"] * n
        case RowKind.WITH, (person,):
            return [f"With {person}"] * n
        case RowKind.NEW_ARRIVALS, _:
            return [_arrival(catalog, int(item)) for item in pages.items[b, r][used]]
        case RowKind.BECAUSE_YOU_WATCHED, (item_id,):
            return [f"Goes with {catalog.name_of(item_id)}, which you watched"] * n
        case RowKind.BECAUSE_YOU_LIKED, (item_id,):
            return [f"Goes with {catalog.name_of(item_id)}, which you liked"] * n
        case _, about:
            because = zip(pages.items[b, r][used].tolist(), pages.evidence[b, r][used].tolist(), strict=True)
            return [_because(catalog, item, source, about) for item, source in because]


def suggestion_reason(decisions: Decisions, b: int, catalog: Catalog) -> str:
    """Why decision `b`, of one title, suggests it: what the last answer of the episode asked for, else as elsewhere."""
    choices, episodes = decisions.choices, decisions.requests.episodes
    line = int(choices.offsets[b])
    item, source = int(choices.actions[line]), int(choices.evidence[line])
    title, answer = (-1, UNANSWERED) if episodes is None else (int(one[b]) for one in episodes.last)
    if source >= 0 and source == title and answer in ASKED_FOR:
        return f"{ASKED_FOR[Kind(answer)]} {catalog.names[title]}"
    return _because(catalog, item, source, ())


ASKED_FOR = {Kind.MORE_LIKE: "More like", Kind.LIGHTER: "Lighter than", Kind.HEAVIER: "More serious than"}


def _because(catalog: Catalog, item: int, source: int, about: Sequence[str]) -> str:
    """The title of the history that adds most, else what is new, popular or to the member's taste in this one, or else
    what is true of every title that is ordered by its worth.
    """
    if source >= 0:
        return f"Because of {catalog.names[source]}, in your history"
    if source == UNSPOKEN:
        return "From your history"
    if source == NEW:
        return _arrival(catalog, item)
    if source <= MOMENT:
        return f"{catalog.genres[catalog.title_genres[item][MOMENT - source]]}, as your answers ask for"
    if source <= FAVOURITE:
        return f"A genre you like: {catalog.genres[catalog.title_genres[item][FAVOURITE - source]]}"
    if source <= CHARTED:
        return f"Popular with members{_when(NAME_OF_WINDOW[CHARTED - source])}"
    return f"Among the likeliest to please in {': '.join(about)}" if about else "Among the likeliest to please you"


def _arrival(catalog: Catalog, item: int) -> str:
    return f"Arrived on {datetime.fromtimestamp(catalog.arrived[item] / 1e6, UTC):%d %B %Y}"


def _chart_name(window: str, country: str) -> str:
    where = f" in {_country_name(country)}" if country else ""
    return f"Popular{where}{_when(window)}"


def _when(window: str) -> str:
    """When a chart was drawn, after a blank; "" where that is too long ago."""
    return "" if window == NAME_OF_WINDOW[UNDATED] else f" {window}"


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
