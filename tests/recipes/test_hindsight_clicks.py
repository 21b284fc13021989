"""Pages that nothing was left to chance in, judged by clicks, in a world that knows the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from other_evenings import evenings
from test_audit import dataset

from matinee.data.log import EventLog
from matinee.evaluate.clicks import NAME
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

MEMBERS = 1_000
WHOLE = Layout(4, 12, 6, billboard=False)  # room for most titles: another order of them is another page


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A workspace of one simulated evening of pages without exploration: (place, world, requests)."""
    place = Workspace(tmp_path_factory.mktemp("certain"))
    place.bring_in(dataset())
    for name in ("popularity", "ease-recent"):
        train_into(place, name, np.random.default_rng(0))
    with EventLog(place.log_path) as log:
        catalog, policies = catalog_and_policies(place, log, exploration=0.0)
        world = World.drawn(MEMBERS, catalog, WorldConfig(launching=0.0, leaving=0.0, click=0.2), seed=3)
        log.add_profiles([world.members.people.profile(one) for one in range(MEMBERS)])
        visits = next(iter(world.day(0, MEMBERS))).at_home
        requests = replace(logged_requests(log, catalog)(world, visits), layout=WHOLE, exploration=None)
        answers = world.answer(named(policies["home"][0][1].decide(requests, np.random.default_rng(0)), world))
        log.decisions.append(answers.decisions)
        log.import_events(answers.events(catalog))
    return place, world, requests


def truth(place, world, requests, name):
    """Plays a page of the policy, on average over evenings of other luck."""
    with EventLog(place.log_path) as log:
        catalog, policies = catalog_and_policies(place, log, exploration=0.0)
    makers = policies["home"][0][1].decide(requests.take(np.arange(1)), np.random.default_rng(0)).makers
    made = target(place, catalog, name).made(makers, len(catalog))
    lived = evenings(made, world, requests, catalog, seeds=4)
    return float(np.mean([np.nansum(played) / len(decisions) for decisions, played in lived]))


@pytest.mark.parametrize("name", ["home:model=popularity", "home:exploration=1"])
def test_another_order_of_titles_is_told_by_clicks(lived, name):
    """Logged pages earn .53 plays, another model's .42 and shuffled ones .39; some .2 of 224 pages are a standard error
    of .04.
    """
    place, world, requests = lived
    found = counterfactual(place, name)
    assert all("nothing was left to chance" in one.reason for one in found.parts[:-1])
    one, told = found.parts[-1], truth(place, world, requests, name)
    assert (one.name, one.reason) == (NAME, "")
    assert one.new.low < told < one.new.high
    assert one.new.value == pytest.approx(told, abs=0.1)
    assert abs(one.new.value - told) < abs(one.logged.value - told)
    assert one.lost < 0.05
    assert "(IPS is refused) and the chance of clicks stands in (CIPS)" in found.notes[-1]
    assert "attention is the prior" in found.notes[-1]
    assert counterfactual(place, name).parts[-1] == one


def test_the_same_pages_are_the_same_by_clicks(lived):
    found = counterfactual(lived[0], "home:exploration=0").parts[-1]
    assert (found.name, verdict(found)) == (NAME, "the same in every decision")


def test_one_title_and_pages_drawn_by_chance_are_not_judged_by_clicks(lived):
    assert [one.name for one in counterfactual(lived[0], "uniform").parts] == ["first title"]
