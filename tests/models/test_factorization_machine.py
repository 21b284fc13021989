"""The factorization machine, and what all match networks share: examples, loss, context, content, reasons."""

import numpy as np
import polars as pl
import pytest
import torch

from matinee.decision import Context, Requests
from matinee.errors import BadRequest
from matinee.history import Histories
from matinee.models.deep.fitting import Training
from matinee.models.deep.match_fitting import Batch, asked_of, examples_of, match_loss
from matinee.models.deep.match_network import Dot, Learner, MatchNetwork, Parts
from matinee.models.deep.title_vectors import TitleVectors
from matinee.models.deep.tokens import SITUATION, Reading, tokens_of
from matinee.models.factorization_machine import FactorizationMachine, FactorizationMachineConfig
from matinee.situation import device_code
from matinee.testing import assert_same, check_scorer, checkerboard, make_catalog, make_data, make_events

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = Training(epochs=60, batch=64, rate=5e-2)


def small(**settings):
    return FactorizationMachine(FactorizationMachineConfig(size=4, training=QUICK, **settings))


def test_keeps_the_contract():
    check_scorer(small)


def part_of(scorer, requests):
    """What the network says, without the prior."""
    return scorer.score(requests) - scorer._fitted.prior.scores(requests)


def on_devices():
    """Everybody watches even titles on TV and odd ones on the phone, each all but one of them."""
    likes = [[i for i in range(8) if i != k % 8] for k in range(32)]
    devices = [("tv", "phone")[i % 2] for row in likes for i in row]
    events = make_events(likes).with_columns(pl.Series("device", devices, pl.String))
    return make_data(events, make_catalog(8))


def test_an_example_is_a_member_in_a_situation():
    data = on_devices()
    examples = examples_of(tokens_of(data.histories, 8, Reading(time=False, order=False)))
    assert len(examples) == 2 * 32
    assert sorted(set(examples.situations[:, 1].tolist())) == sorted([device_code("tv"), device_code("phone")])
    for e in range(len(examples)):
        member = examples.members[e]
        owned = slice(examples.offsets[member], examples.offsets[member + 1])
        parity = 0 if examples.situations[e, 1] == device_code("tv") else 1
        missed = int(data.user_ids[member].removeprefix("m")) % 8
        expected = [i for i in range(8) if i != missed and i % 2 == parity]
        assert examples.items[owned][examples.groups[owned] == e].tolist() == expected


def test_without_situations_a_member_is_one_example():
    examples = examples_of(tokens_of(on_devices().histories, 8, Reading(context=False, time=False, order=False)))
    assert examples.members.tolist() == list(range(32))
    assert not examples.situations.any()


def test_the_loss_is_a_softmax_over_candidates_that_are_not_known():
    n, size = 5, 3  # title 4 is not drawn
    with torch.random.fork_rng():
        torch.manual_seed(0)
        parts = Parts(torch.nn.Identity(), torch.nn.Identity(), Dot())
        sides = [TitleVectors(np.full(n, 9, np.float32), np.zeros((n, 0), np.float32), size, 0.0) for _ in range(2)]
        learner = Learner(MatchNetwork(parts, size), parts, *sides)
        for side in sides:
            torch.nn.init.normal_(side.embeddings)
    nowhere = np.zeros((1, len(SITUATION)), np.int16)
    asked = asked_of(np.array([0, 2]), np.array([1, 4], np.int32), nowhere, torch.device("cpu"))
    places = [torch.tensor(part) for part in ([0, 1, 2, 3], [0, 0], [0, 3], [0], [1], [0, 0], [0, 3])]
    liked, vectors = (table.numpy().astype(np.float64) for table in learner.tables())
    scores = vectors[:, :size] @ ((liked[1] + liked[4]) / np.sqrt(2)) + vectors[:, size]
    chances = np.exp(scores[[0, 2, 3]]) / np.exp(scores[[0, 2, 3]]).sum()
    expected = -(np.log(chances[0]) + np.log(chances[2])) / 2
    assert match_loss(learner, Batch(asked, *places)).item() == pytest.approx(expected, rel=1e-5)


def test_the_device_of_the_request_moves_the_ranking_and_a_strange_one_does_not():
    scorer = small(time=False).fit(on_devices(), np.random.default_rng(0))
    contexts = Context(device="tv"), Context(device="phone"), Context(device="toaster"), Context()
    scores = scorer.score(Requests.of_histories(Histories.of_items([[0, 1]] * 4), contexts=contexts))
    assert scores[0, 2::2].min() > scores[0, 3::2].max()
    assert scores[1, 3::2].min() > scores[1, 2::2].max()
    assert np.abs(scores[2] - scores[3]).max() < 0.2 * np.abs(scores[0] - scores[1]).max()
    blind = small(time=False, context=False).fit(on_devices(), np.random.default_rng(0))
    likes = Histories.of_items([[0, 1]])
    tv, phone = (part_of(blind, Requests.of_histories(likes, contexts=(context,))) for context in contexts[:2])
    assert_same(tv, phone)


def test_a_title_without_likes_is_known_by_its_content():
    data = checkerboard()
    genres = [["even"] if i % 2 == 0 else ["odd"] for i in range(14)]
    data = make_data(data.events.drop("item"), make_catalog(14, genres=genres))
    scorer = small(id_dropout=0.3).fit(data, np.random.default_rng(0))
    scores = scorer.score(Requests.of_histories(Histories.of_items([[0, 2], [1, 3]])))
    assert scores[0, 12] > scores[0, 13]
    assert scores[1, 13] > scores[1, 12]


def test_the_reason_is_the_largest_term_of_the_dot_product():
    scorer = small().fit(checkerboard(), np.random.default_rng(0))
    seen = [0, 3, 4, 9]
    liked, vectors = (table.numpy() for table in (scorer._fitted.liked, scorer._fitted.vectors[:, :-1]))
    terms = liked[seen] @ (vectors - vectors.mean(axis=0)).T
    expected = np.where(terms.max(axis=0) > 0, np.array(seen)[terms.argmax(axis=0)], -1)
    items = np.arange(12, dtype=np.int32)[None]
    reasons = scorer.explain(Requests.of_histories(Histories.of_items([seen])), items)
    assert reasons[0].tolist() == expected.tolist()


def test_bad_settings_are_refused():
    for settings, name in (({"size": 0}, "size"), ({"unknown": 1.0}, "unknown"), ({"candidates": 0}, "candidates")):
        with pytest.raises(BadRequest, match=name):
            FactorizationMachineConfig(**settings)
