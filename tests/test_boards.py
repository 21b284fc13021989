"""Boards: every protocol has one, its models can be named on the command line, made twice, and keep the contract."""

import pytest

from matinee.boards import board_of
from matinee.cli.compare import Rules
from matinee.decision import Scorer
from matinee.evaluate.protocols import LEADERBOARDS


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
