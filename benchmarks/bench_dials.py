"""What each dial buys and costs on MovieLens 100K, and a page with the trade-offs: `var/dials.html`.

    python benchmarks/bench_dials.py [FOLDER]

Leave-last-out, EASE with recency. A row of ten, filled by the page builder out of each member's `POOL` likeliest unseen
titles, once for each setting of each dial: the dial's own measure and NDCG@10, with intervals over members; changes of
NDCG are paired. Freshness is asked on the day after: all ten titles of the first row were looked at and passed by, the
one that the member went on to play included, so its cost is an upper bound. `dpp` is the other way of diversity, at
weights that span the same range. `pages_ndcg2d`: whole home pages, all dials off, and the paired change of each at 1
and of the four that look at worths at a half; nobody looked at any of them before, so freshness is left out.

Keys of the result: for each dial a list of settings with `own`, `ndcg`, `change` (value, low, high) each; `mmr_us` and
`dpp_us` a row of ten out of 80; `members`, `seed`, `machine`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from machine import machine

from matinee.data.sources import movielens
from matinee.decision import Dials, Progress, Requests, no_progress
from matinee.decision.dials import NAMES
from matinee.evaluate.measure import PER_MEMBER, Audience, Metric, Titles, measure_beyond, measure_lists, measure_pages
from matinee.evaluate.protocols import LEAVE_LAST_OUT
from matinee.evaluate.results import Estimate, Line
from matinee.evaluate.trial import Trial, prepare
from matinee.events import DAY, Kind
from matinee.history import Histories
from matinee.maths.arrays import Doubles, Floats, Int32s
from matinee.maths.determinantal import greedy_map, likeness
from matinee.maths.mean_intervals import normal
from matinee.page import WEB, Attention, Layout, RowKind
from matinee.recipes.registry import MODELS
from matinee.report.dials import DialsReport, TradeOff
from matinee.surfaces.charts import charts
from matinee.surfaces.home import HomePolicy
from matinee.surfaces.pages.builder import build_pages
from matinee.surfaces.pages.deciding import worth_of
from matinee.surfaces.pages.rows import Pools
from matinee.surfaces.sway import Sway
from matinee.surfaces.tilt import tilt
from matinee.train import train

POOL, N, SEED = 80, 10, 0
KEPT = 16  # places of the pool that the dial for exposure keeps
STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)
DPP = (0.0, 0.1, 0.2, 0.4, 0.8, 1.6)  # weights of log det
ROW = Layout(rows=1, columns=N, visible=N, billboard=False, attention=Attention(1.0, 1.0, 1.0))
REPORT = Path("var/dials.html")
COST = Metric("ndcg", "NDCG@10", "higher", "the title that the member went on to like, nearer to the top counts more")
OWN = {
    "diversity": Metric("diversity", "Distance of genres", "higher", "mean distance of two titles' genres, 0 to 1"),
    "calibration": Metric("miscalibration", "C_KL", "lower", "distance of the mix of genres from the member's, nats"),
    "novelty": Metric("novelty", "Surprise, bits", "higher", "mean -log2 of the share of members who know a title"),
    "freshness": Metric("stale", "Passed by", "lower", "share of titles that were looked at yesterday in vain"),
    "exposure": Metric("seldom", "Seldom seen", "higher", "share of titles that few members met"),
}
BEYOND = tuple(metric.key for metric in PER_MEMBER)
ABOUT = {
    "diversity": "A title loses what it is like one before it in the row (MMR).",
    "calibration": "The mix of genres comes nearer to what the member likes (Steck, greedy).",
    "novelty": "What many members know is worth less.",
    "freshness": "What was looked at and passed by gives way.",
    "exposure": "Titles that few members met have a share of the places, at 1 a fifth.",
}
BY_DPP = "Greedy lists of a determinantal point process over genres (Chen et al., 2018), by the weight of log det."
METHOD = (
    "The last title that each member liked is left out; EASE with recency learns from what was before.",
    f"A row of {N} is filled by the page builder out of each member's {POOL} likeliest titles, all else equal.",
    "Freshness is asked on the day after a row of which all titles were looked at and passed by, the one that the "
    "member went on to like included: its cost is an upper bound.",
    "Intervals are normal, over members; changes of NDCG are of the same members.",
)


class Rows:
    """Rows of ten of every member of a trial, as dials have them."""

    def __init__(self, trial: Trial, seed: int) -> None:
        data, rng = trial.data, np.random.default_rng(seed)
        fitted = train(data, MODELS["ease-recent"].make(), rng)
        self.trial, self.catalog, self.drawn = trial, data.catalog, charts(data.events, data.catalog, data.as_of)
        self.policy = HomePolicy("home", "bench", data.catalog, fitted.scorer, fitted.calibration, self.drawn)
        self.requests = replace(trial.requests, layout=ROW)
        scores = fitted.scorer.score(self.requests)
        self.worth = worth_of(scores, fitted.calibration)
        owner = np.repeat(np.arange(len(scores)), np.diff(self.requests.histories.offsets))
        self.worth[owner, self.requests.histories.items] = 1e-9
        self.audience = Audience(Titles.of(data), self.requests.histories, trial.targets)

    def pools(self, requests: Requests) -> Pools:
        """One row of each member's likeliest titles, once novelty and freshness took theirs."""
        left = tilt(self.worth, requests, self.drawn.surprise)
        worth: Floats = self.worth if left is None else self.worth * left
        pools = Pools.empty(len(requests), 2, POOL, minimum=1)
        ranks = np.argsort(np.argsort(-worth, axis=1, kind="stable"), axis=1)
        if requests.dials.exposure:  # room for the best of those that few met, as on a page
            seldom = np.argsort(np.where(self.drawn.seldom, ranks, ranks + ranks.shape[1]), axis=1)[:, :KEPT]
            np.put_along_axis(ranks, seldom, -1, axis=1)
        order = np.argsort(ranks, axis=1, kind="stable")[:, :POOL]
        order = np.take_along_axis(order, np.argsort(-np.take_along_axis(worth, order, axis=1), axis=1), axis=1)
        pools.kinds[:, 1], pools.sizes[:, 1], pools.items[:, 1] = RowKind.TOP_PICKS, POOL, order
        pools.worths[:, 1] = np.take_along_axis(worth, order, axis=1)
        pools.logits[:, 1] = np.log(pools.worths[:, 1])
        return pools

    def shown(self, dials: Dials, histories: Histories | None = None) -> Int32s:
        """(members, 10) titles."""
        requests = replace(self.requests, dials=dials, histories=histories or self.requests.histories)
        seeds = np.zeros(len(requests), np.uint64)
        sway = Sway.of(self.catalog, requests, self.drawn.seldom)
        built = build_pages(
            self.pools(requests), requests, self.catalog, self.drawn.genre_shares, 0.0, seeds, sway=sway
        )
        return built.items[:, 0]

    def passed_by(self, shown: Int32s) -> Histories:
        """Histories that end with a look at each of these titles, the day before."""
        past, days = self.requests.histories, self.requests.times
        members = len(past)
        looks = Histories(
            np.arange(members + 1) * N,
            shown.ravel(),
            np.full(shown.size, Kind.IMPRESSION, np.int8),
            np.zeros(shown.size, np.float32),
            np.repeat(days - DAY, N),
        )
        both = [part.take(np.array([b])) for b in range(members) for part in (past, looks)]
        joined = Histories.joined(both)
        return joined.select(joined.offsets[::2], slice(None))

    def measured(self, ranked: Int32s, before: Int32s) -> dict[str, Doubles]:
        """Metric -> (members,)."""
        beyond = dict(zip(BEYOND, measure_beyond(ranked, self.audience).T, strict=True))
        stale = np.array([np.isin(now, then).mean() for now, then in zip(ranked, before, strict=True)])
        seldom = self.drawn.seldom[ranked].mean(axis=1)
        return {**beyond, "ndcg": measure_lists(ranked, self.audience)[:, 1], "stale": stale, "seldom": seldom}


