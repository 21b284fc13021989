"""Row names: what a row is about, as text, so that a record means the same however the catalogue grows."""

from __future__ import annotations

from typing import NamedTuple

from matinee.catalog import Catalog
from matinee.decision.occasions import key_of_about, liking_about
from matinee.page import RowKind
from matinee.situation import N_COUNTRIES, country_code, country_of

WINDOWS: tuple[tuple[int, str], ...] = ((7, "this week"), (28, "this month"), (365, "this year"), (0, "of all time"))
UNDATED = len(WINDOWS)  # the window of a chart that was drawn too long ago to be dated
UNKNOWN = -2  # the key of a row whose name says nothing to this catalogue
ABOUT_A_TITLE = (RowKind.BECAUSE_YOU_WATCHED, RowKind.BECAUSE_YOU_LIKED, RowKind.SIMILAR)
CHARTS = (RowKind.POPULAR, RowKind.TRENDING)
TYPED = (RowKind.CLOSEST, RowKind.ABOUT)  # named by what was typed, so no catalogue has a key for them
KIND_NAMES = {kind: kind.name.lower() for kind in RowKind}
KIND_OF_NAME = {name: kind for kind, name in KIND_NAMES.items()}


class RowName(NamedTuple):
    """A row's kind and what it is about: a title's id, a genre, a genre and a tag, a person, a chart's window and
    country, what was typed, what is watched on which occasion and how many times as often as else.
    """

    kind: RowKind
    about: tuple[str, ...] = ()


def row_name(kind: int, key: int, catalog: Catalog) -> RowName:
    """The name of the row that surfaces know by `kind` and `key`, see `page.RowKind`."""
    match RowKind(kind):
        case about_a_title if about_a_title in ABOUT_A_TITLE:
            return RowName(about_a_title, (catalog.item_ids[key],))
        case RowKind.GENRE:
            return RowName(RowKind.GENRE, (catalog.genres[key],))
        case RowKind.WITH:
            return RowName(RowKind.WITH, (catalog.people[key],))
        case RowKind.GENRE_TAG:
            genre, tag = divmod(key, len(catalog.tags))
            return RowName(RowKind.GENRE_TAG, (catalog.genres[genre], catalog.tags[tag]))
        case RowKind.OCCASION:
            return RowName(RowKind.OCCASION, liking_about(key, catalog))
        case chart if chart in CHARTS:
            window, country = read_chart_key(key)
            return RowName(chart, (NAME_OF_WINDOW[window], country or ""))
        case other:
            return RowName(other)


def row_key(name: RowName, catalog: Catalog) -> int:
    """The key of a named row in today's catalogue: the inverse of `row_name`; `UNKNOWN` where it has no such thing."""
    try:
        match name.kind:
            case about_a_title if about_a_title in ABOUT_A_TITLE:
                return catalog.index[name.about[0]]
            case RowKind.GENRE:
                return catalog.genres.index(name.about[0])
            case RowKind.WITH:
                return catalog.people.index(name.about[0])
            case RowKind.GENRE_TAG:
                genre, tag = name.about
                return catalog.genres.index(genre) * len(catalog.tags) + catalog.tags.index(tag)
            case RowKind.OCCASION:
                return key_of_about(name.about, catalog)
            case chart if chart in CHARTS:
                window, country = name.about
                return chart_key(NAME_OF_WINDOW.index(window), country or None)
            case _:
                return -1
    except (KeyError, ValueError):
        return UNKNOWN


def chart_key(window: int, country: str | None) -> int:
    """The row key of a chart: position in `WINDOWS`, or `UNDATED`, and ISO country, None = everywhere."""
    return window * N_COUNTRIES + country_code(country)


def read_chart_key(key: int) -> tuple[int, str | None]:
    """Position in `WINDOWS` and country of a chart's row key: the inverse of `chart_key`."""
    window, code = divmod(key, N_COUNTRIES)
    return window, country_of(code)


NAME_OF_WINDOW = (*(words for _, words in WINDOWS), "undated")
