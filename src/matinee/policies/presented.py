"""The picture and the reason of a billboard as choices of their own, each with its probability, over any page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Beliefs, Decisions, Layer, Maker, Policy, Requests, digest
from matinee.decision.contracts import LaysOut, beliefs_by
from matinee.decision.decisions import LINES
from matinee.decision.why import UNTRUE, Why
from matinee.maths.arrays import Doubles, Flags, Int32s, Int64s
from matinee.maths.counters import keyed, uniform
from matinee.maths.ragged import gather, owners_of
from matinee.page import Layouts
from matinee.policies.presentation import PresentationArms, Way

ART, REASON = "billboard-art", "billboard-reason"  # who chooses
LAYERS = ((Layer.ART, ART), (Layer.REASON, REASON))  # in the order of the lines behind a title


class TrueReasons(Protocol):
    """What is true of titles for members."""

    def of(self, requests: Requests, b: Int64s, titles: Int32s, evidence: Int32s) -> Int32s:
        """(titles, kinds) the evidence of each kind of `Why`, `UNTRUE` for those that do not hold."""
        ...

    @property
    def parts(self) -> tuple[object, ...]:
        """What a policy's digest takes in."""
        ...


class Options(NamedTuple):
    """What could be chosen at one place: the actions, the evidence of each and how `PresentationArms` knows each."""

    actions: list[int]
    evidence: list[int]
    ways: list[Way]


@dataclass(frozen=True)
class Presented:
    """Pages of `inner`, on whose billboard `arms` chooses one of the title's pictures and one of the true `reasons`
    for it, each behind the title as a choice of its own: the page's probability is the product of all.

    Where a request asks for no exploration the best are chosen, without chance.
    """

    inner: Policy
    catalog: Catalog
    reasons: TrueReasons
    arms: PresentationArms

    @property
    def layouts(self) -> Layouts:
        """The layouts of `inner`."""
        return self.inner.layouts if isinstance(self.inner, LaysOut) else Layouts()

    def beliefs(self, requests: Requests) -> Beliefs:
        """What `inner` believes. Raises `NotFound` where it does not say."""
        return beliefs_by(self.inner, requests)

    @property
    def posterior(self) -> int:
        """How many batches of rewards were learned."""
        return self.arms.learned.version

    @property
    def as_of(self) -> int:
        """The time of the latest decision learned from (microseconds since 1970, UTC), 0 for none."""
        return self.arms.learned.as_of

    @cached_property
    def parameters(self) -> str:
        """A digest of all that it was made of beside what it learned."""
        return digest(self.arms.config, *self.reasons.parts)

    @property
    def makers(self) -> tuple[Maker, ...]:
        """Who chooses the picture, and who the reason."""
        return self._makers(self.arms)

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """One page per request; what is chosen of its billboard depends on the page and its random bits alone."""
        arms, made = self.arms.frozen(), self.inner.decide(requests, rng)
        heads, likes = np.flatnonzero(made.billboards), self._likes(requests)
        parts = [self._chosen(made, heads, likes, k, arms) for k in range(len(LAYERS))]
        return replace(_with_lines(made, heads, parts), makers=(*made.makers, *self._makers(arms)))

    def log_prob(self, decisions: Decisions) -> Doubles:
        """(lines,) log-probability of each choice given those before it. Pages without these choices are asked of
        `inner` alone.
        """
        presenting = presentation_of(decisions)
        found = np.full(len(presenting), -np.inf)
        found[~presenting] = self.inner.log_prob(without_presentation(decisions))
        arms, certain = self.arms.frozen(), decisions.requests.exploration == 0.0
        for at, options in self._asked(decisions):
            action = int(decisions.choices.actions[at])
            if action in options.actions:
                probs = arms.probabilities(options.ways, certain)
                found[at] = _log(float(probs[options.actions.index(action)]))
        return found

    def learn(self, decisions: Decisions, rewards: Doubles, weights: Doubles | None = None) -> None:
        """Learn how each picture and reason did from what its title's billboard earned: `rewards` (lines,), NaN where
        nobody looked; each counts as `weights` (lines,) say, once where none are given, for every decision that its
        own stands for.
        """
        earned, choices = _of_heads(decisions, rewards), decisions.choices
        counts = _of_heads(decisions, np.ones(len(rewards)) if weights is None else weights) * decisions.stands_for
        told = []
        for at, options in self._asked(decisions):
            b, action = choices.decisions[at], int(choices.actions[at])
            if not np.isnan(earned[b]) and action in options.actions:
                told.append((options.ways[options.actions.index(action)], float(earned[b]), float(counts[b])))
        self.arms.learn(told, int(decisions.requests.times.max(initial=0)))

    def catch_up(self) -> None:
        """Take up the newest version that was kept."""
        self.arms.catch_up()

    def at(self, posterior: int) -> Presented:
        """The policy as it was with this version. Raises `NotFound` where it is gone."""
        return replace(self, arms=self.arms.at(posterior))

    def save(self, folder: Path) -> None:
        """Write what was learned."""
        self.arms.learned.save(folder)

    def _makers(self, arms: PresentationArms) -> tuple[Maker, ...]:
        return tuple(Maker(name, "", self.parameters, arms.learned.version) for _, name in LAYERS)

    def _chosen(
        self, made: Decisions, heads: Int64s, likes: list[str], k: int, arms: PresentationArms
    ) -> dict[str, Any]:
        """The lines (heads,) of layer `k` of `LAYERS` for the billboards' titles at `heads`."""
        layer = LAYERS[k][0]
        lines: dict[str, list[float]] = {name: [] for name in ("actions", "log_probs", "among", "evidence")}
        certain = made.requests.exploration == 0.0
        owners = made.choices.decisions[heads]
        for b, options in zip(owners, self._options(made, heads, likes, layer), strict=True):
            probs = arms.probabilities(options.ways, certain)
            which = _drawn(probs, uniform(np.uint64(keyed(made.bits[b], int(layer), 0, 0))))
            lines["actions"].append(options.actions[which])
            lines["evidence"].append(options.evidence[which])
            lines["log_probs"].append(_log(float(probs[which])))
            lines["among"].append(len(options.actions))
        fixed = {"layers": int(layer), "makers": len(made.makers) + k, "scores": 0.0}
        return {**lines, **fixed}

    def _asked(self, decisions: Decisions) -> Iterator[tuple[int, Options]]:
        """Each line of these layers that stands on a billboard, with what could have been chosen there."""
        heads, choices = np.flatnonzero(decisions.billboards), decisions.choices
        place = np.full(len(decisions), -1)
        place[choices.decisions[heads]] = np.arange(len(heads))
        likes = self._likes(decisions.requests)
        for layer, _ in LAYERS:
            lines = np.flatnonzero(decisions.layer(layer) & (place[choices.decisions] >= 0))
            of = heads[place[choices.decisions[lines]]]
            yield from zip(lines.tolist(), self._options(decisions, of, likes, layer), strict=True)

    def _likes(self, requests: Requests) -> list[str]:
        """(batch,) the genre that each member likes most, "" where none is known."""
        genres = (*self.catalog.genres, "")
        return [genres[genre] for genre in favourites(requests, self.catalog)]

    def _options(self, made: Decisions, heads: Int64s, likes: list[str], layer: Layer) -> list[Options]:
        """What could be chosen for the title at each of `heads`, for members who like `likes` (batch,) most."""
        choices, b = made.choices, made.choices.decisions[heads]
        titles, own = choices.actions[heads], [likes[one] for one in b]
        if layer == Layer.ART:
            return [self._pictures(item, like) for item, like in zip(titles.tolist(), own, strict=True)]
        true = self.reasons.of(made.requests, b, titles, choices.evidence[heads])
        return [_reasons(kinds, like) for kinds, like in zip(true, own, strict=True)]

    def _pictures(self, item: int, like: str) -> Options:
        names, item_id = self.catalog.artworks[item], self.catalog.item_ids[item]
        ways = [(ART, like, item_id, name) for name in names]
        return Options(list(range(len(names))), [-1] * len(names), ways)


