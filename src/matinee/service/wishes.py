"""Wishes of a member, one at a time into the profile: never this genre or title, less of it, or as usual."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from matinee.catalog import Catalog, folded
from matinee.errors import NotFound, UnknownName
from matinee.profile import Profile
from matinee.service.profiles import understood
from matinee.service.requests import GenreWishIn, TitleWishIn


def wished(profile: Profile, asked: GenreWishIn | TitleWishIn, catalog: Catalog) -> Profile:
    """The profile with one wish changed, and nothing else. Raises `NotFound` for what the catalogue does not know."""
    changed = _of_title(profile, asked) if isinstance(asked, TitleWishIn) else _of_genre(profile, asked)
    try:
        return understood(changed, catalog, profile)
    except UnknownName as error:
        raise NotFound(str(error)) from error


def _of_title(profile: Profile, asked: TitleWishIn) -> Profile:
    return replace(profile, blocked_titles=_with(profile.blocked_titles, asked.item_id, asked.wish == "never"))


def _of_genre(profile: Profile, asked: GenreWishIn) -> Profile:
    never = _with(profile.blocked_genres, asked.genre, asked.wish == "never")
    less = _with(profile.less_genres, asked.genre, asked.wish == "less")
    return replace(profile, blocked_genres=never, less_genres=less)


def _with(names: Iterable[str], name: str, there: bool) -> tuple[str, ...]:
    """The names with `name` or without it, whatever its case."""
    others = tuple(one for one in names if folded(one) != folded(name))
    return (*others, name) if there else others
