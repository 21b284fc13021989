"""Compiled loops of what people do: what they look at, play, enjoy, like and dismiss, and what they look for."""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np

from matinee.events import Kind
from matinee.maths.arrays import Doubles, Flags, Floats, Int8s, Int16s, Int32s, Int64s, UInt64s
from matinee.maths.counters import normals, uniform
from matinee.maths.exponentials import exp, log
from matinee.maths.sampling import mix
from matinee.simulate.purposes import DEPTH, DRIFT, SOUGHT, TITLE, WIDTH
from matinee.simulate.ring_kernels import watched_lately

TITLE_LAYER = 2  # `decision.Layer.TITLE`
PLAY, UP, DOWN, DISMISS = int(Kind.PLAY), int(Kind.THUMBS_UP), int(Kind.THUMBS_DOWN), int(Kind.DISMISS)
LEAST, MOST = 0.01, 0.99  # bounds of an enjoyment
THOUGHT_OF = 8  # popular titles among which somebody who searches chooses by taste


class Truth(NamedTuple):
    """What decides about an answer.

    tastes (people, factors), vectors (titles, factors); moods (slots, titles) added to appeal; appeals (days, titles);
    worth (titles,); ring_items and ring_kinds (members, columns) the latest events.
    """

    tastes: Floats
    vectors: Floats
    moods: Floats
    appeals: Floats
    worth: Floats
    ring_items: Int32s
    ring_kinds: Int8s


class Asked(NamedTuple):
    """Visits (batch,): member, person (row of tastes), mood slot, row of appeals, and 64 random bits of each."""

    members: Int32s
    persons: Int32s
    slots: Int8s
    days: Int32s
    keys: UInt64s


class Nature(NamedTuple):
    """The numbers of `WorldConfig` that decide about an answer."""

    taste: float
    worth_of_taste: float
    again: float
    looks_on: float
    thumbs: float
    dismissals: float


class Given(NamedTuple):
    """Answers along the choices (lines,), written by `answer`."""

    examined: Flags
    clicked: Flags
    shares: Floats
    liked: Int8s
    dismissed: Flags
    enjoyment: Floats


class Changing(NamedTuple):
    """What `live` writes: tastes (people, factors), satisfaction (members,), the ring of events of `members.Ring`."""

    tastes: Floats
    satisfaction: Floats
    done: Int32s
    items: Int32s
    kinds: Int8s
    values: Floats
    times: Int64s


def nothing_given(lines: int) -> Given:
    """No answers yet to so many choices."""
    return Given(
        np.zeros(lines, np.bool_),
        np.zeros(lines, np.bool_),
        np.zeros(lines, np.float32),
        np.zeros(lines, np.int8),
        np.zeros(lines, np.bool_),
        np.zeros(lines, np.float32),
    )


@numba.njit(cache=True, nogil=True, error_model="numpy")
def sigmoid(x: float) -> float:
    """1 / (1 + e^-x)."""
    return 1.0 / (1.0 + exp(-x))


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def chances(truth: Truth, asked: Asked, b: int, item: int, nature: Nature) -> tuple[float, float]:
    """How likely the title is played by who visits if looked at, and how much they would enjoy it (0..1)."""
    affinity = 0.0
    for k in range(truth.vectors.shape[1]):
        affinity += truth.tastes[asked.persons[b], k] * truth.vectors[item, k]
    affinity *= nature.taste
    logit = truth.appeals[asked.days[b], item] + affinity + truth.moods[asked.slots[b], item]
    if nature.again > 0.0 and watched_lately(truth.ring_items, truth.ring_kinds, asked.members[b], item):
        logit -= nature.again
    enjoyment = sigmoid(truth.worth[item] + nature.worth_of_taste * affinity)
    return sigmoid(logit), min(max(enjoyment, LEAST), MOST)


@numba.njit(cache=True, nogil=True)
def answer(
    start: int,
    end: int,
    truth: Truth,
    asked: Asked,
    nature: Nature,
    offsets: Int64s,
    layers: Int8s,
    rows: Int16s,
    columns: Int16s,
    actions: Int32s,
    row_attention: Doubles,
    column_attention: Doubles,
    given: Given,
) -> None:
    """Write the answers to decisions start..end.

    People read down to a row and along each row to a column, as far as one number a page and one a row say, so that
    place (i, j) is looked at with the probability that `page.Attention` states; a play ends it but for `looks_on`.
    """
    for b in range(start, end):
        depth = uniform(mix(asked.keys[b], np.uint64(DEPTH)))
        for line in range(offsets[b], offsets[b + 1]):
            if layers[line] != TITLE_LAYER:
                continue
            row, column = max(rows[line], 0), max(columns[line], 0)
            width = uniform(mix(mix(asked.keys[b], np.uint64(WIDTH)), np.uint64(row)))
            if depth >= row_attention[row] or width >= column_attention[column]:
                continue
            bits = mix(mix(asked.keys[b], np.uint64(TITLE)), np.uint64(actions[line]))
            click, enjoyment = chances(truth, asked, b, actions[line], nature)
            given.examined[line], given.enjoyment[line] = True, enjoyment
            given.clicked[line] = uniform(mix(bits, np.uint64(0))) < click
            if not given.clicked[line]:
                refused = nature.dismissals * (1.0 - enjoyment) ** 2
                given.dismissed[line] = uniform(mix(bits, np.uint64(1))) < refused
                continue
            given.shares[line], given.liked[line] = watched(bits, enjoyment, nature.thumbs)
            if uniform(mix(bits, np.uint64(4))) >= nature.looks_on:
                break


