"""Arms of accounts: stable bytes, the shares asked for, experiments that know nothing of each other."""

from hashlib import blake2b

import numpy as np
import polars as pl
import pytest
from scipy.stats import chisquare, kstest

from matinee.decision import Requests
from matinee.decision.requests import People
from matinee.experiment.allocate import accounts_of, cells, in_cells, settings_of
from matinee.experiment.definition import Arm, Experiment, Settings
from matinee.history import Histories
from matinee.maths.sequential import moments, welch, welch_p
from matinee.profile import Profile

ACCOUNTS = pl.Series([f"account-{k}" for k in range(100_000)])
BOTH = (Arm("control", 0.5), Arm("bold", 0.5, Settings(exploration=0.3)))


def experiment(name="bolder", salt="s1", arms=BOTH, start=0, end=None, **fields) -> Experiment:
    return Experiment(name, salt, arms, start, end, **fields)


def requests_of(profiles, times=0, **fields) -> Requests:
    return Requests.of_histories(Histories.empty(len(profiles)), times, profiles, **fields)


def test_an_account_keeps_its_arm_for_ever():
    """Of two halves the first bit of BLAKE2b tells the arm; another hash would move every running experiment."""
    names = list("abcdefgh")
    bits = [blake2b(one.encode(), key=b"s1", digest_size=8).digest()[0] // 128 for one in names]
    assert bits == [1, 0, 1, 0, 0, 0, 0, 1]
    assert cells([experiment()], pl.Series(names)).arms[:, 0].tolist() == bits


def test_shares_are_kept_and_the_rest_is_in_no_arm():
    arms = (Arm("control", 0.2), Arm("one", 0.3), Arm("two", 0.1))
    found = cells([experiment(arms=arms)], ACCOUNTS).arms[:, 0]
    counts = np.bincount(found + 1, minlength=4)
    assert chisquare(counts, 100_000 * np.array([0.4, 0.2, 0.3, 0.1])).pvalue > 0.001


def test_ten_arms_of_a_tenth_leave_nobody_out():
    found = cells([experiment(arms=tuple(Arm(f"a{k}", 0.1) for k in range(10)))], ACCOUNTS)
    assert set(found.arms[:, 0]) == set(range(10))


def test_two_experiments_are_independent():
    found = cells([experiment(), experiment("other", salt="s2")], ACCOUNTS).arms
    table = np.bincount(2 * found[:, 0] + found[:, 1], minlength=4)
    assert chisquare(table).pvalue > 0.001


def test_an_account_without_an_id_is_in_no_arm():
    assert cells([experiment()], pl.Series([""])).arms.tolist() == [[-1]]
    assert cells([], ACCOUNTS).arms.shape == (100_000, 0)


def test_isolated_aa_p_values_are_uniform():
    """Fixed accounts, 1,000 salts: Welch's p-value of no difference between halves is uniform (KS, p > .01)."""
    values = np.random.default_rng(5).gamma(0.5, 2.0, 1_000)
    accounts = ACCOUNTS[:1_000]
    arms = cells([experiment(f"e{k}", salt=f"salt-{k}") for k in range(1_000)], accounts).arms
    p = [welch_p(welch(moments(values[own == 1]), moments(values[own == 0]))) for own in arms.T]
    assert kstest(p, "uniform").pvalue > 0.01


def test_profiles_of_one_account_share_its_arm_on_every_device():
    profiles = [Profile("ada", "home-7"), Profile("bob", "home-7"), Profile("eve"), Profile("")]
    requests = requests_of(profiles)
    assert accounts_of(requests).to_list() == ["home-7", "home-7", "eve", ""]
    arms = in_cells(requests, [experiment()]).cells.arms[:, 0]
    assert arms[0] == arms[1]
    assert arms[3] == -1


def test_accounts_are_in_arms_only_while_the_experiment_runs_on_that_surface():
    times = np.array([9, 10, 19, 20])
    requests = requests_of([Profile("ada")] * 4, times)
    limited = experiment(start=10, end=20)
    assert (in_cells(requests, [limited]).cells.arms[:, 0] >= 0).tolist() == [False, True, True, False]
    assert in_cells(requests, [experiment(surface="similar")]).cells is None
    assert in_cells(requests.take(np.array([0, 3])), [limited]).cells is None
    assert in_cells(requests, []).cells is None


def test_only_experiments_that_run_are_logged():
    requests = in_cells(requests_of([Profile("ada")], 5), [experiment(), experiment("over", end=3)])
    assert requests.cells.names == ("bolder",)


def test_a_person_is_hashed_once_whatever_the_number_of_their_requests():
    people = People.of([Profile("ada"), Profile("bob")])
    requests = Requests(
        np.zeros(4, np.int64), np.array([1, 0, 1, 1], np.int32), people, Histories.empty(4),
        requests_of([Profile("x")] * 4).situations,
    )  # fmt: skip
    own = cells([experiment()], people.user_ids).arms[:, 0]
    assert in_cells(requests, [experiment()]).cells.arms[:, 0].tolist() == own[[1, 0, 1, 1]].tolist()


def test_the_settings_of_an_arm_are_found_again():
    requests = in_cells(requests_of([Profile(f"m{k}") for k in range(20)]), [experiment()])
    for b in range(20):
        (found,) = settings_of([experiment()], requests.cells, b)
        assert found == BOTH[int(requests.cells.arms[b, 0])].settings
    assert settings_of([experiment()], None, 0) == []


@pytest.mark.parametrize("accounts", [1, 1_000])
def test_a_batch_is_as_its_members_one_by_one(accounts):
    whole = cells([experiment()], ACCOUNTS[:accounts]).arms
    single = [cells([experiment()], ACCOUNTS[k : k + 1]).arms[0] for k in range(0, accounts, 97)]
    assert whole[::97].tolist() == [one.tolist() for one in single]
