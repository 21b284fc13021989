"""The Open Bandit Pipeline's slates, in an environment of its own: its rates, and a log with what it makes of it.

    PYTHON benchmarks/obp_peer.py DATA.npz OUT.npz

PYTHON is the interpreter of an environment with sb-obp (see tests/golden/README.md). The log is that of its slate
notebook: 10 actions, 3 slots, a cascade of binary rewards, a random logger, 10,000 slates; three policies are judged.
Prints slates a second sampled and scored, with and without the marginal probability of each slot.
"""

import json
import sys
from importlib.metadata import version
from time import perf_counter

import numpy as np
from obp import ope
from obp.dataset import SyntheticSlateBanditDataset, linear_behavior_policy_logit, logistic_reward_function

ACTIONS, SLOTS, SLATES, TIMED = 10, 3, 10_000, 1_000


def rates():
    """Slates a second, sampled with their probabilities and scored under other logits."""
    made = SyntheticSlateBanditDataset(
        n_unique_action=ACTIONS, len_list=SLOTS, dim_context=5, reward_type="binary", random_state=12345,
        behavior_policy_function=linear_behavior_policy_logit, base_reward_function=logistic_reward_function,
    )  # fmt: skip
    logits, found = np.random.default_rng(0).normal(size=(TIMED, ACTIONS)), {}
    for whole, name in ((False, "whole slates"), (True, "with marginals")):
        started = perf_counter()
        actions = made.sample_action_and_obtain_pscore(logits, TIMED, return_pscore_item_position=whole)[0]
        found[f"sampled, {name}"] = TIMED / (perf_counter() - started)
        started = perf_counter()
        made.obtain_pscore_given_evaluation_policy_logit(actions, logits[::-1], return_pscore_item_position=whole)
        found[f"scored, {name}"] = TIMED / (perf_counter() - started)
    return found


def notebook(out):
    """Estimates of three policies from the notebook's log, and the log with their probabilities for `out`."""
    made = SyntheticSlateBanditDataset(
        n_unique_action=ACTIONS, len_list=SLOTS, dim_context=2, reward_type="binary", random_state=12345,
        reward_structure="cascade_additive", click_model=None, base_reward_function=logistic_reward_function,
    )  # fmt: skip
    log = made.obtain_batch_bandit_feedback(n_rounds=SLATES, return_pscore_item_position=True)
    base = made.base_reward_function(
        context=log["context"], action_context=made.action_context, random_state=made.random_state
    )
    found, kept = {}, {"rewards": log["reward"].reshape(-1, SLOTS)}
    logged = [log[name] for name in ("pscore_item_position", "pscore_cascade", "pscore")]
    for name, logits in (("random", np.zeros_like(base)), ("optimal", 3 * base), ("anti-optimal", -3 * base)):
        whole, marginal, cascade = made.obtain_pscore_given_evaluation_policy_logit(log["action"], logits)
        target = (marginal, cascade, whole)
        for kind, above, below in zip(("marginal", "cascade", "whole"), target, logged, strict=True):
            kept[f"{name} {kind}"] = (above / below).reshape(-1, SLOTS)
        truth = made.calc_ground_truth_policy_value(context=log["context"], evaluation_policy_logit_=logits)
        found[name] = {"truth": float(truth), **estimates(log, target)}
    np.savez(out, **kept)
    return found


def estimates(log, target):
    """What its three estimators make of a log."""
    shared = {name: log[name] for name in ("slate_id", "reward", "position")}
    told = {"pscore": log["pscore"], "evaluation_policy_pscore": target[2]}
    cascade = {"pscore_cascade": log["pscore_cascade"], "evaluation_policy_pscore_cascade": target[1]}
    alone = {
        "pscore_item_position": log["pscore_item_position"], "evaluation_policy_pscore_item_position": target[0]
    }  # fmt: skip
    return {
        "SIPS": float(ope.SlateStandardIPS(len_list=SLOTS).estimate_policy_value(**shared, **told)),
        "RIPS": float(ope.SlateRewardInteractionIPS(len_list=SLOTS).estimate_policy_value(**shared, **cascade)),
        "IIPS": float(ope.SlateIndependentIPS(len_list=SLOTS).estimate_policy_value(**shared, **alone)),
    }


def main(_, out):
    print(json.dumps({**rates(), "notebook": notebook(out), "version": version("sb-obp")}))


if __name__ == "__main__":
    main(*sys.argv[1:3])
