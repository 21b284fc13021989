"""Filters: what passes is what the words say, what cannot be read is refused in words, and guarantees stay."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.catalog import Catalog
from matinee.decision import Boost, Control, Promotion, Requests
from matinee.decision.eligibility import eligibility, eligible, nameable
from matinee.decision.expressions import parsed, quoted
from matinee.decision.filters import KEPT, passing
from matinee.errors import BadRequest
from matinee.events import DAY
from matinee.history import Histories
from matinee.profile import Profile

NOW = 20_000 * DAY + DAY // 2


TIME = pl.Datetime("us", "UTC")


def moment(days_ago: int | None) -> int | None:
    return None if days_ago is None else NOW - days_ago * DAY


CATALOG = Catalog.from_frame(
    pl.DataFrame(
        {
            "item_id": ["heat", "alien", 'say "hi"', "new", "bare"],
            "kind": ["movie", "movie", "Series", "movie", None],
            "genres": [["Crime", "Drama"], ["Horror"], ["Drama"], ["Comedy"], []],
            "people": [["Al Pacino"], ["Sigourney Weaver"], [], ["Al Pacino"], []],
            "tags": [["heist"], [], [], [], []],
            "languages": [["en"], ["en", "da"], ["da"], [], []],
            "countries": [["DK"], [], ["SE", "DK"], ["SE"], []],
            "maturity": [16, 18, 0, None, None],
            "minutes": [170, 117, 30, 90, None],
            "released": pl.Series([None, moment(16_000), moment(3_000), moment(40), None]).cast(TIME),
            "available_from": pl.Series([moment(9), None, None, moment(2), None]).cast(TIME),
        }
    )
)
HEAT, ALIEN, HI, NEW, BARE = range(5)


@pytest.mark.parametrize(
    ("expression", "passes"),
    [
        ('genre = "drama"', [HEAT, HI]),
        ('genre in ("Horror", " comedy ")', [ALIEN, NEW]),
        ('genre != "Drama"', [ALIEN, NEW, BARE]),
        ('NOT genre = "Drama" AND person = "al pacino"', [NEW]),
        ('genre = "Drama" or genre = "Horror" and year < 1990', [HEAT, ALIEN, HI]),
        ('(genre = "Drama" or genre = "Horror") and year < 1990', [ALIEN]),
        ('person not in ("Al Pacino")', [ALIEN, HI, BARE]),
        ('tag = "heist"', [HEAT]),
        ('language = "DA"', [ALIEN, HI]),
        ('country = "DK"', [HEAT, ALIEN, HI, BARE]),
        ('kind = "series"', [HI]),
        ('id = "say \\"hi\\""', [HI]),
        ("id in ('heat', \"nobody's\")", [HEAT]),
        ("year in (1980, 2024)", [ALIEN, NEW]),
        ("maturity <= 16", [HEAT, HI]),
        ("not maturity <= 16", [ALIEN, NEW, BARE]),
        ("minutes >= 90 and minutes < 117.5", [ALIEN, NEW]),
        ("added <= 9", [HEAT, NEW]),
        ("added < 9", [NEW]),
        ("year > 0 or not year > 0", [HEAT, ALIEN, HI, NEW, BARE]),
    ],
)
def test_what_passes_is_what_the_words_say(expression, passes):
    assert np.flatnonzero(passing(CATALOG, expression, NOW)).tolist() == passes


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("", r"at character 1 of '': the text ends; give a field"),
        ('gendre = "x"', r"at character 1 .*: 'gendre' is no field; give genre, tag, person"),
        ("genre = Drama", r"at character 9 .*: there is 'Drama'; give a text in quotes"),
        ("genre = text", r"there is 'text'; give a text in quotes"),
        ('year = "1990"', r"""at character 8 .*: there is '"1990"'; give a number"""),
        ('genre > "a"', r"at character 7 .*: there is '>'; give = or != or in or not"),
        ("year = 1 year = 2", r"at character 10 .*: there is 'year'; give an end, `and` or `or`"),
        ("(year = 1", r"the text ends; give \)"),
        ("year ~ 1", r"at character 6 .*: '~ 1' is neither a word"),
        ('genre = "a', r"at character 9 .*is neither"),
        ("genre in ()", r"at character 11 .*: there is '\)'; give a text in quotes"),
        ("(" * 21 + "year = 1" + ")" * 21, r"more than 20 deep; write it flatter"),
        ("not " * 21 + "year = 1", r"at character 81 .*more than 20 deep"),
        ("year = 1 or " * 2_000 + "year = 1", r"has 24,008 characters; give at most 20,000"),
        ("__import__('os')", r"'__import__' is no field"),
    ],
)
def test_what_cannot_be_read_is_refused_with_place_value_and_remedy(expression, says):
    with pytest.raises(BadRequest, match=says):
        parsed(expression)


@given(st.text(st.sampled_from("genre year=<>!()'\"\\,.0-inotad\n\0é"), max_size=40))
def test_any_text_is_a_mask_or_refused(text):
    with suppress(BadRequest):
        assert passing(CATALOG, text, NOW).shape == (5,)


@given(st.text(max_size=30))
def test_any_text_can_be_quoted(text):
    assert parsed(f"id = {quoted(text)}").values == (text,)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: Control("year"), "the filter cannot be read: at character 5"),
        (lambda: Boost("year = 1", 0.0), "factor 0.0; give 0.001 to 1000, and leave titles out by the filter"),
        (lambda: Boost("year = 1", float("nan")), "factor nan"),
        (lambda: Promotion("year = 1", 1.5), "share 1.5; give a number above 0, at most 1"),
        (lambda: Promotion("yaer = 1", 0.5), "the promotion cannot be read.*'yaer' is no field"),
        (lambda: Control("", (Boost("year = 1", 2.0),) * 9), "9 boosts; give at most 8"),
        (lambda: Control("", (), (Promotion("year = 1", 0.6),) * 2), "add up to 1.2; give shares of at most 1"),
    ],
)
def test_a_control_that_cannot_hold_is_refused(wrong, says):
    with pytest.raises(BadRequest, match=says):
        wrong()


def test_a_mask_is_made_once_a_day_at_most_and_the_oldest_go():
    assert passing(CATALOG, "year > 1", NOW) is passing(CATALOG, "year > 1", NOW + 9 * DAY)
    today = passing(CATALOG, "added > 1", NOW)
    assert today is passing(CATALOG, "added > 1", NOW + 1)
    assert today is not passing(CATALOG, "added > 1", NOW + DAY)
    for year in range(KEPT + 2):
        passing(CATALOG, f"year > {year}", NOW)
    assert passing(CATALOG, "added > 1", NOW) is not today
    with pytest.raises(ValueError, match="read-only"):
        today[0] = True


def test_a_title_that_came_later_is_in_the_mask():
    later = CATALOG.put([{"item_id": "later", "genres": ["Drama"]}, {"item_id": "alien", "genres": ["Drama"]}])
    assert np.flatnonzero(passing(later, 'genre = "Drama"', NOW)).tolist() == [HEAT, ALIEN, HI, 5]
    assert np.flatnonzero(passing(CATALOG, 'genre = "Drama"', NOW)).tolist() == [HEAT, HI]


def asking(control: Control) -> Requests:
    profiles = [Profile("a"), Profile("b", maturity_limit=16), Profile("c")]
    times = np.array([NOW, NOW, NOW + 7 * DAY])
    return Requests.of_histories(Histories.empty(3), times, profiles, control=control)


@given(st.sampled_from(['genre = "Drama"', "added < 5", "not year < 1990", "maturity = 18", "year = 1"]))
def test_a_filter_narrows_each_request_by_its_own_day_and_never_widens(expression):
    plain, asked = asking(Control()), asking(Control(expression))
    mask, found = eligible(CATALOG, asked), eligibility(CATALOG, asked)
    for b in range(3):
        wanted = eligible(CATALOG, plain)[b] & passing(CATALOG, expression, int(plain.times[b]))
        assert mask[b].tolist() == wanted.tolist() == found.masks[found.rules[b]].tolist()
    np.testing.assert_array_equal(nameable(CATALOG, asked, mask), eligible(CATALOG, plain))


def test_each_one_alone_and_excluded_titles_too():
    asked = asking(Control("added < 5"))
    alone = np.concatenate([eligible(CATALOG, asked.take(np.array([b]))) for b in range(3)])
    np.testing.assert_array_equal(alone, eligible(CATALOG, asked))
    assert alone[2].tolist() == [False] * 5
    assert replace(asked, control=Control()).control.plain is None