def run(progress: Progress = no_progress, folder: Path | None = None) -> dict[str, Any]:
    """Measure every dial, write the page, return the numbers."""
    progress("fitting EASE with recency", 0.0)
    dataset = movielens.read(folder or movielens.fetch_100k(Path("var/data"), print))
    rows = Rows(prepare(dataset, LEAVE_LAST_OUT, np.random.default_rng(SEED)), SEED)
    plain = rows.shown(Dials())
    later, trades = rows.passed_by(plain), []
    for k, (name, about) in enumerate(ABOUT.items()):
        progress(f"turning {name}", 0.2 + 0.1 * k)
        past = later if name == "freshness" else None
        lists = [rows.shown(Dials(**{name: step}), past) for step in STEPS]
        trades.append(_trade(name.capitalize(), about, OWN[name], rows, plain, STEPS, lists))
    progress("diversity by determinants", 0.7)
    lists = [_by_determinants(rows, weight) for weight in DPP]
    trades.append(_trade("Diversity by DPP", BY_DPP, OWN["diversity"], rows, plain, DPP, lists))
    DialsReport(f"{dataset.name}, a row of ten", trades, METHOD).write_html(REPORT)
    progress("whole pages", 0.8)
    return {
        **{one.name.lower(): [_plain(one, k) for k in range(len(one.lines))] for one in trades},
        "pages_ndcg2d": _pages(rows),
        **_speed(rows),
        "report": str(REPORT),
        "members": len(rows.requests),
        "seed": SEED,
        "machine": machine(),
    }


