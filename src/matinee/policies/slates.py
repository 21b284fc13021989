"""Lists of titles by Thompson sampling: one draw of every title's worth, the best in order, by segment of members.

How likely a list was is exact by quadrature (`maths/top_of_scores.py`), slot by slot. Where people look at the first
slots and swipe on to others, a slot behind their last play counts as far as it was likely looked at (the cascade; after
Bendada, Salha and Bontempelli 2020, "Carousel personalization in music streaming apps with contextual bandits").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from scipy.special import gammaln

from matinee.catalog import Catalog
from matinee.decision import Choices, Decisions, Layer, Maker, Requests, decision_ids, digest
from matinee.errors import BadRequest, require_floor, require_share
from matinee.maths.arrays import Doubles, Flags, Floats, Int32s, Int64s
from matinee.maths.ragged import offsets_of
from matinee.maths.top_of_scores import beginnings
from matinee.policies.independent import BetaBelief, GaussianBelief, Told
from matinee.policies.offered import distinct_offers
from matinee.policies.versions import Versions, kept_from

AT_ONCE = 128  # lists whose probabilities are worked out at one time
Segments: TypeAlias = Callable[[Requests], Int64s]  # (batch,) the segment of each, from 0


def all_alike(requests: Requests) -> Int64s:
    """Everybody in segment 0."""
    return np.zeros(len(requests), np.int64)


def looks(played: Flags, chances: Doubles, visible: int, patience: float) -> Doubles:
    """(n, slots) how likely each slot was looked at, given what was `played` and the `chances` (n, slots) of a play in
    each, if looked at. The first `visible` were, and all up to the last play, slot m. Whoever looked at k >= m and
    played nothing since went on with chance `patience`, so that they stopped at k with a weight of

        patience^(k - m) (1 - patience) ∏_{m < i <= k} (1 - chance_i),   without (1 - patience) at the last slot.
    """
    size = played.shape[1]
    slots = np.arange(size)
    last = np.maximum(np.where(played, slots + 1, 0).max(axis=1, initial=0), min(visible, size))[:, None]
    steps = np.where(slots >= last, patience * (1.0 - chances), 1.0).cumprod(axis=1)
    stops = np.where((slots >= last - 1), steps, 0.0) * np.where(slots < size - 1, 1.0 - patience, 1.0)
    beyond = stops[:, ::-1].cumsum(axis=1)[:, ::-1]
    return np.asarray(beyond / beyond[:, :1])


@dataclass(frozen=True, slots=True)
class SlateConfig:
    """Lists of `size` titles, `visible` of them at once. `patience`: the chance to swipe on by a slot, see `looks`; 1
    takes every slot for looked at. `floor`: the share of lists that are any titles in any order.
    """

    belief: BetaBelief | GaussianBelief = BetaBelief()
    size: int = 12
    visible: int = 3
    patience: float = 0.7
    floor: float = 0.01

    def __post_init__(self) -> None:
        require_floor(self.floor)
        if not 1 <= self.visible <= self.size:
            raise BadRequest(f"{self.visible} of {self.size} are visible; give at least 1 and at most all")
        require_share("patience", self.patience)


class _Group(NamedTuple):
    """Requests (rows,) of one segment that may be shown the same titles (offered,)."""

    rows: Int64s
    segment: int
    titles: Int32s


class SlateArms:
    """A list of titles a request, the same chances for all of a segment; see `SlateConfig`."""

    def __init__(
        self,
        policy_id: str,
        catalog: Catalog,
        config: SlateConfig = SlateConfig(),
        segments: Segments = all_alike,
        n_segments: int = 1,
        learned: Told | None = None,
        versions: Versions[Told] | None = None,
    ) -> None:
        """`learned` (segments, titles) is where it goes on from, perhaps of fewer titles."""
        self.policy_id, self.catalog, self.config = policy_id, catalog, config
        self.segments, self.n_segments = segments, n_segments
        self._told = (Told.nothing(n_segments, 0) if learned is None else learned).grown(len(catalog))
        if len(self._told.counts) != n_segments:
            raise BadRequest(f"what was learned is of {len(self._told.counts)} segments, not of {n_segments}")
        self._versions = kept_from(self._told, learned is None, versions)

    @property
    def posterior(self) -> int:
        """How many batches of rewards were learned."""
        return self._told.version

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """A list per request, shorter where fewer titles are eligible."""
        told, batch = self._told, len(requests)
        bits = requests.bits(rng)
        lists, log_probs = (np.full((batch, self._size(requests)), fill) for fill in (-1, 0.0))
        sizes, scores = np.zeros(batch, np.int32), np.zeros(lists.shape, np.float32)
        for group in self._groups(requests):
            drawn = self._drawn(group, told, bits, lists.shape[1])
            lists[group.rows, : drawn.shape[1]] = group.titles[drawn]
            log_probs[group.rows, : drawn.shape[1]] = self._log_probs(group, told, drawn)
            sizes[group.rows] = len(group.titles)
            means = self.config.belief.moments(_of_segment(told, group.segment))[0]
            scores[group.rows, : drawn.shape[1]] = np.clip(means[group.titles[drawn]], 0.0, 1.0)
        return Decisions(
            requests=requests,
            ids=decision_ids(batch, rng),
            makers=(Maker(self.policy_id, "", digest(self.policy_id, self.config, self.n_segments), told.version),),
            choices=_as_choices(lists, log_probs, sizes, scores),
            eligible=sizes,
            bits=bits,
            catalog=len(self.catalog),
        )

    def log_prob(self, decisions: Decisions) -> Doubles:
        """(lines,) log-probability of each title given those before it; -inf from the first that could not be."""
        choices, lists = decisions.choices, _lists(decisions)
        found = np.full(lists.shape, -np.inf)
        for group in self._groups(decisions.requests):
            place = np.full(len(self.catalog) + 1, -1, np.int32)
            place[group.titles] = np.arange(len(group.titles))
            length = min(self._size(decisions.requests), len(group.titles))
            asked = place[lists[group.rows]][:, :length]
            fits = (asked.shape[1] == length) & ((lists[group.rows] >= 0).sum(axis=1) == length)
            fits &= (asked >= 0).all(axis=1) & _all_differ(asked)
            if fits.any():
                found[group.rows[fits], :length] = self._log_probs(group, self._told, asked[fits])
        layer_fits = (choices.layers == Layer.TITLE) & (choices.rows == 0)
        return np.asarray(np.where(layer_fits, found[choices.decisions, np.maximum(choices.columns, 0)], -np.inf))

    def belief(self, requests: Requests) -> tuple[Doubles, Doubles]:
        """Mean and standard deviation of each title's reward, each (batch, titles)."""
        means, deviations = self.config.belief.moments(self._told)
        of = self.segments(requests)
        return means[of], deviations[of]

    def learn(self, decisions: Decisions, rewards: Doubles) -> None:
        """Learn from the titles of any lists, as often as each stands for: `rewards` (lines,), NaN where nobody looked,
        above 0 a play, 0 where none is known: that counts as far as it was likely looked at.
        """
        choices = decisions.choices
        if rewards.shape != choices.log_probs.shape:
            raise BadRequest(f"{rewards.shape} rewards for {len(choices.log_probs)} choices; give one each")
        seen = decisions.layer(Layer.TITLE) & (choices.columns >= 0) & ~np.isnan(rewards)
        by, columns = choices.decisions[seen], choices.columns[seen]
        played = np.zeros((len(decisions), int(columns.max(initial=0)) + 1), np.bool_)
        played[by, columns] = rewards[seen] > 0
        cells = self.segments(decisions.requests)[by] * len(self.catalog) + choices.actions[seen]
        counts, sums = self._told.counts.copy(), self._told.sums.copy()
        chances = np.zeros(played.shape)
        chances[by, columns] = np.clip(self.config.belief.moments(self._told)[0].ravel()[cells], 0.0, 1.0)
        looked = looks(played, chances, self.config.visible, self.config.patience)
        np.add.at(counts.ravel(), cells, decisions.stands_for[by] * looked[by, columns])
        np.add.at(sums.ravel(), cells, decisions.stands_for[by] * rewards[seen])
        self._told = Told(counts, sums, self._told.version + 1)
        self._versions.keep(self._told)

    def at(self, posterior: int) -> SlateArms:
        """The same arms as they were with this version. Raises `NotFound` where it is gone."""
        told = self._versions.find(posterior)
        parts = (self.policy_id, self.catalog, self.config, self.segments, self.n_segments)
        return SlateArms(*parts, told, self._versions)

    def save(self, folder: Path) -> None:
        """Write what was learned; `Told.load` reads it."""
        self._told.save(folder, self.config)

    def _size(self, requests: Requests) -> int:
        return min(self.config.size, requests.layout.columns)

    def _groups(self, requests: Requests) -> Iterator[_Group]:
        """The requests that share a segment and an offer of at least one title."""
        masks, whose = distinct_offers(self.catalog, requests)
        keys = self.segments(requests) * len(masks) + whose
        for key in np.unique(keys):
            titles = np.flatnonzero(masks[key % len(masks)]).astype(np.int32)
            if len(titles):
                yield _Group(np.flatnonzero(keys == key), int(key // len(masks)), titles)

    def _drawn(self, group: _Group, told: Told, bits: np.ndarray, size: int) -> Int32s:
        """(rows, at most size) places in the group's titles, each list out of its request's own bits."""
        of_titles = _of_segment(told, group.segment, group.titles)
        found = np.empty((len(group.rows), min(size, len(group.titles))), np.int32)
        for at, row in enumerate(group.rows):
            rng = np.random.Generator(np.random.Philox(int(bits[row])))
            by_chance = rng.random() < self.config.floor
            worth = rng.random(len(group.titles)) if by_chance else self.config.belief.draw(of_titles, rng)
            found[at] = np.argsort(-worth, kind="stable")[: found.shape[1]]
        return found

    def _log_probs(self, group: _Group, told: Told, lists: Int32s) -> Doubles:
        """(n, k) of lists of places in the group's titles, slot by slot."""
        of_titles, count = _of_segment(told, group.segment, group.titles), len(group.titles)
        grid, densities, below = self.config.belief.table(of_titles)
        sampled = [beginnings(grid, densities, below, lists[at : at + AT_ONCE]) for at in range(0, len(lists), AT_ONCE)]
        slots = np.arange(1, lists.shape[1] + 1)
        by_chance = np.exp(gammaln(count - slots + 1) - gammaln(count + 1))
        whole = self.config.floor * by_chance + (1.0 - self.config.floor) * np.concatenate(sampled)
        return np.asarray(np.minimum(np.diff(np.log(whole), axis=1, prepend=0.0), 0.0))


def _of_segment(told: Told, segment: int, titles: Int32s | slice = slice(None)) -> Told:
    return Told(told.counts[segment, titles], told.sums[segment, titles], told.version)


def _lists(decisions: Decisions) -> Int32s:
    """(batch, columns) the titles of the first row in order, -1 = empty."""
    choices = decisions.choices
    lists = np.full((len(decisions), max(int(choices.columns.max(initial=0)) + 1, 1)), -1, np.int32)
    lines = (choices.layers == Layer.TITLE) & (choices.rows == 0) & (choices.columns >= 0)
    lists[choices.decisions[lines], choices.columns[lines]] = choices.actions[lines]
    return lists


def _all_differ(lists: Int32s) -> Flags:
    ordered = np.sort(lists, axis=1)
    return np.asarray((np.diff(ordered, axis=1) > 0).all(axis=1))


def _as_choices(lists: Int32s, log_probs: Doubles, sizes: Int32s, scores: Floats) -> Choices:
    """The lists as choices of one row; slot k is chosen among all but the k before it."""
    there = lists >= 0
    batch, columns = np.nonzero(there)
    lines = len(batch)
    return Choices(
        offsets_of(there.sum(axis=1)),
        np.full(lines, Layer.TITLE, np.int8),
        np.zeros(lines, np.int16),
        columns.astype(np.int16),
        lists[there].astype(np.int32),
        log_probs[there],
        (sizes[batch] - columns).astype(np.int32),
        np.zeros(lines, np.int8),
        scores[there],
        np.full(lines, -1, np.int32),
    )
