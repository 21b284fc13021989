"""The worlds that off-policy estimators are measured in: their truth, their logs, and what others' files say."""

from __future__ import annotations

import gzip
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from matinee.errors import BadData

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def part(monkeypatch):
    """Any file of the benchmarks, by name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module


def test_logs_follow_the_policy_that_logs(part):
    off_policy_curves = part("off_policy_curves")
    known = off_policy_curves.world(5, 0)
    log = off_policy_curves.log_of(known, 40_000, np.random.default_rng(0))
    shares = np.bincount(log.arms, minlength=5) / 40_000
    np.testing.assert_allclose(shares, known.logged.mean(axis=0), atol=0.01)
    assert log.rewards.mean() == pytest.approx(known.earned(), abs=0.01)
    assert known.truth > known.earned()


def test_estimators_find_the_truth_of_that_world(part):
    """Over 20 logs of 5,000 rounds; the reward model is blind to contexts, so DM is off."""
    off_policy_curves = part("off_policy_curves")
    found = off_policy_curves.errors(10, 5_000, 20)
    for name in ("IPS", "SNIPS", "DR", "Meta-OPE", "difference, Delta-OPE"):
        bias, deviation = found[name]
        assert abs(bias) < 4 * deviation / np.sqrt(20), name
    assert abs(found["DM"][0]) > 4 * found["DM"][1] / np.sqrt(20)
    assert found["Meta-OPE"][1] < found["IPS"][1]
    assert found["difference, Delta-OPE"][1] < found["difference, IPS"][1]


def test_coverage_tells_intervals_apart(part):
    off_policy_intervals = part("off_policy_intervals")
    told, section = off_policy_intervals.coverage(8)
    assert told["numbers"]["heavy weights, 300 rounds, betting: held"] >= 0.75
    assert len(section.tables[0].rows) == 4 * 6
    assert "Cressie-Read" in told["findings"][0]


def test_the_thompson_policy_of_the_sample_is_kept(part):
    open_bandit = part("open_bandit")
    likely = open_bandit.thompson()
    np.testing.assert_allclose(likely.sum(axis=0), 1.0)
    assert likely.shape == (80, 3)
    prior = open_bandit._prior(
        "men:\n  alpha:\n    - 1.0\nall:\n  alpha:\n    - 47.0\n    - 8\n  beta:\n    - 12.0\n    - 3.5\n"
    )
    assert prior.tolist() == [[47.0, 8.0], [12.0, 3.5]]


def test_a_folder_of_the_dataset_is_judged_both_ways(part, tmp_path):
    """200 rounds a policy, uniform and with half of all on the first ten titles, as published and compressed."""
    rng, both = np.random.default_rng(0), part("off_policy_open_bandit")
    for policy, name in (("random", "all.csv"), ("bts", "all.csv.gz")):
        items = rng.integers(80 if policy == "random" else 10, size=200)
        lines = [f"{k},2019-11-24 00:{k // 60:02}:{k % 60:02},{item},{1 + k % 3},{k % 5 == 0:d},0.0125,{k % 2}"
                 for k, item in enumerate(items)]  # fmt: skip
        text = "\n".join([",timestamp,item_id,position,click,propensity_score,user_feature_0", *lines])
        file = tmp_path / policy / "all" / name
        file.parent.mkdir(parents=True)
        file.write_bytes(text.encode() if name.endswith("csv") else gzip.compress(text.encode()))
    with pytest.raises(BadData, match=r"holds no random/all/all.csv; give the folder"):
        both.both_ways(tmp_path / "bts")
    found = both.both_ways(tmp_path)
    assert found["random to bts: on policy"].startswith("0.20000 [")
    assert "by SLOPE" in found["bts to random: DRos"]
    assert len(found) == 2 * 9
    section = part("bench_off_policy")._of_both_ways(found)
    assert section.tables[0].heads == ("estimator", "random to bts", "bts to random")
    assert [row[0] for row in section.tables[0].rows][:3] == ["on policy", "effective rounds", "IPS"]


def test_replay_of_learners_is_below_their_life(part, monkeypatch):
    """Two lives of 4,000 rounds: their replays hear of one round in ten. The gap of both learners together is .15, its
    standard error .04 from some 800 matched rounds.
    """
    replayed = part("off_policy_replay")
    some = {name: replayed.LEARNERS[name] for name in ("Thompson", "LinTS", "LinUCB")}
    monkeypatch.setattr(replayed, "LEARNERS", some)
    found = replayed.replays(2, 4_000)
    gaps = [found[f"{name}: life"] - found[f"{name}: replay"] for name in ("LinTS", "LinUCB")]
    assert sum(gaps) > 0
    assert found["LinTS: life"] > found["Thompson: life"]  # who hears of contexts earns more


def test_slates_are_a_hundred_times_as_fast_as_the_pipelines(part):
    """Its rates are 2,800 sampled and 780 scored a second; ours are taken of 20,000 slates."""
    off_policy_published = part("off_policy_published")
    found = off_policy_published.slate_rates(20_000)
    assert found["sampled a second"] > 100 * 780
    assert found["scored a second"] > 100 * 780


def test_few_numbers_become_a_table(part):
    bench_off_policy = part("bench_off_policy")
    section = bench_off_policy._table("digits", {"IPS": 0.0131, "held": True})
    assert section.tables[0].rows == [("IPS", "0.0131"), ("held", "True")]
