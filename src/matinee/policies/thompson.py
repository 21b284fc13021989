"""Thompson sampling where scores are believed to be independent normals: which title, how likely, all probabilities."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Choices, Decisions, Distribution, Layer, Maker, Requests, decision_ids
from matinee.maths.arrays import Doubles
from matinee.maths.cores import usable_cores
from matinee.policies import arm_kernels as kernels
from matinee.policies.features import Features
from matinee.policies.offered import offered
from matinee.policies.posterior import Beliefs

CHUNK = 2_048  # requests decided at a time in a thread
Link: TypeAlias = Callable[[Doubles], Doubles]


def as_it_is(scores: Doubles) -> Doubles:
    """The mean of a reward that is believed to be the score."""
    return scores


@dataclass(frozen=True)
class ThompsonSampling:
    """One title a request: with probability `floor` any eligible one, all as likely, else each as likely as it is to be
    the best, or, unless `sampling`, the one with the largest mean + `optimism` deviations. `features` are of
    `catalog`'s titles; `link` makes the reward of a score.

    The probability of each being the best is exact by quadrature (`maths/best_of_normals.py`): a title is drawn from
    the very distribution that is logged. Decided in chunks on all cores; memory is a few numbers a title and thread.
    """

    catalog: Catalog
    features: Features
    sampling: bool
    floor: float
    optimism: float = 0.0
    link: Link = as_it_is

    def decide(self, requests: Requests, beliefs: Beliefs, rng: np.random.Generator, maker: Maker) -> Decisions:
        """One title per request; none where none is eligible."""
        batch = len(requests)
        bits = kernels.of_version(requests.bits(rng), max(maker.posterior, 0))
        chosen, sizes = np.empty(batch, np.int32), np.empty(batch, np.int32)
        probs, scores = np.ones(batch), np.zeros(batch)

        def draw(at: slice, arms: kernels.Arms) -> None:
            kernels.draw(arms, bits[at], kernels.Drawn(chosen[at], probs[at], scores[at], sizes[at]))

        self._in_chunks(requests, beliefs, draw)
        told = np.clip(self.link(scores), 0.0, 1.0).astype(np.float32)
        choices = Choices.of_titles(chosen, np.log(probs), np.maximum(sizes, 1), told)
        return Decisions(
            requests=requests,
            ids=decision_ids(batch, rng),
            makers=(maker,),
            choices=choices.keep(sizes > 0),
            eligible=sizes,
            bits=bits,
            catalog=len(self.catalog),
        )

    def log_prob(self, decisions: Decisions, beliefs: Beliefs) -> Doubles:
        """(lines,) log-probability of each choice; -inf for what is no title alone."""
        choices = decisions.choices
        lone = (choices.layers == Layer.TITLE) & (np.diff(choices.offsets)[choices.decisions] == 1)
        asked, probs = np.full(len(decisions), -1, np.int32), np.zeros(len(decisions))
        asked[choices.decisions[lone]] = choices.actions[lone]

        def ask(at: slice, arms: kernels.Arms) -> None:
            kernels.ask(arms, asked[at], probs[at])

        self._in_chunks(decisions.requests, beliefs, ask)
        with np.errstate(divide="ignore"):
            return np.asarray(np.where(lone, np.log(probs[choices.decisions]), -np.inf))

    def probabilities(self, requests: Requests, beliefs: Beliefs) -> Distribution:
        """P(title) for every eligible title; batch x titles doubles are made on the way."""
        probs = np.empty((len(requests), len(self.catalog)))

        def enumerate_all(at: slice, arms: kernels.Arms) -> None:
            kernels.enumerate_all(arms, probs[at])

        self._in_chunks(requests, beliefs, enumerate_all)
        return Distribution.of_masks(probs > 0, probs)

    def _in_chunks(self, requests: Requests, beliefs: Beliefs, work: Callable[[slice, kernels.Arms], None]) -> None:
        """Call `work` with where and with what is asked there, chunk by chunk on all cores."""
        own = any(one is not None for one in (requests.exclude, requests.candidates, requests.together))
        shared = None if own else offered(self.catalog, requests)
        reach = kernels.THOMPSON if self.sampling else kernels.GREEDY

        def chunk(start: int) -> None:
            at = slice(start, min(start + CHUNK, len(requests)))
            some = requests if len(requests) <= CHUNK else requests.take(np.arange(at.start, at.stop))
            masks, whose = offered(self.catalog, some) if shared is None else (shared[0], shared[1][at])
            members = self.features.members(some)
            chance = reach, self.floor, self.optimism
            arms = kernels.Arms(members, beliefs.means, beliefs.variances, masks, whose, *chance)
            work(at, arms)

        if len(requests) <= CHUNK:
            chunk(0)
            return
        with ThreadPoolExecutor(usable_cores()) as threads:
            list(threads.map(chunk, range(0, len(requests), CHUNK)))
