"""What columns and kinds of event are called elsewhere.

Recognised: RecTools, RecBole (typed headers such as `user_id:token`), LensKit, Amazon Personalize, Google media.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from matinee.errors import BadData

# our name -> what others call it; compared without case, separators and RecBole's type
INTERACTIONS: Mapping[str, Sequence[str]] = {
    "user_id": ("userid", "user", "userpseudoid", "visitorid", "memberid", "profileid", "customerid"),
    "item_id": ("itemid", "item", "titleid", "movieid", "documentid", "contentid", "showid", "productid"),
    "timestamp": ("timestamp", "datetime", "eventtime", "time", "ts", "date"),
    "kind": ("kind", "eventtype", "event", "interactiontype"),
    "value": ("value", "weight", "rating", "eventvalue", "stars"),
    "share": ("share", "watchratio", "mediaprogresspercentage", "watchpercentage", "percentwatched"),
    "watched": ("watchseconds", "watchedseconds", "secondswatched", "watchtime", "watchduration", "playduration"),
    "duration": ("duration", "videoduration", "durationseconds", "totalduration", "totalseconds"),
    "click": ("click", "clicked", "isclick", "isclicked"),
    "event_id": ("eventid",),
    "decision_id": ("decisionid", "recommendationid", "attributiontoken"),
    "query": ("query", "searchquery"),
    "country": ("country",),
    "device": ("device", "devicetype"),
    "language": ("language", "languagecode"),
    "source": ("source", "eventsource"),
    "received": ("received", "receivedat", "ingestedat"),
}
TITLES: Mapping[str, Sequence[str]] = {
    "item_id": (*INTERACTIONS["item_id"], "id"),
    "title": ("title", "name", "movietitle", "itemname"),
    "other_names": ("othernames", "othertitles", "alternativetitles", "originaltitle", "aka", "alsoknownas"),
    "kind": ("kind", "type", "contenttype", "mediatype", "itemtype"),
    "genres": ("genres", "genre", "categories", "category", "class", "genrel1"),
    "people": ("people", "cast", "actors", "persons", "castmembers"),
    "tags": ("tags", "keywords"),
    "text": ("text", "description", "overview", "plot", "productdescription"),
    "maturity": ("maturity", "maturityrating", "contentrating", "agerating", "certification", "mpaa"),
    "languages": ("languages", "language", "languagecode", "contentlanguage", "originallanguage"),
    "countries": ("countries", "availablecountries", "availablein", "countryavailability"),
    "released": ("released", "releasedate", "releaseyear", "year", "creationtimestamp", "publishtime"),
    "available_from": ("availablefrom", "availabletime", "licensestart"),
    "available_until": ("availableuntil", "expiretime", "licenseend"),
    "minutes": ("minutes", "runtime", "runtimeminutes", "durationminutes"),
    "series_id": ("seriesid", "series", "tvseriesid", "parentid"),
    "season": ("season", "seasonnumber"),
    "episode": ("episode", "episodenumber"),
    "image_url": ("imageurl", "image", "poster", "posterurl"),
    "artworks": ("artworks", "artwork", "artworkurls", "images", "imageurls", "backdrops"),
}

# columns of shares watched that are out of one thing only; others may be out of 1 or of 100
RATIOS = ("watchratio", "share")

# columns that mean something, but nothing that can be taken from them: of titles, and of interactions
ORIGINS = ("country", "productioncountry", "productioncountries", "origincountry", "countryoforigin")
UNCLEAR = (
    "label",
    "target",
    "feedback",
    "response",
    "reward",
    "outcome",
    "score",
    "liked",
    "islike",
    "like",
    "watched",
)

# what others call a kind of event; compared as above
KINDS: Mapping[str, Sequence[str]] = {
    "impression": ("impression", "viewitemlist", "viewcategorypage", "viewhomepage", "shown", "exposure"),
    "open": ("open", "click", "clicked", "viewitem", "itemview", "detailpageview", "detailspageview"),
    "play": (
        *("play", "watch", "watched", "stream", "mediaplay", "mediacomplete", "complete", "completed", "finish"),
        *("purchase", "transaction", "buy", "order", "rent", "rental"),
    ),
    "rating": ("rating", "rate", "explicitrating"),
    "thumbs_up": ("thumbsup", "like", "liked", "favorite", "favourite"),
    "thumbs_down": ("thumbsdown", "dislike", "disliked"),
    "list_add": (
        "listadd",
        "addtolist",
        "wishlist",
        "addtowishlist",
        "addtowatchlist",
        "bookmark",
        "addtocart",
        "cart",
    ),
    "list_remove": ("listremove", "removefromlist", "removefromwatchlist"),
    "dismiss": ("dismiss", "notinterested", "hide"),
    "seen": ("alreadyseen", "seenelsewhere", "watchedelsewhere"),
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
    """Our names -> the columns that hold them: `mapping` (ours to theirs, "" to none) first, then the synonyms.

    Raises `BadData` when a mapped column is not there, one of `needed` is not found, or a name of ours is unknown.
    """
    if not isinstance(mapping, Mapping):
        raise BadData(f"the column mapping is a {type(mapping).__name__}; give ours to yours, such as user_id to uid")
    wrong = [name for name in mapping if name not in known]
    absent = [column for column in mapping.values() if column and column not in present]
    if wrong or absent:
        raise BadData(
            f"the column mapping names {wrong + absent}; map some of {sorted(known)} to columns of {list(present)[:30]}"
        )
    found = {ours: theirs for ours, theirs in mapping.items() if theirs}
    for name in known:
        if name in mapping:
            continue
        matches = [one for synonym in known[name] for one in present if plain(one) == synonym]
        matches = [one for one in matches if one not in mapping.values()]
        alike = [one for one in matches if plain(one) == plain(matches[0])]
        if len(alike) > 1:
            raise BadData(f"the columns {alike} are alike; say which one is {name} with --map {name}={alike[0]}")
        if matches:
            found[name] = matches[0]
    missing = [name for name in needed if name not in found]
    if missing:
        headed = not any(re.fullmatch(r"[\d.]+", name) for name in present)
        unnamed = "" if headed else "; where the first line is no header, write one above it"
        raise BadData(
            f"no column for {missing} among {list(present)[:30]}; rename one, or map it: "
            f"--map {missing[0]}=NAME{unnamed}"
        )
    return found
