"""The page builder: chooses rows, their order and their titles, stage by stage.

A member comes with one taste g of the catalogue's genres, with probability pi_g (`taste.py`). A title t satisfies a
member of taste g, when looked at, with probability

    q_tg = min(1/2, worth_t / sum_{h in t} pi_h)   for the genres g of t, 0 for all others,

so that its probability over all tastes is worth_t, unless it is very sure. With a_ij the probability that place (i, j)
is looked at (`page.Attention`), the page's value is the probability that something on it satisfies:

    V = sum_g pi_g (1 - prod_ij (1 - a_ij q_{t_ij, g})).

It is monotone and submodular in the titles shown (Agrawal et al. 2009, "Diversifying Search Results"): more of the
same taste counts less and less. A row's gain is measured on its first two screens; what lies beyond is filled in the
ranker's order but hardly looked at.

Continue watching and my list hold what members chose themselves: they add a_ij worth_t to V, whatever stands above.

At each place the `search.SHORTLIST` rows that were best when last measured are measured anew and offered.
Exploration T > 0 draws one of them by Plackett-Luce from log(gain) / T given the rows above, and each row's titles
from the ranker's log-worth / T; the log-probabilities come out of the same call. T = 0 shows one page, with
probability 1: its first rows by beam search (`search.py`), the others by the largest gain, each with its best
titles.

Dials for diversity and calibration look at what stands before (`maths.in_turn`): the titles on the first two screens of
a row are chosen one after the other, and rows one by one, without a beam: a row's log(gain) loses what its likeness to
the nearest row above and the mix of genres that it would leave cost it. Rows with an order of their own keep it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Requests
from matinee.errors import BadRequest
from matinee.maths.arrays import Doubles, Floats, Int32s, UInt64s
from matinee.maths.sampling import temperature_of
from matinee.maths.shares import Shares
from matinee.page import KEEPS_REPEATS, Layout, kinds_flagged
from matinee.surfaces.pages import kernels
from matinee.surfaces.pages.rows import BILLBOARD, BY_CHANCE, Pools
from matinee.surfaces.pages.turned import turned_of
from matinee.surfaces.pages.types import Attention, Candidates, Chance, Choice, Page, Taste
from matinee.surfaces.sway import Sway
from matinee.surfaces.taste import intents

BEAM_WIDTH, BEAM_ROWS = 16, 5  # partial pages kept, and rows searched so, at temperature 0
SCREENS = 2  # screens of a row on which its gain is measured
_REPEATS = kinds_flagged(KEEPS_REPEATS)
Shown: TypeAlias = tuple[Int32s, Int32s]  # candidate rows (batch, r), items (batch, r, c)


@dataclass(frozen=True, slots=True)
class Where:
    """Where on a page chance decides: in its first `rows` (None = all), by exploration, and in a row at the place
    `by_chance` (None = no such row) whose titles are drawn from all fresh ones, every one as likely.
    """

    rows: int | None = None
    by_chance: int | None = None

    def __post_init__(self) -> None:
        for name in ("rows", "by_chance"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise BadRequest(f"{name} of a page is {value}; give a place from 0 on, or None")


@dataclass(frozen=True)
class Built:
    """Pages of a batch. `rows` (batch, r): the candidate row standing there, -1 for none.

    `items`, `worths`, `item_log_probs` (batch, r, c) and `row_log_probs` (batch, r): the titles, the probability that
    each satisfies, and the log-probabilities of titles and rows, each given what was chosen before. `among_rows` and
    `among_titles` (batch, r): out of how many the row and its first title were chosen. `values` (batch,): V of each.
    """

    rows: Int32s
    items: Int32s
    worths: Floats
    row_log_probs: Doubles
    item_log_probs: Doubles
    among_rows: Int32s
    among_titles: Int32s
    values: Doubles

    @classmethod
    def empty(cls, batch: int, layout: Layout) -> Built:
        """Pages with nothing on them."""
        page = (batch, layout.rows, layout.columns)
        return cls(
            rows=np.full(page[:2], -1, np.int32),
            items=np.full(page, -1, np.int32),
            worths=np.zeros(page, np.float32),
            row_log_probs=np.zeros(page[:2]),
            item_log_probs=np.zeros(page),
            among_rows=np.zeros(page[:2], np.int32),
            among_titles=np.zeros(page[:2], np.int32),
            values=np.zeros(batch),
        )


def build_pages(
    pools: Pools,
    requests: Requests,
    catalog: Catalog,
    genre_shares: Floats,
    exploration: float,
    seeds: UInt64s,
    shown: Shown | None = None,
    where: Where = Where(),
    sway: Sway | None = None,
) -> Built:
    """Build one page per request out of its candidate rows.

    `genre_shares` (genres,) everybody's tastes; `seeds` (batch,) uint64, all the randomness there is. With `shown` =
    (rows (batch, r), items (batch, r, c)) nothing is chosen: the log-probabilities of that page are computed instead,
    -inf where it could not have been built. `sway`: which titles have shares of the places.
    """
    layout, temperature = requests.layout, temperature_of(exploration)
    given = shown is not None and temperature > 0.0
    built = Built.empty(len(requests), layout)
    if shown is not None and given:
        built.rows[:], built.items[:] = shown
    attention = _attention(layout)
    turned = turned_of(requests, pools, catalog, attention)
    pi, repeats = intents(requests.histories.tastes, catalog, genre_shares), _REPEATS[pools.kinds]
    built.values[:] = kernels.build(
        Candidates(pools.sizes, pools.minimum, pools.items.view(np.uint32), pools.worths, pools.logits, repeats),
        Taste(*catalog.title_genres.unsigned, pi),
        attention,
        Choice(
            BILLBOARD,
            layout.billboard,
            temperature,
            given,
            1 if turned.on else BEAM_WIDTH,
            min(BEAM_ROWS, layout.rows),
        ),
        _chance(pools, temperature, where, layout),
        turned,
        _shares(sway, len(requests)),
        seeds,
        Page(
            built.rows,
            built.items,
            built.worths,
            built.row_log_probs,
            built.item_log_probs,
            built.among_rows,
            built.among_titles,
        ),
    )
    if shown is not None and not given:
        _refuse_at_first_difference(built, *shown)
    return built


def _attention(layout: Layout) -> Attention:
    """How likely each row and column of a page is looked at."""
    return Attention(
        layout.attention.rows(layout.rows),
        layout.attention.columns(layout.columns, layout.visible),
        min(layout.columns, SCREENS * layout.visible),
    )


def _chance(pools: Pools, temperature: float, where: Where, layout: Layout) -> Chance:
    """Nothing is left to chance at temperature 0."""
    rows, at = layout.rows if where.rows is None else where.rows, where.by_chance
    if temperature <= 0.0:
        rows, at = 0, None
    return Chance(rows, -1 if at is None else at, BY_CHANCE, pools.fresh, pools.worth)


def _shares(sway: Sway | None, batch: int) -> Shares:
    """The shares of a batch, `had` (batch, promotions + 1)."""
    if sway is None:
        return Shares(np.empty(0), np.empty((batch, 0), np.uint16), np.zeros((batch, 1), np.int64))
    return Shares(sway.shares, sway.groups, np.zeros((batch, len(sway.shares) + 1), np.int64))


def _refuse_at_first_difference(built: Built, rows: Int32s, items: Int32s) -> None:
    """Where a page is not the one built, -inf at the first row or title that differs."""
    places = np.concatenate(((built.rows != rows)[:, :, None], built.items != items), axis=2)
    flat = places.reshape(len(places), -1)
    b = np.flatnonzero(flat.any(axis=1))
    r, c = np.divmod(flat[b].argmax(axis=1), places.shape[2])
    title = c > 0
    built.row_log_probs[b[~title], r[~title]] = -np.inf
    built.item_log_probs[b[title], r[title], c[title] - 1] = -np.inf
