"""Chance that stays: one member sees one page a day; over members and days pages are as likely as they say."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date

import numpy as np
from scipy import stats
from service_fakes import small_catalog
from test_clock_jumps import Hands

from matinee.service.draws import Draws

DAY = 86_400.0


def page(client, user="ada", **fields) -> list[list[str]]:
    return titles(client.post("/v1/home", json={"user_id": user, **fields}).json())


def titles(answer: dict) -> list[list[str]]:
    return [[item["item_id"] for item in row["items"]] for row in answer["rows"]]


def test_a_member_sees_the_same_page_all_day_and_each_is_a_decision_of_its_own(serve, log):
    hands = Hands()
    client = serve(clock=hands)
    first = client.post("/v1/home", json={"user_id": "ada"}).json()
    hands.now += 3_600
    again = client.post("/v1/home", json={"user_id": "ada"}).json()
    assert titles(again) == titles(first)
    assert math.isclose(again["log_prob"], first["log_prob"], rel_tol=1e-9)
    assert again["decision_id"] != first["decision_id"]
    logged = [log.decisions.record(one["decision_id"])["choices"]["actions"] for one in (first, again)]
    assert logged[0] == logged[1]


def test_another_day_another_draw_another_member_or_another_service_is_another_page(serve):
    hands = Hands()
    client = serve(clock=hands)
    pages = [page(client), page(client, draw=1), page(client, draw=2), page(client, "bob"), page(serve(clock=hands))]
    hands.now += DAY
    pages.append(page(client))
    assert len({str(one) for one in pages}) == len(pages) - 1, "services of one seed agree, all others differ"
    assert pages[0] == pages[4]


def test_nobody_in_particular_is_shown_something_new_each_time(serve):
    client = serve()
    asked = [titles(client.post("/v1/similar", json={"item_id": "t1", "n": 5}).json()) for _ in range(5)]
    assert len({str(one) for one in asked}) == 5
    mine = [client.post("/v1/similar", json={"item_id": "t1", "n": 5, "user_id": "ada"}).json() for _ in range(2)]
    assert titles(mine[0]) == titles(mine[1])


def test_over_members_and_days_pages_are_as_frequent_as_their_probabilities_say(serve):
    """Every billboard of six titles has the logged probability 1/6; 600 member-days, chi-square at 1 in 1,000."""
    hands = Hands()
    client, seen = serve(catalog=small_catalog(6), clock=hands), Counter()
    for at in range(600):
        hands.now += DAY / 20
        answer = client.post(
            "/v1/home", json={"user_id": f"m{at % 20}", "layout": {"rows": 1, "columns": 1}, "explain": False}
        ).json()
        (item,) = answer["rows"][0]["items"]
        assert math.isclose(item["log_prob"], math.log(1 / 6))
        seen[item["item_id"]] += 1
    assert len(seen) == 6
    assert stats.chisquare(list(seen.values())).pvalue > 0.001


def test_seeds_fill_their_range_and_follow_every_part_of_the_question():
    draws, today = Draws(b"secret"), date(2026, 3, 1)
    asked = [("ada", today, "home", "", 0), ("ad", today, "ahome", "", 0), ("ada", today, "home", "t1", 0)]
    asked += [("ada", today, "home", "", 1), ("ada", date(2026, 3, 2), "home", "", 0), ("bob", today, "home", "", 0)]
    seeds = [draws.seed(*one) for one in asked]
    assert len(set(seeds)) == len(seeds)
    assert seeds == [draws.seed(*one) for one in asked]
    assert Draws(b"other").seed(*asked[0]) != seeds[0]
    shares = np.array([draws.seed(f"m{n}", today, "home") / 2**128 for n in range(2_000)])
    assert stats.kstest(shares, "uniform").pvalue > 0.001
