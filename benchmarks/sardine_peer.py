"""SARDINE's steps a second with random actions; runs in an environment of its own, see `bench_simulate.py`.

    python sardine_peer.py DATA ENVIRONMENT SECONDS

Prints one line of JSON: peer_steps_a_second, peer_version. DATA is not read. A step is a slate that one member sees and
answers.
"""

import json
import sys
from importlib.metadata import version
from time import perf_counter

import gymnasium as gym
import sardine  # noqa: F401, its import registers the environments


def main(name: str, seconds: float) -> dict[str, object]:
    """Steps a second, with resets where an episode ends, after as many steps to warm up as fit a fifth of the time."""
    env = gym.make(name)
    env.action_space.seed(0)
    env.reset(seed=0)
    _steps(env, seconds / 5)
    return {"peer_steps_a_second": _steps(env, seconds), "peer_version": version("sardine-rec")}


def _steps(env: gym.Env, seconds: float) -> float:
    start, steps = perf_counter(), 0
    while perf_counter() < start + seconds:
        *_, terminated, truncated, _ = env.step(env.action_space.sample())
        steps += 1
        if terminated or truncated:
            env.reset()
    return steps / (perf_counter() - start)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[2], float(sys.argv[3]))))
