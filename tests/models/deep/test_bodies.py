"""Bodies look back only, whatever they are; dropout keeps what it says; title vectors mix as their formula says."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch

from matinee.models.deep.bodies import FAR, Attention, Bag, build_body, read_at
from matinee.models.deep.dropout import Dropout
from matinee.models.deep.sequence_config import Body, SequenceConfig
from matinee.models.deep.sequence_network import Recent
from matinee.models.deep.title_vectors import TRUST, TitleVectors
from matinee.models.deep.tokens import Reading

SMALL = {"size": 8, "layers": 2, "heads": 2, "length": 30, "dropout": 0.0}
CONFIGS = [SequenceConfig(body=body, gated=gated, **SMALL) for body in Body for gated in (False, True)]


def body_of(config, seed=0):
    torch.manual_seed(seed)
    body = build_body(config).eval()
    for weights in body.parameters():  # no weight may be idle, or the test would not see what it does
        torch.nn.init.normal_(weights, 0.0, 0.3)
    return body


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: f"{config.body}-{config.gated}")
@torch.no_grad()
def test_a_body_looks_back_only(config):
    body = body_of(config)
    tokens = torch.randn(3, 30, 8)
    changed = tokens.clone()
    changed[:, 17] += torch.randn(8)
    before, after = body(tokens), body(changed)
    torch.testing.assert_close(before[:, :17], after[:, :17], rtol=0, atol=0)
    assert (before[:, 17] - after[:, 17]).abs().max() > 1e-3
    assert (before[:, 20] - after[:, 20]).abs().max() > 1e-5, "a token is forgotten at once"


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: f"{config.body}-{config.gated}")
@torch.no_grad()
def test_padding_on_the_right_changes_nothing(config):
    body = body_of(config)
    tokens = torch.randn(2, 30, 8)
    torch.testing.assert_close(body(tokens[:1, :12]), body(tokens)[:1, :12], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("order", [True, False])
@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: f"{config.body}-{config.gated}")
@torch.no_grad()
def test_one_place_of_each_row_is_what_reading_all_gives_there(config, order):
    body = body_of(replace(config, reading=Reading(order=order)))
    tokens, places = torch.randn(4, 30, 8), torch.tensor([29, 0, 17, 5])
    torch.testing.assert_close(read_at(body, tokens, places), body(tokens)[torch.arange(4), places])


@pytest.mark.parametrize("order", [True, False])
def test_attention_serves_what_it_learned(order):
    body = body_of(SequenceConfig(reading=Reading(order=order), **SMALL))
    tokens = torch.randn(4, 30, 8)
    with torch.no_grad():
        served = body(tokens)
    torch.testing.assert_close(served, body(tokens).detach(), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_bag_without_order_is_the_mean():
    bag = Bag(SequenceConfig(body=Body.BAG, reading=Reading(order=False), **SMALL))
    tokens = torch.randn(1, 30, 8)
    means = torch.stack([tokens[0, : t + 1].mean(dim=0) for t in range(30)])
    torch.testing.assert_close((bag.weights[0] @ tokens)[0], means, rtol=1e-5, atol=1e-6)


@torch.no_grad()
def test_recent_adds_the_weighted_tokens_before():
    recent = Recent(4, 1)
    recent.weights.copy_(torch.tensor([0.0, 10.0, 100.0, 1000.0])[:, None])
    assert recent(torch.tensor([1.0, 2, 3, 4, 5]).view(1, 5, 1)).flatten().tolist() == [1, 12, 123, 1234, 2345]


def test_dropout_keeps_its_share_and_the_mean():
    """A million numbers: the share kept deviates by less than 5 standard errors (one false alarm in 3 million)."""
    torch.manual_seed(0)
    drop = Dropout(0.2)
    kept = round(256 * 0.8) / 256
    out = drop(torch.ones(1_000_003))
    share = (out > 0).double().mean().item()
    assert abs(share - kept) < 5 * np.sqrt(kept * (1 - kept) / 1_000_003)
    assert out.max().item() == pytest.approx(1 / kept)
    assert abs(torch.corrcoef(torch.stack([out[:-1], out[1:]]))[0, 1]) < 0.006
    assert drop.eval()(torch.ones(5)).tolist() == [1.0] * 5


def titles_of(counts, features, size=4, dropout=0.0):
    torch.manual_seed(0)
    return TitleVectors(np.array(counts, np.float32), np.array(features, np.float32), size, dropout)


@torch.no_grad()
def test_a_title_is_its_embedding_as_far_as_it_was_played_plus_its_content():
    titles = titles_of([0, TRUST, 1e9], [[1, 0], [0, 2], [0, 0]])
    found = titles(torch.tensor([0, 1, 2, 1]))
    torch.testing.assert_close(found[0], titles.content[0])
    torch.testing.assert_close(found[1], 0.5 * titles.embeddings[1] + 2 * titles.content[1])
    torch.testing.assert_close(found[2], titles.embeddings[2])
    torch.testing.assert_close(found[3], found[1])


@torch.no_grad()
def test_vectors_of_one_length_keep_their_direction_and_bias():
    plain = titles_of([0, TRUST, 1e9], [[1, 0], [0, 2], [0, 0]])
    plain.content[0, 4], plain.embeddings[2, 4] = 3.0, -5.0
    unit, every = deepcopy(plain), torch.arange(3)
    unit.unit = True
    expected = plain(every)[:, :4] / plain(every)[:, :4].norm(dim=1, keepdim=True)
    torch.testing.assert_close(unit(every)[:, :4], expected)
    torch.testing.assert_close(unit(every)[:, 4], plain(every)[:, 4])
    torch.testing.assert_close(unit.of_content(torch.tensor([[1.0, 0.0]])), unit(every)[:1])


@torch.no_grad()
def test_dropping_spares_titles_without_content():
    titles = titles_of([5] * 2000, [[1]] * 1000 + [[0]] * 1000, dropout=0.5).train()
    alone = (titles(torch.arange(2000)) == titles.content[0]).all(dim=1)
    assert 400 < alone[:1000].sum() < 600
    assert not alone[1000:].any()


@torch.no_grad()
def test_features_that_are_not_numbers_count_as_none():
    assert torch.isfinite(titles_of([1, 0], [[np.nan, 1], [np.inf, np.nan]])(torch.arange(2))).all()


@torch.no_grad()
def test_what_was_learned_is_taken_over():
    older, newer = titles_of([1, 2], [[1], [0]]), titles_of([1, 2, 0], [[1], [0], [1]])
    older.content += 1
    newer.continue_from(older)
    torch.testing.assert_close(newer(torch.arange(2)), older(torch.arange(2)))
    torch.testing.assert_close(newer(torch.tensor([2]))[0], older.content[0])


@torch.no_grad()
def test_given_vectors_keep_their_directions():
    titles, given = (
        titles_of([1] * 5, np.zeros((5, 0))),
        np.random.default_rng(0).normal(3, 5, (5, 3)).astype(np.float32),
    )
    titles.start_at(given)
    start = titles.embeddings[:, :3].numpy()
    np.testing.assert_allclose(start / start.std(), given / given.std(), rtol=1e-5)


@torch.no_grad()
def test_attention_knows_distances():
    attention = Attention(SequenceConfig(size=4, heads=2, length=5))
    attention.bias.copy_(torch.arange(10.0))
    near = attention._near(3)
    assert near[0].tolist() == [[0, FAR, FAR], [1, 0, FAR], [2, 1, 0]]
    assert near[1].tolist() == [[5, FAR, FAR], [6, 5, FAR], [7, 6, 5]]
