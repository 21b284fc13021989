"""What each policy learned is stored, restored by version to the byte, and goes on in a catalogue that has grown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from arm_worlds import TITLES, Points, asked

from matinee.decision import Decisions
from matinee.errors import ArtifactRefused, BadRequest
from matinee.policies.adaptive import DatsConfig, Known
from matinee.policies.arms import ArmsConfig, LinearArms
from matinee.policies.dats import Dats
from matinee.policies.disjoint import Disjoint, DisjointPrior
from matinee.policies.features import Features
from matinee.policies.independent import BetaBelief, IndependentArms, IndependentConfig, Told
from matinee.policies.logistic import Logistic, LogisticPrior
from matinee.policies.posterior import Prior
from matinee.policies.posterior_arms import PosteriorArms
from matinee.policies.slates import SlateArms, SlateConfig
from matinee.policies.versions import Latest
from matinee.policies.windowed import load_learned
from matinee.recipes.posteriors import KeptVersions
from matinee.testing import make_catalog

MORE = 40
CATALOGS = {n: make_catalog(n) for n in (TITLES, TITLES + MORE)}
FEATURES = {n: Features.of(Points(), n, 3) for n in CATALOGS}
DATS, BETA, SLATE = DatsConfig(), IndependentConfig(), SlateConfig(BetaBelief(1.0, 9.0), size=4, visible=2)
WINDOW, FADING = (ArmsConfig(prior=Prior(**one)) for one in ({"window_days": 3}, {"half_life_days": 2.0}))
SEGMENTS = {"segments": lambda requests: np.arange(len(requests)) % 2, "n_segments": 2}


@dataclass(frozen=True)
class Kind:
    """A policy of `n` titles that goes on from what was `learned`, how that is read, and of what else it is refused."""

    make: Callable[[int, Any, Any], Any]
    load: Callable[[Path], Any]
    other: Callable[[Path], Any]


def linear(config: ArmsConfig, n: int, learned: Any, versions: Any) -> LinearArms:
    return LinearArms("arms", "artifact", CATALOGS[n], FEATURES[n], config, learned, versions)


def by_knowledge(nothing: Callable[[], Any], n: int, learned: Any, versions: Any) -> PosteriorArms:
    knowledge = nothing() if learned is None else learned
    return PosteriorArms("arms", CATALOGS[n], FEATURES[n], knowledge, versions=versions)


ALIKE = DisjointPrior(alike=True)
KINDS = {
    "windowed": Kind(
        partial(linear, WINDOW), partial(load_learned, prior=WINDOW.prior), partial(load_learned, prior=FADING.prior)
    ),
    "discounted": Kind(
        partial(linear, FADING), partial(load_learned, prior=FADING.prior), partial(load_learned, prior=Prior())
    ),
    "logistic": Kind(
        partial(by_knowledge, lambda: Logistic.nothing(TITLES, 4, 4)),
        partial(Logistic.load, prior=LogisticPrior()),
        partial(Logistic.load, prior=LogisticPrior(boldness=0.5)),
    ),
    "disjoint": Kind(
        partial(by_knowledge, lambda: Disjoint.nothing(TITLES, 4, ALIKE)),
        partial(Disjoint.load, prior=ALIKE),
        partial(Disjoint.load, prior=DisjointPrior()),
    ),
    "independent": Kind(
        lambda n, *kept: IndependentArms("arms", CATALOGS[n], BETA, *kept, FEATURES[n].titles[:, 1:]),
        partial(Told.load, config=BETA),
        partial(Told.load, config=replace(BETA, floor=0.5)),
    ),
    "slates": Kind(
        lambda n, learned, versions: SlateArms(
            "arms", CATALOGS[n], SLATE, **SEGMENTS, learned=learned, versions=versions
        ),
        partial(Told.load, config=SLATE),
        partial(Told.load, config=replace(SLATE, patience=0.1)),
    ),
    "dats": Kind(
        lambda n, *kept: Dats("arms", CATALOGS[n], DATS, *kept),
        partial(Known.load, config=DATS),
        partial(Known.load, config=DatsConfig(even=True)),
    ),
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def taught(policy: Any, batches: int = 3) -> Any:
    """A day later each time."""
    rng = np.random.default_rng(0)
    for day in range(batches):
        made = policy.decide(replace(asked(30), times=np.full(30, 10**15 + day * 86_400_000_000)), rng)
        policy.learn(made, (rng.random(len(made.titles)) < 0.3).astype(float))
    return policy


def next_one(policy: Any) -> Decisions:
    return policy.decide(asked(20), np.random.default_rng(5))


def bytes_of(made: Decisions) -> tuple[Any, ...]:
    return (*(one.tobytes() for one in asdict(made.choices).values()), made.ids, made.makers)


@every_kind
def test_restored_it_decides_to_the_byte_as_before(kind, tmp_path):
    policy = taught(kind.make(TITLES, None, None))
    policy.save(tmp_path)
    learned = kind.load(tmp_path)
    back = kind.make(TITLES, learned, None)
    assert back.posterior == policy.posterior == 3
    assert bytes_of(next_one(back)) == bytes_of(next_one(policy))
    back.save(tmp_path)
    assert learned.same(kind.load(tmp_path))


@every_kind
def test_versions_on_disk_answer_for_their_decisions(kind, tmp_path):
    def save(learned: Any, folder: Path) -> None:
        kind.make(TITLES, learned, Latest()).save(folder)

    kept = KeptVersions(tmp_path, save, kind.load)
    policy = taught(kind.make(TITLES, None, kept))
    first = next_one(policy)
    taught(policy, 1)
    assert kept.versions[-2:] == [3, 4]
    again = kind.make(TITLES, kept.latest, kept)
    assert again.posterior == 4
    np.testing.assert_allclose(again.at(3).log_prob(first), first.choices.log_probs, atol=1e-9)


@every_kind
def test_a_catalogue_that_grows_leaves_what_was_known_and_learns_of_the_new(kind, tmp_path):
    policy = taught(kind.make(TITLES, None, None))
    policy.save(tmp_path)
    grown = kind.make(TITLES + MORE, kind.load(tmp_path), None)
    before, after = policy.belief(asked(6)), grown.belief(asked(6))
    for one, other in zip(before, after, strict=True):
        np.testing.assert_allclose(other[:, :TITLES], one, rtol=1e-9)
    made = grown.decide(asked(200), np.random.default_rng(1))
    assert (made.titles >= TITLES).any()
    grown.learn(made, np.ones(len(made.titles)))
    assert grown.posterior == 4
    assert grown.at(3).belief(asked(1))[0].shape == (1, TITLES + MORE)


@every_kind
def test_what_is_damaged_or_of_another_kind_is_refused(kind, tmp_path):
    taught(kind.make(TITLES, None, None)).save(tmp_path)
    with pytest.raises(ArtifactRefused, match="go on with"):
        kind.other(tmp_path)
    array = sorted(tmp_path.glob("*.npy"))[-1]
    was = np.load(array)
    for wrong in (was[:-1], np.full(was.shape, np.nan), np.array([{}], object)):
        np.save(array, wrong, allow_pickle=True)
        with pytest.raises(ArtifactRefused, match="holds no posterior"):
            kind.load(tmp_path)


def test_dats_learns_late_from_decisions_of_a_smaller_catalogue(tmp_path):
    """Forty titles come between decision and reward: they were not among what was offered."""
    policy = taught(KINDS["dats"].make(TITLES, None, None), 1)
    late = policy.decide(asked(10), np.random.default_rng(2))
    policy.save(tmp_path)
    grown = KINDS["dats"].make(TITLES + MORE, Known.load(tmp_path, DATS), None)
    policy.learn(late, np.ones(10))
    grown.learn(late, np.ones(10))
    for name, array in policy._known.arrays.items():
        np.testing.assert_allclose(grown._known.arrays[name][:TITLES], array)
        assert (grown._known.arrays[name][TITLES:] == 0).all() or name.startswith("h")


def test_other_segments_are_refused():
    with pytest.raises(BadRequest, match="segments"):
        SlateArms("arms", CATALOGS[TITLES], SLATE, learned=Told.nothing(3, TITLES))
