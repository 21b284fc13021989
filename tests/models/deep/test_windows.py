"""Windows teach every first like once an epoch, with all that was seen before it, whatever the cut."""

from collections import Counter

import numpy as np
import pytest
import torch

from matinee.history import Histories
from matinee.models.deep import windows as module
from matinee.models.deep.tokens import Reading, tokens_of
from matinee.models.deep.windows import Windows

CPU = torch.device("cpu")
LISTS = [[], [1], [2, 3], list(range(50)), [4, 4, 4, 9], [7, 8, 7, 8, 1, 2], list(range(10, 35))]


def windows_of(lists=LISTS, length=8, batch=3, order=True):
    tokens = tokens_of(Histories.of_items(lists), 100, Reading(order=order))
    return Windows(tokens, length, batch, order, CPU)


def pairs(batches):
    """(title before, target, titles seen) of every taught row."""
    for batch in batches:
        assert batch.items.shape[1] <= 8
        for row, place in enumerate(batch.at.tolist()):
            seen = batch.seen[batch.bounds[row] : batch.bounds[row + 1]].tolist()
            yield batch.items.flatten()[place].item(), batch.targets[row].item(), tuple(seen)


def expected(lists):
    for items in lists:
        merged = [item for at, item in enumerate(items) if at == 0 or items[at - 1] != item]
        for at in range(1, len(merged)):
            if merged[at] not in merged[:at]:
                yield merged[at - 1], merged[at], tuple(merged[:at])


@pytest.mark.parametrize("seed", range(5))
def test_every_first_like_is_taught_once(seed):
    assert Counter(pairs(windows_of().batches(np.random.default_rng(seed)))) == Counter(expected(LISTS))


def test_cuts_move_from_epoch_to_epoch():
    windows = windows_of([list(range(50))])
    cuts = {tuple(windows._cut(np.random.default_rng(seed))[:, 1].tolist()) for seed in range(20)}
    assert len(cuts) > 2


def test_shuffled_histories_teach_the_same_titles_in_another_order():
    ordered = windows_of([list(range(30))], order=True)
    shuffled = windows_of([list(range(30))], order=False)
    found = [target for _, target, _ in pairs(shuffled.batches(np.random.default_rng(0)))]
    assert len(found) == len(set(found)) == 29
    assert found != [target for _, target, _ in pairs(ordered.batches(np.random.default_rng(0)))]
    for before, target, seen in pairs(shuffled.batches(np.random.default_rng(1))):
        assert before in seen
        assert target not in seen


def test_only_the_latest_seen_titles_are_excluded(monkeypatch):
    monkeypatch.setattr(module, "SEEN", 5)
    for before, target, seen in pairs(windows_of([list(range(50))]).batches(np.random.default_rng(0))):
        assert seen == tuple(range(max(0, target - 5), target))
        assert before == target - 1


def test_nothing_to_teach_gives_no_batch():
    for lists in ([], [[]], [[3]], [[3] * 500]):
        assert not list(windows_of(lists).batches(np.random.default_rng(0)))


def test_the_same_seed_gives_the_same_batches():
    first, second = (list(pairs(windows_of().batches(np.random.default_rng(3)))) for _ in range(2))
    assert first == second


def test_few_lengths_recur():
    """110 different lengths from 91 to 200, one window each: at most 14 widths, multiples of 8."""
    lists = [list(range(n)) for n in range(92, 202)]
    tokens = tokens_of(Histories.of_items(lists), 300, Reading())
    widths = {batch.items.shape[1] for batch in Windows(tokens, 203, 1, True, CPU).batches(np.random.default_rng(0))}
    assert widths == set(range(96, 208, 8))


def test_no_window_is_padded_beyond_the_length_that_is_read():
    tokens = tokens_of(Histories.of_items([list(range(11))]), 300, Reading())
    assert [b.items.shape[1] for b in Windows(tokens, 10, 1, True, CPU).batches(np.random.default_rng(0))] == [10]
