"""Search: what is found of what was meant, with peers in the same run, what the member's taste adds, how fast, and a
page with plots of it all: `var/search.html`.

    matinee bench search                                MovieLens 100K, fetched
    python benchmarks/bench_search.py [FOLDER ...]      folders of MovieLens or RankLens

Quality: 600 names of three to five words, whole or begun (60 to 100 % of the letters, where one name alone begins so),
without a slip, with one and with two. A hit is a title of that name. Taste: each member's last play is looked for by
the first one to six letters of its name; NDCG@10 of the row of titles. Times: names repeated with a number.
"""

from __future__ import annotations

import sqlite3
import sys
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import search_report
from machine import machine
from mistyping import begun, mistyped
from rapidfuzz import fuzz, process
from search_report import Asked, Hits, LookedUp, Taste, Times

from matinee.data.dataset import Dataset
from matinee.data.histories import training_data
from matinee.data.sources import movielens, ranklens
from matinee.data.splits.published import next_item
from matinee.decision import Progress, Requests, no_progress
from matinee.evaluate.results import Estimate
from matinee.lookup.matcher import Matcher
from matinee.lookup.names import joined, spoken_names
from matinee.lookup.words import LAST, WordIndex
from matinee.maths.mean_intervals import bootstrap
from matinee.page import Layout
from matinee.recipes.registry import MODELS
from matinee.surfaces.charts import charts
from matinee.surfaces.search.intents import SURE, SearchConfig
from matinee.surfaces.search.policy import SearchPolicy
from matinee.train import train

Find = Callable[[str], Sequence[int]]
QUERIES, SEED, TIMES = 600, 0, 3  # a look-up is timed so often, and the least counts: the machine has other work
SIZES = (10_000, 50_000, 100_000)
AWAY = 0.3  # of the names


def run(progress: Progress = no_progress, folders: Sequence[Path] = (), sizes: Sequence[int] = SIZES) -> dict[str, Any]:
    """Shares of hits by finder, NDCG with and without taste, and milliseconds."""
    data = [_read(folder) for folder in folders] or [movielens.read(movielens.fetch_100k(Path("var/data"), print))]
    names = list(dict.fromkeys(name for one in data for name in one.catalog.names))
    title = f"{len(names):,} names of {', '.join(one.name for one in data)}"
    progress("typing names, with slips and without", 0.1)
    hits, sure = quality(names), certainty(names)
    progress("asking for each member", 0.4)
    tastes = [taste(one) for one in data]
    progress("timing look-ups", 0.7)
    times = {one: each for size in sizes for one, each in look_ups(names, size).items()}
    search_report.write(title, hits, tastes, times, str(machine()))
    told: dict[str, Any] = {"machine": machine(), "names": title, "report": str(search_report.REPORT)}
    told |= {str(asked): str(found) for asked, found in hits.items()} | sure
    for one in tastes:
        told |= _said(one)
    return told | {str(asked): str(found) for asked, found in times.items()}


def _said(one: Taste) -> dict[str, str]:
    """What taste adds, as lines."""
    said = {f"{one.data}, NDCG@10 of {name}": f"{mean:.3f}" for name, mean in one.means.items()}
    added = {
        f"{one.data}, taste over {name}": f"{found.value:+.3f} ({found.low:+.3f}..{found.high:+.3f})"
        for name, found in one.over.items()
    }
    return said | added | {f"{one.data}, a page": str(one.page)}


def quality(names: Sequence[str]) -> dict[Asked, Hits]:
    """hit@1 and hit@10 of each finder."""
    found = {}
    for whole in (True, False):
        for slips in (0, 1, 2):
            asked = _asked(names, whole, slips)
            for finder, find in _finders(names).items():
                found[Asked(whole, slips, finder)] = _hits(names, asked, find)
    return found