def _trade(
    name: str, about: str, own: Metric, rows: Rows, plain: Int32s, steps: Sequence[float], lists: Sequence[Int32s]
) -> TradeOff:
    values = [rows.measured(one, plain) for one in lists]
    lines = [
        Line(f"{step:g}", {metric.key: _estimate(one[metric.key]) for metric in (own, COST)})
        for step, one in zip(steps, values, strict=True)
    ]
    return TradeOff(name, about, own, COST, lines, [_estimate(one["ndcg"] - values[0]["ndcg"]) for one in values])


def _estimate(values: Doubles) -> Estimate:
    return Estimate(*normal(values[np.isfinite(values)]))


def _plain(trade: TradeOff, k: int) -> dict[str, Any]:
    """One setting of a dial: numbers with their ends."""
    line, told = trade.lines[k], {"own": trade.own.key, "ndcg": COST.key}
    numbers = {name: [round(one, 4) for one in _ends(line.estimates[key])] for name, key in told.items()}
    return {"at": float(line.model), **numbers, "change": [round(one, 4) for one in _ends(trade.changes[k])]}


def _ends(one: Estimate) -> tuple[float, float, float]:
    return one.value, one.low, one.high


def _by_determinants(rows: Rows, weight: float) -> Int32s:
    pools, vectors = rows.pools(rows.requests), (rows.audience.titles.genres > 0).astype(np.float64)
    shown = np.empty((len(rows.requests), N), np.int32)
    for b, (items, logits) in enumerate(zip(pools.items[:, 1], pools.logits[:, 1], strict=True)):
        shown[b] = items[greedy_map(logits.astype(np.float64), likeness(vectors[items]), N, weight)]
    return shown


def _pages(rows: Rows) -> dict[str, list[float]]:
    """2-D NDCG of whole web pages: all off, and the paired change of each dial at 1 and of all at a half."""
    requests = replace(rows.requests, layout=WEB)
    alone = {name: Dials(**{name: 1.0}) for name in NAMES if name != "freshness"}
    turned = {"off": Dials(), **alone, "all_half": Dials(0.5, 0.5, 0.5, 0.5)}
    found = {}
    for name, dials in turned.items():
        items = rows.policy.decide(replace(requests, dials=dials), np.random.default_rng(SEED)).page().items
        found[name] = measure_pages(items, WEB, rows.trial.targets)[:, -1]
    told = {name: found[name] - (found["off"] if name != "off" else 0.0) for name in found}
    return {name: [round(one, 4) for one in _ends(_estimate(values))] for name, values in told.items()}


def _speed(rows: Rows) -> dict[str, float]:
    """Microseconds a row, the best of five runs over 200 members."""
    some = np.arange(min(200, len(rows.requests)))
    requests = replace(rows.requests.take(some), dials=Dials(diversity=0.5))
    pools, vectors = rows.pools(rows.requests), (rows.audience.titles.genres > 0).astype(np.float64)
    few = Pools(**{name: getattr(pools, name)[some] for name in pools.__dataclass_fields__})
    seeds = np.zeros(len(some), np.uint64)

    def mmr() -> None:
        build_pages(few, requests, rows.catalog, rows.drawn.genre_shares, 0.0, seeds)

    def dpp() -> None:
        for items, logits in zip(few.items[:, 1], few.logits[:, 1], strict=True):
            greedy_map(logits.astype(np.float64), likeness(vectors[items]), N, 0.4)

    return {f"{name}_us": 1e6 * _best(call) / len(some) for name, call in (("mmr", mmr), ("dpp", dpp))}


def _best(call: Callable[[], None]) -> float:
    times = []
    for _ in range(6):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times[1:])


if __name__ == "__main__":
    for key, value in run(folder=Path(sys.argv[1]) if len(sys.argv) > 1 else None).items():
        print(f"{key}: {value}")
