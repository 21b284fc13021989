"""The check that policies must pass before it serves: real requests, and everything a page owes people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Decisions, Policy, Requests
from matinee.decision.eligibility import check, eligible
from matinee.errors import ArtifactRefused
from matinee.history import Histories
from matinee.maths.arrays import Doubles
from matinee.profile import Profile
from matinee.service.deployment import Policies
from matinee.service.members import Member
from matinee.service.one_request import request_of, with_company
from matinee.service.surfaces import SURFACES, Surface

TOLERANCE = 1e-6


def probe(policies: Policies, catalog: Catalog, now: int) -> None:
    """Ask every policy for a few decisions, as members would at `now` (microseconds since 1970, UTC).

    Raises `ArtifactRefused` with the first thing wrong.

    Requests are made as those of members are, so that what a policy compiles for them is compiled here.
    """
    for surface in SURFACES.values():
        if surface.required and not policies.get(surface.name):
            raise ArtifactRefused(f"the new policies have no policy for {surface.name!r}; the old ones stay")
        for name, policy in policies.get(surface.name, ()):
            for requests in _requests(catalog, surface, now):
                problem = _problem(policy, requests, catalog, surface.may_be_silent)
                if problem:
                    where = f"{surface.name}/{name}"
                    raise ArtifactRefused(f"{where} {problem}; fit it again, or keep what serves")


def _requests(catalog: Catalog, surface: Surface, now: int) -> Iterator[Requests]:
    """A new member, one with three titles watched, and a child, all of whom want messages."""
    watched = np.linspace(0, len(catalog) - 1, num=min(3, len(catalog)), dtype=np.int64).tolist()
    for profile, titles in (
        (Profile("probe-new", messages=True), []),
        (Profile("probe-known", messages=True), watched),
        (Profile("probe-child", kids=True, messages=True), []),
    ):
        asked, member = surface.probe(profile.user_id, catalog), Member(profile, Histories.of_items([titles]))
        plain = request_of(catalog, member, asked.context, now, asked.exclude)
        plain = with_company(plain, [Member(Profile(one), member.history) for one in asked.company])
        yield surface.ask(asked, replace(plain, surface=surface.name, exploration=asked.exploration), catalog)


def _problem(policy: Policy, requests: Requests, catalog: Catalog, may_be_silent: bool) -> str:
    """What is wrong with the policy's answer; empty when nothing is."""
    try:
        decisions = policy.decide(requests, np.random.default_rng(0))
        check(catalog, decisions)
        again = policy.log_prob(decisions)
    except Exception as error:
        return f"raised {type(error).__name__}: {str(error)[:300]}"
    return _flaw(decisions, again, catalog, may_be_silent)


def _flaw(decisions: Decisions, again: Doubles, catalog: Catalog, may_be_silent: bool) -> str:
    requests, logged = decisions.requests, decisions.choices.log_probs
    if not np.isfinite(decisions.choices.scores).all():
        return "gives scores that are not finite"
    if not np.isfinite(logged).all():
        return "gives log-probabilities that are not finite"
    owed = not may_be_silent and not requests.profile(0).kids and eligible(catalog, requests).any()
    if owed and not len(decisions.titles):
        return f"shows nothing to {requests.user_ids[0]!r}"
    if not np.allclose(again, logged, rtol=TOLERANCE, atol=TOLERANCE):
        at = int(np.argmax(np.abs(again - logged)))
        return f"logs a log-probability of {logged[at]} and then says {again[at]} for the same choice"
    return ""
