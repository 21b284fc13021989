"""Play something: eligible -> worth -> belief -> choices -> Decisions. Read `PlaySomethingPolicy.decide` first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import MOMENT, UNSPOKEN, Decisions, Distribution, Episodes, Maker, Requests, Scorer, digest
from matinee.decision.eligibility import check, eligible, only_allowed
from matinee.errors import BadRequest, require_share
from matinee.events import DAY, Kind
from matinee.maths.arrays import Doubles, Flags, Int32s, Int64s
from matinee.maths.calibration import Platt
from matinee.maths.cores import blas_in_the_calling_thread
from matinee.maths.ragged import owners_of
from matinee.maths.sampling import temperature_of
from matinee.policies.drawing import drawn, log_probs_of
from matinee.policies.rules import Boltzmann, EpsilonGreedy
from matinee.surfaces.neighborhood import Neighborhood
from matinee.surfaces.pages.deciding import worth_of
from matinee.surfaces.play_something.belief import posterior, promised
from matinee.surfaces.play_something.moods import Moods, Themes
from matinee.surfaces.stopwatch import Stopwatch
from matinee.surfaces.sway import Sway
from matinee.surfaces.trust import had_enough

PASSED = (Kind.SKIP, Kind.NOT_NOW, Kind.LIGHTER, Kind.HEAVIER)
TONED = {Kind.LIGHTER: 1.0, Kind.HEAVIER: -1.0}  # in which direction the next title lies
TOLD = 0.3  # a theme this likely, and a genre of which titles gain so much in it, are told as the reason
LEAST = 1e-6  # nothing is thought to be enjoyed never, or surely
REST = DAY // 3  # microseconds for which what was passed over is not suggested again, in no episode


@dataclass(frozen=True, slots=True)
class PlaySomethingConfig:
    """`exploration`: the temperature of the choice, 0 = always the best. `information`: what a nat
    learned about the mood is worth at the first suggestion, in log-chances of enjoyment; nothing
    more from suggestion `horizon` on. `theme_gain`, `tone_gain`: see `Moods.of`. `sharpness`: how
    much of the log-odds of a play speaks for enjoyment. `level`: whoever asks wants something, so
    that of all a member may see the `level`-th best is as likely enjoyed as not. `neighbors`: titles
    that "more like this" chooses from. `listens`: whether answers count.
    """

    exploration: float = 0.05
    information: float = 4.0
    horizon: int = 4
    theme_gain: float = 1.0
    tone_gain: float = 1.0
    sharpness: float = 0.7
    level: int = 3
    neighbors: int = 60
    listens: bool = True

    def __post_init__(self) -> None:
        require_share("exploration", self.exploration)
        if not (self.information >= 0.0 and min(self.horizon, self.level, self.neighbors) >= 1):
            raise BadRequest("information is at least 0, horizon, level and neighbors at least 1")


@dataclass(frozen=True)
class PlaySomethingPolicy:
    """One title a request, none of those that the member has watched, judged or just passed over:

        P(title) is proportional to exp((log P(enjoyed | belief) + weight * information) / exploration)

    where P(enjoyed) has its odds boosted as the request and its member wish (`Sway`). After "lighter" the next title is
    lighter, after "heavier" heavier, after "more like this" among the titles nearest to it, where there are any.
    `requests.episodes` tells what went before; without it each is a first suggestion. Safe to share by threads. A batch
    holds some numbers for each of its titles: ask in chunks.
    """

    policy_id: str
    artifact_id: str
    catalog: Catalog
    scorer: Scorer
    calibration: Platt
    themes: Themes
    config: PlaySomethingConfig = PlaySomethingConfig()

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """One title per request; none where none is left."""
        watch = Stopwatch()
        asked = replace(requests, episodes=_episodes(requests))
        allowed = eligible(self.catalog, asked)
        watch.lap("eligible")
        worth = self._worth(asked, allowed)
        watch.lap("scores")
        offered, follows = self._offered(asked, allowed)
        watch.lap("offered")
        beliefs = self._belief(_episodes(asked), worth)
        probs, enjoyed = self._choices(asked, offered, worth, beliefs)
        watch.lap("belief")
        made = drawn(asked, probs, enjoyed, rng, self.maker)
        evidence = self._evidence(made, follows, beliefs)
        decisions = replace(made, choices=replace(made.choices, evidence=evidence))
        watch.lap("evidence")
        check(self.catalog, decisions, allowed)
        return replace(decisions, requests=requests, timings=watch.laps)

    def log_prob(self, decisions: Decisions) -> Doubles:
        """(lines,) log-probability of each title alone; -inf for anything else."""
        return log_probs_of(decisions, self._probs(decisions.requests))

    def probabilities(self, requests: Requests) -> Distribution:
        """P(title) for every title that has any."""
        probs = self._probs(requests)
        return Distribution.of_masks(probs > 0, probs)

    def warm(self) -> None:
        """Make the moods now rather than when the first member asks."""
        self.moods.odds  # noqa: B018

    @cached_property
    def maker(self) -> Maker:
        """What its decisions say of who made them."""
        parts = (self.policy_id, self.calibration, self.config, self.themes, *self.catalog.versioned)
        return Maker(self.policy_id, self.artifact_id, digest(*parts))

    @cached_property
    def moods(self) -> Moods:
        """The moods of its catalogue."""
        gains = self.config.theme_gain, self.config.tone_gain
        with blas_in_the_calling_thread():
            return Moods.of(self.themes, self.scorer, self.catalog, *gains)

    def belief(self, requests: Requests) -> Doubles:
        """(batch, moods) what is believed of the mood after the answers so far."""
        asked = replace(requests, episodes=_episodes(requests))
        return self._belief(_episodes(asked), self._worth(asked, eligible(self.catalog, asked)))

    def _probs(self, requests: Requests) -> Doubles:
        asked = replace(requests, episodes=_episodes(requests))
        allowed = eligible(self.catalog, asked)
        offered, _ = self._offered(asked, allowed)
        worth = self._worth(asked, allowed)
        return self._choices(asked, offered, worth, self._belief(_episodes(asked), worth))[0]

    def _worth(self, requests: Requests, allowed: Flags) -> Doubles:
        """(batch, titles) P(enjoyed) of somebody who wants something and is in no particular mood."""
        with blas_in_the_calling_thread():
            worth = worth_of(self.scorer.score(requests), self.calibration).astype(np.float64)
        odds = (worth / (1.0 - worth)) ** self.config.sharpness
        odds /= _level(np.where(allowed, odds, 0.0), self.config.level)
        return np.clip(odds / (1.0 + odds), LEAST, 1.0 - LEAST)

    def _offered(self, requests: Requests, allowed: Flags) -> tuple[Flags, Flags]:
        """(batch, titles) what may be suggested, and (batch,) whether it follows from the last answer."""
        offered = allowed & ~_known(requests, len(self.catalog)) & ~had_enough(requests, self.catalog)
        titles, answers = _episodes(requests).last
        follows = np.zeros(len(requests), np.bool_)
        for b in np.flatnonzero(titles >= 0):
            wanted = offered[b] & self._following(int(titles[b]), int(answers[b]))
            asked_for = self.config.listens and answers[b] in (*TONED, Kind.MORE_LIKE)
            follows[b] = asked_for and wanted.any()
            offered[b] = wanted if follows[b] else offered[b]
        return offered, follows

    def _following(self, title: int, answer: int) -> Flags:
        """(titles,) which are what the answer to a title asked for."""
        if answer == Kind.MORE_LIKE:
            nearest = self._neighborhood.nearest(np.array([title], np.int32))[0]
            near = np.zeros(len(self.catalog), np.bool_)
            near[nearest[nearest >= 0]] = True
            return near
        tones = self.moods.tones
        return np.asarray((tones - tones[title]) * np.float32(TONED.get(Kind(answer), 0.0)) > 0)

    def _choices(self, requests: Requests, offered: Flags, worth: Doubles, beliefs: Doubles) -> tuple[Doubles, Doubles]:
        """(batch, titles) each: P(title), and P(enjoyed) as believed."""
        episodes, sway = _episodes(requests), Sway.of(self.catalog, requests)
        exploration = self.config.exploration if requests.exploration is None else requests.exploration
        told, enjoyed = np.zeros(worth.shape), np.zeros(worth.shape)
        with blas_in_the_calling_thread():
            for b in range(len(requests)):
                enjoyed[b], told[b] = promised(beliefs[b], worth[b], self.moods)
        weight = self.config.information * np.maximum(0.0, 1.0 - episodes.steps / self.config.horizon)
        values = np.log(sway.boosted(enjoyed)) + weight[:, None] * told
        temperature = temperature_of(exploration)
        rule = Boltzmann(temperature) if temperature > 0.0 else EpsilonGreedy(0.0)
        return rule(values, offered), enjoyed

    def _belief(self, episodes: Episodes, worth: Doubles) -> Doubles:
        if not self.config.listens:
            return np.tile(self.moods.prior, (len(episodes), 1))
        chain = owners_of(episodes.suggested.offsets)
        return posterior(episodes, worth[chain, episodes.suggested.values], self.moods)

    def _evidence(self, decisions: Decisions, follows: Flags, beliefs: Doubles) -> Int32s:
        """(lines,) the title that the last answer was about where the choice follows from it, else the genre that the
        answers ask for, else why as elsewhere.
        """
        b, titles = decisions.choices.decisions, decisions.choices.actions
        last, _ = _episodes(decisions.requests).last
        strongest = self.scorer.explain(decisions.requests, _along(titles, b, len(decisions)))[b, 0]
        spoken = eligible(self.catalog, replace(decisions.requests, episodes=None))[b]
        source = np.where(follows[b], last[b], strongest)
        named = only_allowed(source[:, None], spoken, UNSPOKEN)[:, 0]
        wanted = np.array([self._wanted(int(title), beliefs[at]) for at, title in zip(b, titles, strict=True)])
        asked_for = ~follows[b] & (last[b] >= 0) & (wanted >= 0)
        return np.where(asked_for, MOMENT - wanted, named).astype(np.int32)

    def _wanted(self, title: int, belief: Doubles) -> int:
        """The place among the title's genres of the one that weighs most in the leading theme; -1 where none leads."""
        shares = np.bincount(self.moods.themes + 1, belief)
        theme = int(shares.argmax()) - 1
        genres = self.catalog.title_genres[title]
        if theme < 0 or shares[theme + 1] < TOLD or not len(genres):
            return -1
        weights = self._genres[theme, genres]
        return int(weights.argmax()) if weights.max() > TOLD else -1

    @cached_property
    def _genres(self) -> Doubles:
        return self.moods.genres(self.catalog)

    @cached_property
    def _neighborhood(self) -> Neighborhood:
        return Neighborhood(self.scorer, min(self.config.neighbors, len(self.catalog)))


