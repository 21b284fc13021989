"""The leaderboard: the flow from a data set, a protocol and some models to a board. Read `leaderboard` first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from matinee.data.dataset import Dataset
from matinee.data.splits.split import Part
from matinee.decision import Progress, Scorer, no_progress, part_of
from matinee.errors import BadData, BadRequest, MatineeError, MissingExtra
from matinee.evaluate.cost import Cost, artifact_bytes, request_ms, watched
from matinee.evaluate.measure import PER_MEMBER, Audience, Titles, measure_beyond, measure_hits
from matinee.evaluate.protocols import Protocol
from matinee.evaluate.published import MEMBERS
from matinee.evaluate.results import Group
from matinee.evaluate.standings import Standings
from matinee.evaluate.summarise import DRAWS, by_member, summarise
from matinee.evaluate.trial import Trial, prepare
from matinee.maths.arrays import Doubles, Flags, Int32s, Int64s
from matinee.maths.beyond_accuracy import shown

BASELINES = ("popularity", "popularity-7d", "ease-recent")  # the best of those at hand is what all are compared with
FITS = 3
LISTED = 20  # places whose novelty, diversity and exposure are measured

MakeScorer = Callable[[], Scorer]

METHOD = (
    "Every title of the protocol's catalogue is a candidate, unless the protocol gives candidates. Of the whole "
    "catalogue, titles that the guarantees forbid and titles that the member had seen are left out.",
    "Values are means over members; a member who asks several times counts once, with the mean of the requests.",
    "Each model is fitted with every seed, and a member's value is the mean over seeds. A model whose second seed "
    "ranks every request as the first did has no seed to speak of, and is not fitted again.",
    "Intervals: 95 % bootstrap over members, 1,000 resamples shared by all models (percentiles; coverage and Gini: "
    "± 1.96 standard deviations of 200 resamples, cut to 0..1). They do not hold the spread over seeds, which stands "
    "beside them.",
    "p: two-sided paired sign-flip test over members with 10,000 patterns, corrected by Holm over the models compared. "
    "All are compared with the best of the baselines and with the model that stands first, which were chosen by the "
    "same members: near ties at the top say little.",
    "Warm and cold titles: the same lists, with only those targets wanted that somebody, or nobody, turned to in "
    "training. Novelty, diversity, coverage and the like: of the first 20 places and the first seed.",
    "Memory: the peak while fitting above what was resident before. A request: scored and ranked alone, the median "
    "of 32.",
)


@dataclass(frozen=True)
class Run:
    """One model's lists, (requests, depth) per seed, and what they cost."""

    lists: tuple[Int32s, ...]
    cost: Cost


def leaderboard(
    dataset: Dataset,
    protocol: Protocol,
    models: Mapping[str, MakeScorer],
    *,
    fits: int = FITS,
    seed: int = 0,
    baselines: Sequence[str] = BASELINES,
    part: Part = "test",
    progress: Progress = no_progress,
) -> Standings:
    """Fit every model with every seed, rank the protocol's requests, compare with the best baseline and the best model.

    `models` name -> maker of an unfitted scorer with the settings for this protocol. A model that lacks a package, or
    ends in an error of ours while it is fitted or ranks, is refused: the others go on, and the board gives the reason.
    Of `baselines` those that were ranked count, without any the first model does. `part` "validation" measures what
    tuning sees. `progress` is told what is being done and the share of the models done. Raises `BadRequest`
    without models or fits, or when the protocol leaves nobody to ask; `MissingExtra`, before the data are cut, when no
    model can be made; `BadData` when the data lack what the protocol needs or every model was refused.
    """
    if not models or fits < 1:
        raise BadRequest(f"the leaderboard got the models {list(models)} and {fits} fits; give at least one of each")
    refused = unmakeable(models)
    progress(f"cutting by {protocol.name}", 0.0)
    trial = prepare(dataset, protocol, np.random.default_rng(seed), part)
    depth = _depth(protocol, trial)
    runs, made = {}, {name: make for name, make in models.items() if name not in refused}
    for at, (name, make) in enumerate(made.items()):
        part_done = part_of(progress, name, at / len(made), (at + 1) / len(made))
        try:
            runs[name] = _run(trial, make, depth, [seed + k for k in range(fits)], part_done)
        except MatineeError as error:
            refused[name] = str(error)
    if not runs:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in refused.items())
        raise BadData(f"every model was refused, so there is nothing to compare: {reasons}")
    progress("intervals and tests", 1.0)
    return _standings(dataset, protocol, trial, runs, refused, baselines, np.random.default_rng(seed))


