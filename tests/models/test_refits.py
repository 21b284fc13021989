"""Going on from a fit: a catalogue may have grown since or be the same, and never shrinks."""

import numpy as np
import pytest

from matinee.decision import Requests
from matinee.errors import BadRequest
from matinee.history import Histories
from matinee.models.artifacts.widen import for_catalog
from matinee.models.content.factors import ContentFactors
from matinee.models.content.taste import Content
from matinee.models.deep.fitting import Training
from matinee.models.factors import Factors, FactorsConfig
from matinee.models.linear_autoencoder import Ease
from matinee.models.ranking.ranker import Ranker, RankerConfig
from matinee.models.sequence import Sequence, SequenceConfig
from matinee.testing import assert_same, checkerboard, make_catalog

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = FactorsConfig(size=2, epochs=2)
READER = SequenceConfig(size=8, heads=1, layers=1, length=20, training=Training(epochs=1))
MAKERS = [
    lambda: Factors(SMALL),
    lambda: ContentFactors(factors=SMALL),
    lambda: Sequence(READER),
    lambda: Ranker(RankerConfig(), (("ease", Ease()), ("factors", Factors(SMALL)))),
]
NAMES = ["factors", "content-factors", "sequence", "ranker"]


@pytest.mark.parametrize("make", MAKERS, ids=NAMES)
def test_a_catalogue_that_shrank_is_refused_and_nothing_is_lost(make):
    data, shorter = checkerboard(), checkerboard(titles=8)
    scorer = make().fit(data, np.random.default_rng(0))
    with pytest.raises(BadRequest, match="fitted on 12 titles and the catalogue has 8; titles are appended"):
        scorer.refit(shorter, np.random.default_rng(0))
    scorer.refit(data, np.random.default_rng(0))


def test_a_copy_for_more_titles_stays_as_it_was_when_the_scorer_goes_on():
    data = checkerboard()
    scorer = ContentFactors(factors=SMALL).fit(data, np.random.default_rng(0))
    grown, asked = scorer.for_titles(make_catalog(14)), Requests.of_histories(Histories.of_items([[0, 2]]))
    before = grown.for_titles(data.catalog).score(asked)
    scorer.refit(data, np.random.default_rng(1))
    assert_same(grown.for_titles(data.catalog).score(asked), before)


@pytest.mark.parametrize("make", [Content, *MAKERS[1:3]], ids=["content", *NAMES[1:3]])
def test_where_no_title_came_a_scorer_is_not_copied(make):
    data = checkerboard()
    scorer = make().fit(data, np.random.default_rng(0))
    assert scorer.for_titles(data.catalog) is scorer
    grown = scorer.for_titles(make_catalog(14))
    assert grown.for_titles(data.catalog) is not grown


@pytest.mark.parametrize("make", [*MAKERS, Ease], ids=[*NAMES, "ease"])
def test_a_scorer_answers_for_no_catalogue_that_shrank(make):
    scorer = make().fit(checkerboard(), np.random.default_rng(0))
    with pytest.raises(BadRequest, match="titles are appended"):
        for_catalog(scorer, 12, checkerboard(titles=8).catalog)
