"""Poison: what N fake members can move on MovieLens 100K, by thumbs within seconds and by patience.

`python benchmarks/bench_poison.py` prints one row an attack: the place of an obscure title in Popular and in Trending
(– = not on the chart), the pages of 150 members (75 of them new) on which it stands, and popularity's NDCG@20. Attacks:
`at once` are new members with one thumb each, within three seconds; `patient` are known for a week, have played five
popular titles to the end, and all play the title on one day; `account` is one new member with 10,000 plays. Keys of the
result: `ATTACK_N_popular`, `..._trending`, `..._pages`, `..._ndcg`.

Then what fake looks that enjoyed it move of what a billboard believes of the title, beside the bound that is proved,
and what they would move did all looks count alike. Keys: `ATTACK_weight`, `..._moved`, `..._bound`, `..._unguarded` of
`account` (10,000 looks of one new member in a minute) and `crowd` (5,000 new members, a look each in the same minute).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from machine import machine

from matinee.data.counted import Counted, Standings
from matinee.data.dataset import Dataset
from matinee.data.histories import training_data
from matinee.data.sources import movielens
from matinee.decision import Choices, Decisions, Requests
from matinee.events import DAY, SCHEMA, liked
from matinee.history import Histories, TrainingData
from matinee.likes import standing
from matinee.maths.arrays import Doubles
from matinee.models.popularity import Popularity
from matinee.policies.arms import ArmsConfig, LinearArms
from matinee.policies.features import AverageTaste, Features
from matinee.policies.posterior import most_moved
from matinee.policies.uniform import Uniform
from matinee.profile import Profile
from matinee.recipes.demo import as_if_it_ended_now
from matinee.recipes.evaluation import home_pages
from matinee.recipes.learner import PRIOR, SIZE
from matinee.recipes.registry import MODELS
from matinee.surfaces.charts import Chart
from matinee.train import calibrate, hold_out

SIZES = (50, 500, 5_000)
PAGES = 150
PLAYS, CROWD = 10_000, 5_000
LOOKS = 40  # of each real member, at titles by chance
SEED = 0
VAR = Path(__file__).resolve().parents[1] / "var"
Progress = Callable[[str, float], None]


def run(progress: Progress = lambda what, done: None, sizes: tuple[int, ...] = SIZES) -> dict[str, Any]:
    """Every attack on MovieLens 100K, moved to end today."""
    now = datetime.now(UTC)
    dataset, _ = as_if_it_ended_now(movielens.read(movielens.fetch_100k(VAR / "data", lambda said: None)), now)
    moment = int(now.timestamp() * 1e6)
    title = obscure(dataset)
    attacks = [
        ("none", 0, at_once),
        ("account", PLAYS, account),
        *((kind.__name__, n, kind) for kind in (at_once, patient) for n in sizes),
    ]
    result: dict[str, Any] = {}
    for done, (name, n, attack) in enumerate(attacks):
        progress(f"{name}, {n:,} fake members", done / len(attacks))
        found = measured(dataset, attack(dataset, title, n, moment), dataset.catalog.index[title], moment + 1)
        result |= {f"{name}_{n}_{key}": value for key, value in found.items()}
    return {**result, **beliefs_moved(dataset, title, moment), "machine": machine(), "seed": SEED}


def obscure(dataset: Dataset) -> str:
    """A title that one member liked, the first of these by its id."""
    counts = dataset.events.filter(liked()).group_by("item_id").agg(pl.col("user_id").n_unique().alias("likes"))
    return str(counts.filter(pl.col("likes") == 1)["item_id"].min())


def at_once(dataset: Dataset, title: str, n: int, moment: int) -> pl.DataFrame:
    """Thumbs of `n` new members within three seconds before `moment` (microseconds)."""
    times = moment - 3_000_000 + np.arange(n) * 3_000_000 // max(n, 1)
    return _events([(f"fake{k}", title, "thumbs_up", None, int(times[k])) for k in range(n)])


def account(dataset: Dataset, title: str, n: int, moment: int) -> pl.DataFrame:
    """`n` plays of the title by one new member within a minute."""
    return _events([("fake", title, "play", 1.0, moment - 60_000_000 + k * 60_000_000 // n) for k in range(n)])


def beliefs_moved(dataset: Dataset, title: str, moment: int) -> dict[str, float]:
    """How far looks of fakes move what a billboard believes of the title, for any real member."""
    item, data = dataset.catalog.index[title], training_data(dataset.events, dataset.catalog, moment)
    real = Requests.of_histories(data.histories, moment - DAY, [Profile(user) for user in data.user_ids])
    vectors = MODELS["factors"].make().fit(data, np.random.default_rng(SEED)).title_vectors  # type: ignore[attr-defined]
    features = Features.of(AverageTaste(vectors), len(dataset.catalog), SIZE)
    arms = LinearArms("billboard", "bench", dataset.catalog, features, ArmsConfig(prior=PRIOR))
    for turn in range(LOOKS):
        shown = Uniform(dataset.catalog).decide(real, np.random.default_rng(turn))
        liked_it = data.matrix[np.arange(len(real)), shown.titles] > 0
        arms.learn(shown, np.asarray(liked_it, np.float64).ravel())
    mean, deviation = (one[:, item] for one in arms.belief(real))
    found: dict[str, float] = {}
    for name, users in (("account", ["fake"] * PLAYS), ("crowd", [f"fake{k}" for k in range(CROWD)])):
        looks = _looks(dataset, users, item, moment)
        everything = np.ones(len(users))
        known = standing(np.full(len(users), 60e6), np.full(len(users), 6.0))
        weights = Counted().weights(looks, everything > 0, Standings(known, everything > 0))
        guarded, open_to_all = (_after(arms, looks, counts) for counts in (weights, everything))
        fakes = arms.belief(looks.requests.take(np.arange(1)))[1][0, item]
        bound = most_moved(float(weights.sum()), np.append(deviation, fakes), PRIOR.noise).max()
        moved, unguarded = (np.abs(one.belief(real)[0][:, item] - mean).max() for one in (guarded, open_to_all))
        told = {"weight": weights.sum(), "moved": moved, "bound": bound, "unguarded": unguarded}
        found |= {f"{name}_{key}": float(value) for key, value in told.items()}
    return found


def _looks(dataset: Dataset, users: list[str], item: int, moment: int) -> Decisions:
    """A look of each of these at the title, within a minute."""
    n, popular = len(users), dataset.events.filter(liked())["item_id"].value_counts(sort=True)["item_id"].head(6)
    histories = Histories.of_items([[dataset.catalog.index[one] for one in popular]] * n)
    times = moment - 60_000_000 + np.arange(n) * 60_000_000 // n
    requests = Requests.of_histories(histories, times, [Profile(user) for user in users])
    choices = Choices.of_titles(np.full(n, item, np.int32), np.zeros(n), np.ones(n, np.int32))
    ids = tuple(str(k) for k in range(n))
    return Decisions(requests, ids, (), choices, np.ones(n, np.int32), np.zeros(n, np.uint64))


def _after(arms: LinearArms, looks: Decisions, counts: Doubles) -> LinearArms:
    """The arms with these looks, each fully enjoyed."""
    learned = arms.at(arms.posterior)
    learned.learn(looks, np.ones(len(looks)), counts)
    return learned


def patient(dataset: Dataset, title: str, n: int, moment: int) -> pl.DataFrame:
    """Plays of five popular titles by `n` members a week ago, and of the title by all of them within the last day."""
    popular = dataset.events.filter(liked())["item_id"].value_counts(sort=True)["item_id"].head(100).to_list()
    known = [
        (f"fake{k}", popular[(k + at) % 100], "play", 1.0, moment - (7 - at) * DAY) for k in range(n) for at in range(5)
    ]
    return _events([*known, *((f"fake{k}", title, "play", 1.0, moment - DAY // 2) for k in range(n))])


def _events(rows: list[tuple[str, str, str, float | None, int]]) -> pl.DataFrame:
    names = ("user_id", "item_id", "kind", "value", "timestamp")
    frame = pl.DataFrame(
        rows, schema=[(name, pl.Int64 if name == "timestamp" else SCHEMA[name]) for name in names], orient="row"
    )
    whole = frame.with_columns(pl.col("timestamp").cast(SCHEMA["timestamp"]), event_id=_ids(len(rows)))
    missing = [pl.lit(None, kind).alias(name) for name, kind in SCHEMA.items() if name not in whole.columns]
    return whole.with_columns(missing).select(SCHEMA.keys())


def _ids(n: int) -> pl.Series:
    return pl.Series([f"poison-{k}" for k in range(n)], dtype=pl.String)


def measured(dataset: Dataset, fakes: pl.DataFrame, item: int, as_of: int) -> dict[str, Any]:
    """Where the title `item` stands after training on all events, and how well that tells what real members like."""

    def poisoned(events: pl.DataFrame) -> TrainingData:
        return training_data(pl.concat([events.select(SCHEMA.keys()), fakes]), dataset.catalog, as_of)

    data = poisoned(dataset.events)
    policy: Any = home_pages()["home, ease-recent"](data, np.random.default_rng(SEED))
    real = [row for row, user in enumerate(data.user_ids) if not user.startswith("fake")]
    rows = np.random.default_rng(SEED).choice(real, PAGES // 2, replace=False)
    asked = (data.histories.take(rows), Histories.empty(PAGES - len(rows)))
    pages = [policy.decide(Requests.of_histories(one, data.as_of), np.random.default_rng(SEED)).page() for one in asked]
    held = hold_out(training_data(dataset.events, dataset.catalog, as_of), np.random.default_rng(SEED))
    popularity = Popularity().fit(poisoned(held.data.events), np.random.default_rng(SEED))
    _, metrics, _ = calibrate(popularity, held, np.random.default_rng(SEED))
    return {
        "popular": _place(policy.charts.popular[None], item),
        "trending": _place(policy.charts.trending, item),
        "pages": int(sum((page.items == item).any(axis=(1, 2)).sum() for page in pages)),
        "ndcg": float(metrics["ndcg@20"]),
    }


def _place(chart: Chart, item: int) -> int | None:
    found = np.flatnonzero(chart.items == item)
    return int(found[0]) + 1 if len(found) else None


def table(result: dict[str, Any]) -> Iterator[str]:
    """The result as rows of text."""
    yield "attack          members  popular  trending  pages of 150  NDCG@20"
    for key in (key.removesuffix("_popular") for key in result if key.endswith("_popular")):
        name, _, n = key.rpartition("_")
        popular, trending = (result[f"{key}_{chart}"] or "–" for chart in ("popular", "trending"))
        pages, ndcg = result[f"{key}_pages"], result[f"{key}_ndcg"]
        yield f"{name.replace('_', ' '):<14}{n:>9}{popular:>9}{trending:>10}{pages:>14}{ndcg:>9.4f}"
    yield "looks            weight    moved    bound  unguarded"
    for name in ("account", "crowd"):
        yield f"{name:<14}" + "".join(
            f"{result[f'{name}_{key}']:9.4f}" for key in ("weight", "moved", "bound", "unguarded")
        )


if __name__ == "__main__":
    print("\n".join(table(run(lambda what, done: print(f"{done:4.0%} {what}", flush=True)))))
