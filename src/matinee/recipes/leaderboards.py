"""Leaderboards: which models stand on each, with the settings that suit its protocol.

Settings are the models' defaults unless an entry of `recipes/models/` gives others: published ones, or tuned on the
protocol's validation, never on its test.
"""

from __future__ import annotations

from collections.abc import Mapping

from matinee.recipes.models.entry import IN_TIME, NCF, NEXT_ITEM, SHOWN_LISTS, STRONG, Make
from matinee.recipes.registry import MODELS

BOARDS = {"ncf": NCF, "next-item": NEXT_ITEM, "next-item-refitted": NEXT_ITEM, "strong": STRONG}
BOARDS |= {"shown-lists": SHOWN_LISTS, "time-split": IN_TIME, "own-times": IN_TIME}
CHEAP = ("popularity-7d", "ease-recent")  # what a model must beat where fashion counts; they cost next to nothing


def board_of(protocol: str) -> dict[str, Make]:
    """The models of a protocol's leaderboard by name, ready to be made."""
    board = BOARDS[protocol]
    return {called: make for name, model in MODELS.items() for called, make in model.on(board, name).items()}


def with_baselines(protocol: str, asked: Mapping[str, Make]) -> dict[str, Make]:
    """The models asked for; on a protocol in time with those of `CHEAP`, so that no model stands there alone."""
    if BOARDS[protocol] != IN_TIME:
        return dict(asked)
    return {**asked, **{name: MODELS[name].make for name in CHEAP if name not in asked}}
