"""Guarantees: 200,000 served slots over random catalogues and profiles, judged by rules written a second time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import NOW, policy_of

from matinee.catalog import Catalog
from matinee.decision import Context, Layer, Requests, RowName
from matinee.decision.eligibility import check, eligible
from matinee.decision.evidence import title_reasons
from matinee.errors import BadData
from matinee.history import Histories
from matinee.page import Layout, RowKind
from matinee.profile import KIDS_LIMIT, Profile

HOUR = 3_600_000_000
AGES = [None, 0, 6, 7, 12, 16, 18]
LANGUAGES, COUNTRIES, GENRES = ["en", "de", "da"], ["US", "DK", "DE"], ["a", "b", "c", "d"]


def random_catalog(rng: np.random.Generator, n: int, unrated_age: int | None) -> Catalog:
    def names(pool: list[str]) -> list[list[str]]:
        return [rng.choice(pool, rng.integers(0, len(pool)), replace=False).tolist() for _ in range(n)]

    def moments() -> pl.Series:
        at = NOW + rng.integers(-3, 4, n) * HOUR
        return pl.Series(np.where(rng.random(n) < 0.5, at, -1)).replace(-1, None).cast(pl.Datetime("us", "UTC"))

    frame = pl.DataFrame(
        {
            "item_id": [f"t{i}" for i in range(n)],
            "maturity": [AGES[k] for k in rng.integers(0, len(AGES), n)],
            "languages": names(LANGUAGES),
            "countries": names(COUNTRIES),
            "genres": names(GENRES),
            "available_from": moments(),
            "available_until": moments(),
            "closed": rng.random(n) < 0.1,
        }
    )
    return Catalog.from_frame(frame, unrated_age)


def random_profile(rng: np.random.Generator, n: int, k: int) -> Profile:
    return Profile(
        f"m{k}",
        maturity_limit=AGES[rng.integers(0, len(AGES))],
        kids=bool(rng.random() < 0.3),
        languages=tuple(rng.choice(LANGUAGES, rng.integers(0, 3), replace=False).tolist()),
        country=[None, *COUNTRIES, "XX"][rng.integers(0, 5)],
        blocked_titles=tuple(f"t{i}" for i in rng.integers(0, n + 5, rng.integers(0, 4))),
        blocked_genres=tuple(rng.choice(GENRES, rng.integers(0, 3), replace=False).tolist()),
        messages=bool(rng.random() < 0.8),
    )


def may_see(catalog: Catalog, title: dict, profile: Profile, context: Context, time: int) -> bool:
    """The rules in words, one title and one profile at a time; shares no code with `eligible`."""
    limits = [limit for limit in (profile.maturity_limit, KIDS_LIMIT if profile.kids else None) if limit is not None]
    age = title["maturity"] if title["maturity"] is not None else catalog.unrated_age
    if limits and (age is None or age > min(limits)):
        return False
    if title["closed"] or title["item_id"] in profile.blocked_titles:
        return False
    start, end = title["available_from"], title["available_until"]
    if start is not None and time < round(start.timestamp() * 1e6):
        return False
    if end is not None and time >= round(end.timestamp() * 1e6):
        return False
    if title["countries"] and (context.country or profile.country) not in title["countries"]:
        return False
    if profile.languages and title["languages"] and not set(profile.languages) & set(title["languages"]):
        return False
    return not set(title["genres"]) & set(profile.blocked_genres)


def random_requests(rng: np.random.Generator, n: int, batch: int, layout: Layout) -> Requests:
    histories = Histories.of_items([rng.integers(0, n, rng.integers(0, 6)).tolist() for _ in range(batch)])
    return Requests.of_histories(
        replace(histories, times=histories.times + NOW - 90 * HOUR),
        NOW + rng.integers(-4, 5, batch) * HOUR,
        profiles=[random_profile(rng, n, k) for k in range(batch)],
        contexts=tuple(
            Context(country=[None, *COUNTRIES][rng.integers(0, 4)], hour=int(rng.integers(-1, 24)))
            for _ in range(batch)
        ),
        layout=layout,
    )


@given(st.integers(0, 2**32), st.sampled_from([None, 0, 12]))
@settings(max_examples=40, deadline=None)
def test_the_mask_is_the_rules(seed, unrated_age):
    rng = np.random.default_rng(seed)
    catalog = random_catalog(rng, 30, unrated_age)
    requests = random_requests(rng, 30, 6, Layout())
    mask, titles = eligible(catalog, requests), catalog.titles.to_dicts()
    for b in range(6):
        expected = [
            may_see(catalog, title, requests.profile(b), requests.situations.context(b), int(requests.times[b]))
            for title in titles
        ]
        assert mask[b].tolist() == expected


def test_a_leak_is_an_error_that_names_it():
    catalog = Catalog.from_frame(pl.DataFrame({"item_id": ["ok", "adult"], "maturity": [0, 18]}))
    requests = Requests.of_histories(Histories.empty(1), NOW, profiles=(Profile("child", kids=True),))
    made = policy_of(catalog).decide(requests, np.random.default_rng(0))
    title = made.layer(Layer.TITLE)
    leaking = replace(made, choices=replace(made.choices, actions=np.where(title, 1, made.choices.actions)))
    with pytest.raises(AssertionError, match=r"'adult' at row 0, column 0 for member 'child'"):
        check(catalog, leaking)


def test_a_forbidden_title_may_not_be_named_as_a_reason_nor_above_a_row():
    catalog = Catalog.from_frame(pl.DataFrame({"item_id": ["ok", "adult"], "maturity": [0, 18]}))
    requests = Requests.of_histories(Histories.empty(1), NOW, profiles=(Profile("child", kids=True),))
    made = policy_of(catalog).decide(requests, np.random.default_rng(0))
    evidence = np.where(made.layer(Layer.TITLE), 1, -1).astype(np.int32)
    with pytest.raises(AssertionError, match=r"named 1 ineligible title.* at row 0, column 0"):
        check(catalog, replace(made, choices=replace(made.choices, evidence=evidence)))
    about = (RowName(RowKind.SIMILAR, ("adult",)),) * len(made.row_names)
    with pytest.raises(AssertionError, match=r"named 1 ineligible title.* at row 0, column -1"):
        check(catalog, replace(made, row_names=about))


def test_unrated_titles_are_hidden_from_limited_profiles_unless_the_catalogue_says_their_age():
    frame = pl.DataFrame({"item_id": ["unrated"]})
    profiles = (Profile("adult"), Profile("teen", maturity_limit=12))
    requests = Requests.of_histories(Histories.empty(2), NOW, profiles=profiles)
    assert eligible(Catalog.from_frame(frame), requests)[:, 0].tolist() == [True, False]
    assert eligible(Catalog.from_frame(frame, unrated_age=12), requests)[:, 0].tolist() == [True, True]


def test_names_are_compared_without_case_and_blanks_also_those_that_no_title_had_when_they_were_stored():
    titles = {
        "item_id": ["t1", "T1", "x9"],
        "genres": [["Horror"], ["horror "], ["HORROR"]],
        "countries": [[], [], ["dk"]],
    }
    catalog = Catalog.from_frame(pl.DataFrame(titles))
    profiles = (
        Profile("a", blocked_genres=(" hOrror",)),
        Profile("b", blocked_titles=("X9 ",)),
        Profile("c", blocked_titles=("t1",), country="dk"),
        Profile("d", blocked_titles=("t1 ",), country="DK"),
    )
    requests = Requests.of_histories(Histories.empty(4), NOW, profiles=profiles)
    mask = eligible(catalog, requests)
    assert mask.tolist() == [[False] * 3, [True, True, False], [False, True, True], [False, False, True]]


def test_a_word_for_a_country_is_refused_because_it_would_hide_its_title_from_everybody():
    frame = pl.DataFrame({"item_id": ["a", "b"], "countries": [["US", "United States"], ["Japan"]]})
    with pytest.raises(BadData, match=r"2 countries .* no two-letter codes: \['Japan', 'United States'\]"):
        Catalog.from_frame(frame)


def test_a_title_that_may_not_be_shown_is_not_named_either():
    """A child's history holds an adult title: no row is founded on it, and no reason says its name."""
    catalog = Catalog.from_frame(
        pl.DataFrame({"item_id": [f"t{i}" for i in range(40)], "maturity": [18] + [0] * 39, "genres": [["a"]] * 40})
    )
    history = replace(Histories.of_items([[0, 1]]), times=np.array([NOW - HOUR, NOW - HOUR]))
    child = Requests.of_histories(history, NOW, (Profile("child", kids=True),), layout=Layout(rows=20, columns=8))
    page = policy_of(catalog).decide(child, np.random.default_rng(0)).page()
    assert RowName(RowKind.BECAUSE_YOU_WATCHED, ("t0",)) not in page.names
    assert RowName(RowKind.BECAUSE_YOU_WATCHED, ("t1",)) in page.names
    assert 0 not in page.evidence
    reasons = [reason for r in range(20) if page.row_kinds[0, r] >= 0 for reason in title_reasons(page, 0, r, catalog)]
    assert "From your history" in reasons
    assert not [reason for reason in reasons if "t0," in reason]
