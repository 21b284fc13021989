"""Leaderboards: every protocol has one; its models can be named by users, made twice, and keep the contract."""

import pytest

from matinee.cli.compare import Rules
from matinee.decision import Scorer
from matinee.evaluate.protocols import LEADERBOARDS
from matinee.recipes.leaderboards import CHEAP, board_of, with_baselines


@pytest.mark.parametrize("protocol", [one.name for one in LEADERBOARDS])
def test_every_protocol_has_a_board(protocol):
    board = board_of(protocol)
    assert "popularity" in board
    for name, make in board.items():
        assert "," not in name, "names are separated by commas"
        assert isinstance(make(), Scorer)
        assert make() is not make()


def test_the_command_line_names_every_protocol():
    assert [rules.value for rules in Rules] == [one.name for one in LEADERBOARDS]


@pytest.mark.parametrize("protocol", ["time-split", "own-times"])
def test_no_model_stands_alone_in_time(protocol):
    board = board_of(protocol)
    one = with_baselines(protocol, {"sequence": board["sequence"]})
    assert list(one) == ["sequence", "popularity-7d", "ease-recent"]
    assert all(one[name] == board[name] for name in CHEAP)
    assert list(with_baselines(protocol, one)) == list(one)


def test_elsewhere_the_models_asked_for_stand_alone():
    asked = {"ease": board_of("strong")["ease"]}
    assert with_baselines("strong", asked) == asked
