"""The suite that every scorer passes: what the contract promises, as assertions."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matinee.decision import Context, Requests, Scorer, scored
from matinee.errors import ArtifactRefused, MatineeError, NotFitted
from matinee.events import Kind
from matinee.history import Histories, TrainingData
from matinee.testing.numbers import assert_same
from matinee.testing.worlds import checkerboard, make_catalog, make_data, make_events

CONTEXTS = (Context(), Context("DK", "tv", "da", 20, 4), Context("XX", "toaster", None, 3, 0), Context(hour=23))
LONG = 20_000  # events, more than anyone has


def check_scorer(make: Callable[[], Scorer], personal: bool = True) -> None:
    """Assert that what `make()` returns keeps the contract of `Scorer`; `make` builds equal, unfitted scorers.

    `personal=False` is for a scorer that answers everybody the same: it need not learn whose taste is whose.
    """
    data = checkerboard()
    scorer = make().fit(data, np.random.default_rng(1))
    check_answers(scorer, data)
    check_extremes(scorer, data)
    check_explanations(scorer, data)
    check_storage(make, scorer, data)
    check_odd_data(make)
    check_innocence(make)
    if personal:
        check_taste(scorer, data)


def check_answers(scorer: Scorer, data: TrainingData) -> None:
    """Shape, type, finiteness; empty, unknown, repeated and out-of-catalogue histories; batch equals single."""
    n = len(data.catalog)
    lists = [[], [0], [1, 3, 5], [2] * 500, list(range(n)), [4, n + 7], [4]]
    requests = _in_contexts(Histories.of_items(lists))
    scores = scorer.score(requests)
    assert scores.shape == (len(lists), n)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    for b in range(len(lists)):
        alone = scorer.score(requests.take(np.array([b])))[0]
        assert_same(alone, scores[b], "a batch differs from singles")
    assert scorer.score(requests.take(np.empty(0, np.int64))).shape == (0, n)
    once, often = Histories.of_items([[2]]), Histories.of_items([[2] * 500])
    assert_same(_score(scorer, once), _score(scorer, often))
    assert_same(scorer.score(requests), scores)


def check_extremes(scorer: Scorer, data: TrainingData) -> None:
    """A history of `LONG` events, and a member who disliked all they ever saw, are answered with finite numbers."""
    n = len(data.catalog)
    long = Histories.of_items([(np.arange(LONG) % n).tolist()])
    disliked = replace(Histories.of_items([[0, 3, 5]]), kinds=np.full(3, Kind.THUMBS_DOWN, np.int8))
    for histories in (long, disliked):
        scores = _score(scorer, histories)
        assert scores.shape == (1, n)
        assert np.isfinite(scores).all()


def check_explanations(scorer: Scorer, data: TrainingData) -> None:
    """Reasons are titles of the member's own history, or -1; nothing explains an empty history or an empty place.

    Scores and reasons out of one go are those that the scorer gives apart.
    """
    n = len(data.catalog)
    requests = Requests.of_histories(Histories.of_items([[], [0, 2], [1, n + 7]]))
    items = np.tile(np.array([0, 1, 5, n - 1, -1], np.int32), (3, 1))
    reasons = scorer.explain(requests, items)
    assert reasons.shape == items.shape
    assert reasons.dtype == np.int32
    for found, allowed in zip(reasons, ({-1}, {-1, 0, 2}, {-1, 1}), strict=True):
        assert set(found.tolist()) <= allowed, f"{found} are not titles of the history {allowed}"
    assert (reasons[:, -1] == -1).all()
    scores, explain = scored(scorer, requests)
    assert_same(scores, scorer.score(requests), "scores with reasons differ from scores alone")
    assert_same(explain(items), reasons, "reasons beside scores differ from reasons alone")


def check_storage(make: Callable[[], Scorer], scorer: Scorer, data: TrainingData) -> None:
    """A saved scorer answers the same after loading, equal seeds write the same files, and damage is refused."""
    requests = _in_contexts(Histories.of_items([[], [0, 2], [1]]))
    _refuses(NotFitted, lambda: make().score(requests))
    with TemporaryDirectory() as name:
        first, second = Path(name, "first"), Path(name, "second")
        for folder, fitted in ((first, scorer), (second, make().fit(data, np.random.default_rng(1)))):
            folder.mkdir()
            fitted.save(folder)
        _check_same_files(first, second)
        loaded = type(scorer).load(first)
        assert_same(loaded.score(requests), scorer.score(requests))
        assert getattr(loaded, "config", None) == getattr(scorer, "config", None)
        for path in sorted(second.rglob("*.*")):
            kept = path.read_bytes()
            path.write_bytes(b"[]")
            _refuses(ArtifactRefused, lambda: type(scorer).load(second))
            path.unlink()
            _refuses(ArtifactRefused, lambda: type(scorer).load(second))
            path.write_bytes(kept)


def check_odd_data(make: Callable[[], Scorer]) -> None:
    """One title, no likes at all, titles that nobody liked, and a member with `LONG` events beside ordinary ones are
    learned from and answered with finite numbers.
    """
    longest = [(np.arange(LONG) % 50).tolist(), [0, 1, 2], [1, 3], [4, 2, 0]]
    for likes, titles in (([[0]], 1), ([[0] * 500], 1), ([], 3), ([[0, 1], [1, 0]], 50), (longest, 50)):
        data = make_data(make_events(likes), make_catalog(titles))
        scorer = make().fit(data, np.random.default_rng(0))
        scores = _score(scorer, Histories.of_items([[], [0]]))
        assert scores.shape == (2, titles)
        assert np.isfinite(scores).all()


def check_innocence(make: Callable[[], Scorer]) -> None:
    """Fitting and answering change nothing that was given: other models look at the same data, in the order of time."""
    likes = [[7, 3, 5], [9, 1, 2, 0], [5, 4, 3], [2, 8, 1]]
    for titles in (10, 60):  # more members than half the titles, and fewer
        data = make_data(make_events(likes), make_catalog(titles))
        requests = Requests.of_histories(data.histories)
        held = [data.histories, data.histories.tastes]
        before = [{name: getattr(one, name).copy() for name in _arrays(one)} for one in held]
        scorer = make().fit(data, np.random.default_rng(0))
        scorer.score(requests)
        scorer.explain(requests, np.tile(np.arange(5, dtype=np.int32), (len(likes), 1)))
        for one, kept in zip(held, before, strict=True):
            for name, array in kept.items():
                np.testing.assert_array_equal(getattr(one, name), array, err_msg=f"{name} was changed")


def _arrays(record: object) -> list[str]:
    return [one.name for one in fields(record)]  # type: ignore[arg-type]


def check_taste(scorer: Scorer, data: TrainingData) -> None:
    """On the checkerboard: own colour above the other, the first play moves the ranking, and it is the reason."""
    n = len(data.catalog)
    seen = [0, 2, 4]
    scores = _score(scorer, Histories.of_items([seen]))[0]
    own, other = np.arange(6, n, 2), np.arange(1, n, 2)
    assert scores[own].min() > scores[other].max(), "a title of the wrong taste stands above one of the right taste"
    nothing, one = _score(scorer, Histories.of_items([[], [0]]))
    assert (np.argsort(-one) != np.argsort(-nothing)).any(), "the first play does not move the ranking"
    assert one[own].mean() - one[other].mean() > nothing[own].mean() - nothing[other].mean()
    reasons = scorer.explain(Requests.of_histories(Histories.of_items([seen])), own[None].astype(np.int32))
    assert (reasons >= 0).all(), "a title of the right taste has no reason in the history"


def _in_contexts(histories: Histories) -> Requests:
    contexts = tuple(CONTEXTS[b % len(CONTEXTS)] for b in range(len(histories)))
    return Requests.of_histories(histories, contexts=contexts)


def _score(scorer: Scorer, histories: Histories) -> NDArray[np.float32]:
    return scorer.score(Requests.of_histories(histories))


def _check_same_files(first: Path, second: Path) -> None:
    names, others = ({str(path.relative_to(one)) for path in one.rglob("*.*")} for one in (first, second))
    assert names == others, "the same seed wrote other files"
    for name in names:
        (text, numbers), (other_text, others_numbers) = (_contents(one / name) for one in (first, second))
        assert text == other_text, f"the same seed wrote another {name}"
        assert_same(numbers, others_numbers, f"the same seed wrote other numbers into {name}")


def _contents(path: Path) -> tuple[Any, ArrayLike]:
    """What a file holds, and the floats in it apart, of which the last bit may differ."""
    if path.suffix == ".npy":
        array = np.load(path)
        return (str(array.dtype), array.shape), array
    floats: list[float] = []

    def keep(text: str) -> str:
        floats.append(float(text))
        return "a number"

    return json.loads(path.read_text(), parse_float=keep), floats


def _refuses(error: type[MatineeError], call: Callable[[], Any]) -> None:
    try:
        call()
    except error:
        return
    raise AssertionError(f"{error.__name__} expected, nothing was raised")
