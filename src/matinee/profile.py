"""Profiles: who the page is for. No demographics: there is no field for age, gender, occupation or address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

KIDS_LIMIT = 7  # a kids profile sees nothing above this age, whatever else its limit says


@dataclass(frozen=True, slots=True)
class Profile:
    """One unit of personalization.

    `account_id` groups profiles for experiments. `maturity_limit` is an age (12: nothing rated above 12);
    None means no limit. `languages` empty means any. `country` is ISO 3166 alpha-2, None means unknown. `time_zone` is
    a name of IANA such as Europe/Copenhagen, by which hours are read; None means that of the country or the service.
    `messages`: the member wants to be written to; nobody is who did not say so. Titles of `blocked_genres` are never
    shown, those of `less_genres` are held back.
    """

    user_id: str
    account_id: str = ""
    name: str = ""
    maturity_limit: int | None = None
    kids: bool = False
    languages: tuple[str, ...] = ()
    country: str | None = None
    blocked_titles: tuple[str, ...] = ()
    blocked_genres: tuple[str, ...] = ()
    time_zone: str | None = None
    messages: bool = False
    less_genres: tuple[str, ...] = ()

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Profile:
        """The profile of these fields, as `dataclasses.asdict` gives them and JSON keeps them."""
        known: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
        }
        return cls(**known)

    def nameless(self) -> Profile:
        """What it says beside ids and name."""
        return replace(self, user_id="", account_id="", name="")

    @property
    def limit(self) -> int | None:
        """The age above which nothing is shown; None when everything may be shown."""
        if not self.kids:
            return self.maturity_limit
        return KIDS_LIMIT if self.maturity_limit is None else min(self.maturity_limit, KIDS_LIMIT)
