"""Cold start measured: titles that training never saw, and members of whom a few plays are known.

    python benchmarks/bench_cold.py [FOLDER ...] [--members a,b] [--titles a,b]

Without a folder on MovieLens 100K, which is fetched; with folders on each (MovieLens releases, or sequences without
times, for which only members are asked about). `--members` are the models asked about new members (all that read
histories), `--titles` those asked about new titles (content, content-factors). `run()` returns `machine` and `results`,
one entry a data set:

new_titles    NDCG@10 with its 95 % interval of each model that knows content, with and without the catalogue's tags,
              and of the baselines, over `origins` successive cuts, each with the newest tenth of the titles unseen.
              `random`; `newest release`; `genre popularity`, the mean number of likes that titles of the same genres
              have in training; `later popularity`, an oracle that counts the likes after the cut. `p`: paired sign-flip
              test over members against the best baseline that sees no future
new_members   NDCG@10 with its 95 % interval of each model after 0, 1, 2, 5 and 10 likes: a fifth of the members is left
              out of training, their last like is the answer, of their history the last k likes are shown
beginnings    the same members as they come: their first k likes are shown, the next one is the answer, at its moment

Intervals: bootstrap over members, 1,000 draws, seed 0. Every title of the catalogue (new titles: every new title) is a
candidate. Settings are the defaults; content's penalties were chosen on MovieLens latest-small, see docs/cold_start.md.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from machine import machine
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from matinee.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.histories import training_data
from matinee.data.sources import movielens, sequences
from matinee.data.splits.new_titles import unseen_titles
from matinee.data.splits.split import Split, leave_last_out
from matinee.decision import Requests, Scorer
from matinee.history import Histories, Tastes, TrainingData
from matinee.maths.intervals import bootstrap_weights, percentile_interval, resampled_means
from matinee.maths.ragged import Ragged, narrowed
from matinee.maths.ranking_metrics import hits, ndcg, top_n
from matinee.maths.significance import sign_flip_test
from matinee.recipes.registry import MODELS

N = 10
LIKES = (0, 1, 2, 5, 10)
HELD_OUT = 0.2
DRAWS = 1_000
SHARE = 0.1
CACHE = Path("var/data")
AT_ONCE = 256  # requests ranked together

Make = Callable[[], Scorer]
Doubles = NDArray[np.float64]
Progress = Callable[[str, float], None]

MEMBERS = tuple(name for name in MODELS if name != "list-ranker")  # which learns from lists shown alone
TITLES = ("content", "content-factors")


@dataclass(frozen=True)
class Values:
    """NDCG@10 of requests, and which member asked each."""

    ndcg: Doubles
    members: list[str]

    def by_member(self) -> Doubles:
        """The mean of each member's requests, members in the order of their ids."""
        number = np.unique(self.members, return_inverse=True)[1]
        return np.bincount(number, self.ndcg) / np.bincount(number)


def run(
    progress: Progress | None = None,
    folders: Sequence[Path] = (),
    members: Sequence[str] = MEMBERS,
    titles: Sequence[str] = TITLES,
    origins: int = 5,
) -> dict[str, Any]:
    """Measure; see the top of this file for the keys and for the models `members` and `titles`."""
    progress = progress or (lambda what, done: None)
    paths = folders or [movielens.fetch_100k(CACHE, lambda line: progress(line, 0.0))]
    results = []
    for at, path in enumerate(paths):

        def here(what: str, done: float, at: int = at) -> None:
            progress(what, (at + done) / len(paths))

        dataset = sequences.read(path) if sequences.holds(path) else movielens.read(path)
        results.append(
            {
                "data": dataset.name,
                "new_titles": new_titles(dataset, titles, origins, here) if dataset.timed else [],
                **new_members(dataset, members, here),
            }
        )
    return {"machine": machine(), "results": results}


def new_titles(dataset: Dataset, models: Sequence[str], origins: int, progress: Progress) -> list[dict[str, Any]]:
    """One entry a model: name, ndcg, low, high, p (against the best honest baseline)."""
    found: dict[str, list[Values]] = {}
    for at, split in enumerate(origins_of(dataset, origins)):
        data = training_data(split.train_events, split.catalog, int(split.as_of.min()))
        for name, scores in baselines(split, data):
            found.setdefault(name, []).append(_new_title_values(split, scores))
        for name, make, known in _with_and_without_tags(models, data):
            progress(f"{dataset.name}, new titles, cut {at + 1} of {origins}: {name}", 0.5 * at / origins)
            scorer = make().fit(known, np.random.default_rng(at))
            scores = scorer.score(Requests.of_histories(split.histories, split.as_of))
            found.setdefault(name, []).append(_new_title_values(split, scores))
    values = {name: _joined(parts).by_member() for name, parts in found.items()}
    honest = [name for name in values if name in ("random", "newest release", "genre popularity")]
    best = max(honest, key=lambda name: values[name].mean())
    return [{"model": name, **_estimate(one), "p": _p(one - values[best])} for name, one in values.items()]