def presentation_of(decisions: Decisions) -> Flags:
    """(lines,) which choices are the pictures and the reasons of billboards."""
    owners, billboard = decisions.choices.decisions, np.zeros(len(decisions), np.bool_)
    billboard[owners[decisions.billboards]] = True
    return (decisions.layer(Layer.ART) | decisions.layer(Layer.REASON)) & billboard[owners]


def without_presentation(decisions: Decisions) -> Decisions:
    """The same decisions without the choices of pictures and reasons."""
    return replace(decisions, choices=decisions.choices.keep(~presentation_of(decisions)))


def favourites(requests: Requests, catalog: Catalog) -> Int32s:
    """(batch,) the genre of most of a member's liked titles, the first of equals; -1 where none is known."""
    tastes, genres = requests.histories.tastes, catalog.title_genres
    offsets, places = gather(genres.offsets, tastes.items.astype(np.int64))
    members = owners_of(tastes.offsets)[owners_of(offsets)]
    wide = max(len(catalog.genres), 1)
    pairs, counts = np.unique(members * wide + genres.values[places], return_counts=True)
    found = np.full(len(requests), -1, np.int32)
    order = np.lexsort((-pairs, counts))  # the last of a member stays
    found[pairs[order] // wide] = pairs[order] % wide
    return found


def _reasons(true: Int32s, like: str) -> Options:
    kinds = np.flatnonzero(true != UNTRUE).tolist()
    ways = [(REASON, like, "", Why(kind).name) for kind in kinds]
    return Options(kinds, true[kinds].tolist(), ways)


def _of_heads(decisions: Decisions, along: Doubles) -> Doubles:
    """(batch,) of numbers along the choices those of the billboards' titles, NaN where there is none."""
    heads, found = decisions.billboards, np.full(len(decisions), np.nan)
    found[decisions.choices.decisions[heads]] = along[heads]
    return found


def _drawn(probs: Doubles, level: float) -> int:
    """The first whose probabilities up to it reach `level` (0..1)."""
    return int(np.searchsorted(np.cumsum(probs)[:-1], level, side="right"))


def _log(prob: float) -> float:
    return float(np.log(prob)) if prob > 0.0 else -np.inf


def _with_lines(made: Decisions, heads: Int64s, parts: list[dict[str, Any]]) -> Decisions:
    """The decisions with a line of each part behind each of `heads`."""
    choices, places = made.choices, np.repeat(heads + 1, len(parts))
    told = {"rows": choices.rows[heads], "columns": choices.columns[heads]}
    lines = {}
    for name in LINES:
        old = getattr(choices, name)
        new = [np.broadcast_to(np.asarray(told[name] if name in told else part[name]), len(heads)) for part in parts]
        lines[name] = np.insert(old, places, np.stack(new, axis=1).ravel().astype(old.dtype))
    added = np.append(0, np.cumsum(np.bincount(choices.decisions[heads], minlength=len(made)))) * len(parts)
    return replace(made, choices=replace(choices, offsets=choices.offsets + added, **lines))
