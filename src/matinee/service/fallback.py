"""The fall-back: the best policy that answers in time, in bounded threads, and why others did not."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import numpy as np

from matinee.decision import Decisions, Policy, Requests
from matinee.errors import Overloaded
from matinee.maths.arrays import UInt64s
from matinee.profile import Profile

log = logging.getLogger("matinee.service")

Check = Callable[[Requests, Decisions], None]


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A step that did not answer: `reason` is "late" or "failed", `detail` says more."""

    step: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Served:
    """A batch of decisions, and the steps that were tried before the one that made them.

    `watchers`: the profiles of those who watch, by name, who asks first.
    """

    decisions: Decisions
    missed: tuple[Unanswered, ...] = ()
    watchers: tuple[Profile, ...] = ()


class Step:
    """One policy with threads of its own, so that a policy that hangs takes no other down.

    A call that misses its deadline cannot be stopped; it is abandoned. Once as many are abandoned as there are
    threads, the step counts as late at once, until one of them returns.
    """

    def __init__(self, name: str, policy: Policy, workers: int) -> None:
        self.name = name
        self.policy = policy
        self._version = f"{name} {getattr(policy, 'artifact_id', '')}".encode()
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=f"policy-{name}")
        self._abandoned: set[Future[Decisions]] = set()

    async def decide(
        self, requests: Requests, seeds: Sequence[int], seconds: float, check: Check
    ) -> Decisions | Unanswered:
        """The policy's checked decisions, or why there are none within `seconds`.

        The chance of each follows its seed (128 bits), the step's name and its artifact; no other step shares it.
        """
        self._abandoned = {call for call in self._abandoned if not call.done()}
        if len(self._abandoned) >= self._workers:
            return Unanswered(self.name, "late", f"all {self._workers} threads are still busy with late calls")
        call = self._pool.submit(self._run, replace(requests, seeds=self._own(seeds)), check)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(call), max(seconds, 0.0))
        except TimeoutError:
            if not call.cancel():
                self._abandoned.add(call)
            return Unanswered(self.name, "late", f"no answer within {seconds * 1e3:.0f} ms")
        except Exception as error:
            log.exception("the step %r failed", self.name)
            return Unanswered(self.name, "failed", f"raised {type(error).__name__}")

    def _own(self, seeds: Sequence[int]) -> UInt64s:
        keyed = blake2b(self._version, digest_size=8)
        return np.array([_hashed(keyed.copy(), one) for one in seeds], np.uint64)

    def _run(self, requests: Requests, check: Check) -> Decisions:
        decisions = self.policy.decide(requests, np.random.default_rng(requests.seeds))
        check(requests, decisions)
        return decisions


class Fallback:
    """Steps from best to simplest. The last is always tried, with at least half of the deadline to itself."""

    def __init__(self, steps: Sequence[tuple[str, Policy]], workers: int) -> None:
        assert steps, "a fallback needs at least one step"
        self.steps = [Step(name, policy, workers) for name, policy in steps]

    async def decide(self, requests: Requests, seeds: Sequence[int], deadline: float, check: Check) -> Served:
        """The decisions of the first step that answers; all but the last share `deadline` seconds.

        Raises `Overloaded` when even the last step does not answer.
        """
        started = time.perf_counter()
        missed: list[Unanswered] = []
        for step in self.steps:
            left = deadline - (time.perf_counter() - started)
            if step is self.steps[-1]:
                left = max(left, deadline / 2)
            found = await step.decide(requests, seeds, left, check)
            if isinstance(found, Decisions):
                named = replace(found, fallback=step.name) if missed else found
                return Served(named, tuple(missed))
            missed.append(found)
        reasons = "; ".join(f"{miss.step} {miss.detail}" for miss in missed)
        raise Overloaded(f"no policy answered ({reasons}); try again in a second", retry_after=1.0)


def _hashed(state: Any, seed: int) -> int:
    state.update(seed.to_bytes(16))
    return int.from_bytes(state.digest())
