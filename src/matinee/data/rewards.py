"""Rewards: what an event is worth, as named functions; whoever asks for outcomes chooses one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from matinee import events
from matinee.events import FINISHED, PLAYED

Reward = Callable[[], pl.Expr]  # events (`events.SCHEMA`) -> a number each, null where the event says nothing

_kind, _value = pl.col("kind"), pl.col("value").fill_null(0.0)


def opened() -> pl.Expr:
    """1 for looking closer or more: details opened, played, rated, liked, listed."""
    return pl.when(_kind.is_in(["open", "play", "rating", "thumbs_up", "list_add"])).then(1.0)


def played() -> pl.Expr:
    """1 for a play that went beyond a taste of it."""
    return pl.when(_kind == "play").then((_value >= PLAYED).cast(pl.Float64))


def completed() -> pl.Expr:
    """1 for a play to the end."""
    return pl.when(_kind == "play").then((_value >= FINISHED).cast(pl.Float64))


def liked() -> pl.Expr:
    """1 for what makes a title a taste: a play beyond a taste of it, three stars of five and more, a thumbs up."""
    return pl.when(events.liked()).then(1.0)


def enjoyed() -> pl.Expr:
    """0..1: the share watched or the stars, and 1 for a thumbs up or an addition to the list."""
    return pl.when(_kind.is_in(["play", "rating"])).then(_value).when(_kind.is_in(["thumbs_up", "list_add"])).then(1.0)


def enjoyed_or_refused() -> pl.Expr:
    """As `enjoyed`, and -1 for a thumbs down or "not for me"."""
    return pl.when(_kind.is_in(["thumbs_down", "dismiss"])).then(-1.0).otherwise(enjoyed())


REWARDS: Mapping[str, Reward] = {
    one.__name__.replace("_", "-"): one for one in (opened, played, completed, liked, enjoyed, enjoyed_or_refused)
}
