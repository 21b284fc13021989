"""How fast a simulated world answers: member-visits a second, whole pages a second, and memory a member.

    python benchmarks/bench_simulate.py               # or with --sardine PYTHON, an environment of `sardine-rec`
    python benchmarks/bench_simulate.py --million           # 1,000,000 members for 90 days of billboards, one run

All parts of the world are on: drift, moods, shared profiles, search, launches, satisfaction, cancelling. A visit is
counted whole: it is drawn, a request made with the member's history, decided by a policy that costs next to nothing,
answered and lived. `single` and `slate` (10 titles in a row) use all cores, `page` (12 rows of 20 titles, every title
laid out) one; `thompson` is a linear Thompson billboard over 1,000 titles that logs exact probabilities and learns once
a day. Of `DAYS` days after one to warm up, the best and the median.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from machine import forget_peak, machine, peak
from peers import measured_by

from matinee.decision import Choices, Decisions, Maker, Policy, Requests, decision_ids
from matinee.page import Layout
from matinee.policies.arms import ArmsConfig, LinearArms
from matinee.policies.features import Features
from matinee.policies.uniform import Uniform
from matinee.recipes.billboards import PRIOR, SIZE, AverageTaste
from matinee.simulate.config import WorldConfig
from matinee.simulate.loop import learn, live_day, simulate
from matinee.simulate.world import World
from matinee.testing import make_catalog

MEMBERS, TITLES, DAYS = 300_000, 1_000, 5
PAGE_MEMBERS, LEARNING_MEMBERS = 5_000, 100_000
SLATE = Layout(rows=1, columns=10, visible=10, billboard=False)
PEERS = {"single": "sardine/SingleItem-Static-v0", "slate": "sardine/SlateTopK-Bored-v0"}
PEER_SECONDS = "3"
MILLION, MILLION_DAYS = 1_000_000, 90
GB = 1e9


@dataclass(frozen=True)
class Neighbors:
    """Pages of a layout, full of neighbours of a title drawn by chance: no policy costs less."""

    titles: int
    layout: Layout

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """Draw a title for each request and lay out those that follow it."""
        batch, size = len(requests), self.layout.rows * self.layout.columns
        bits = rng.integers(2**64, size=batch, dtype=np.uint64)
        first = (bits % np.uint64(self.titles)).astype(np.int32)
        items = (first[:, None] + np.arange(size, dtype=np.int32)) % np.int32(self.titles)
        places = np.indices((self.layout.rows, self.layout.columns), dtype=np.int16).reshape(2, -1)
        rows, columns = (np.tile(one, batch) for one in places)
        log_probs = np.full(batch * size, -np.log(self.titles) / size)
        lines = Choices.of_titles(items.ravel(), log_probs, np.full(batch * size, self.titles, np.int32))
        choices = replace(lines, offsets=np.arange(batch + 1) * size, rows=rows, columns=columns)
        eligible = np.full(batch, self.titles, np.int32)
        return Decisions(requests, decision_ids(batch, rng), (Maker("neighbors"),), choices, eligible, bits)

    def log_prob(self, decisions: Decisions) -> np.ndarray:
        """(lines,) as drawn."""
        return decisions.choices.log_probs


def run(say: Callable[[str], None] = print, sardine: str | None = None) -> dict[str, Any]:
    """Visits a second of each kind, bytes a member; with `sardine`, its steps a second beside them."""
    told: dict[str, Any] = {}
    for name, make, layout, members, threads in (
        ("single", lambda world: Uniform(world.catalog), SLATE, MEMBERS, None),
        ("slate", lambda world: Neighbors(TITLES, SLATE), SLATE, MEMBERS, None),
        ("page", lambda world: Neighbors(TITLES, Layout()), Layout(), PAGE_MEMBERS, 1),
        ("thompson", _thompson, SLATE, LEARNING_MEMBERS, None),
    ):
        say(f"{name}: making a world of {members:,} members")
        told |= _measured(name, make, layout, members, threads)
        say(f"{name}: {told[f'{name}_a_second']:,.0f} a second")
    if sardine is not None:
        for name, environment in PEERS.items():
            peer = measured_by(sardine, "sardine_peer.py", lambda path: None, environment, PEER_SECONDS)
            told |= {f"{name}_sardine_a_second": peer["peer_steps_a_second"], "sardine": peer["peer_version"]}
    return {**told, "machine": machine()}


def million(say: Callable[[str], None] = print) -> dict[str, Any]:
    """A million members for 90 days of uniform billboards, in one run: seconds, decisions a second, peak memory."""
    forget_peak()
    started = time.perf_counter()
    catalog = make_catalog(TITLES)
    make = partial(World.drawn, MILLION, catalog)
    policy = Uniform(make().catalog)
    result = simulate(make, {"uniform": policy}, MILLION_DAYS, told=lambda row: say(f"day {row['day']}"))
    seconds, decisions = time.perf_counter() - started, int(result.days["decisions"].sum())
    visits = int(result.days["visits"].sum())
    return {
        "seconds": seconds,
        "visits": visits,
        "decisions": decisions,
        "visits_a_second": visits / seconds,
        "peak_gb": peak() / GB,
        "machine": machine(),
    }


def _thompson(world: World) -> LinearArms:
    features = Features.of(AverageTaste(world.titles.vectors), TITLES, SIZE)
    return LinearArms("thompson", "unsaved", world.catalog, features, ArmsConfig(prior=PRIOR))


def _measured(
    name: str, make: Callable[[World], Policy], layout: Layout, members: int, threads: int | None
) -> dict[str, Any]:
    forget_peak()
    before = peak()
    world = World.drawn(members, make_catalog(TITLES), WorldConfig(visits=1.0), threads=threads)
    policy = make(world)
    rates = [_day(world, policy, day, layout) for day in range(DAYS + 1)][1:]
    told = {f"{name}_a_second": max(rates), f"{name}_a_second_median": float(np.median(rates))}
    return told | ({"bytes_a_member": _bytes(world), "peak_bytes": peak() - before} if name == "single" else {})


def _day(world: World, policy: Policy, day: int, layout: Layout) -> float:
    """Visits a second of one day, which ends with what the policy learns of it."""
    started, visits, answers = time.perf_counter(), 0, []
    for lived in live_day(world, policy, day, lambda here, some: here.requests(some, layout=layout)):
        visits += len(lived.visits)
        answers.append(lived.answers)
    learn(policy, answers)
    return visits / (time.perf_counter() - started)


def _bytes(world: World) -> float:
    """What the arrays of the members and their ids take, a member."""
    members, people = world.members, world.members.people
    arrays = (members.tastes, members.partners, members.rates, members.screens, members.satisfaction, members.left)
    kept = sum(one.nbytes for one in (*arrays, *vars(members.ring).values(), people.rules))
    return (kept + people.user_ids.estimated_size() + people.account_ids.estimated_size()) / len(members)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--sardine", help="Python of an environment with sardine-rec")
    parser.add_argument("--million", action="store_true")
    given = parser.parse_args()
    print(million() if given.million else run(sardine=given.sardine))
