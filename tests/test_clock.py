"""The clock on the wall: one function for training and serving, whatever the zone of the machine."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from matinee.clock import CLOCKED, Clocks, country_zones, local_clock, zone_names, zone_of
from matinee.decision import Context, situations_of
from matinee.errors import BadRequest
from matinee.history import Histories
from matinee.models.popularity import Popularity, PopularityConfig
from matinee.profile import Profile
from matinee.service.many_requests import MINUTE
from matinee.service.members import Member
from matinee.service.one_request import request_of
from matinee.service.requests import ContextIn
from matinee.testing import make_catalog, make_data, make_events

HOUR = 3_600
MORNING, EVENING = 7, 20  # in Tokyo, nine hours ahead of UTC
NOON = int(datetime(2024, 7, 1, 12, tzinfo=UTC).timestamp() * 1e6)  # a Monday, summer time in Europe


@pytest.mark.parametrize(
    ("zone", "hour", "weekday"),
    [("UTC", 12, 0), ("Europe/Copenhagen", 14, 0), ("Asia/Tokyo", 21, 0), ("Pacific/Kiritimati", 2, 1)],
)
def test_a_time_has_an_hour_and_a_weekday_in_every_zone(zone, hour, weekday):
    hours, weekdays = local_clock(np.array([NOON, CLOCKED - 1]), zone)
    assert hours.tolist() == [hour, -1]
    assert weekdays.tolist() == [weekday, -1]


def test_no_zone_turns_its_clock_within_a_minute():
    """What the service remembers by the minute; 200 times of 2000 to 2040 in every zone."""
    times = np.random.default_rng(0).integers(946_684_800, 2_208_988_800, 200) * 1_000_000 + 999_999
    for zone in zone_names():
        exact, of_minute = local_clock(times, zone), local_clock(times // MINUTE * MINUTE, zone)
        np.testing.assert_array_equal(exact, of_minute, zone)


def test_a_zone_that_nobody_knows_is_refused():
    with pytest.raises(BadRequest, match="no time zone 'Mars/Base'; give a name such as"):
        local_clock(np.array([NOON]), "Mars/Base")


def test_the_profile_speaks_before_the_country_and_the_country_before_the_service():
    tokyo = Profile("m", time_zone="Asia/Tokyo", country="DK")
    assert zone_of(tokyo, "DK", "UTC") == "Asia/Tokyo"
    assert zone_of(Profile("m", country="DK"), None, "UTC") == "Europe/Copenhagen"
    assert zone_of(Profile("m", country="DK"), "JP", "UTC") == "Asia/Tokyo"
    assert zone_of(Profile("m", country="US"), None, "America/Denver") == "America/Denver"
    assert zone_of(Profile("m"), None, "UTC") == "UTC"


def test_every_zone_of_the_tables_can_be_read():
    assert set(country_zones().values()) <= set(zone_names())
    for zone in zone_names():
        local_clock(np.array([NOON]), zone)


def test_events_are_read_by_the_clock_of_their_member_or_country():
    events = make_events([[0], [0], [0], [0]]).with_columns(
        pl.Series("country", [None, "DK", None, "US"]), timestamp=pl.lit(NOON).cast(pl.Datetime("us", "UTC"))
    )
    clocks = Clocks("UTC", {"m0": Profile("m0", time_zone="Asia/Tokyo"), "m2": Profile("m2", country="JP")})
    assert clocks.read(events).rows() == [(21, 0), (14, 0), (21, 0), (12, 0)]
    assert clocks.read(events.clear()).is_empty()
    assert situations_of(events, clocks).context(1) == Context("DK", None, None, 14, 0)


@pytest.fixture
def server_in(monkeypatch):
    """Set the zone of this machine."""

    def there(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield there
    monkeypatch.undo()
    time.tzset()


def tokyo(clocks: Clocks) -> Popularity:
    """Members in Tokyo watch titles 0 to 19 in the evening and 20 to 39 in the morning."""
    lists = [[k // 2 % 20] if k % 2 else [20 + k // 2 % 20] for k in range(1_500)]
    start = 1_700_006_400 - 9 * HOUR  # midnight in Tokyo
    clock = [(EVENING if k % 2 else MORNING) * HOUR + k // 2 % 28 * 24 * HOUR for k in range(1_500)]
    events = make_events(lists).with_columns(
        timestamp=pl.Series([(start + at) * 1_000_000 for at in clock]).cast(pl.Datetime("us", "UTC"))
    )
    data = replace(make_data(events, make_catalog(40)), clocks=clocks)
    return Popularity(PopularityConfig(pseudo_counts=100.0)).fit(data, np.random.default_rng(0))


@pytest.mark.parametrize("server", ["Asia/Tokyo", "UTC", "America/Los_Angeles"])
@pytest.mark.parametrize("told", ["profile", "country", "service"])
def test_an_evening_in_tokyo_is_an_evening_wherever_the_server_stands(server_in, server, told):
    profiles = {
        "profile": {f"m{k}": Profile(f"m{k}", time_zone="Asia/Tokyo") for k in range(1_500)},
        "country": {f"m{k}": Profile(f"m{k}", country="JP") for k in range(1_500)},
        "service": {},
    }[told]
    service = "Asia/Tokyo" if told == "service" else "UTC"
    scorer = tokyo(Clocks(service, profiles))
    member = Member(replace(profiles.get("m0", Profile("m0")), user_id="new"), Histories.empty(1))

    def evenings(asked: ContextIn, now: int = NOON) -> int:
        requests = request_of(make_catalog(40), member, asked, now, time_zone=service)
        return int((np.argsort(-scorer.score(requests)[0])[:20] < 20).sum())

    server_in(server)
    assert evenings(ContextIn(hour=EVENING)) == 20
    assert evenings(ContextIn(hour=MORNING)) == 0
    assert evenings(ContextIn(), NOON - HOUR * 1_000_000) == 20  # 20 o'clock in Tokyo
    assert evenings(ContextIn(), NOON + 10 * HOUR * 1_000_000) == 0  # 7 o'clock there
