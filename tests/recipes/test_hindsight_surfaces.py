"""Search and billboard judged from a workspace's own log, in a world that knows the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from other_evenings import evenings
from test_audit import dataset

from matinee.data.log import EventLog
from matinee.errors import BadRequest
from matinee.events import END_OF_TIME
from matinee.page import Layout
from matinee.recipes.hindsight import counterfactual
from matinee.recipes.serving import catalog_and_policies
from matinee.recipes.targets import target
from matinee.recipes.training import train_into
from matinee.report.counterfactual import verdict
from matinee.simulate.config import WorldConfig
from matinee.simulate.logged import logged_requests
from matinee.simulate.loop import named
from matinee.simulate.world import World
from matinee.workspace import Workspace

MEMBERS = 1_500
TYPED = ("dram", "comedy", "t1", "sad", "t4", "loud")


def searching(requests):
    queries = tuple(TYPED[k % len(TYPED)] for k in range(len(requests)))
    return replace(requests, surface="search", queries=queries, layout=Layout(2, 4, 4, billboard=False))


def at_home(requests):
    return replace(requests, surface="home", layout=Layout(2, 3, 3))


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A workspace of one simulated evening of search and of home pages: (place, world, {surface: requests})."""
    place = Workspace(tmp_path_factory.mktemp("surfaces"))
    place.bring_in(dataset())
    for name in ("popularity", "ease-recent", "factors"):
        train_into(place, name, np.random.default_rng(0))
    place.set_billboard("thompson")
    asked = {}
    with EventLog(place.log_path) as log:
        catalog, policies = catalog_and_policies(place, log, exploration=1.0)
        world = World.drawn(MEMBERS, catalog, WorldConfig(launching=0.0, leaving=0.0), seed=3)
        log.add_profiles([world.members.people.profile(one) for one in range(MEMBERS)])
        visits = next(iter(world.day(0, MEMBERS))).at_home
        for k, (surface, ask) in enumerate((("search", searching), ("home", at_home))):
            visits = replace(visits, times=visits.times + k * 3 * 3_600_000_000)
            requests = ask(logged_requests(log, catalog)(world, visits))
            decisions = policies[surface][0][1].decide(requests, np.random.default_rng(k))
            answers = world.answer(named(decisions, world))
            log.decisions.append(answers.decisions)
            log.import_events(answers.events(catalog))
            asked[surface] = requests
    return place, world, asked


def truth(place, world, requests, policy, first=False):
    """Plays a decision of the policy, on average over evenings of other luck."""
    with EventLog(place.log_path) as log:
        catalog, _ = catalog_and_policies(place, log)
    found = []
    for decisions, played in evenings(policy, world, requests, catalog, seeds=3):
        choices = decisions.choices
        counts = (choices.rows == 0) & (choices.columns <= 0) if first else np.ones(len(played), np.bool_)
        found.append(np.nansum(played[counts]) / len(decisions))
    return float(np.mean(found))


def made(place, world, name, surface):
    """The policy of this name, as it would have met that surface's decisions."""
    with EventLog(place.log_path) as log:
        logged = next(iter(log.decisions.read(END_OF_TIME, 0, surface)))
    return target(place, world.catalog, name).made(logged.makers, len(world.catalog))


def test_search_is_judged_by_its_own_log(lived):
    place, world, asked = lived
    found = counterfactual(place, "search:exploration=0.8")
    whole = {one.name: one for one in found.parts}["whole page"]
    value = truth(place, world, asked["search"], made(place, world, found.policy, "search"))
    assert (found.surface, found.decisions) == ("search", len(asked["search"]))
    assert whole.new.low < value < whole.new.high
    assert whole.reason == ""
    same = counterfactual(place, "search:exploration=1").parts
    assert {verdict(one) for one in same} == {"the same in every decision"}


def test_a_billboard_is_judged_by_the_log_of_another(lived):
    place, world, asked = lived
    found = counterfactual(place, "billboard:greedy")
    (first,) = found.parts
    value = truth(place, world, asked["home"], made(place, world, found.policy, "home"), first=True)
    assert found.surface == "home"
    assert first.new.low < value < first.new.high
    assert {"DM", "DR"} <= set(first.estimates)


def test_the_page_below_its_billboard_is_what_served(lived):
    place, _, _ = lived
    found = counterfactual(place, "home:exploration=1")
    assert {verdict(one) for one in found.parts} == {"the same in every decision"}


@pytest.mark.parametrize(
    ("name", "said"), [("billboard:nonsense", "is no billboard"), ("search:model=x", "is no model")]
)
def test_what_is_not_there_is_refused(lived, name, said):
    with pytest.raises(BadRequest, match=said):
        counterfactual(lived[0], name)
