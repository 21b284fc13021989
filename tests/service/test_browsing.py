"""Browsing on the web page: a genre, its chips, and More until everything was shown once."""

from __future__ import annotations

import re
from html import unescape

import numpy as np
import pytest
from service_fakes import small_catalog

from matinee.maths.calibration import Platt
from matinee.models.popularity import Popularity
from matinee.service.web.browsing import Browsing
from matinee.surfaces.charts import charts
from matinee.surfaces.search.policy import SearchPolicy
from matinee.testing import make_data, make_events


@pytest.fixture
def browsing(serve):
    catalog = small_catalog()
    data = make_data(make_events([[0, 1], [1, 2]]), catalog)
    scorer, drawn = Popularity().fit(data, np.random.default_rng(0)), charts(data.events, catalog, data.as_of)
    policy = SearchPolicy("search", "fixed", catalog, scorer, Platt(1.0, 0.0), drawn)
    return serve(policies={"search": [("found", policy)]})


def titles(text: str) -> list[str]:
    return re.findall(r'data-item="([^"]+)"', text)


def more(text: str) -> str:
    return unescape(re.search(r'id="more" href="([^"]+)"', text)[1])


def test_everything_is_met_once_and_then_that_was_all(browsing):
    first = browsing.get("/browse?user=ada").text
    second = browsing.get(more(first)).text
    assert (len(titles(first)), len(titles(second))) == (48, 12)
    assert set(titles(first)) | set(titles(second)) == {f"t{k}" for k in range(60)}
    assert "That was all." in second
    assert 'id="more"' not in second


def test_a_genre_is_chosen_and_nothing_else_is_there(browsing):
    page = browsing.get("/browse?user=ada&genre=Film-Noir").text
    assert sorted(titles(page)) == [f"t{k}" for k in (16, 26, 36, 46, 56, 6)]
    assert re.search(r'genre=Film-Noir" aria-current="true">Film-Noir', page)
    nothing = browsing.get("/browse?user=ada&genre=Film-Noir&since=2020").text
    assert "No title that you may see is like this." in nothing


@pytest.mark.parametrize(
    ("chosen", "expression", "title"),
    [
        (Browsing("Children's", 'a "b"'), 'genre = "Children\'s" and tag = "a \\"b\\""', 'Children\'s: a "b"'),
        (Browsing(since=2000), "year >= 2000", "All titles, from 2000 on"),
        (Browsing("War", since=1990), 'genre = "War" and year >= 1990', "War, from 1990 on"),
    ],
)
def test_a_choice_is_a_filter_and_a_title(chosen, expression, title):
    assert (chosen.filter, chosen.title) == (expression, title)


def test_a_member_without_a_search_is_offered_no_browsing(client):
    assert "/browse" not in client.get("/home?user=ada").text
