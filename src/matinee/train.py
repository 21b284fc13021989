"""Training: fit a scorer as of a time, learn what its scores mean as probabilities, and say how good it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.data.looked import LOOKS, Looks, LooksFit, fit_of
from matinee.decision import Progress, Refits, Requests, Scorer, no_progress, part_of
from matinee.history import Tastes, TrainingData
from matinee.maths.arrays import Doubles, Floats, Int32s, Int64s
from matinee.maths.calibration import Platt, fit_intercept, fit_platt, platt_deviations
from matinee.maths.intervals import NORMAL_95
from matinee.maths.ragged import Ragged, owners_of
from matinee.maths.ranking_metrics import hits, ndcg, recall, top_n
from matinee.models.artifacts.quality import DIGITS, Quality

MEMBERS = 2_000  # members whose last likes are held out, at most
NEXT = 5  # likes held out of each, at most, and never more than half of their likes
NEGATIVES = 200  # titles of each member that teach what is not liked; weighted to stand for all
LIST = 20  # length of the list that recall and NDCG look at
BATCH = 256
HELD_OUT, SINCE, NOTHING = "last likes held out", "likes that came since", "nothing"  # what a model was asked for
FEW = 100  # members who liked something new, below which a calibration is not learned from them


@dataclass(frozen=True)
class Trained:
    """A scorer fitted on everything, its calibration, and how it did on likes it had not seen.

    `metrics`: `recall@20` and `ndcg@20` of held-out likes over the whole catalogue with standard errors `..._se`,
    `members` (how many were asked), `asked` (for what) and `calibration` ("platt", or why there is none).
    `quality`: the NDCG of each member.
    `data_window`: first and last microsecond of the events. `looks`: those that the calibration was learned from, or
    how many were too few; None where none were given.
    """

    scorer: Scorer
    calibration: Platt
    metrics: dict[str, float | int | str]
    data_window: tuple[int, int]
    looks: LooksFit | None = None
    quality: Quality = Quality()


@dataclass(frozen=True)
class Previous:
    """A model as it serves: its `scorer`, answering for today's catalogue, its calibration, the microsecond `since`
    which it knows nothing of what happened, and the `looks` that its calibration was learned from, if any.
    """

    scorer: Scorer
    calibration: Platt
    since: int
    looks: LooksFit | None = None


@dataclass(frozen=True)
class HeldOut:
    """Members `rows` of `data` without their last likes `targets` (one array of titles a member).

    `times` (rows,): the moment of the first of them, in microseconds, at which the member is asked.
    """

    data: TrainingData
    rows: NDArray[np.int64]
    targets: tuple[NDArray[np.int32], ...]
    times: NDArray[np.int64]

    def requests(self, some: slice) -> Requests:
        """Those of some of the rows; nothing of their histories is later than the request."""
        times = self.times[some]
        histories = self.data.histories.take(self.rows[some])
        known = histories.times <= np.repeat(times, np.diff(histories.offsets))
        return Requests.of_histories(histories.keep(known), times=times)

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that tell who is asked for what, and when, from other questions."""
        members = "\0".join(self.data.user_ids[row] for row in self.rows)
        wanted = Ragged.of(self.targets)
        parts = members.encode(), wanted.offsets.tobytes(), wanted.values.tobytes(), self.times.tobytes()
        return blake2b(b"\0".join(parts), digest_size=8).hexdigest()


def train(
    data: TrainingData,
    scorer: Scorer,
    rng: np.random.Generator,
    progress: Progress = no_progress,
    looks: Looks | None = None,
) -> Trained:
    """Fit without the last likes of up to 2,000 members, calibrate and measure on these, then fit on everything.

    The calibration answers: how likely is this title among the next `NEXT` that this member will like, of all the
    titles they have not liked yet? Any of these would have satisfied them tonight: that is what a page looks for.
    Where members looked often enough at what they were shown (`looks`), it answers what a page asks: how likely is this
    title liked by this member who looks at it? What came of up to `MEMBERS` decisions is then held out too.
    `progress` is told what begins and the share of the work done before it.
    """
    progress("holding out each member's last likes", 0.0)
    asked = _some(looks, data, rng) if looks is not None and looks.enough else None
    held = hold_out(data if asked is None else _before_answers(data, asked), rng)
    progress("fitting without them", 0.05)
    scorer.fit(held.data, rng, part_of(progress, "fitting without them", 0.05, 0.45))
    progress("calibrating on them", 0.45)
    calibration, metrics, quality = calibrate(scorer, held, rng)
    learned = None if looks is None else fit_of(looks)
    if asked is not None:
        calibration, learned, metrics["calibration"] = calibrate_on_looks(scorer, data, asked)
    progress("fitting on everything", 0.55)
    scorer.fit(data, rng, part_of(progress, "fitting on everything", 0.55, 1.0))
    progress("trained", 1.0)
    return Trained(scorer, calibration, metrics, _window(data), learned, quality)


