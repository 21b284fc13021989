"""The list ranker."""

from matinee.models.list_ranker import ListRanker, ListRankerConfig
from matinee.testing import check_scorer


def test_keeps_the_contract():
    check_scorer(ListRanker)


def test_keeps_the_contract_with_content_alone():
    check_scorer(lambda: ListRanker(ListRankerConfig(collaborative=False)), personal=False)