def _episodes(requests: Requests) -> Episodes:
    """Those of the requests; without them each begins one."""
    if requests.episodes is not None:
        return requests.episodes
    batch = len(requests)
    return Episodes(np.zeros(batch, np.uint64), np.zeros(batch, np.int32))


def _level(odds: Doubles, level: int) -> Doubles:
    """(batch, 1) the `level`-th greatest of each row, or the least above 0 where there are fewer; 1 where none is."""
    k = min(level, odds.shape[1])
    found = np.partition(odds, -k, axis=1)[:, -k]
    fewer = np.where(odds > 0, odds, np.inf).min(axis=1)
    found = np.where(found > 0, found, fewer)
    return np.asarray(np.where(np.isfinite(found), found, 1.0)[:, None])


def _known(requests: Requests, titles: int) -> Flags:
    """(batch, titles) what the member watched, judged or dismissed, or passed over less than `REST` ago."""
    history = requests.histories
    member = owners_of(history.offsets)
    passed = np.isin(history.kinds, PASSED) & (history.times > requests.times[member] - REST)
    which = (history.speaking | passed) & (history.items < titles)
    known = np.zeros((len(requests), titles), np.bool_)
    known[member[which], history.items[which]] = True
    return known


def _along(titles: Int32s, b: Int64s, batch: int) -> Int32s:
    """(batch, 1) the title of each decision, -1 = none."""
    found = np.full((batch, 1), -1, np.int32)
    found[b, 0] = titles
    return found
