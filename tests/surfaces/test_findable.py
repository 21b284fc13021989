"""Findability: every title that a member may see is reached by its name and by browsing, page by page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pages import Linear, charts_of
from test_eligibility import random_catalog, random_requests

from matinee.catalog import Catalog
from matinee.decision import Control, Decisions, Requests
from matinee.decision.eligibility import eligible
from matinee.decision.expressions import quoted
from matinee.maths.calibration import Platt
from matinee.page import Layout
from matinee.service.chains import going_on
from matinee.surfaces.search.policy import SearchPolicy
from matinee.surfaces.trust import turned_down

N = 60
PAGE = Layout(rows=3, columns=6, visible=6, billboard=False)
WORDS = ["Star", "Story", "Heat", "The", "Sea", "of", "Matrix", "II"]


def findable(seed: int) -> tuple[Catalog, SearchPolicy, Requests]:
    """Titles of few words, so that many names begin alike or are the same; one member, and what they may see."""
    rng = np.random.default_rng(seed)
    names = [" ".join(rng.choice(WORDS, rng.integers(1, 4))) for _ in range(N)]
    people = [rng.choice(["Ann", "Bo", "Cy"], rng.integers(0, 3), replace=False).tolist() for _ in range(N)]
    told = [{"item_id": f"t{k}", "title": names[k], "people": people[k]} for k in range(N)]
    catalog = random_catalog(rng, N, 0).put(told)
    scorer = Linear(rng.normal(0.0, 0.3, (N, N)), rng.normal(0.0, 1.0, N))
    policy = SearchPolicy("search", "fixed", catalog, scorer, Platt(1.0, -2.0), charts_of(catalog))
    return catalog, policy, replace(random_requests(rng, N, 1, PAGE), surface="search", exploration=0.5)


def reached(policy: SearchPolicy, asked: Requests, pages: int) -> list[int]:
    """The titles on up to so many pages, each without those of the pages before it."""
    found: list[int] = []
    for _ in range(pages):
        made: Decisions = policy.decide(asked, np.random.default_rng(len(found)))
        if not len(made.titles):
            break
        found += made.titles.tolist()
        asked = replace(asked, episodes=going_on(made))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_every_title_that_may_be_shown_is_found_by_its_name(seed):
    catalog, policy, member = findable(seed)
    for item in np.flatnonzero(eligible(catalog, member)[0]):
        found = reached(policy, replace(member, queries=(catalog.names[item],)), pages=N)
        assert item in found, f"{catalog.names[item]!r}"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("field", "column"), [("genre", "genres"), ("person", "people"), ("language", "languages")])
def test_every_title_is_met_by_browsing_once_and_no_other(seed, field, column):
    catalog, policy, member = findable(seed)
    welcome = eligible(catalog, member)[0] & ~turned_down(member, N)[0]
    for name in catalog.names_in(column):
        asked = replace(member, queries=("",), control=Control(f"{field} = {quoted(name)}"))
        wanted = [item for item in np.flatnonzero(welcome) if name in catalog.titles[column][int(item)]]
        assert sorted(reached(policy, asked, pages=N)) == wanted


def test_a_page_that_goes_on_shows_nothing_twice_and_is_asked_again_from_its_record():
    _, policy, member = findable(0)
    first = policy.decide(replace(member, queries=("star",)), np.random.default_rng(0))
    again = policy.decide(replace(member, queries=("star",), episodes=going_on(first)), np.random.default_rng(1))
    assert not set(first.titles.tolist()) & set(again.titles.tolist())
    assert again.requests.episodes.steps.tolist() == [1]
    third = going_on(again)
    assert sorted(third.suggested[0].tolist()) == sorted([*first.titles.tolist(), *again.titles.tolist()])
    assert third.chains.tolist() == again.requests.episodes.chains.tolist()
    np.testing.assert_allclose(policy.log_prob(again), again.choices.log_probs, rtol=0, atol=1e-6)
