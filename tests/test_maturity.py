"""Age ratings: each system's published symbols, written however catalogues write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.maturity import age_of

PUBLISHED = {
    0: ["G", "TV-Y", "TV-G", "FSK 0", "U", "Uc", "0+"],
    6: ["FSK 6", "ab 6", "6+"],
    7: ["TV-Y7", "TV-Y7-FV", "7"],
    8: ["PG", "TV-PG"],
    12: ["FSK 12", "FSK ab 12", "12A", "12", "12+"],
    13: ["PG-13", "13+"],
    14: ["TV-14"],
    15: ["15", "BBFC 15"],
    16: ["FSK 16", "DE:16", "Freigegeben ab 16 Jahren"],
    17: ["R", "TV-MA", "Rated R", "US:R"],
    18: ["NC-17", "FSK 18", "18", "R18", "X"],
}


@pytest.mark.parametrize(("age", "rating"), [(age, one) for age, many in PUBLISHED.items() for one in many])
def test_each_published_symbol_has_its_age_in_any_spelling(age: int, rating: str):
    spaced = rating.replace("-", " ")
    spellings = [rating, rating.lower(), f"  {rating}\n", spaced, rating.replace("-", "_"), rating.replace("-", "")]
    assert {age_of(one) for one in spellings} == {age}


@pytest.mark.parametrize(
    "rating", ["", "NR", "Not Rated", "Unrated", "N/A", "99", "-3.5", "PG-99", "FSK", "approved", "TV"]
)
def test_what_says_no_age_is_unknown(rating: str):
    assert age_of(rating) is None


@given(st.text(max_size=40))
def test_any_text_gives_an_age_or_none(text: str):
    age = age_of(text)
    assert age is None or 0 <= age <= 21
