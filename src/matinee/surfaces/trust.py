"""What a member must not meet again: titles turned down, and those just finished or just taken off the list.

- turned down   the latest word on it is a thumbs down, "not for me" or a rating below three stars of five: it stands
                nowhere but where it is named, in the answers to a search for its name;
- finished      its latest play got to the end, of a series with no episode waiting, or it was "seen elsewhere" after
                that: it stands where it is looked up (search, browsing), and among what may be watched again;
- taken off     it was taken off the list less than `REMOVED_DAYS` ago and not put back: it stands where it is looked
                up.

Whatever speaks for the title later, such as a play, a thumbs up or a place on the list, takes the first back.
`docs/page.md` has the table.
"""

from __future__ import annotations

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Requests
from matinee.decision.next_up import next_up
from matinee.events import DAY, FINISHED, PLAYED, Kind
from matinee.history import Histories
from matinee.maths.arrays import Flags
from matinee.maths.ragged import last_of_each, owners_of

REMOVED_DAYS = 30


def turned_down(requests: Requests, titles: int) -> Flags:
    """(batch, titles) what each member's latest word turned down."""
    return _flags(requests, requests.histories.turned_down, titles)


def had_enough(requests: Requests, catalog: Catalog) -> Flags:
    """(batch, titles) what each member turned down, finished or just took off the list."""
    history, titles = requests.histories, len(catalog)
    since = np.repeat(requests.times - REMOVED_DAYS * DAY, np.diff(history.offsets))
    plays = last_of_each(history.offsets, history.items, history.kinds == Kind.PLAY)
    listing = np.isin(history.kinds, (Kind.LIST_ADD, Kind.LIST_REMOVE))
    lately = last_of_each(history.offsets, history.items, listing) & (history.times >= since)
    removed = lately & (history.kinds == Kind.LIST_REMOVE)
    finished = _flags(requests, plays & (history.values >= FINISHED), titles)
    if len(catalog.series):
        found = next_up(history, catalog, requests.times)
        finished[found.members, found.titles] = found.episodes < 0
    finished |= _flags(requests, _seen_elsewhere(history), titles)
    return finished | _flags(requests, history.turned_down | removed, titles)


def _seen_elsewhere(history: Histories) -> Flags:
    """(events,) which say "seen elsewhere" of a title that was not really played after that."""
    played = (history.kinds == Kind.PLAY) & (history.values >= PLAYED)
    seen = history.kinds == Kind.SEEN
    return np.asarray(seen & last_of_each(history.offsets, history.items, seen | played))


def _flags(requests: Requests, events: Flags, titles: int) -> Flags:
    """(batch, titles) the titles of these events, of those that there are."""
    history, found = requests.histories, np.zeros((len(requests), titles), np.bool_)
    member = owners_of(history.offsets)
    kept = events & (history.items < titles)
    found[member[kept], history.items[kept]] = True
    return found
