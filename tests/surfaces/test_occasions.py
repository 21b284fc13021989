"""What suits an occasion: counted within members, silent where nothing is known, visible where something is."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from pages import NOW, policy_of, world

from matinee.clock import Clocks
from matinee.data.histories import training_data
from matinee.decision import Context, Requests
from matinee.decision.evidence import row_title, title_reasons
from matinee.decision.occasions import (
    FILM,
    GENRES,
    KIDS,
    N_OCCASIONS,
    SERIES,
    SHORT,
    UNKNOWN,
    Liking,
    key_of_about,
    liking_about,
    liking_key,
    occasion_words,
    occasions_of,
)
from matinee.events import clean
from matinee.history import Histories
from matinee.page import PHONE, TV, WEB, Layout, RowKind
from matinee.profile import Profile
from matinee.simulate.show_log import ShowLogConfig, show_log
from matinee.situation import Situations
from matinee.surfaces.occasions import Occasions, Suited
from matinee.testing import check_policy

LATE_PHONE = Context(device="phone", hour=23, weekday=1)
WEEKEND_TV = Context(device="tv", hour=20, weekday=5)
MORNING = Context(device="web", hour=10, weekday=1)
NOBODY_KNOWS = Context(device="tv")


def occasion(context: Context) -> int:
    return int(occasions_of(Situations.of([context]))[0])


@pytest.fixture(scope="module")
def shows() -> SimpleNamespace:
    """A made-up service of films and shows, all that is known of it, and what is watched when."""
    config = ShowLogConfig(members=100, days=60, late_short=12.0, weekend_film=12.0)
    data = show_log(np.random.default_rng(3), config)
    now = int(data.events["timestamp"].cast(pl.Int64).max()) + 1
    known = training_data(data.events, data.catalog, now, Clocks("UTC", data.profiles))
    return SimpleNamespace(data=data, now=now, known=known, occasions=Occasions.of(known))


def lift(shows: SimpleNamespace, context: Context, feature: int) -> float:
    return float(shows.occasions.lifts[occasion(context), feature])


@pytest.mark.parametrize(
    ("context", "words"),
    [
        (LATE_PHONE, "late at night on the phone"),
        (Context(device="mobile", hour=3, weekday=6), "late at the weekend on the phone"),
        (WEEKEND_TV, "on a weekend evening on the big screen"),
        (Context(device="stick", hour=17, weekday=4), "in the daytime on the big screen"),
        (MORNING, "in the daytime"),
        (Context(hour=18, weekday=0), "in the evening"),
    ],
)
def test_a_situation_is_an_occasion_in_words(context, words):
    assert occasion_words(occasion(context)) == words


def test_without_a_clock_there_is_no_occasion():
    assert occasion(NOBODY_KNOWS) == occasion(Context(hour=9)) == occasion(Context(weekday=2)) == UNKNOWN


def test_words_tell_occasions_apart_and_names_lead_back_to_keys():
    assert len({occasion_words(one) for one in range(N_OCCASIONS)}) == N_OCCASIONS
    catalog = world()
    for liking in (Liking(0, SHORT, 1.3), Liking(KIDS, FILM, 2.0), Liking(17, 5, 9.94)):
        key = liking_key(liking, catalog)
        assert key_of_about(liking_about(key, catalog), catalog) == key


def test_what_the_log_was_made_of_is_found(shows):
    """Late a short title is twelve times as likely to be chosen, a film on a weekend's television as well."""
    assert lift(shows, LATE_PHONE, SHORT) > 1.15
    assert lift(shows, WEEKEND_TV, FILM) > 1.15
    assert lift(shows, WEEKEND_TV, SERIES) < 1.0
    assert lift(shows, MORNING, SHORT) < 1.0
    told = {(one.occasion, one.feature) for one in shows.occasions.rows}
    assert {(occasion(LATE_PHONE), SHORT), (occasion(WEEKEND_TV), FILM)} <= told
    of_kids = [one.feature - GENRES for one in shows.occasions.rows if one.occasion == KIDS and one.feature >= GENRES]
    kids = {shows.data.catalog.genres[genre] for genre in of_kids}
    assert kids <= {"Animation", "Family", "Adventure"}
    assert kids


def test_where_times_say_nothing_no_occasion_does(shows):
    """Every event at another's time and on another's screen: of 375 counts one is told by chance at most."""
    rng = np.random.default_rng(0)
    order = rng.permutation(shows.data.events.height)
    events = shows.data.events
    moved = events.with_columns(events["timestamp"].gather(order), events["device"].gather(order))
    grown = {user: replace(one, kids=False) for user, one in shows.data.profiles.items()}
    found = Occasions.of(training_data(moved, shows.data.catalog, shows.now, Clocks("UTC", grown)))
    assert len(found.rows) <= 1


