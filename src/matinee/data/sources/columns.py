"""What columns are called elsewhere, and how their text becomes times, lists and kinds of event.

Recognised: RecTools, RecBole (typed headers such as `user_id:token`), LensKit, Amazon Personalize, Google media.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import polars as pl

from matinee.errors import BadData

# our name -> what others call it; compared without case, separators and RecBole's type
INTERACTIONS: Mapping[str, Sequence[str]] = {
    "user_id": ("userid", "user", "userpseudoid", "visitorid", "memberid", "profileid", "customerid"),
    "item_id": ("itemid", "item", "titleid", "movieid", "documentid", "contentid", "showid", "productid"),
    "timestamp": ("timestamp", "datetime", "eventtime", "time", "ts", "date"),
    "kind": ("kind", "eventtype", "event", "interactiontype"),
    "value": ("value", "weight", "rating", "eventvalue", "stars", "watchratio", "mediaprogresspercentage"),
    "event_id": ("eventid",),
    "decision_id": ("decisionid", "recommendationid", "attributiontoken"),
    "query": ("query", "searchquery"),
    "country": ("country",),
    "device": ("device", "devicetype"),
    "language": ("language", "languagecode"),
}
TITLES: Mapping[str, Sequence[str]] = {
    "item_id": (*INTERACTIONS["item_id"], "id"),
    "title": ("title", "name", "movietitle", "itemname"),
    "kind": ("kind", "type", "contenttype", "mediatype", "itemtype"),
    "genres": ("genres", "genre", "categories", "category", "class", "genrel1"),
    "people": ("people", "cast", "actors", "persons", "castmembers"),
    "tags": ("tags", "keywords"),
    "text": ("text", "description", "overview", "plot", "productdescription"),
    "maturity": ("maturity", "maturityrating", "contentrating", "agerating", "certification", "mpaa"),
    "languages": ("languages", "language", "languagecode", "contentlanguage", "originallanguage"),
    "countries": ("countries", "country", "availablecountries"),
    "released": ("released", "releasedate", "releaseyear", "year", "creationtimestamp", "publishtime"),
    "available_from": ("availablefrom", "availabletime", "licensestart"),
    "available_until": ("availableuntil", "expiretime", "licenseend"),
    "minutes": ("minutes", "runtime", "runtimeminutes", "durationminutes"),
    "image_url": ("imageurl", "image", "poster", "posterurl"),
}

# columns of values that are shares watched, and what each may be out of
SHARES: Mapping[str, Sequence[float]] = {"watchratio": (1.0,), "mediaprogresspercentage": (1.0, 100.0)}

# what others call a kind of event; compared as above
KINDS: Mapping[str, Sequence[str]] = {
    "impression": ("impression", "view", "viewitemlist", "viewcategorypage", "viewhomepage"),
    "open": ("open", "click", "viewitem", "detailpageview", "detailspageview"),
    "play": ("play", "watch", "watched", "stream", "mediaplay", "mediacomplete", "complete", "purchase"),
    "rating": ("rating", "rate", "explicitrating"),
    "thumbs_up": ("thumbsup", "like", "liked", "favorite", "favourite"),
    "thumbs_down": ("thumbsdown", "dislike", "disliked"),
    "list_add": ("listadd", "addtolist", "wishlist", "addtowatchlist", "bookmark"),
    "list_remove": ("listremove", "removefromlist", "removefromwatchlist"),
    "dismiss": ("dismiss", "notinterested", "hide"),
    "search": ("search",),
    "subscribe": ("subscribe",),
    "cancel": ("cancel", "unsubscribe"),
}


def plain(name: str) -> str:
    """A name without RecBole's type, case and separators: "USER_ID" and "userId:token" are both "userid"."""
    return re.sub(r"[^a-z0-9]", "", name.partition(":")[0].lower())


def recognise(
    present: Sequence[str], known: Mapping[str, Sequence[str]], mapping: Mapping[str, str], needed: Sequence[str]
) -> dict[str, str]:
    """Our names -> the columns that hold them: `mapping` (ours to theirs) first, then the synonyms.

    Raises `BadData` when a mapped column is not there, one of `needed` is not found, or a name of ours is unknown.
    """
    wrong = [name for name in mapping if name not in known]
    absent = [column for column in mapping.values() if column not in present]
    if wrong or absent:
        raise BadData(
            f"the column mapping names {wrong + absent}; map some of {sorted(known)} to columns of {list(present)[:30]}"
        )
    found = dict(mapping)
    for name in known:
        matches = [one for synonym in known[name] for one in present if plain(one) == synonym]
        if name not in found and matches:
            found[name] = matches[0]
    missing = [name for name in needed if name not in found]
    if missing:
        raise BadData(f"no column for {missing} among {list(present)[:30]}; rename one or give a column mapping")
    return found


def moments(column: pl.Series) -> pl.Series:
    """A column as UTC datetimes: datetimes, ISO 8601 text, or numbers since 1970 in the unit their size tells.

    Seconds, milliseconds or microseconds, decided for the whole column by its median. Null where unreadable.
    """
    if isinstance(column.dtype, pl.Datetime):
        zoned = column if column.dtype.time_zone else column.dt.replace_time_zone("UTC")
        return zoned.dt.convert_time_zone("UTC").dt.cast_time_unit("us")
    if column.dtype == pl.Date:
        return column.cast(pl.Datetime("us", "UTC"))
    numbers = column.cast(pl.Float64, strict=False)
    middle = numbers.drop_nulls().abs().median()
    size = middle if isinstance(middle, float) else 0.0
    unit = 1 if size > 1e14 else 1_000 if size > 1e11 else 1_000_000
    counted = (numbers * unit).cast(pl.Int64, strict=False).cast(pl.Datetime("us", "UTC"))
    if column.dtype != pl.String:
        return counted
    written = pl.coalesce(
        pl.col(column.name).str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False),
        pl.col(column.name).str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", time_zone="UTC", strict=False),
        pl.col(column.name).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", time_zone="UTC", strict=False),
        pl.col(column.name).str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us", "UTC")),
    )
    return pl.select(pl.coalesce(counted, pl.DataFrame(column).select(written).to_series())).to_series()


def names(column: pl.Series, separator: str | None = None) -> pl.Series:
    """A column as lists of names: lists as they are, text split at the first of | ; , that occurs in it."""
    if isinstance(column.dtype, pl.List):
        return column.cast(pl.List(pl.String))
    text = column.cast(pl.String).fill_null("").str.strip_chars("[]")
    found = separator or next((mark for mark in "|;," if text.str.contains(mark, literal=True).any()), "|")
    parts = pl.element().str.strip_chars(" \t'\"")
    return text.str.split(found).list.eval(parts.filter(parts != ""))
