"""The page decision in process: 10,000 titles, a history of 100, 40 rows x 40 titles, EASE; one core, then batches.

`matinee bench page --titles N --model M` asks for another size, or another model of `MODELS`.

Keys of the result: `p50_ms`, `p99_ms` (single decisions on one core, probabilities and evidence included),
`apart_p50_ms`, `apart_p99_ms` (the same without `scores`, the scorer's own product, with its reasons where both come of
one pass), each stage's `..._p50_ms` and `..._p99_ms`, `other` being what no stage counts; `slots`
shown, `batch_per_second` (batches of 1,000 on all cores),
`web_batch_per_second` (the same for the web layout), `reads_ms` (one pass over the 100 rows of the map that a score
must read: the floor), `plain_cpu_ms`, `NAME_cpu_ms` and `NAME_times` (processor time of a page with all dials off, with
one or all of them at a half, on the same requests in turn, and how many times that of all off), `machine`, `seed`,
`decisions`. Neighbours of titles are learned before: the figures are those of a service that has run for a while.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from machine import machine
from numpy.typing import NDArray

from matinee.catalog import Catalog
from matinee.data.histories import training_data
from matinee.decision import Dials, Requests
from matinee.decision.dials import NAMES
from matinee.events import clean
from matinee.history import Histories
from matinee.maths.arrays import Doubles
from matinee.models.factors import Factors, FactorsConfig
from matinee.models.linear_autoencoder import Ease
from matinee.models.popularity import Popularity
from matinee.page import WEB, Layout
from matinee.surfaces.charts import charts
from matinee.surfaces.home import HomeConfig, HomePolicy
from matinee.train import train

TITLES, GENRES, MEMBERS, LIKES, HISTORY = 10_000, 60, 4_000, 60, 100
PAGE = Layout(rows=40, columns=40, visible=8)
EXPLORATION = 0.1
DECISIONS, BATCH, BATCHES = 1_000, 1_000, 5
SEED, TURNED = 0, 200  # pages that dials are turned on
HALF = {name: Dials(**{name: 0.5}) for name in NAMES} | {"all_dials": Dials(0.5, 0.5, 0.5, 0.5)}
KNOWN = 1_000  # titles, of a larger catalogue, whose neighbours are learned before and that histories hold
MODELS = {"ease": Ease, "factors": lambda: Factors(FactorsConfig(size=64, epochs=4)), "popularity": Popularity}


def run(
    progress: Callable[[str, float], None] = lambda what, done: None, titles: int = TITLES, model: str = "ease"
) -> dict[str, Any]:
    """Fit a model on a synthetic service of this size and time its pages."""
    rng = np.random.default_rng(SEED)
    progress(f"making a service of {titles:,} titles and {MEMBERS:,} members", 0.0)
    policy, now = make_policy(rng, titles, model)
    progress("learning the neighbours of titles, as a service that runs for a while has", 0.2)
    known = np.arange(0, titles, max(1, titles // KNOWN if titles > TITLES else 1), dtype=np.int32)
    policy.warm(known)
    progress("single decisions on one core", 0.3)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    singles = [requests(rng, 1, now, PAGE, known) for _ in range(DECISIONS + 100)]
    times, laps, slots = time_singles(policy, singles, rng)
    os.sched_setaffinity(0, cores)
    progress("batches of 1,000 on all cores", 0.5)
    other = times - sum(laps.values())
    spent = {"": times, "apart_": times - laps["scores"]} | {f"{name}_": one for name, one in laps.items()}
    return {
        **{
            f"{name}p{share}_ms": float(np.percentile(values, share))
            for name, values in (spent | {"other_": other}).items()
            for share in (50, 99)
        },
        "slots": slots,
        **({"reads_ms": floor_ms(policy, singles)} if model == "ease" else {}),
        **turned_ms(policy, singles[:TURNED]),
        "batch_per_second": batches_per_second(policy, rng, now, PAGE, known),
        "web_batch_per_second": batches_per_second(policy, rng, now, WEB, known),
        "titles": titles,
        "model": model,
        "decisions": DECISIONS,
        "seed": SEED,
        "machine": machine(),
    }


def make_policy(rng: np.random.Generator, titles: int, model: str) -> tuple[HomePolicy, int]:
    """A home policy over the model, of members who like titles of two genres of theirs; and the time of asking."""
    genres = [rng.choice(GENRES, 3, replace=False) for _ in range(titles)]
    names = [[f"genre {g}" for g in three] for three in genres]
    ids = [f"t{i}" for i in range(titles)]
    catalog = Catalog.from_frame(pl.DataFrame({"item_id": ids, "title": ids, "genres": names}))
    events = synthetic_events(rng, catalog)
    now = int(events["timestamp"].cast(pl.Int64).max()) + 1  # type: ignore[arg-type]
    data = training_data(events, catalog, now)
    trained = train(data, MODELS[model](), rng)
    drawn = charts(data.events, catalog, now)
    config = HomeConfig(exploration=EXPLORATION)
    return HomePolicy("home", "bench", catalog, trained.scorer, trained.calibration, drawn, config), now


def synthetic_events(rng: np.random.Generator, catalog: Catalog) -> pl.DataFrame:
    """Plays in the last 60 days: each member draws titles of two genres, popular ones more often."""
    popularity = 1.0 / (10 + rng.permutation(len(catalog)))
    users, items = [], []
    for member in range(MEMBERS):
        own = np.unique(np.concatenate([catalog.genre_titles[int(g)] for g in rng.choice(GENRES, 2, replace=False)]))
        weight = popularity[own] / popularity[own].sum()
        items.append(rng.choice(own, LIKES, replace=False, p=weight))
        users.append(np.full(LIKES, member))
    flat = np.concatenate(items)
    frame = pl.DataFrame(
        {
            "event_id": [f"e{k}" for k in range(len(flat))],
            "user_id": [f"m{u}" for u in np.concatenate(users)],
            "item_id": [f"t{i}" for i in flat],
            "kind": ["play"] * len(flat),
            "timestamp": 1_700_000_000 + rng.integers(0, 60 * 86_400, len(flat)),
            "value": np.ones(len(flat)),
        }
    )
    return clean(frame)[0]


def requests(rng: np.random.Generator, batch: int, now: int, layout: Layout, known: NDArray[np.int32]) -> Requests:
    """Members with random histories of `HISTORY` of the titles whose neighbours are `known`."""
    titles = [rng.choice(known, HISTORY, replace=False).tolist() for _ in range(batch)]
    return Requests.of_histories(Histories.of_items(titles), now, layout=layout)


def time_singles(
    policy: HomePolicy, singles: list[Requests], rng: np.random.Generator
) -> tuple[Doubles, dict[str, Doubles], int]:
    """Milliseconds of each decision after 100 to warm up, milliseconds by stage, and slots on the last page."""
    times: list[float] = []
    laps: dict[str, list[float]] = {}
    for request in singles[:100]:
        policy.decide(request, rng)
    for request in singles[100:]:
        start = time.perf_counter()
        decisions = policy.decide(request, rng)
        times.append(1e3 * (time.perf_counter() - start))
        for name, spent in decisions.timings.items():
            laps.setdefault(name, []).append(spent)
    return np.array(times), {name: np.array(spent) for name, spent in laps.items()}, len(decisions.titles)


def turned_ms(policy: HomePolicy, singles: list[Requests]) -> dict[str, float]:
    """Median milliseconds of one core for a page with dials off and on; every request takes its turn at each."""
    spent: dict[str, list[float]] = {"plain": []} | {name: [] for name in HALF}
    for request in [*singles[:2], *singles]:
        for name, each in spent.items():
            asked = replace(request, dials=HALF.get(name, Dials()))
            start = time.thread_time()
            policy.decide(asked, np.random.default_rng(SEED))
            each.append(1e3 * (time.thread_time() - start))
    median = {name: float(np.median(each[2:])) for name, each in spent.items()}
    return {f"{name}_cpu_ms": one for name, one in median.items()} | {
        f"{name}_times": median[name] / median["plain"] for name in HALF
    }


def floor_ms(policy: HomePolicy, singles: list[Requests]) -> float:
    """Median milliseconds to read the map's rows of one history and add them up: numpy's `B[history].sum(0)`."""
    solved = policy.scorer._state()[0]  # type: ignore[attr-defined]
    spent = []
    for request in singles[:200]:
        places = solved.place[request.histories.items]
        liked = places[places >= 0]
        start = time.perf_counter()
        solved.weights[liked].sum(axis=0)
        spent.append(1e3 * (time.perf_counter() - start))
    return float(np.median(spent))


def batches_per_second(
    policy: HomePolicy, rng: np.random.Generator, now: int, layout: Layout, known: NDArray[np.int32]
) -> float:
    """Median page decisions per second over batches of 1,000, all cores."""
    rates = []
    for _ in range(BATCHES + 1):
        batch = requests(rng, BATCH, now, layout, known)
        start = time.perf_counter()
        policy.decide(batch, rng)
        rates.append(BATCH / (time.perf_counter() - start))
    return float(np.median(rates[1:]))


if __name__ == "__main__":
    for key, value in run(print).items():
        print(f"{key}: {value}")
