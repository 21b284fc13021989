"""The hybrid ranker."""

from matinee.models.ranker import Ranker
from matinee.testing import check_scorer


def test_keeps_the_contract():
    check_scorer(Ranker)
