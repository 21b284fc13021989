"""The check that a ladder must pass before it serves: real requests, and everything a page owes people."""

from __future__ import annotations

import time

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Context, Decisions, Policy, Requests
from matinee.eligibility import check, eligible
from matinee.errors import ArtifactRefused
from matinee.history import Histories
from matinee.page import Layout
from matinee.profile import Profile
from matinee.service.deployment import SURFACES, Ladders

TOLERANCE = 1e-6


def probe(ladders: Ladders, catalog: Catalog) -> None:
    """Ask every policy for a few decisions. Raises `ArtifactRefused` with the first thing that is wrong."""
    for surface in SURFACES:
        if not ladders.get(surface):
            raise ArtifactRefused(f"the new ladders have no policy for {surface!r}; the old ones stay")
        requests = probe_requests(catalog, surface)
        for name, policy in ladders[surface]:
            problem = _problem(policy, requests, catalog)
            if problem:
                raise ArtifactRefused(f"{surface}/{name} {problem}; fit it again, or keep the ladder that serves")


def probe_requests(catalog: Catalog, surface: str) -> Requests:
    """A new member, one with three titles watched, and a child; on a small page."""
    watched = np.linspace(0, len(catalog) - 1, num=min(3, len(catalog)), dtype=np.int64).tolist()
    profiles = (Profile("probe-new"), Profile("probe-known"), Profile("probe-child", kids=True))
    similar = surface == "similar"
    return Requests.of_histories(
        Histories.of_items([[], watched, []]),
        time.time_ns() // 1_000,
        profiles=profiles,
        contexts=(Context(device="web", hour=20, weekday=4),) * 3,
        surface=surface,
        layout=Layout(rows=1, columns=6, billboard=False) if similar else Layout(rows=4, columns=6),
        seeds=np.zeros(3, np.int32) if similar else None,
    )


def _problem(policy: Policy, requests: Requests, catalog: Catalog) -> str:
    """What is wrong with the policy's answer; empty when nothing is."""
    try:
        decisions = policy.decide(requests, np.random.default_rng(0))
        check(catalog, requests, decisions)
        again = policy.log_prob(requests, decisions)
    except Exception as error:
        return f"raised {type(error).__name__}: {str(error)[:300]}"
    return _flaw(requests, decisions, again, catalog)


def _flaw(requests: Requests, decisions: Decisions, again: np.ndarray, catalog: Catalog) -> str:
    shown = decisions.items >= 0
    if not np.isfinite(decisions.scores[shown]).all():
        return "gives scores that are not finite"
    if not np.isfinite(decisions.log_probs).all():
        return "gives log-probabilities that are not finite"
    blank = eligible(catalog, requests).sum(axis=1).astype(bool) & ~shown.any(axis=(1, 2))
    if blank[:2].any():
        return f"shows nothing to {requests.profiles[int(np.argmax(blank))].user_id!r}"
    if not np.allclose(again, decisions.log_probs, atol=TOLERANCE):
        return f"logs {decisions.log_probs.tolist()} and then says {again.tolist()} for the same page"
    return ""
