"""A surface is one entry: endpoint, check, chance and log follow from it, for queries and for silence too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from service_fakes import Changed, GenrePolicy, growing, outreach_of, small_catalog, with_log_probs

from matinee.decision import Requests
from matinee.errors import ArtifactRefused, BadRequest
from matinee.page import Layout
from matinee.service.probe import probe
from matinee.service.requests import AskIn
from matinee.service.statuses import BODY
from matinee.service.surfaces import SURFACES, Surface

NOW = 1_700_000_000_000_000


class FindIn(AskIn):
    """Asks for titles of a name."""

    query: str


def ask(asked: FindIn, plain: Requests, catalog) -> Requests:
    return replace(plain, layout=Layout(rows=1, columns=3, billboard=False), queries=(asked.query,))


def answer(presenter, served, asked) -> dict:
    titles = [int(title) for title in served.decisions.titles]
    return {"query": asked.query, "titles": [presenter.title(title)["item_id"] for title in titles], "timings": {}}


FIND = Surface(
    "find",
    "Titles of a name; it may be that none has it.",
    FindIn,
    ask,
    lambda user_id, catalog: FindIn(user_id=user_id, query="story"),
    answer,
    None,
    BODY,
    required=False,
    may_be_silent=True,
)


class Finds(GenrePolicy):
    """Shows titles only to those who type "story"."""

    def _rows(self, b, requests):
        return super()._rows(b, requests) if requests.queries[b] == "story" else []


@pytest.fixture
def find(monkeypatch):
    monkeypatch.setitem(SURFACES, "find", FIND)


@pytest.fixture
def finder(serve, find):
    return serve(policies={"find": [("finds", Finds(small_catalog()))]})


def test_one_entry_is_an_endpoint_whose_decisions_are_logged(finder):
    found = finder.post("/v1/find", json={"user_id": "ada", "query": "story"}).json()
    assert len(found["titles"]) == 3
    assert found["timings"]["total"] >= found["timings"]["log"] > 0
    (record,) = finder.get("/v1/exports/ada").json()["decisions"]
    assert (record["surface"], record["query"]) == ("find", "story")


def test_silence_is_an_answer(finder):
    assert finder.post("/v1/find", json={"query": "no such name"}).json()["titles"] == []


def test_its_body_is_checked(finder):
    refused = finder.post("/v1/find", json={"user_id": "ada", "qwery": "story"})
    assert refused.status_code == 422
    assert "query" in refused.text


def test_one_question_has_one_answer_all_day_and_another_question_another(finder):
    first, again = (finder.post("/v1/find", json={"user_id": "ada", "query": "story"}).json() for _ in range(2))
    assert first["titles"] == again["titles"]
    other = finder.post("/v1/find", json={"user_id": "ada", "query": "story", "draw": 1}).json()
    assert other["titles"] != first["titles"]  # 1 of 60 * 59 * 58 draws would repeat it


def test_a_surface_without_a_policy_is_not_there(serve, find):
    refused = serve().post("/v1/find", json={"query": "story"})
    assert refused.status_code == 404
    assert "nothing serves 'find'" in refused.json()["message"]


def test_a_surface_that_is_required_needs_one(deploy, monkeypatch):
    monkeypatch.setitem(SURFACES, "find", replace(FIND, required=True))
    with pytest.raises(BadRequest, match="'find' has no policy"):
        deploy()


def test_new_policies_are_tried_as_members_ask(find):
    catalog = small_catalog()
    honest, asked = Finds(catalog), []
    good = [("good", GenrePolicy(catalog))]
    probe({"home": good, "similar": good, "find": [("finds", Changed(honest, asked.append))]}, catalog, NOW)
    assert [one.queries for one in asked] == [("story",)] * 3
    lying = Changed(honest, after=lambda made: with_log_probs(made, np.zeros(len(made.choices.actions))))
    with pytest.raises(ArtifactRefused, match="find/finds logs a log-probability"):
        probe({"home": good, "similar": good, "find": [("finds", lying)]}, catalog, NOW)


def test_new_outreach_is_tried_with_messages_that_it_sends():
    catalog = small_catalog()
    good, asked = [("good", GenrePolicy(catalog))], []
    honest = Changed(outreach_of(catalog), after=lambda made: asked.append(made) or made)
    probe({"home": good, "similar": good, "outreach": [("plain", honest)]}, catalog, NOW)
    assert [len(made.titles) for made in asked] == [1, 1, 1]
    lying = Changed(outreach_of(catalog), after=lambda made: with_log_probs(made, np.zeros(len(made.choices.actions))))
    with pytest.raises(ArtifactRefused, match="outreach/plain logs a log-probability"):
        probe({"home": good, "similar": good, "outreach": [("plain", lying)]}, catalog, NOW)


@pytest.mark.parametrize("name", SURFACES)
def test_every_surface_completes_the_batch_of_its_probe(name):
    catalog, surface = small_catalog(), SURFACES[name]
    asked = surface.probe("ada", catalog)
    assert isinstance(asked, surface.body)
    assert issubclass(surface.body, AskIn)
    assert asked.user_id == "ada"


def test_a_filter_narrows_every_surface_and_an_empty_answer_says_so(client):
    asked = {"user_id": "ada", "filter": 'genre = "drama" and not id = "t3"'}
    home = client.post("/v1/home", json=asked).json()
    shown = {item["item_id"] for row in home["rows"] for item in row["items"]}
    assert shown == {"t13", "t23", "t33", "t43", "t53"}
    assert "note" not in home
    similar = client.post("/v1/similar", json={**asked, "item_id": "t13"}).json()
    assert {item["item_id"] for row in similar["rows"] for item in row["items"]} == shown
    empty = client.post("/v1/home", json={"user_id": "ada", "filter": 'genre = "Dramma"'}).json()
    assert empty["rows"] == []
    assert "'genre = \"Dramma\"': no title left passes it; widen the filter" in empty["note"]
    records = client.get("/v1/exports/ada").json()["decisions"]
    assert {one["control"]["filter"] for one in records} == {asked["filter"], 'genre = "Dramma"'}


def test_a_filter_that_cannot_be_read_is_refused_and_says_where(client):
    refused = client.post("/v1/home", json={"user_id": "ada", "filter": "year => 1990"})
    assert refused.status_code == 400
    assert "the filter cannot be read: at character 7 of 'year => 1990'" in refused.json()["message"]


def test_new_titles_are_in_the_filter_of_the_next_page(serve):
    client = serve(grow=growing(small_catalog()))
    told = {"item_id": "new", "title": "New", "genres": ["Noir"], "available_from": "2020-01-01T00:00:00Z"}
    asked = {"user_id": "ada", "filter": 'genre = "noir"'}
    assert client.post("/v1/home", json=asked).json()["rows"] == []
    assert client.post("/v1/titles", json={"titles": [told]}).status_code == 200
    (row,) = client.post("/v1/home", json=asked).json()["rows"]
    assert [item["item_id"] for item in row["items"]] == ["new"]


def test_a_page_goes_on_after_another_without_what_was_shown(client):
    asked = {"user_id": "ada", "layout": {"rows": 2, "columns": 12}}
    shown: list[str] = []
    page = client.post("/v1/home", json=asked).json()
    while page["rows"]:
        new = [item["item_id"] for row in page["rows"] for item in row["items"]]
        assert not set(new) & set(shown)
        shown += new
        page = client.post("/v1/home", json={**asked, "after": page["decision_id"]}).json()
    assert len(shown) == 60, "every title was met"
    assert page["note"] == "all that belongs here was shown; leave `after` out to begin anew"
    records = client.get("/v1/exports/ada").json()["decisions"]
    chains = [one["episode"][:2] for one in records[1:]]
    assert chains == [[chains[0][0], step] for step in range(1, len(records))]


@pytest.mark.parametrize("who", [{"user_id": "bob"}, {"user_id": "ada", "after": "no such decision"}])
def test_nobody_goes_on_after_a_page_that_was_not_theirs(client, who):
    page = client.post("/v1/home", json={"user_id": "ada"}).json()
    refused = client.post("/v1/home", json={"after": page["decision_id"], **who})
    assert refused.status_code == 404
    assert client.post("/v1/similar", json={"item_id": "t1", "after": page["decision_id"]}).status_code == 404