def unmakeable(models: Mapping[str, MakeScorer]) -> dict[str, str]:
    """The models that cannot be made for want of a package, and why; raises `MissingExtra` when no other is left."""
    refused = {}
    for name, make in models.items():
        try:
            make()
        except MissingExtra as error:
            refused[name] = str(error)
    if len(refused) == len(models):
        raise MissingExtra("; ".join(f"{name}: {why}" for name, why in refused.items()))
    return refused


def _depth(protocol: Protocol, trial: Trial) -> int:
    """How many places of a list the metrics look at."""
    longest = len(trial.data.catalog) if trial.candidates is None else int(np.diff(trial.candidates.offsets).max())
    return max(LISTED, *(longest if cutoff.n is None else cutoff.n for cutoff in protocol.metrics))


def _run(trial: Trial, make: MakeScorer, depth: int, seeds: Sequence[int], progress: Progress) -> Run:
    """Fit and rank with each seed; a model that does not depend on it only twice."""
    lists: list[Int32s] = []
    costs: list[Cost] = []
    for at, seed in enumerate(seeds):
        said = part_of(progress, f"seed {at + 1}", at / len(seeds), (at + 1) / len(seeds))
        ranked, cost = _fit_and_rank(trial, make, depth, seed, said)
        lists.append(ranked)
        costs.append(cost)
        if at == 1 and np.array_equal(lists[0], lists[1]):
            lists, costs = lists[:1], costs[:1]
            break
    held = [cost.fit_bytes for cost in costs if cost.fit_bytes is not None]
    mean = Cost(
        fit_seconds=float(np.mean([cost.fit_seconds for cost in costs])),
        rank_seconds=float(np.mean([cost.rank_seconds for cost in costs])),
        fit_bytes=max(held) if held else None,
        artifact_bytes=max(cost.artifact_bytes for cost in costs),
        request_ms=float(np.mean([cost.request_ms for cost in costs])),
    )
    return Run(tuple(lists), mean)


def _fit_and_rank(trial: Trial, make: MakeScorer, depth: int, seed: int, progress: Progress) -> tuple[Int32s, Cost]:
    rng = np.random.default_rng(seed)
    progress("fitting", 0.0)
    scorer, fit_seconds, held = watched(lambda: make().fit(trial.data, rng, part_of(progress, "fitting", 0.0, 0.8)))
    progress("ranking", 0.8)
    started = time.perf_counter()
    ranked = np.concatenate([trial.rank(scorer, rows, depth) for rows in trial.blocks()])
    rank_seconds = time.perf_counter() - started
    progress("timing single requests", 0.95)
    return ranked, Cost(fit_seconds, rank_seconds, held, artifact_bytes(scorer), request_ms(trial, scorer, depth))