def test_a_members_own_taste_is_not_taken_for_an_occasion():
    """One half of the members watch short films, always late; the other long ones, always by day."""
    hours = {0: 9, 1: 23}
    rows = [
        (f"m{k}", f"t{at + 20 * (k % 2)}", 86_400 * (19_000 + (at + k) % 20) + 3_600 * hours[k % 2])
        for k in range(40)
        for at in range(20)
    ]
    events = pl.DataFrame(rows, ["user_id", "item_id", "timestamp"], orient="row").with_columns(
        pl.lit("play").alias("kind"), pl.lit(1.0).alias("value"), pl.arange(pl.len()).cast(pl.String).alias("event_id")
    )
    catalog = world(40, minutes=[120] * 20 + [30] * 20)
    assert Occasions.of(training_data(clean(events)[0], catalog, 10**18)).rows == ()


def page_of(shows: SimpleNamespace, context: Context, layout: Layout, kids: bool = False):
    """The page of somebody new in this situation, and the policy's catalogue."""
    catalog = shows.data.catalog
    policy = replace(policy_of(catalog), occasions=shows.occasions)
    profile = Profile("new", kids=kids, maturity_limit=7 if kids else None)
    asked = Requests.of_histories(Histories.empty(1), NOW, [profile], [context], layout=layout)
    return policy.decide(asked, np.random.default_rng(0)).page(), catalog


def test_a_kid_a_late_phone_and_a_weekend_television_get_pages_that_differ_and_say_why(shows):
    situations = {"kid": (MORNING, WEB, True), "phone": (LATE_PHONE, PHONE, False), "tv": (WEEKEND_TV, TV, False)}
    pages = {who: page_of(shows, *situation) for who, situation in situations.items()}
    titles, shown = {}, {}
    for who, (page, catalog) in pages.items():
        rows = [r for r in range(page.rows.shape[1]) if page.rows[0, r] >= 0]
        titles[who] = [row_title(page.name(0, r), catalog) for r in rows]
        shown[who] = set(page.items[page.items >= 0].tolist())
        reasons = {r: title_reasons(page, 0, r, catalog)[0] for r in rows if page.row_kinds[0, r] == RowKind.OCCASION}
        assert reasons, f"{who} has no row of its occasion: {titles[who]}"
        assert all(reason.startswith("Watched ") and " times as often " in reason for reason in reasons.values())
    assert "Short ones late at night on the phone" in titles["phone"]
    assert "Films on a weekend evening on the big screen" in titles["tv"]
    assert any(one.endswith(" for kids") for one in titles["kid"])
    assert not any(one.startswith(("Popular", "Trending")) for one in titles["kid"])
    assert len({len(one) for one in titles.values()}) > 1
    for one, other in (("kid", "phone"), ("phone", "tv"), ("kid", "tv")):
        assert len(shown[one] & shown[other]) < len(shown[one] | shown[other])
        assert titles[one] != titles[other]


def test_late_on_the_phone_short_titles_gain_and_nothing_gains_more_than_the_most(shows):
    catalog = shows.data.catalog
    suited = Suited(shows.occasions, catalog)
    asked = Requests.of_histories(Histories.empty(2), NOW, None, [LATE_PHONE, NOBODY_KNOWS])
    worth = suited.weigh(np.full((2, len(catalog)), 0.1, np.float32), asked)
    np.testing.assert_array_equal(worth[1], np.float32(0.1))
    short = catalog.titles["minutes"].to_numpy() <= 50
    assert worth[0][short].mean() > worth[0][~short].mean()
    assert 0.05 - 1e-6 <= worth[0].min() <= worth[0].max() <= 0.2 + 1e-6
    unweighed = Suited(replace(shows.occasions, weighs=False), catalog)
    np.testing.assert_array_equal(unweighed.weigh(np.full((2, len(catalog)), 0.1, np.float32), asked), np.float32(0.1))


def test_its_decisions_can_be_asked_again_and_what_is_kept_of_it_is_all(shows):
    catalog = shows.data.catalog
    asked = Requests.of_histories(
        Histories.of_items([[1, 2], [], [300, 301]]), NOW, None, [LATE_PHONE, WEEKEND_TV, MORNING]
    )
    check_policy(lambda: replace(policy_of(catalog, exploration=0.3), occasions=shows.occasions), catalog, asked)
    again = Occasions.of_plain(shows.occasions.plain())
    np.testing.assert_array_equal(again.lifts, shows.occasions.lifts)
    assert again.rows == shows.occasions.rows
    assert Occasions.of_plain({}).parts == Occasions().parts == ()
