"""Makes obp_estimates.json: shared cases, and what the Open Bandit Pipeline says of them. See README.md."""

import json
import pathlib

import numpy as np
import obp.ope as ope

ROUNDS, ACTIONS, GROUPS, SLOTS = 60, 5, 3, 3


def distributions(rng, *shape):
    drawn = rng.gamma(1.0, size=shape) + 0.02
    return drawn / drawn.sum(axis=-1, keepdims=True)


def single(rng):
    logged, target = distributions(rng, ROUNDS, ACTIONS), distributions(rng, ROUNDS, ACTIONS)
    likely = distributions(rng, ACTIONS, GROUPS)
    action = np.array([rng.choice(ACTIONS, p=one) for one in logged])
    group = np.array([rng.choice(GROUPS, p=likely[one]) for one in action])
    predicted, reward = rng.random((ROUNDS, ACTIONS)), rng.random(ROUNDS).round(3)
    case = {
        "logged": logged, "target": target, "likely": likely, "action": action, "group": group,
        "predicted": predicted, "reward": reward,
    }  # fmt: skip
    told = {
        "reward": reward, "action": action, "pscore": logged[np.arange(ROUNDS), action],
        "action_dist": target[:, :, None], "estimated_rewards_by_reg_model": predicted[:, :, None],
        "position": np.zeros(ROUNDS, int),
    }  # fmt: skip
    estimators = {
        "ips": ope.InverseProbabilityWeighting(),
        "ips clipped 2": ope.InverseProbabilityWeighting(lambda_=2.0),
        "snips": ope.SelfNormalizedInverseProbabilityWeighting(),
        "dm": ope.DirectMethod(),
        "dr": ope.DoublyRobust(),
        "sndr": ope.SelfNormalizedDoublyRobust(),
        "switch-dr 1.5": ope.SwitchDoublyRobust(lambda_=1.5),
        "dros 3": ope.DoublyRobustWithShrinkage(lambda_=3.0),
    }
    values = {name: one.estimate_policy_value(**told) for name, one in estimators.items()}
    mips = ope.MarginalizedInverseProbabilityWeighting(n_actions=ACTIONS, embedding_selection_method=None)
    values["mips"] = mips.estimate_policy_value(
        **told, context=np.zeros((ROUNDS, 1)), action_embed=group[:, None], pi_b=logged[:, :, None],
        p_e_a=likely[:, :, None],
    )  # fmt: skip
    return case, values


def slates(rng):
    shape = (ROUNDS, SLOTS, ACTIONS)
    logged, target, predicted = distributions(rng, *shape), distributions(rng, *shape), rng.random(shape)
    action = np.array([[rng.choice(ACTIONS, p=p) for p in one] for one in logged])
    reward = rng.random((ROUNDS, SLOTS)).round(3)
    of = [np.take_along_axis(one, action[:, :, None], axis=2)[:, :, 0] for one in (logged, target)]
    cascade = [np.cumprod(one, axis=1) for one in of]
    whole = [np.repeat(one[:, -1:], SLOTS, axis=1) for one in cascade]
    told = {
        "slate_id": np.repeat(np.arange(ROUNDS), SLOTS), "position": np.tile(np.arange(SLOTS), ROUNDS),
        "reward": reward.ravel(), "action": action.ravel(),
        "pscore": whole[0].ravel(), "evaluation_policy_pscore": whole[1].ravel(),
        "pscore_item_position": of[0].ravel(), "evaluation_policy_pscore_item_position": of[1].ravel(),
        "pscore_cascade": cascade[0].ravel(), "evaluation_policy_pscore_cascade": cascade[1].ravel(),
        "q_hat": predicted.ravel(), "evaluation_policy_action_dist": target.ravel(),
    }  # fmt: skip
    estimators = {
        "sips": ope.SlateStandardIPS(len_list=SLOTS),
        "iips": ope.SlateIndependentIPS(len_list=SLOTS),
        "rips": ope.SlateRewardInteractionIPS(len_list=SLOTS),
        "cascade-dr": ope.SlateCascadeDoublyRobust(len_list=SLOTS, n_unique_action=ACTIONS),
    }
    case = {"logged": logged, "target": target, "predicted": predicted, "action": action, "reward": reward}
    return case, {name: one.estimate_policy_value(**told) for name, one in estimators.items()}


def plain(case):
    return {name: one.tolist() for name, one in case.items()}


def main() -> None:
    rng = np.random.default_rng(20261127)
    made = {}
    for name, make in (("single", single), ("slates", slates)):
        case, values = make(rng)
        made[name] = {"case": plain(case), "values": {key: float(one) for key, one in values.items()}}
    pathlib.Path(__file__).with_name("obp_estimates.json").write_text(json.dumps(made) + "\n")


if __name__ == "__main__":
    main()