def origins_of(dataset: Dataset, origins: int) -> Iterator[Split]:
    """Successive cuts, the latest first: each makes a tenth of all titles new, and ends where the one before began."""
    events = dataset.events
    for at in range(origins):
        split = unseen_titles(events, dataset.catalog, SHARE / (1.0 - SHARE * at))
        yield split
        events = split.train_events


def baselines(split: Split, data: TrainingData) -> Iterator[tuple[str, Doubles]]:
    """Scores (requests or 1, titles) that need no content model."""
    catalog, rng = split.catalog, np.random.default_rng(0)
    likes = np.asarray(data.matrix.sum(axis=0), np.float64).ravel()
    yield "random", rng.random((len(split), len(catalog)))
    yield "newest release", catalog.titles["released"].cast(pl.Int64).fill_null(0).to_numpy()[None].astype(np.float64)
    yield "genre popularity", genre_popularity(catalog, likes)[None]
    yield "later popularity", np.bincount(split.targets.values, minlength=len(catalog))[None].astype(np.float64)


def genre_popularity(catalog: Catalog, likes: Doubles) -> Doubles:
    """(titles,) the mean over a title's genres of the mean likes of the liked titles of that genre."""
    of_genre = [titles[likes[titles] > 0] for titles in (catalog.genre_titles[g] for g in range(len(catalog.genres)))]
    means = np.array([likes[titles].mean() if len(titles) else 0.0 for titles in of_genre])
    return np.array([means[genres].mean() if len(genres) else 0.0 for genres in catalog.title_genres])


def _with_and_without_tags(models: Sequence[str], data: TrainingData) -> Iterator[tuple[str, Make, TrainingData]]:
    """The models and the data they see; tags are written by members, also after the cut."""
    for name in models:
        make = MODELS[name].make
        if data.catalog.tags:
            yield f"{name}, with tags", make, data
        yield name, make, replace(data, catalog=Catalog.from_frame(data.catalog.titles.drop("tags")))


def _new_title_values(split: Split, scores: NDArray[Any]) -> Values:
    assert split.candidates is not None
    allowed = np.zeros((len(split), len(split.catalog)), np.bool_)
    allowed[:, split.candidates[0]] = True
    spread = np.ascontiguousarray(np.broadcast_to(scores, allowed.shape), np.float32)
    ranked = top_n(spread, N, np.random.default_rng(0).permutation(len(split.catalog)), allowed)
    wanted = np.diff(split.targets.offsets)
    return Values(ndcg(hits(ranked, split.targets.offsets, split.targets.values), wanted), split.user_ids)


def new_members(dataset: Dataset, models: Sequence[str], progress: Progress) -> dict[str, list[dict[str, Any]]]:
    """Both questions about new members; a row has model, likes, members, ndcg, low and high."""
    split, data, histories = held_out_members(dataset)
    asked = []
    for likes in LIKES:
        begun, first = beginning(split, histories, likes)
        asked.append(("new_members", likes, split, histories, last_likes(histories, likes)))
        asked.append(("beginnings", likes, begun, first, first))
    results: dict[str, list[dict[str, Any]]] = {"new_members": [], "beginnings": []}
    for at, name in enumerate(models):
        progress(f"{dataset.name}, new members: {name}", 0.5 + 0.5 * at / len(models))
        scorer = MODELS[name].make().fit(data, np.random.default_rng(0))
        for question, likes, answers, whole, shown in asked:
            values = _new_member_values(scorer, answers, whole, shown)
            results[question].append({"model": name, "likes": likes, "members": len(split), **_estimate(values)})
    return results


def held_out_members(dataset: Dataset) -> tuple[Split, TrainingData, Histories]:
    """Last likes of a fifth of the members, training data of the others, and the histories before those likes.

    Only members with at least as many likes as the longest history shown are asked.
    """
    split = leave_last_out(dataset.events, dataset.catalog)
    rng = np.random.default_rng(0)
    chosen = rng.random(len(split)) < HELD_OUT
    asked = np.flatnonzero(chosen & (split.histories.tastes.lengths >= max(LIKES)))
    left_out = pl.Series([split.user_ids[b] for b in np.flatnonzero(chosen)], dtype=pl.String)
    train = split.train_events.filter(~pl.col("user_id").is_in(left_out.implode()))
    data = training_data(train, dataset.catalog, int(split.as_of.max()))
    answers = replace(
        split,
        user_ids=[split.user_ids[b] for b in asked],
        as_of=split.as_of[asked],
        targets=split.targets.take(asked),
    )
    return answers, data, split.histories.take(asked)


