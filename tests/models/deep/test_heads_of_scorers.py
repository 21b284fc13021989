"""The propensity head on every neural scorer: a log whose policy is known, and what it must not move."""

import numpy as np
import polars as pl
import pytest
import torch

from matinee.decision import Requests, no_progress
from matinee.errors import BadRequest
from matinee.history import Histories
from matinee.models.deep.fitting import Training, seeded
from matinee.models.deep.match_fitting import asked_of, examples_of, fit_match
from matinee.models.deep.match_network import Learner, MatchNetwork
from matinee.models.deep.propensity_head import HeadConfig, Over, PropensityHead, Use
from matinee.models.deep.title_vectors import TitleVectors
from matinee.models.deep.tokens import SITUATION, tokens_of
from matinee.models.factorization_machine import FactorizationMachine, FactorizationMachineConfig
from matinee.models.feed_forward import FeedForward, FeedForwardConfig
from matinee.models.sequence import Reading, Sequence, SequenceConfig
from matinee.models.two_tower import TwoTower, TwoTowerConfig
from matinee.testing import assert_same, checkerboard
from matinee.testing.worlds import make_catalog, make_data, make_events

pytestmark = pytest.mark.usefixtures("one_thread")

SHOWN = np.array([30, 30, 60, 90, 90])  # of 300 members, after all had title 5: beta is SHOWN / 300
LIKED = np.array([0.8, 0.4, 0.8, 0.4, 0.2])
BLIND = {"unknown": 0.0, "id_dropout": 0.0, "kappa": 1e-6}
STILL = Training(40, 50, 0.03)
MATCHING = {"size": 8, "content": False, "context": False, "time": False, **BLIND}
ORDER = {"size": 8, "layers": 1, "heads": 1, "length": 8, "recent": 0, "dropout": 0.0, **BLIND}


def of(scorer, config, **settings):
    """Makes a small scorer with these settings, and more."""
    return lambda **more: scorer(config(**{"training": STILL, **settings, **more}))


MAKERS = {
    "factorization-machine": of(FactorizationMachine, FactorizationMachineConfig, **MATCHING),
    "two-tower": of(TwoTower, TwoTowerConfig, hidden=8, dropout=0.0, **MATCHING),
    "feed-forward": of(FeedForward, FeedForwardConfig, hidden=8, dropout=0.0, **MATCHING),
    "sequence": of(Sequence, SequenceConfig, reading=Reading(False, False), unit=False, **ORDER),
}
BRIEF = {"training": Training(2, 16, 0.01)}
ASKED = Requests.of_histories(Histories.of_items([[0, 2], [1]]))
INVERSE = HeadConfig(Use.INVERSE, 1e6, Over.MEAN)


@pytest.fixture(scope="module")
def log():
    """Everybody liked title 5 and was shown one more: `SHOWN` says how many which, `LIKED` which share liked it."""
    shown = np.repeat(np.arange(5), SHOWN)
    place = np.arange(len(shown)) - np.repeat(np.cumsum(SHOWN) - SHOWN, SHOWN)
    liked = place < (LIKED * SHOWN)[shown]
    kinds = np.column_stack([np.full(len(shown), "play"), np.where(liked, "play", "thumbs_down")]).ravel()
    events = make_events([[5, one] for one in shown.tolist()])
    return make_data(events.with_columns(kind=pl.Series(kinds)), make_catalog(6))


@pytest.fixture(scope="module", params=MAKERS)
def maker(request):
    """Makes unfitted scorers of one kind."""
    return MAKERS[request.param]


def test_weighed_by_beta_a_network_ends_at_what_is_liked_and_its_head_at_what_was_shown(maker, log):
    """Closed forms: beta = the shares of what was shown; weighed by 1 / beta, pi = the shares of likes of each title.
    Unweighed it would be `SHOWN * LIKED`, which is .13 elsewhere: twice what is allowed.
    """
    pi, beta = taught(maker(head=INVERSE), log)
    np.testing.assert_allclose(beta, SHOWN / SHOWN.sum(), atol=0.06)
    np.testing.assert_allclose(pi, LIKED / LIKED.sum(), atol=0.06)


def taught(scorer, log):
    """(5,) each: chances of the titles 0 to 4 for who liked title 5, by the network and by its head, after fitting."""
    rng, five, every = np.random.default_rng(0), Histories.of_items([[5]]), torch.arange(6)
    if isinstance(scorer, Sequence):
        fitted = scorer.fit(log, rng).state
        states, vectors = torch.from_numpy(scorer.answers(Requests.of_histories(five))), fitted.vectors
        head = fitted.network.head
        scores = states @ vectors[:, :-1].T + vectors[:, -1]
    else:
        learner = learned(scorer, log, rng)
        liked, vectors = learner.tables()
        nowhere = np.zeros((1, len(SITUATION)), np.int16)
        states = learner.network.answers(liked, asked_of(np.array([0, 1]), np.array([5]), nowhere, torch.device("cpu")))
        scores, head = learner.network.scores(states, vectors), learner.head
    beta = head.log_chances(states.expand(6, -1), every, every)
    return (torch.softmax(part.detach()[:5].double(), 0).numpy() for part in (scores[0], beta))


def learned(scorer, log, rng):
    """The network of a matching scorer with its head, as `fit` makes it."""
    tokens = tokens_of(log.histories, 6, scorer.config.reading)
    counts = np.bincount(tokens.items[tokens.taught], minlength=6).astype(np.float32)
    with seeded(rng):
        parts = scorer.parts(scorer.config)
        sides = [TitleVectors(counts, np.zeros((6, 0), np.float32), 8, 0.0) for _ in range(2)]
        learner = Learner(MatchNetwork(parts, 8), parts, *sides, PropensityHead(6, 8, scorer.config.head))
    fit_match(learner, examples_of(tokens, whole=True), scorer.config.training, 6, 0.0, rng, no_progress)
    return learner


def test_the_head_moves_nothing_but_by_its_weights(maker):
    """1 / beta is never below 1: with a cap of 1 every weight is 1, and no bit may differ from no head."""
    data, idle = checkerboard(), HeadConfig(cap=1.0, over=Over.NOTHING)
    scores = [maker(head=head, **BRIEF).fit(data, np.random.default_rng(1)).score(ASKED) for head in (None, idle)]
    assert_same(*scores)


@pytest.mark.parametrize("name", ["two-tower", "feed-forward"])
def test_a_head_needs_every_title_as_a_candidate_and_stays_in_the_settings(name, tmp_path):
    with pytest.raises(BadRequest, match="raise candidates"):
        MAKERS[name](head=INVERSE, candidates=5).fit(checkerboard(), np.random.default_rng(0))
    fitted = MAKERS[name](head=INVERSE, **BRIEF).fit(checkerboard(), np.random.default_rng(0))
    fitted.save(tmp_path)
    loaded = type(fitted).load(tmp_path)
    assert loaded.config.head == INVERSE
    assert_same(loaded.score(ASKED), fitted.score(ASKED))
