"""The clock on the wall: the local hour and weekday of a time, by the zone of profile, country or service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

import numpy as np
import polars as pl

from matinee.errors import BadRequest
from matinee.events import DAY, TIME
from matinee.maths.arrays import Int32s, Int64s
from matinee.profile import Profile

CLOCKED = 365 * DAY  # times before 1971 are counters, not times


def local_clock(times: Int64s, zone: str) -> tuple[Int32s, Int32s]:
    """Hours (0 to 23) and weekdays (0 = Monday) of `times` (microseconds since 1970, UTC) in an IANA `zone`.

    -1 where the times are counters. This is the only place where a time becomes an hour: training and serving both ask
    it. Raises `BadRequest` for a zone that nobody knows.
    """
    require_zone(zone)
    moments = pl.Series(times, dtype=pl.Int64).cast(TIME).dt.convert_time_zone(zone).dt
    clocked = np.asarray(times) >= CLOCKED
    hours, weekdays = moments.hour().to_numpy(), moments.weekday().to_numpy()
    return np.where(clocked, hours, -1).astype(np.int32), np.where(clocked, weekdays - 1, -1).astype(np.int32)


@cache
def require_zone(zone: str) -> None:
    """Raise `BadRequest` unless `zone` is the name of a time zone."""
    try:
        pl.Series([], dtype=TIME).dt.convert_time_zone(zone)
    except (pl.exceptions.PolarsError, TypeError) as error:
        raise BadRequest(f"there is no time zone {zone!r}; give a name such as Europe/Copenhagen") from error


def zone_of(profile: Profile, country: str | None, otherwise: str) -> str:
    """The profile's zone; else that of the country where it has just one; else `otherwise`, the service's."""
    return profile.time_zone or country_zones().get(country or profile.country or "", otherwise)


@cache
def zone_names() -> tuple[str, ...]:
    """The names of all time zones, by the table of IANA."""
    names = resources.files("tzdata").joinpath("zones").read_text("utf-8").split()
    return tuple(name for name in names if name != "Factory")  # which is how a machine says that it was told none


@cache
def country_zones() -> Mapping[str, str]:
    """The zone of each country (ISO 3166 alpha-2) that has just one, by the table of IANA."""
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    rows = [line.split("\t") for line in table.splitlines() if not line.startswith("#")]
    countries = [row[0] for row in rows]
    return {country: zone for country, _, zone, *_ in rows if countries.count(country) == 1}


_NOBODY = Profile("")


@dataclass(frozen=True)
class Clocks:
    """Whose clock an event is read by: that of its member's profile, of its country, or the service's `time_zone`."""

    time_zone: str = "UTC"
    profiles: Mapping[str, Profile] = field(default_factory=dict)

    def read(self, events: pl.DataFrame) -> pl.DataFrame:
        """Columns `hour` and `weekday` (`local_clock`) of events with `user_id`, `country` and `timestamp`."""
        zones = self._zones(events.select("user_id", "country"))
        times, clock = events["timestamp"].dt.epoch("us").to_numpy(), np.empty((2, events.height), np.int32)
        for zone in zones.unique():
            there = (zones == zone).to_numpy()
            clock[:, there] = local_clock(times[there], zone)
        return pl.DataFrame({"hour": clock[0], "weekday": clock[1]})

    def _zones(self, whose: pl.DataFrame) -> pl.Series:
        distinct = whose.unique()
        zones = [
            zone_of(self.profiles.get(user_id, _NOBODY), country, self.time_zone)
            for user_id, country in distinct.iter_rows()
        ]
        known = distinct.with_columns(pl.Series("zone", zones, pl.String))
        joined = whose.join(known, on=whose.columns, how="left", nulls_equal=True, maintain_order="left")
        return joined["zone"]