def _some(looks: Looks, data: TrainingData, rng: np.random.Generator) -> Looks:
    """Those of up to `MEMBERS` decisions for members whom the data knows."""
    known = np.flatnonzero(looks.user_ids.is_in(data.user_ids).to_numpy())
    return looks.take(np.sort(rng.permutation(known)[:MEMBERS]))


def _rows(looks: Looks, data: TrainingData) -> NDArray[np.int64]:
    """(decisions,) the member of each."""
    places = {user_id: row for row, user_id in enumerate(data.user_ids)}
    return np.array([places[user_id] for user_id in looks.user_ids], np.int64)


def _before_answers(data: TrainingData, looks: Looks) -> TrainingData:
    """The data without what members did with titles that they looked at, from the decision that showed them on."""
    histories, n = data.histories, len(data.catalog)
    decision = owners_of(looks.offsets)
    pairs, first = np.unique(_rows(looks, data)[decision] * n + looks.items, return_index=True)
    since = looks.times[decision][first]  # decisions stand in order of time
    own = owners_of(histories.offsets) * n + histories.items
    at = np.minimum(np.searchsorted(pairs, own), len(pairs) - 1)
    kept = (pairs[at] != own) | (histories.times < since[at])
    asked = {"user_id": pl.Series(data.user_ids).gather(pairs // n), "item": (pairs % n).astype(np.int32)}
    joined = data.events.join(
        pl.DataFrame({**asked, "_since": since}), on=["user_id", "item"], how="left", maintain_order="left"
    )
    before = pl.col("_since").is_null() | (pl.col("timestamp").cast(pl.Int64) < pl.col("_since"))
    return replace(data, events=joined.filter(before).drop("_since"), histories=histories.keep(kept))


def calibrate_on_looks(scorer: Scorer, data: TrainingData, looks: Looks) -> tuple[Platt, LooksFit, str]:
    """How scores of a scorer that knows nothing of what came of `looks` tell what is liked by a member who looks, how
    surely, and in words. Looks are weighed so that they stand for all titles that were shown.
    """
    rows = _rows(looks, data)
    found = np.concatenate(list(_scores_when_shown(scorer, data, looks, rows)))
    members, labels = np.repeat(rows, np.diff(looks.offsets)), looks.rewards.astype(np.float64)
    learned = fit_of(looks)
    weights = looks.weights * learned.effective / looks.weights.sum()
    calibration, how = _calibration(found, labels, weights)
    halves = NORMAL_95 * np.array(platt_deviations(calibration, found, labels, weights, members))
    ends = [
        (float(value - half), float(value + half))
        for value, half in zip((calibration.slope, calibration.intercept), halves, strict=True)
    ]
    return calibration, replace(learned, slope=ends[0], intercept=ends[1]), f"{how}, on looks"


def _scores_when_shown(
    scorer: Scorer, data: TrainingData, looks: Looks, rows: NDArray[np.int64]
) -> Iterator[NDArray[np.float64]]:
    """(looks,) in parts: the score of each title for the history that its decision saw."""
    for start in range(0, len(rows), BATCH):
        some = np.arange(start, min(start + BATCH, len(rows)))
        asked, histories = looks.take(some), data.histories.take(rows[some])
        past = histories.keep(histories.times < np.repeat(asked.times, np.diff(histories.offsets)))
        scores = scorer.score(Requests.of_histories(past, times=asked.times))
        lines = owners_of(asked.offsets)
        yield scores[lines, asked.items].astype(np.float64)


def _window(data: TrainingData) -> tuple[int, int]:
    times = data.histories.times
    return (int(times.min()), int(times.max())) if len(times) else (data.as_of, data.as_of)


def warm_start(
    data: TrainingData,
    previous: Previous,
    scorer: Scorer,
    rng: np.random.Generator,
    progress: Progress = no_progress,
    looks: Looks | None = None,
) -> Trained:
    """Ask the `previous` model for the likes that came since; then let `scorer`, the same, learn them too.

    The metrics are of the model as it was, on likes that it had not seen. The calibration is learned anew
    of the `looks` since where they are enough; one that was learned from looks stays until then. Any other
    is learned anew where at least `FEW` members liked something since, otherwise it stays.
    A scorer that cannot go on (`decision.Refits`) is fitted again from the start.
    """
    progress("asking for what came since", 0.0)
    held = liked_since(data, previous.since, rng)
    calibration, quality = previous.calibration, Quality()
    if len(held.rows) >= FEW:
        calibration, metrics, quality = calibrate(previous.scorer, held, rng, SINCE)
    else:
        metrics = {"members": len(held.rows), "asked": NOTHING}
        metrics["calibration"] = f"as before: fewer than {FEW} members liked anything new since"
    came = None if looks is None else looks.since(previous.since)
    learned = None if came is None else fit_of(came)
    if came is not None and came.enough:
        asked = _some(came, data, rng)
        calibration, learned, metrics["calibration"] = calibrate_on_looks(previous.scorer, data, asked)
    elif previous.looks is not None and previous.looks.fitted:
        calibration, learned = previous.calibration, previous.looks
        metrics["calibration"] = f"as before, on looks: fewer than {LOOKS:,} came since"
    learn = scorer.refit if isinstance(scorer, Refits) else scorer.fit
    learn(data, rng, part_of(progress, "going on", 0.1, 1.0))
    progress("trained", 1.0)
    return Trained(scorer, calibration, metrics, _window(data), learned, quality)


def liked_since(data: TrainingData, since: int, rng: np.random.Generator) -> HeldOut:
    """The first new likes, from `since` on, of up to `MEMBERS` members; and the data as they were before."""
    histories, n = data.histories, len(data.catalog)
    events = data.events.filter(pl.col("timestamp").cast(pl.Int64) < since)
    before = replace(data, events=events, histories=histories.keep(histories.times < since), as_of=since)
    tastes, known = histories.tastes, before.histories.tastes
    pairs, old = (np.repeat(np.arange(len(one)), one.lengths) * n + one.items for one in (tastes, known))
    new = (tastes.times >= since) & ~np.isin(pairs, old)
    rows = np.sort(rng.permutation(np.unique(pairs[new] // n))[:MEMBERS])
    slices = [slice(tastes.offsets[row], tastes.offsets[row + 1]) for row in rows]
    times = np.array([tastes.times[one][new[one]][0] for one in slices], np.int64)
    return HeldOut(before, rows, tuple(tastes.items[one][new[one]][:NEXT] for one in slices), times)


def hold_out(data: TrainingData, rng: np.random.Generator) -> HeldOut:
    """Take the last likes of sampled members out of the data, with every other event of these titles."""
    tastes = data.histories.tastes
    able = np.flatnonzero(tastes.lengths >= 2)
    rows = np.sort(rng.permutation(able)[:MEMBERS])
    counts = np.minimum(NEXT, tastes.lengths[rows] // 2)
    ends = tastes.offsets[rows + 1]
    targets = tuple(tastes.items[end - count : end] for end, count in zip(ends, counts, strict=True))
    return HeldOut(_without(data, rows, targets), rows, targets, tastes.times[ends - counts])


def _without(data: TrainingData, rows: NDArray[np.int64], targets: tuple[NDArray[np.int32], ...]) -> TrainingData:
    if not len(rows):
        return data
    owners = np.repeat(rows, [len(items) for items in targets])
    flat = np.concatenate(targets)
    gone = pl.DataFrame({"user_id": [data.user_ids[row] for row in owners], "item": flat})
    histories, n = data.histories, len(data.catalog)
    member = owners_of(histories.offsets)
    rest = histories.keep(~np.isin(member * n + histories.items, owners * n + flat))
    events = data.events.join(gone, on=["user_id", "item"], how="anti", maintain_order="left")
    return replace(data, events=events, histories=rest)


def calibrate(
    scorer: Scorer, held: HeldOut, rng: np.random.Generator, asked: str = HELD_OUT
) -> tuple[Platt, dict[str, float | int | str], Quality]:
    """How scores of a scorer fitted on `held.data` tell what is among the held-out likes, its metrics on them, and its
    quality member by member; `asked` says what they are.
    """
    if not len(held.rows):
        why = "none: no member has two liked titles"
        return Platt(1.0, 0.0), {"members": 0, "asked": asked, "calibration": why}, Quality()
    samples, lists, priority = [], [], _asked_last(held)
    for start in range(0, len(held.rows), BATCH):
        some = slice(start, start + BATCH)
        requests = held.requests(some)
        scores, tastes = scorer.score(requests), requests.histories.tastes
        lists.append(_quality(scores, tastes, held.targets[some], priority))
        for b, targets in enumerate(held.targets[some]):
            seen = tastes.items[tastes.offsets[b] : tastes.offsets[b + 1]]
            samples.append(_sample(scores[b], seen, targets, rng))
    points, labels, weights = (np.concatenate(column) for column in zip(*samples, strict=True))
    calibration, how = _calibration(points, labels, weights)
    found = np.concatenate(lists)
    quality = Quality(asked=asked, whom=held.digest, ndcg=found[:, 1].round(DIGITS).tolist())
    return calibration, {**_summary(found), "asked": asked, "calibration": how}, quality


def _calibration(
    scores: NDArray[np.float64], labels: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[Platt, str]:
    fitted = fit_platt(scores, labels, weights)
    if fitted.slope > 0:
        return fitted, "platt"
    slope = 1.0 / (float(np.std(scores)) or 1.0)
    return fit_intercept(scores, labels, weights, slope), "base rate only: held-out likes scored no higher than others"


def _sample(
    scores: NDArray[np.float32], seen: NDArray[np.int32], targets: NDArray[np.int32], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Scores, labels and weights: all targets, and unseen others drawn evenly to stand for all of them."""
    other = np.ones(len(scores), np.bool_)
    other[seen] = other[targets] = False
    others = np.flatnonzero(other)
    drawn = rng.choice(others, min(NEGATIVES, len(others)), replace=False)
    items = np.concatenate([targets, drawn])
    labels = np.repeat([1.0, 0.0], [len(targets), len(drawn)])
    weights = np.where(labels > 0, 1.0, len(others) / max(len(drawn), 1))
    return scores[items].astype(np.float64), labels, weights


def _asked_last(held: HeldOut) -> Int64s:
    """(titles,) the order in which equal scores stand: what is held out comes last, so that a tie earns nothing."""
    wanted = np.bincount(np.concatenate(held.targets), minlength=len(held.data.catalog))
    return np.argsort(np.argsort(wanted, kind="stable"), kind="stable")


def _quality(scores: Floats, tastes: Tastes, targets: Sequence[Int32s], priority: Int64s) -> Doubles:
    """(members, 2) recall and NDCG of lists of `LIST` unseen titles; `scores` (members, titles)."""
    unseen, wanted = np.ones(scores.shape, np.bool_), Ragged.of(targets)
    unseen[np.repeat(np.arange(len(tastes)), tastes.lengths), tastes.items] = False
    hit = hits(top_n(scores, LIST, priority, unseen), wanted.offsets, wanted.values)
    lengths = np.diff(wanted.offsets)
    return np.stack([recall(hit, lengths), ndcg(hit, lengths)], axis=1)


def _summary(lists: NDArray[np.float64]) -> dict[str, float | int | str]:
    n = len(lists)
    means, errors = lists.mean(axis=0), lists.std(axis=0, ddof=1 if n > 1 else 0) / np.sqrt(n)
    names = (f"recall@{LIST}", f"ndcg@{LIST}")
    values = {name: float(mean) for name, mean in zip(names, means, strict=True)}
    deviations = {f"{name}_se": float(error) for name, error in zip(names, errors, strict=True)}
    return {**values, **deviations, "members": n}
