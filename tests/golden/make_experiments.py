"""Makes experiments.json: what tea-tasting, ssrm-test and confseq say of drawn accounts; see README.md.

Run each part in an environment of its own: `make_experiments.py tea-tasting`, `... ssrm-test`, and
`... confseq FOLDER`, the folder of confseq's `uniform_boundaries.h`, which needs a C++ compiler and Boost's headers.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

TARGET = pathlib.Path(__file__).with_name("experiments.json")
COUNTS = [[20, 17, 9], [38, 38, 17], [420, 390, 190], [4_200, 3_900, 2_000]]
SHARES = [0.4, 0.4, 0.2]
SUMS = [1.0, 10.0, 100.0, 1_000.0, 20_000.0]
C_PLUS_PLUS = """
#include <cstdio>
#include <cstdlib>
#include "uniform_boundaries.h"
int main(int n, char** v) {
  for (int k = 1; k < n; k++)
    std::printf("%.17g\\n", confseq::normal_mixture_bound(std::atof(v[k]), 0.05, 100.0, 0.05, false));
}
"""


def accounts() -> dict[str, list[float]]:
    """200 accounts of a half each: a metric before and during the experiment, rounded so that JSON holds them."""
    rng = np.random.default_rng(20261127)
    before = rng.gamma(2.0, 1.5, 200).round(4)
    arm = rng.permutation(np.arange(200) % 2)
    during = (0.7 * before + rng.gamma(1.0, 1.0 + 0.4 * arm) + 0.1).round(4)
    return {"arm": arm.tolist(), "before": before.tolist(), "during": during.tolist()}


def tea_tasting() -> dict[str, object]:
    import pandas as pd
    import tea_tasting as tt

    told = accounts()
    metrics = {"welch": tt.Mean("during"), "cuped": tt.Mean("during", "before"), "ratio": tt.SampleRatio(method="norm")}
    found = tt.Experiment(metrics, variant="arm").analyze(pd.DataFrame(told))
    means = {name: found[name] for name in ("welch", "cuped")}
    kept = ("effect_size", "effect_size_ci_lower", "effect_size_ci_upper", "pvalue")
    return {"accounts": told, **{name: {one: float(getattr(m, one)) for one in kept} for name, m in means.items()}}


def ssrm() -> dict[str, object]:
    from ssrm_test.ssrm_test import sequential_posteriors

    bayes = [sequential_posteriors(np.array([one]), np.array(SHARES), None, 1_000) for one in COUNTS]
    logs = [float(np.log(one[-1]["bayes_factor"])) for one in bayes]
    return {"ratio": {"counts": COUNTS, "shares": SHARES, "concentration": 1_000, "log_e": logs}}


def confseq(folder: str) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as made:
        source, program = pathlib.Path(made, "a.cpp"), pathlib.Path(made, "a.out")
        source.write_text(C_PLUS_PLUS)
        subprocess.run(["c++", "-O1", f"-I{folder}", source, "-o", program], check=True)
        said = subprocess.run([program, *map(str, SUMS)], check=True, capture_output=True, text=True).stdout
    return {"band": {"v": SUMS, "v_opt": 100.0, "alpha": 0.05, "radius": [float(line) for line in said.split()]}}


if __name__ == "__main__":
    parts = {"tea-tasting": tea_tasting, "ssrm-test": ssrm, "confseq": confseq}
    known = json.loads(TARGET.read_text()) if TARGET.exists() else {}
    known |= parts[sys.argv[1]](*sys.argv[2:])
    TARGET.write_text(json.dumps(known) + "\n")