def _standings(
    dataset: Dataset,
    protocol: Protocol,
    trial: Trial,
    runs: Mapping[str, Run],
    refused: Mapping[str, str],
    baselines: Sequence[str],
    rng: np.random.Generator,
) -> Standings:
    main = protocol.metrics[0].named.key
    seed_means = {name: _seed_means(protocol, trial, hits) for name, hits in _hits(protocol, trial, runs).items()}
    among = [name for name in baselines if name in runs] or [next(iter(runs))]
    quality = {name: float(np.mean(means[main])) for name, means in seed_means.items()}
    best = max(among, key=lambda name: quality[name])
    ordered = {name: runs[name] for name in sorted(runs, key=lambda name: -quality[name])}
    against = list(dict.fromkeys((best, next(iter(ordered)))))
    return Standings(
        dataset=dataset.name,
        licence=dataset.licence,
        protocol=protocol.name,
        about=protocol.about,
        titles=len(trial.data.catalog),
        train_events=trial.data.events.height,
        train_members=len(trial.data.user_ids),
        requests=len(trial.requests),
        draws=DRAWS,
        baseline=best,
        groups=tuple(_groups(protocol, trial, ordered, against, rng)),
        costs={name: run.cost for name, run in ordered.items()},
        seed_means=seed_means,
        refused=refused,
        published=protocol.published.get(MEMBERS.get(len(dataset.profiles), ""), ()),
        method=METHOD,
    )


def _hits(
    protocol: Protocol, trial: Trial, runs: Mapping[str, Run], counted: Flags | None = None
) -> dict[str, list[Doubles]]:
    """Per model and seed the cutoffs of every request, (requests, cutoffs)."""
    return {
        name: [measure_hits(ranked, trial.targets, protocol.metrics, counted) for ranked in run.lists]
        for name, run in runs.items()
    }


def _seed_means(protocol: Protocol, trial: Trial, values: Sequence[Doubles]) -> dict[str, tuple[float, ...]]:
    means = [np.nanmean(by_member(one, trial.members), axis=0) for one in values]
    return {cutoff.named.key: tuple(float(mean[at]) for mean in means) for at, cutoff in enumerate(protocol.metrics)}


def _groups(
    protocol: Protocol,
    trial: Trial,
    runs: Mapping[str, Run],
    against: Sequence[str],
    rng: np.random.Generator,
) -> Iterator[Group]:
    """Everybody; then, where there are both, warm and cold members, and warm and cold titles."""
    metrics = tuple(cutoff.named for cutoff in protocol.metrics)
    tested = [metric.key for metric in metrics]
    wanted = np.diff(trial.targets.offsets)

    def group(name: str, values: Mapping[str, list[Doubles]], asked: Flags, wanted: Int64s) -> Group:
        own = {model: by_member(np.mean(seeds, axis=0)[asked], trial.members[asked]) for model, seeds in values.items()}
        table = summarise(metrics, own, against, tested, rng)
        return Group(name, len(next(iter(own.values()))), int(wanted[asked].sum()), table)

    hits = _hits(protocol, trial, runs)
    whole = group("all", hits, np.ones(len(wanted), np.bool_), wanted)
    yield whole if trial.candidates is not None else _with_beyond(whole, trial, runs, rng)
    if trial.warm.any() and not trial.warm.all():
        yield group("warm members", hits, trial.warm, wanted)
        yield group("cold members", hits, ~trial.warm, wanted)
    known = Titles.of(trial.data).likes > 0
    if not known[trial.targets.values].all():
        for name, counted in (("warm titles", known), ("cold titles", ~known)):
            left = np.add.reduceat(counted[trial.targets.values], trial.targets.offsets[:-1], dtype=np.int64)
            if left.any():
                yield group(name, _hits(protocol, trial, runs, counted), left > 0, left)


def _with_beyond(whole: Group, trial: Trial, runs: Mapping[str, Run], rng: np.random.Generator) -> Group:
    """The group with the metrics that accuracy does not see, of the lists of the first seed."""
    titles, blocks = Titles.of(trial.data), []
    lists = {name: run.lists[0][:, :LISTED] for name, run in runs.items()}
    for rows in trial.blocks():
        audience = Audience(titles, trial.requests.histories.take(rows), trial.targets.take(rows))
        blocks.append({name: measure_beyond(ranked[rows], audience) for name, ranked in lists.items()})
    values = {name: by_member(np.concatenate([b[name] for b in blocks]), trial.members) for name in lists}
    exposure = {name: shown(ranked, len(titles.likes)) for name, ranked in lists.items()}
    return replace(whole, beyond=summarise(PER_MEMBER, values, [], [], rng, exposure))
