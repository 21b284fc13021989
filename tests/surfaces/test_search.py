"""Search as a decision: rows by intent, the member's taste, guarantees on every title, exact probabilities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import NOW, Linear, catalog_of, charts_of

from matinee.decision import Decisions, Requests
from matinee.decision.eligibility import eligible
from matinee.decision.evidence import row_title, title_reasons
from matinee.errors import BadRequest
from matinee.events import Kind
from matinee.history import Histories
from matinee.maths.calibration import Platt
from matinee.page import Layout, RowKind
from matinee.profile import Profile
from matinee.surfaces.search.intents import SearchConfig
from matinee.surfaces.search.policy import SearchPolicy
from matinee.testing import check_policy

PAGE = Layout(rows=6, columns=5, visible=5, billboard=False)
NAMES = ["Star Wars", "Star Trek", "Starman", "Heat", "Heathers", "The Matrix", "Matrix Reloaded", "Space Jam"] + [
    f"Story {k} of the Sea" for k in range(32)
]
GENRES = [["Sci-Fi"], ["Sci-Fi"], ["Sci-Fi", "Romance"], ["Crime"], ["Comedy"], ["Sci-Fi"], ["Sci-Fi"], ["Comedy"]] + [
    ["Drama"] for _ in range(32)
]
PEOPLE = [
    ["Carrie Fisher"],
    ["Patrick Stewart"],
    ["Jeff Bridges"],
    ["Al Pacino"],
    ["Winona Ryder"],
    ["Keanu Reeves"],
    ["Keanu Reeves"],
    ["Bugs Bunny"],
    *([f"Captain {k}"] for k in range(32)),
]
N = len(NAMES)
CATALOG = catalog_of(GENRES, people=PEOPLE, tags=[["space"] if k in (0, 1, 7) else [] for k in range(N)]).put(
    [{"item_id": f"t{k}", "title": name} for k, name in enumerate(NAMES)]
)
BASE = np.linspace(0.0, -2.0, N)


def policy(weights: np.ndarray | None = None, **config) -> SearchPolicy:
    near = np.random.default_rng(3).normal(0.0, 0.3, (N, N)) if weights is None else weights
    scorer = Linear(near, BASE)
    return SearchPolicy(
        "search", "fixed", CATALOG, scorer, Platt(1.0, -2.0), charts_of(CATALOG), SearchConfig(**config)
    )


def asking(*queries: str, histories: Histories | None = None, **fields) -> Requests:
    histories = Histories.empty(len(queries)) if histories is None else histories
    return Requests.of_histories(histories, NOW, layout=PAGE, queries=queries, surface="search", **fields)


def decided(query: str, made: SearchPolicy | None = None, **fields) -> Decisions:
    return (made or policy()).decide(asking(query, **fields), np.random.default_rng(0))


def rows_of(decisions: Decisions) -> dict[str, list[str]]:
    page = decisions.page()
    return {
        row_title(page.name(0, r), CATALOG): [NAMES[item] for item in page.items[0, r] if item >= 0]
        for r in np.flatnonzero(page.rows[0] >= 0)
    }


QUERIES = (
    "",
    "s",
    "star",
    "starwars",
    "the matrx",
    "keanu",
    "funny space movies",
    "sci-fi",
    "zzzz",
    "heat",
    "1994",
    "story",
)


@pytest.mark.parametrize("exploration", [0.0, 0.5])
def test_conformance(exploration):
    watched = Histories.of_items([[k % N, (3 * k) % N] for k in range(len(QUERIES))])
    check_policy(policy, CATALOG, asking(*QUERIES, histories=watched, exploration=exploration))


@pytest.mark.parametrize(
    ("query", "row", "titles"),
    [
        ("star", "Titles", ["Star Wars", "Star Trek", "Starman"]),
        ("starwars", "Titles", ["Star Wars"]),
        ("the matrx", "Titles", ["The Matrix"]),
        ("keanu reeves", "With Keanu Reeves", ["The Matrix", "Matrix Reloaded"]),
        ("sci-fi", "Sci-Fi", ["Star Wars", "Star Trek", "Starman", "The Matrix", "Matrix Reloaded"]),
        ("funny space films", "About “funny space films”", ["Space Jam"]),
        ("qqqqqqq", "“qqqqqqq” is not here. Closest:", NAMES[:5]),
    ],
)
def test_the_first_row_answers_what_was_meant(query, row, titles):
    first = next(iter(rows_of(decided(query)).items()))
    assert first == (row, titles)


def test_rows_by_intent_follow_the_title_found():
    near = np.zeros((N, N))
    near[5, [20, 21]] = 2.0, 1.0
    rows = rows_of(decided("the matrix", policy(near)))
    assert list(rows) == ["Titles", "More like The Matrix", "With Keanu Reeves", "Sci-Fi"]
    assert rows["More like The Matrix"] == ["Story 12 of the Sea", "Story 13 of the Sea"]
    assert rows["With Keanu Reeves"] == ["Matrix Reloaded"]


def test_before_typing_a_page_for_the_member_stands():
    rows = rows_of(decided(" "))
    assert list(rows) == ["Top picks for you", "Trending now", "Popular this week"]
    assert rows["Top picks for you"] == NAMES[:5]


def test_taste_decides_between_names_that_begin_alike():
    near = np.zeros((N, N))
    near[30, 2] = 3.0
    liking = Histories.of_items([[30]])
    assert rows_of(decided("star", policy(near)))["Titles"][0] == "Star Wars"
    assert rows_of(decided("star", policy(near), histories=liking))["Titles"][0] == "Starman"
    assert rows_of(decided("star", policy(near, taste=0.0), histories=liking))["Titles"][0] == "Star Wars"


def test_what_was_named_in_full_comes_before_what_is_liked():
    near = np.zeros((N, N))
    near[30, 4] = 2.0
    rows = rows_of(decided("heat", policy(near), histories=Histories.of_items([[30]])))
    assert rows["Titles"][:2] == ["Heat", "Heathers"]


def test_a_title_that_is_not_here_leads_to_its_closest():
    near = np.zeros((N, N))
    near[0, 25] = 3.0
    gone = Profile("m", blocked_titles=("t0",))
    decisions = decided("star wars", policy(near), profiles=[gone])
    name, titles = next(iter(rows_of(decisions).items()))
    assert name == "“star wars” is not here. Closest:"
    assert {"Star Trek", "Story 17 of the Sea"} <= set(titles)
    page = decisions.page()
    assert title_reasons(page, 0, 0, CATALOG)[0] == "Close to “star wars”"


def test_what_was_turned_down_stands_only_where_it_is_named():
    items, kinds = np.array([5], np.int32), np.array([Kind.DISMISS], np.int8)
    turned = Histories(np.array([0, 1]), items, kinds, np.zeros(1, np.float32), np.array([NOW - 1]))
    assert rows_of(decided("the matrix", histories=turned))["Titles"] == ["The Matrix"]
    for query in ("keanu reeves", "sci-fi", "", "zzzz", "matrix reloaded"):
        shown = rows_of(decided(query, histories=turned))
        assert all("The Matrix" not in titles for name, titles in shown.items() if name != "Titles"), query


@settings(max_examples=60)
@given(
    st.text(max_size=12) | st.sampled_from([*QUERIES, *NAMES, "Captain", "Comedy"]),
    st.sets(st.integers(0, N - 1), max_size=N),
    st.sets(st.sampled_from(["Sci-Fi", "Comedy", "Drama", "Crime"]), max_size=3),
    st.floats(0.0, 1.0),
)
def test_nothing_forbidden_is_shown_or_named(query, blocked, genres, exploration):
    profile = Profile("m", blocked_titles=tuple(f"t{k}" for k in blocked), blocked_genres=tuple(genres))
    asked = asking(query, profiles=[profile], exploration=exploration)
    decisions = POLICY.decide(asked, np.random.default_rng(0))
    allowed = eligible(CATALOG, asked)[0]
    assert allowed[decisions.titles].all()
    for name in decisions.row_names:
        if name.kind == RowKind.SIMILAR:
            assert allowed[CATALOG.index[name.about[0]]]
    visible = [CATALOG.titles["people"][int(item)].to_list() for item in np.flatnonzero(allowed)]
    seen = {person for people in visible for person in people}
    assert {name.about[0] for name in decisions.row_names if name.kind == RowKind.WITH} <= seen
    assert {name.about[0] for name in decisions.row_names if name.kind == RowKind.GENRE}.isdisjoint(genres)


POLICY = policy()


def test_drawn_titles_come_as_often_as_their_probability_says():
    """20,000 draws of the first title: each frequency within five standard errors of what was logged."""
    asked = asking(*["star"] * 20_000, exploration=1.0)
    page = policy(sharpness=1.0).decide(asked, np.random.default_rng(1)).page()
    row = np.array([name.kind == RowKind.FOUND for name in page.names])[page.rows[:, 0]]
    firsts, logged = page.items[row, 0, 0], np.exp(page.item_log_probs[row, 0, 0])
    for item in range(3):
        share, expected = np.mean(firsts == item), logged[firsts == item][0]
        assert abs(share - expected) < 5 * np.sqrt(expected * (1 - expected) / row.sum())


def test_a_page_that_stops_early_or_names_other_rows_is_impossible():
    made, decisions = policy(), decided("the matrix")
    short = replace(decisions, choices=decisions.choices.keep(decisions.choices.rows < 1))
    assert made.log_prob(short)[0] == -np.inf
    other = replace(decisions, requests=replace(decisions.requests, queries=("heat",)))
    assert decisions.sums(made.log_prob(other))[0] == -np.inf


@pytest.mark.parametrize("field", [{"queries": None}, {"layout": Layout()}])
def test_a_request_without_a_query_or_with_a_billboard_is_refused(field):
    with pytest.raises(BadRequest, match="queries"):
        policy().decide(replace(asking("a"), **field), np.random.default_rng(0))
    with pytest.raises(BadRequest, match="exploration"):
        SearchConfig(exploration=2.0)
