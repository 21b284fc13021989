"""Going on from a fit: a catalogue may have grown since, and never shrinks."""

import numpy as np
import pytest

from matinee.errors import BadRequest
from matinee.models.content.factors import ContentFactors
from matinee.models.deep.fitting import Training
from matinee.models.factors import Factors, FactorsConfig
from matinee.models.linear_autoencoder import Ease
from matinee.models.ranking.ranker import Ranker, RankerConfig
from matinee.models.sequence import Sequence, SequenceConfig
from matinee.models.widen import for_catalog
from matinee.testing import checkerboard

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


@pytest.mark.parametrize("make", [*MAKERS, Ease], ids=[*NAMES, "ease"])
def test_a_scorer_answers_for_no_catalogue_that_shrank(make):
    scorer = make().fit(checkerboard(), np.random.default_rng(0))
    with pytest.raises(BadRequest, match="titles are appended"):
        for_catalog(scorer, 12, checkerboard(titles=8).catalog)
