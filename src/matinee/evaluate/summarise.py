"""From one value per member to a table: means with intervals, exposure, and paired comparisons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from scipy import sparse

from matinee.evaluate.measure import EXPOSURE, EXPOSURE_OF, Metric
from matinee.evaluate.results import Comparison, Estimate, Line, Table
from matinee.maths.arrays import Doubles, Int64s
from matinee.maths.fairness import Gains, tails
from matinee.maths.intervals import bootstrap_weights, percentile_interval, resampled_means, share_interval
from matinee.maths.significance import holm, sign_flip_test

DRAWS = 1_000
EXPOSURE_DRAWS = 200  # enough for a standard deviation to within 5 %
WEIGHTS_BYTES = 64 * 2**20  # the bootstrap's weights at one time

Values = Mapping[str, Doubles]  # model -> (members, metrics)


def summarise(
    metrics: tuple[Metric, ...],
    values: Values,
    baselines: Sequence[str],
    tested: Sequence[str],
    rng: np.random.Generator,
    shown: Mapping[str, sparse.csr_matrix] | None = None,
) -> Table:
    """Estimates of every metric for every model, and comparisons with `baselines` on the metrics `tested`.

    `values` model -> (members, metrics), the same members for all; `shown` model -> (members, titles) adds the
    metrics of exposure. All models and metrics share the resamples, so that intervals of differences are paired.
    """
    pairs = [(model, baseline) for baseline in baselines for model in values if model != baseline]
    differences = [values[model] - values[baseline] for model, baseline in pairs]
    members = len(next(iter(values.values())))
    estimates = iter(_means([*values.values(), *differences], members, rng))
    lines = {model: dict(zip((m.key for m in metrics), next(estimates), strict=True)) for model in values}
    compared = dict(zip(pairs, estimates, strict=True))
    for model, matrix in (shown or {}).items():
        lines[model] |= exposure_estimates(matrix, rng)
    columns = [at for at, metric in enumerate(metrics) if metric.key in tested]
    tests = _tests(differences, columns, len(baselines), rng) if pairs else np.empty((0, 0, 2))
    comparisons = tuple(
        Comparison(*pair, metrics[at].key, compared[pair][at], float(tests[row, k, 0]), float(tests[row, k, 1]))
        for row, pair in enumerate(pairs)
        for k, at in enumerate(columns)
    )
    measured = metrics + (EXPOSURE if shown else ())
    return Table(measured, tuple(Line(model, one) for model, one in lines.items()), comparisons)


def by_member(values: Doubles, members: Int64s) -> Doubles:
    """Mean over each member's requests: (requests, metrics) -> (members, metrics), in the order of their numbers.

    `members` (requests,) numbers of members, of which some may be missing. NaN entries are left out.
    """
    numbers, at = np.unique(members, return_inverse=True)
    gather = sparse.csr_matrix((np.ones(len(at)), (at, np.arange(len(at)))), shape=(len(numbers), len(at)))
    finite = np.isfinite(values)
    count = np.asarray(gather @ finite.astype(np.float64))
    total = np.asarray(gather @ np.where(finite, values, 0.0))
    return np.asarray(np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0))


def exposure_estimates(shown: sparse.csr_matrix, rng: np.random.Generator) -> dict[str, Estimate]:
    """Coverage and Gini of lists (members, titles), each ± 1.96 bootstrap standard deviations, cut to 0..1."""
    total = np.asarray(shown.sum(axis=0)).ravel()
    if not total.any():
        return {metric.key: Estimate(np.nan, np.nan, np.nan) for metric in EXPOSURE}
    draws = [weights @ shown for weights in _weights(shown.shape[0], EXPOSURE_DRAWS, rng)]
    found = {}
    for key, statistic in EXPOSURE_OF.items():
        value = statistic(total)[None]
        deviation = np.concatenate([statistic(one) for one in draws])[:, None].std(axis=0, ddof=1)
        low, high = share_interval(value, deviation)
        found[key] = Estimate(float(value[0]), float(low[0]), float(high[0]))
    return found


def gain_estimates(gains: Gains, keys: Sequence[str], rng: np.random.Generator) -> dict[str, Estimate]:
    """The tails of titles' mean discounted gain, as `keys`, each ± 1.96 bootstrap standard deviations, cut to 0..1."""
    members = gains.wanted.shape[0]
    value = tails(gains.weighed(np.ones((1, members)))[0])
    draws = np.concatenate([tails(gains.weighed(one)) for one in _weights(members, EXPOSURE_DRAWS, rng)])
    low, high = share_interval(value, draws.std(axis=0, ddof=1))
    ends = zip(value.tolist(), low.tolist(), high.tolist(), strict=True)
    return {key: Estimate(*one) for key, one in zip(keys, ends, strict=True)}


def _means(blocks: Sequence[Doubles], members: int, rng: np.random.Generator) -> Iterator[list[Estimate]]:
    """For every (members, metrics) block: the mean of each metric with its percentile interval."""
    flat = np.concatenate(blocks, axis=1)
    draws = np.concatenate([resampled_means(flat, weights) for weights in _weights(members, DRAWS, rng)])
    ends = np.column_stack([resampled_means(flat, np.ones((1, members)))[0], *percentile_interval(draws)])
    for one in np.split(ends, len(blocks)):
        yield [Estimate(float(value), float(low), float(high)) for value, low, high in one]


def _tests(differences: Sequence[Doubles], columns: list[int], baselines: int, rng: np.random.Generator) -> Doubles:
    """P-values and, corrected over the models of one baseline, Holm's: (pairs, tested metrics, 2)."""
    tested = np.concatenate([one[:, columns] for one in differences], axis=1)
    p = sign_flip_test(tested, rng).reshape(baselines, -1, len(columns))
    corrected = np.stack([[holm(p[b, :, k]) for k in range(len(columns))] for b in range(baselines)])
    both = np.stack([p, corrected.transpose(0, 2, 1)], axis=-1)
    return both.reshape(-1, len(columns), 2)


def _weights(members: int, draws: int, rng: np.random.Generator) -> Iterator[Doubles]:
    at_once = max(1, WEIGHTS_BYTES // (8 * members))
    for start in range(0, draws, at_once):
        yield bootstrap_weights(members, min(at_once, draws - start), rng)
