"""Windows teach every first like once an epoch, with all that was seen before it, whatever the cut."""

from collections import Counter

import numpy as np
import pytest
import torch

from matinee.history import Histories
from matinee.models.deep import windows as module
from matinee.models.deep.losses import NOTHING
from matinee.models.deep.tokens import Reading, tokens_of
from matinee.models.deep.windows import Windows

CPU = torch.device("cpu")
LISTS = [[], [1], [2, 3], list(range(50)), [4, 4, 4, 9], [7, 8, 7, 8, 1, 2], list(range(10, 35))]


def windows_of(lists=LISTS, length=8, batch=3, order=True, recurring=False):
    tokens = tokens_of(Histories.of_items(lists), 100, Reading(order=order))
    return Windows(tokens, length, batch, order, CPU, recurring)


def batches_of(windows, seed):
    return [windows.assemble(cuts) for cuts in windows.batches(np.random.default_rng(seed))]


def pairs(batches):
    """(title before, target, titles seen) of every taught row."""
    for batch in batches:
        assert batch.items.shape[1] <= 8
        assert batch.seen.known[batch.targets == NOTHING].eq(0).all()
        for row in torch.nonzero(batch.targets != NOTHING).flatten().tolist():
            seen = batch.seen.titles[batch.seen.owners[row], : batch.seen.known[row]].tolist()
            yield batch.items.flatten()[batch.at[row]].item(), batch.targets[row].item(), tuple(seen)


def expected(lists):
    for items in lists:
        merged = [item for at, item in enumerate(items) if at == 0 or items[at - 1] != item]
        for at in range(1, len(merged)):
            if merged[at] not in merged[:at]:
                yield merged[at - 1], merged[at], tuple(merged[:at])


@pytest.mark.parametrize("recurring", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_every_first_like_is_taught_once(seed, recurring):
    assert Counter(pairs(batches_of(windows_of(recurring=recurring), seed))) == Counter(expected(LISTS))


def test_short_stretches_of_some_members_are_read_as_if_they_were_whole():
    windows = windows_of()
    windows.short = 0.999
    rng = np.random.default_rng(0)
    whole, all_cuts = len(windows_of()._cut(rng)), windows._cut(np.random.default_rng(0))
    firsts, starts, ends = all_cuts[whole:].T
    able = windows.tokens.lengths[windows.tokens.lengths > 1]
    assert len(firsts) == len(able)
    assert (firsts <= starts).all()
    assert (starts < ends).all()
    assert (ends - starts <= min(module.SHORTEST, windows.length)).all()
    assert (ends - firsts < able).all(), "a stretch stays with its member"
    begun = {tuple(windows._cut(np.random.default_rng(seed))[whole:, 1].tolist()) for seed in range(5)}
    assert len(begun) > 1


def test_cuts_move_from_epoch_to_epoch():
    windows = windows_of([list(range(50))])
    cuts = {tuple(windows._cut(np.random.default_rng(seed))[:, 1].tolist()) for seed in range(20)}
    assert len(cuts) > 2


def test_shuffled_histories_teach_the_same_titles_in_another_order():
    ordered = windows_of([list(range(30))], order=True)
    shuffled = windows_of([list(range(30))], order=False)
    found = [target for _, target, _ in pairs(batches_of(shuffled, 0))]
    assert len(found) == len(set(found)) == 29
    assert found != [target for _, target, _ in pairs(batches_of(ordered, 0))]
    for before, target, seen in pairs(batches_of(shuffled, 1)):
        assert before in seen
        assert target not in seen


@pytest.mark.parametrize("recurring", [False, True])
def test_only_the_latest_titles_before_a_window_and_those_in_it_are_excluded(monkeypatch, recurring):
    """Of 5 tokens, the first of the window among them: title k is token k of the one member."""
    monkeypatch.setattr(module, "SEEN", 5)
    windows = windows_of([list(range(50))], batch=1, recurring=recurring)
    told = 0
    for cuts in windows.batches(np.random.default_rng(0)):
        first = cuts.bounds[1, 0].item()
        for before, target, seen in pairs([windows.assemble(cuts)]):
            assert seen == tuple(range(max(0, first - 4), target))
            assert before == target - 1
            told += 1
    assert told == 49


def test_nothing_to_teach_gives_no_batch():
    for lists in ([], [[]], [[3]], [[3] * 500]):
        assert not list(windows_of(lists).batches(np.random.default_rng(0)))


def test_the_same_seed_gives_the_same_batches():
    first, second = (list(pairs(batches_of(windows_of(), 3))) for _ in range(2))
    assert first == second


def test_few_lengths_recur():
    """110 different lengths from 91 to 200, one window each: at most 14 widths, multiples of 8."""
    lists = [list(range(n)) for n in range(92, 202)]
    tokens = tokens_of(Histories.of_items(lists), 300, Reading())
    for recurring in (False, True):
        batches = batches_of(Windows(tokens, 203, 1, True, CPU, recurring), 0)
        assert {batch.items.shape[1] for batch in batches} == set(range(96, 208, 8))
        assert all(len(batch.at) % (batch.items.shape[1] if recurring else 128) == 0 for batch in batches)


def test_recurring_batches_differ_by_their_length_alone():
    """Eleven windows of 4 titles in batches of 4: the last batch is filled up with a window of nothing."""
    batches = batches_of(windows_of([list(range(k, k + 5)) for k in range(11)], batch=4, recurring=True), 0)
    shapes = {(b.items.shape, b.at.shape, b.seen.titles.shape, b.seen.owners.shape) for b in batches}
    assert len(batches) == 3
    assert shapes == {((4, 8), (32,), (4, 5), (32,))}


def test_no_window_is_padded_beyond_the_length_that_is_read():
    tokens = tokens_of(Histories.of_items([list(range(11))]), 300, Reading())
    assert [b.items.shape[1] for b in batches_of(Windows(tokens, 10, 1, True, CPU), 0)] == [10]