def certainty(names: Sequence[str]) -> dict[str, str]:
    """Three names of ten are taken away: how often the others count as named, and how often another does for those."""
    gone = np.random.default_rng(SEED).random(len(names)) < AWAY
    here = [name for name, away in zip(names, gone, strict=True) if not away]
    known = {joined(one) for name in here for one in spoken_names(name)}
    matcher, everything, said = Matcher(here), np.ones(len(here), bool), {}
    for slips in (0, 1, 2):
        asked = _asked(names, True, slips)
        closest = np.array([matcher.match(query, everything).closeness.max(initial=0.0) for query, _ in asked])
        there = np.array([joined(name) in known for _, name in asked])
        said[f"whole, {slips} slips, counts as named (closeness {SURE})"] = (
            f"{np.mean(closest[there] >= SURE):.3f} of those here, {np.mean(closest[~there] >= SURE):.3f} of those away"
        )
    return said


def look_ups(names: Sequence[str], size: int) -> dict[LookedUp, Times]:
    """Milliseconds of each finder among `size` names, and of completing the first 1 to 12 letters."""
    many = [f"{names[at % len(names)]} {at}" for at in range(size)]
    asked = [query for slips in (0, 1, 2) for query, _ in _asked(many, False, slips)[: QUERIES // 4]]
    typing = [query[:k] for query, _ in _asked(many, True, 0)[:60] for k in range(1, 13)]
    finders = _finders(many)
    few = finders.items() if size <= 50_000 else ()
    times = {LookedUp(size, f", {finder}"): _times(find, asked) for finder, find in few}
    completing = WordIndex(many)
    everything = np.ones(size, bool)
    return times | {
        LookedUp(size, " while typing, matinee"): _times(finders["matinee"], typing),
        LookedUp(size, " while typing, words begun"): _times(
            lambda query: completing.find(query, 10, everything), typing
        ),
    }


def taste(data: Dataset) -> Taste:
    """NDCG@10 of the title played next, by the first letters of its name: text alone, and with two tastes."""
    split = next_item(data)
    learned = training_data(split.train_events, data.catalog, int(split.as_of.max()))
    rng = np.random.default_rng(SEED)
    wanted = np.array([split.targets[b][0] for b in range(len(split))])
    queries = tuple(data.catalog.names[item][: int(rng.integers(1, 7))].strip() or "a" for item in wanted)
    layout = Layout(rows=6, columns=10, billboard=False)
    requests = Requests.of_histories(split.histories, split.as_of, layout=layout, queries=queries, surface="search")
    gains = {}
    for name, contender, weight in (
        ("text", "popularity", 0.0),
        ("popularity", "popularity", 1.0),
        ("taste", "ease", 1.0),
    ):
        fitted = train(learned, MODELS[contender].make(), np.random.default_rng(SEED))
        drawn = charts(learned.events, learned.catalog, learned.as_of)
        made = (name, "unsaved", data.catalog, fitted.scorer, fitted.calibration, drawn, SearchConfig(taste=weight))
        gains[name] = _gains(SearchPolicy(*made), requests, wanted)
    means = {name: float(values.mean()) for name, values in gains.items()}
    over = {}
    for name in ("text", "popularity"):
        found = bootstrap(gains["taste"] - gains[name], np.random.default_rng(SEED))
        over[name] = Estimate(found.value, found.low, found.high)
    return Taste(data.name, means, over, _page_times(SearchPolicy(*made), requests))


def _gains(policy: SearchPolicy, requests: Requests, wanted: np.ndarray) -> np.ndarray:
    """1 / log2(1 + place) of the wanted title in the row of titles by name, 0 where it is not in it: (batch,)."""
    gains = np.zeros(len(requests))
    for start in range(0, len(requests), 256):
        at = np.arange(start, min(start + 256, len(requests)))
        page = policy.decide(requests.take(at), np.random.default_rng(SEED)).page()
        b, r, c = np.nonzero(page.items == wanted[at][:, None, None])
        named = np.array([name.kind.name == "FOUND" for name in page.names] or [False])[page.rows[b, r]]
        gains[at[b[named]]] = 1.0 / np.log2(c[named] + 2.0)
    return gains


def _page_times(policy: SearchPolicy, requests: Requests) -> Times:
    policy.warm()
    few = [requests.take(np.array([b])) for b in range(min(len(requests), 200))]

    def page(at: str) -> Sequence[int]:
        policy.decide(few[int(at)], np.random.default_rng(0))
        return ()

    return _times(page, [str(at) for at in range(len(few))])


def _read(folder: Path) -> Dataset:
    try:
        return movielens.read(folder)
    except Exception:
        return ranklens.read(folder)


def _asked(names: Sequence[str], whole: bool, slips: int) -> list[tuple[str, str]]:
    """(query, the name that it stands for)"""
    rng = np.random.default_rng([SEED, whole, slips])
    bare = sorted({spoken_names(name)[0].lower() for name in names})
    known = sorted({joined(one) for name in names for one in spoken_names(name)})
    alone = lambda text: bisect_left(known, text + LAST) - bisect_left(known, text) == 1  # noqa: E731
    asked = []
    for at in rng.permutation(len(bare)):
        name = bare[at]
        query = name if whole else begun(name, rng)
        if 3 <= len(name.split()) <= 5 and (whole or alone(joined(query))):
            asked.append((mistyped(query, slips, rng), name))
    return list(islice(asked, QUERIES))


def _hits(names: Sequence[str], asked: Sequence[tuple[str, str]], find: Find) -> Hits:
    called = [{joined(one) for one in spoken_names(name)} for name in names]
    right = [[joined(name) in called[item] for item in find(query)[:10]] for query, name in asked]
    first = np.mean([any(one[:1]) for one in right])
    return Hits(float(first), float(np.mean([any(one) for one in right])))


def _finders(names: Sequence[str]) -> dict[str, Find]:
    matcher, everything = Matcher(names), np.ones(len(names), bool)

    def matinee(query: str) -> Sequence[int]:
        found = matcher.match(query, everything)
        return found.items[np.argsort(-found.closeness, kind="stable")[:10]].tolist()

    lower = [spoken_names(name)[0].lower() for name in names]

    def rapidfuzz(query: str) -> Sequence[int]:
        cut = [name[: len(query)] for name in lower]
        return [at for _, _, at in process.extract(query, cut, scorer=fuzz.ratio, limit=10)]

    return {"matinee": matinee, "rapidfuzz on the prefix": rapidfuzz, "SQLite FTS5 trigram": _fts5(lower)}


def _fts5(names: Sequence[str]) -> Find:
    """SQLite's own full-text search by character triples, ranked by BM25."""
    database = sqlite3.connect(":memory:")
    database.execute("create virtual table titles using fts5(name, tokenize='trigram')")
    database.executemany("insert into titles(rowid, name) values (?, ?)", enumerate(names))

    def find(query: str) -> Sequence[int]:
        triples = {query[at : at + 3].replace('"', '""') for at in range(len(query) - 2)}
        wanted = " OR ".join(f'"{one}"' for one in sorted(triples)) or '""'
        sql = "select rowid from titles where titles match ? order by rank limit 10"
        return [row for (row,) in database.execute(sql, (wanted,))]

    return find


def _times(find: Find, queries: Sequence[str]) -> Times:
    find(queries[0])
    took = []
    for query in queries:
        laps = []
        for _ in range(TIMES):
            start = perf_counter()
            find(query)
            laps.append(1e3 * (perf_counter() - start))
        took.append(min(laps))
    return Times(*np.quantile(took, [0.5, 0.95, 0.99]).tolist())


if __name__ == "__main__":
    for key, value in run(folders=[Path(one) for one in sys.argv[1:]]).items():
        print(key, value, flush=True)
