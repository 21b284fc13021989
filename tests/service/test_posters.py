"""Poster art that is deterministic, safe and varied."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from matinee.service.web.posters import STYLES, poster, split_year


@given(st.text(max_size=80), st.lists(st.sampled_from([*STYLES, "Western", "<script>"]), max_size=3), st.booleans())
def test_any_title_gives_well_formed_art_the_same_every_time(title, genres, wide):
    title = "".join(letter for letter in title if letter.isprintable())
    art = poster(title, genres, wide=wide)
    ET.fromstring(art)
    assert art == poster(title, genres, wide=wide)
    assert "<script" not in art


def test_a_hostile_title_stays_text_in_its_poster():
    art = ET.fromstring(poster("<script>alert(1)</script>", ["<b>"]))
    assert {element.tag.rpartition("}")[2] for element in art.iter()}.isdisjoint({"script", "b", "foreignObject"})


def test_posters_of_one_genre_differ_from_each_other():
    assert len({poster(f"Story {n}", ["Drama"], wide=True) for n in range(50)}) == 50


def test_ways_to_draw_a_title_differ():
    for genres in ([], ["Drama"], ["Drama", "War"], ["Comedy", "Film-Noir", "War"], ["Documentary"]):
        faces = {poster("Story", genres, wide=True, way=way) for way in range(3)}
        assert len(faces) == 3, genres
    assert poster("Story", ["Drama"], way=0) == poster("Story", ["Drama"])


def test_names_are_read_as_people_say_them():
    assert split_year("Matrix, The (1999)") == ("The Matrix", "1999")
    assert split_year("Heat") == ("Heat", "")
    assert split_year("(1999)") == ("(1999)", "")
    assert split_year("M (1931) ") == ("M", "1931")