@numba.njit(cache=True, nogil=True, error_model="numpy")
def watched(bits: np.uint64, enjoyment: float, thumbs: float) -> tuple[float, int]:
    """The share watched and the thumb (1, 0, -1) of a play.

    The share is u^(1/e - 1), u uniform: Beta(e / (1 - e), 1), whose mean is the enjoyment e.
    """
    share = exp((1.0 / enjoyment - 1.0) * log(uniform(mix(bits, np.uint64(2)))))
    thumb = uniform(mix(bits, np.uint64(3)))
    if thumb < thumbs * enjoyment**2:
        return share, 1
    return share, -1 if thumb > 1.0 - thumbs * (1.0 - enjoyment) ** 2 else 0


@numba.njit(cache=True, nogil=True)
def expected(
    start: int, end: int, truth: Truth, asked: Asked, nature: Nature, offsets: Int64s, items: Int32s, rewards: Doubles
) -> None:
    """Write the expected reward, if looked at, of each title of lists start..end: chance of a play * E[reward of it].

    The reward of a play is 1 with a thumb up, else the share watched: q + (1 - q) e with q = thumbs * e².
    """
    for b in range(start, end):
        for line in range(offsets[b], offsets[b + 1]):
            if items[line] >= 0:
                click, enjoyment = chances(truth, asked, b, items[line], nature)
                praise = nature.thumbs * enjoyment**2
                rewards[line] = click * (praise + (1.0 - praise) * enjoyment)


@numba.njit(cache=True, nogil=True)
def seek(
    start: int,
    end: int,
    truth: Truth,
    asked: Asked,
    nature: Nature,
    popularity: Doubles,
    items: Int32s,
    given: Given,
) -> None:
    """Write what those find who begin elsewhere: of `THOUGHT_OF` titles drawn by popularity one by taste, as e^taste.

    `popularity` (days, titles): running sums of what may be shown, the last of each day 1.
    """
    for b in range(start, end):
        bits = mix(asked.keys[b], np.uint64(SOUGHT))
        best, enjoyment, found = -np.inf, 0.5, -1
        for k in range(THOUGHT_OF):
            own = mix(bits, np.uint64(k))
            item = int(np.searchsorted(popularity[asked.days[b]], uniform(own), side="right"))
            click, joy = chances(truth, asked, b, item, nature)
            wish = math.log(click / (1.0 - click)) - truth.appeals[asked.days[b], item]
            wish -= log(-log(uniform(mix(own, np.uint64(0)))))
            if wish > best:
                best, found, enjoyment = wish, item, joy
        items[b], given.enjoyment[b] = found, enjoyment
        given.shares[b], given.liked[b] = watched(mix(bits, np.uint64(THOUGHT_OF)), enjoyment, nature.thumbs)


@numba.njit(cache=True, nogil=True)
def live(
    start: int,
    end: int,
    offsets: Int64s,
    items: Int32s,
    given: Given,
    asked: Asked,
    times: Int64s,
    memory: float,
    letdown: float,
    drift: float,
    changed: Changing,
) -> None:
    """Let the members of visits start..end remember what they did, feel about it, and change a little.

    A taste factor x becomes sqrt(1 - drift²) x + drift * noise, which keeps its standard deviation of 1.
    """
    stays = math.sqrt(1.0 - drift * drift)
    for b in range(start, end):
        m, person, best = asked.members[b], asked.persons[b], -1.0
        for line in range(offsets[b], offsets[b + 1]):
            if given.clicked[line]:
                best = max(best, given.enjoyment[line])
                remember(changed, m, items[line], PLAY, given.shares[line], times[b])
            if given.liked[line] != 0:
                remember(changed, m, items[line], UP if given.liked[line] > 0 else DOWN, 0.0, times[b])
            if given.dismissed[line]:
                remember(changed, m, items[line], DISMISS, 0.0, times[b])
        gave = best if best >= 0.0 else letdown
        changed.satisfaction[m] = memory * changed.satisfaction[m] + (1.0 - memory) * gave
        if drift > 0.0:
            bits, factors = mix(asked.keys[b], np.uint64(DRIFT)), changed.tastes.shape[1]
            for k in range(0, factors, 2):
                noise = normals(mix(bits, np.uint64(k)))
                for at in range(k, min(k + 2, factors)):
                    changed.tastes[person, at] = stays * changed.tastes[person, at] + drift * noise[at - k]


@numba.njit(cache=True, nogil=True)
def remember(changed: Changing, member: int, item: int, kind: int, value: float, time: int) -> None:
    """Put a event where the member's oldest stands."""
    at = changed.done[member] % changed.items.shape[1]
    changed.items[member, at], changed.kinds[member, at] = item, kind
    changed.values[member, at], changed.times[member, at] = value, time
    changed.done[member] += 1
