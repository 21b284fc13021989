"""Billboards by the batch: the same as asked singly, each known, checked and logged; refusals name the place."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import chain

import numpy as np
import pytest
from service_fakes import GENRES, Changed, GenrePolicy, small_catalog, with_titles
from test_draws import titles
from test_load import over_http

from matinee.data.log import EventLog
from matinee.experiment.definition import Arm, Experiment, Settings
from matinee.policies.arms import LinearArms
from matinee.policies.features import AverageTaste, Features
from matinee.policies.layered import Layered
from matinee.profile import Profile
from matinee.service.members import Members

ONE = {"layout": {"rows": 1, "columns": 1, "visible": 1}}
USERS = [f"m{k}" for k in range(12)]


def asked(users, **fields):
    return {"members": [{"user_id": user} for user in users], **fields}


def billboards(client, users, **fields):
    answer = client.post("/v1/billboards", json=asked(users, **fields))
    assert answer.status_code == 200, answer.text
    return answer.json()["billboards"]


def single(client, user, **fields):
    page = client.post("/v1/home", json={"user_id": user, **ONE, **fields}).json()
    return page, page["rows"][0]["items"][0]


def learning(catalog) -> Layered:
    """A Thompson billboard above pages of the fake policy."""
    vectors = np.random.default_rng(0).standard_normal((len(catalog), 4)).astype(np.float32)
    features = Features.of(AverageTaste(vectors), len(catalog), 4)
    return Layered(LinearArms("arms", "made-up", catalog, features), GenrePolicy(catalog))


@pytest.fixture
def learned(serve):
    """A service with such a billboard, and members who each liked something."""
    client = serve(policies={"home": [("layered", learning(small_catalog()))]})
    likes = [{"event_id": u, "user_id": u, "kind": "thumbs_up", "item_id": f"t{3 * k}"} for k, u in enumerate(USERS)]
    client.post("/v1/events", json={"events": likes})
    return client


def test_a_batch_is_what_each_member_would_be_shown_alone(learned):
    batch = billboards(learned, USERS)
    assert [one["user_id"] for one in batch] == USERS
    assert len({one["item"]["item_id"] for one in batch}) > 3, "chance differs by member"
    for user, one in zip(USERS, batch, strict=True):
        page, item = single(learned, user)
        assert one["item"]["item_id"] == item["item_id"]
        assert one["item"]["log_prob"] == pytest.approx(item["log_prob"], abs=1e-6)
        assert one["log_prob"] == pytest.approx(page["log_prob"], abs=1e-6)
        assert one["item"]["reason"] == item["reason"]
    again = billboards(learned, [*reversed(USERS), USERS[0]])
    assert [one["item"]["item_id"] for one in again[:-1]] == [one["item"]["item_id"] for one in reversed(batch)]
    assert again[-1]["item"] == again[-2]["item"], "whoever is asked for twice sees the same twice"
    ids = [one["decision_id"] for one in (*batch, *again)]
    assert len(set(ids)) == len(ids)


def test_it_is_the_title_above_the_rows_of_the_whole_page(learned):
    whole = [learned.post("/v1/home", json={"user_id": user}).json() for user in USERS]
    above = [page["rows"][0]["items"][0]["item_id"] for page in whole]
    assert [one["item"]["item_id"] for one in billboards(learned, USERS)] == above


def test_another_draw_or_an_exclusion_is_of_that_member_alone(learned):
    plain = billboards(learned, USERS[:3])
    body = asked(USERS[:3])
    body["members"][0]["draw"] = 7
    body["members"][1]["exclude"] = [plain[1]["item"]["item_id"], "unheard of"]
    other = learned.post("/v1/billboards", json=body).json()["billboards"]
    assert other[0]["item"]["item_id"] == single(learned, USERS[0], draw=7)[1]["item_id"]
    assert other[1]["item"]["item_id"] != plain[1]["item"]["item_id"]
    assert other[2]["item"] == plain[2]["item"]


def test_homes_by_the_batch_are_the_pages_asked_for_one_by_one(learned):
    pages = learned.post("/v1/homes", json={"homes": [{"user_id": user} for user in USERS]}).json()["pages"]
    first = learned.post("/v1/home", json={"user_id": USERS[0], "layout": {"rows": 2}}).json()
    asked = [{"user_id": USERS[0], "after": first["decision_id"]}, {"user_id": USERS[0], "layout": {"rows": 2}}]
    later, again = learned.post("/v1/homes", json={"homes": asked}).json()["pages"]
    for user, page in zip(USERS, pages, strict=True):
        alone = learned.post("/v1/home", json={"user_id": user}).json()
        assert titles(page) == titles(alone)
        assert page["log_prob"] == pytest.approx(alone["log_prob"], abs=1e-6)
        assert {"log", "total"} <= page["timings"].keys()
    assert titles(again) == titles(first)
    assert {*chain(*titles(first))}.isdisjoint(chain(*titles(later)))


def test_each_is_on_disk_before_it_is_answered_and_events_answer_to_it(learned, log, tmp_path):
    users = [f"n{k}" for k in range(1_000)]  # as many as make a file of their own
    batch = billboards(learned, users, explain=False)
    assert "reason" not in batch[0]["item"]
    with EventLog(tmp_path / "log.db") as opened:
        (logged,) = opened.decisions.read(2**62)
    assert sorted(logged.ids) == sorted(one["decision_id"] for one in batch)
    record = log.decisions.record(batch[5]["decision_id"])
    assert (record["user_id"], record["surface"]) == ("n5", "home")
    assert sum(record["choices"]["log_probs"]) == pytest.approx(batch[5]["log_prob"], abs=1e-6)
    play = {"event_id": "p", "user_id": "n5", "kind": "play", "value": 1.0, "row": 0, "column": 0}
    play |= {"item_id": batch[5]["item"]["item_id"], "decision_id": batch[5]["decision_id"]}
    told = learned.post("/v1/events", json={"events": [play, {**play, "event_id": "q", "user_id": "n6"}]}).json()
    assert [one.get("decision") for one in told["results"]] == [None, "another member's"]


def test_what_is_asked_alike_is_decided_as_one_batch(serve, log):
    catalog, sizes = small_catalog(), Counter()
    policy = Changed(GenrePolicy(catalog), before=lambda requests: sizes.update([len(requests)]))
    halves = Experiment("bolder", "s1", (Arm("control", 0.5), Arm("bold", 0.5, Settings(exploration=0.3))), 0)
    client = serve(policies={"home": [("counted", policy)]}, experiments=lambda: [halves])
    client.put("/v1/profiles/m0", json={"less_genres": ["Horror"], "account_id": "one"})
    sizes.clear()
    body = asked(USERS)
    body["members"][1]["context"] = {"device": "tv"}
    batch = client.post("/v1/billboards", json=body).json()["billboards"]
    records = [log.decisions.record(one["decision_id"]) for one in batch]
    arms = [record["cells"]["bolder"] for record in records]
    assert [record["exploration"] for record in records] == [0.3 if arm else None for arm in arms]
    apart = Counter((bool(arm), k == 1) for k, arm in enumerate(arms))
    assert sorted(sizes.elements()) == sorted(apart.values())
    assert records[0]["profile"]["less_genres"] == ("Horror",)
    assert records[1]["layout"]["attention"] != records[2]["layout"]["attention"]


def test_a_title_that_one_member_may_not_see_keeps_the_whole_batch_from_being_sent(serve):
    catalog = small_catalog()
    leaky = Changed(GenrePolicy(catalog), after=lambda made: with_titles(made, np.ones_like))
    client = serve(policies={"home": [("leaky", leaky), ("simple", GenrePolicy(catalog))]})
    client.put("/v1/profiles/m1", json={"kids": True})
    batch = billboards(client, USERS[:3])
    assert {one["fallback"]["step"] for one in batch} == {"simple"}
    assert int(batch[1]["item"]["item_id"][1:]) % 6 == 0
    assert 'matinee_fallback_total{reason="failed",step="leaky",surface="home"} 3.0' in client.get("/metrics").text


def test_a_member_who_changes_while_the_batch_is_made_is_asked_for_again(serve, log, monkeypatch):
    catalog, sizes = small_catalog(), []
    answered = Changed(GenrePolicy(catalog), before=lambda requests: sizes.append(len(requests)))
    client = serve(policies={"home": [("counted", answered)]})
    known, times = Members.get_all, iter([False, True])

    async def get_all(members, user_ids):
        """At the second look, while the page is made, another handle has made a child of m1."""
        if next(times, False):
            log.put_profile(Profile("m1", kids=True))
            members.forget("m1")
        return await known(members, user_ids)

    monkeypatch.setattr(Members, "get_all", get_all)
    sizes.clear()
    batch = billboards(client, USERS[:3])
    assert sizes == [3, 1]
    assert [one["user_id"] for one in batch] == USERS[:3]
    assert int(batch[1]["item"]["item_id"][1:]) % 6 == 0


def test_where_nothing_passes_the_answer_says_why(client):
    western, nothing = 'genre = "Western"', 'genre = "Western" and genre = "Comedy"'
    assert {GENRES[int(one["item"]["item_id"][1:]) % 10] for one in billboards(client, USERS, filter=western)} == {
        "Western"
    }
    (one,) = billboards(client, USERS[:1], filter=nothing)
    assert one["item"] is None
    assert "no title left passes it" in one["note"]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"members": []}, "members"),
        (asked(["m"] * 1_001), "members"),
        (asked(["m0", ""]), "members.1.user_id"),
        ({"members": [{"user_id": "m0"}, {"user_id": "m1", "draw": -1}]}, "members.1.draw"),
        ({"members": [{"user_id": "m0", "layout": {}}]}, "members.0.layout"),
        (asked(["m0"], user_id="m0"), "user_id"),
    ],
)
def test_a_refusal_names_the_place(client, body, place):
    answer = client.post("/v1/billboards", json=body)
    assert answer.status_code == 422
    assert place in answer.json()["message"]


def test_a_filter_that_cannot_be_read_is_refused(client):
    assert client.post("/v1/billboards", json=asked(["m0"], filter="genre =")).status_code == 400


def test_batches_have_few_places_and_leave_single_requests_theirs(deploy):
    async def scenario(client):
        calls = [client.post("/v1/billboards", json=asked(USERS)) for _ in range(4)]
        calls += [client.post("/v1/home", json={"user_id": user}) for user in USERS[:8]]
        return await asyncio.gather(*calls)

    answers = over_http(deploy(max_in_flight=16), scenario)
    assert Counter(answer.status_code for answer in answers[:4]) == {200: 2, 503: 2}
    assert {answer.status_code for answer in answers[4:]} == {200}