def last_likes(histories: Histories, k: int) -> Histories:
    """Histories of each member's last `k` liked titles alone, watched to the end."""
    tastes = histories.tastes
    later = np.repeat(tastes.offsets[1:], tastes.lengths) - np.arange(len(tastes.items)) - 1
    return _only(tastes, later < k)


def beginning(split: Split, histories: Histories, k: int) -> tuple[Split, Histories]:
    """The members as they were when they had liked `k` titles and turned to the next one, and those titles."""
    tastes = histories.tastes
    firsts, lengths = tastes.offsets[:-1], tastes.lengths
    place = np.arange(len(tastes.items)) - np.repeat(firsts, lengths)
    there = np.minimum(firsts + k, len(tastes.items) - 1)
    onwards = lengths > k
    answers = np.where(onwards, tastes.items[there], split.targets.values[split.targets.offsets[:-1]])
    as_of = np.where(onwards, tastes.times[there], split.as_of)
    targets = Ragged(np.arange(len(split) + 1), answers.astype(np.int32))
    return replace(split, as_of=as_of, targets=targets), _only(tastes, place < k)


def _only(tastes: Tastes, kept: NDArray[np.bool_]) -> Histories:
    offsets = narrowed(tastes.offsets, kept)
    ones = np.ones(int(kept.sum()), np.float32)
    return Histories(offsets, tastes.items[kept], tastes.kinds[kept], ones, tastes.times[kept])


def _new_member_values(scorer: Scorer, split: Split, histories: Histories, shown: Histories) -> Doubles:
    """NDCG@10 of each held-out member; titles seen in the whole history are no candidates, however much is shown."""
    priority = np.random.default_rng(0).permutation(len(split.catalog))
    values = []
    for start in range(0, len(split), AT_ONCE):
        rows = np.arange(start, min(start + AT_ONCE, len(split)))
        whole = histories.take(rows)
        allowed = np.ones((len(rows), len(split.catalog)), np.bool_)
        spoken = whole.speaking
        allowed[np.repeat(np.arange(len(rows)), np.diff(whole.offsets))[spoken], whole.items[spoken]] = False
        scores = scorer.score(Requests.of_histories(shown.take(rows), split.as_of[rows]))
        ranked = top_n(scores, N, priority, allowed)
        answers = split.targets.take(rows)
        values.append(ndcg(hits(ranked, answers.offsets, answers.values), np.diff(answers.offsets)))
    return np.concatenate(values)


def _joined(parts: Sequence[Values]) -> Values:
    return Values(np.concatenate([one.ndcg for one in parts]), [user for one in parts for user in one.members])


def _estimate(values: Doubles) -> dict[str, float]:
    """Mean and 95 % interval."""
    weights = bootstrap_weights(len(values), DRAWS, np.random.default_rng(0))
    (low,), (high,) = percentile_interval(resampled_means(values[:, None], weights))
    return {"ndcg": float(values.mean()), "low": float(low), "high": float(high)}


def _p(differences: Doubles) -> float:
    return float(sign_flip_test(differences[:, None], np.random.default_rng(0))[0])


def show(result: dict[str, Any], console: Console) -> None:
    """Print what `run` found."""
    for one in result["results"]:
        if one["new_titles"]:
            table = Table("model", "NDCG@10", "95 %", "p", title=f"New titles, {one['data']}")
            for row in one["new_titles"]:
                interval = f"{row['low']:.3f} to {row['high']:.3f}"
                table.add_row(row["model"], f"{row['ndcg']:.4f}", interval, f"{row['p']:.4f}")
            console.print(table)
        for question, what in (
            ("new_members", "their last like, after"),
            ("beginnings", "the next like, after the first"),
        ):
            columns = [f"{likes} likes" for likes in LIKES]
            members = one[question][0]["members"]
            table = Table("model", *columns, title=f"NDCG@10 of {members} new members, {one['data']}: {what} ...")
            for name in dict.fromkeys(row["model"] for row in one[question]):
                rows = [row for row in one[question] if row["model"] == name]
                table.add_row(name, *(f"{r['ndcg']:.3f} ({r['low']:.3f} to {r['high']:.3f})" for r in rows))
            console.print(table)


def main() -> None:
    """Run as the top of this file says."""
    parser = ArgumentParser()
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--members", default=",".join(MEMBERS))
    parser.add_argument("--titles", default=",".join(TITLES))
    asked = parser.parse_args()
    out = Console()
    found = run(
        lambda what, done: out.print(f"[dim]{what}[/dim]"),
        asked.folders,
        asked.members.split(","),
        asked.titles.split(","),
    )
    show(found, out)


if __name__ == "__main__":
    main()
