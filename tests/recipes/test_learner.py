"""A billboard that learns while a service runs: from the log alone, kept by version, asked again from it."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime

import numpy as np
import orjson
import polars as pl
import pytest
from starlette.testclient import TestClient

from matinee.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.log import EventLog
from matinee.decision import Requests
from matinee.errors import ArtifactRefused, BadRequest, NotFound, Overloaded
from matinee.history import Histories
from matinee.policies.layered import Layered
from matinee.recipes import learning
from matinee.recipes.audit import audit
from matinee.recipes.learner import Learner, billboard_as_it_was, billboard_of
from matinee.recipes.learning import LearnerConfig, learn_from
from matinee.recipes.posteriors import kept_posteriors
from matinee.recipes.serving import SERVED, catalog_and_policies
from matinee.recipes.studio import expected_regret, studio_of
from matinee.recipes.training import train_into
from matinee.service.app import create_app
from matinee.service.deployment import Deployment
from matinee.testing import make_events
from matinee.workspace import Workspace

MEMBERS, TITLES, PAGES = 20, 40, 30
CONFIG = LearnerConfig(window=60.0)
SLICE = 600  # seconds
OVER = 60 + 60 + 1  # seconds after a slice when it can be learned


class Hand:
    """A clock whose hand is set: a part of the test lies in a slice of its own."""

    def __init__(self) -> None:
        self.moment = 0.0

    def __call__(self) -> float:
        return self.moment

    def turn(self, part: int, turn: int) -> None:
        self.moment = DAWN + part * SLICE + turn

    def over(self, part: int) -> int:
        """When this part can be learned (microseconds)."""
        self.moment = DAWN + (part + 1) * SLICE + OVER
        return round(self.moment * 1e6)


DAWN = time.time() // 86_400 * 86_400
HAND = Hand()


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Workspace:
    place = Workspace(tmp_path_factory.mktemp("learning"))
    rng = np.random.default_rng(0)
    likes = [rng.permutation(TITLES)[:8].tolist() for _ in range(MEMBERS)]
    ids = [f"t{k}" for k in range(TITLES)]
    frame = pl.DataFrame({"item_id": ids, "title": ids, "genres": [[("Drama", "War")[k % 2]] for k in range(TITLES)]})
    place.bring_in(Dataset("likes", "made up", Catalog.from_frame(frame), {}, make_events(likes)))
    for name in (*SERVED, "factors"):
        train_into(place, name, np.random.default_rng(0))
    return place


@pytest.fixture
def place(trained, tmp_path) -> Workspace:
    shutil.copytree(trained.folder, tmp_path / "own")
    mine = Workspace(tmp_path / "own")
    mine.set_billboard("thompson")
    return mine


def live(client: TestClient, part: int, turns: int = PAGES) -> list[tuple[str, str, float]]:
    """Members ask for pages; half look at the billboard, half of these play it: who looked, at what, how long."""
    looks = []
    for turn in range(turns):
        HAND.turn(part, turn)
        user = f"m{turn % MEMBERS}"
        page = client.post("/v1/home", json={"user_id": user, "draw": turn + 100 * part}).json()
        item_id = page["rows"][0]["items"][0]["item_id"]
        when = datetime.fromtimestamp(HAND(), UTC).isoformat()
        events = [
            {"event_id": f"{part}-{turn}-{kind}", "user_id": user, "kind": kind, "item_id": item_id, "value": 0.9,
             "timestamp": when, "decision_id": page["decision_id"], "row": 0, "column": 0}
            for kind in (("impression", "play") if turn % 4 == 0 else ("impression",) if turn % 2 else ())
        ]  # fmt: skip
        if events:
            assert client.post("/v1/events", json={"events": events}).json()["accepted"] == len(events)
            looks.append((user, item_id, 0.9 if turn % 4 == 0 else 0.0))
    return looks


def firsts(looks: list[tuple[str, str, float]]) -> list[float]:
    """What counts of a day: of each member the first look at each title."""
    first: dict[tuple[str, str], float] = {}
    for user, item_id, reward in looks:
        first.setdefault((user, item_id), reward)
    return list(first.values())


def served(place: Workspace, log: EventLog, learner: Learner) -> TestClient:
    catalog, policies = catalog_and_policies(place, log, learner=learner)
    deployment = Deployment(log, catalog, policies, secret=b"s", deadline=60.0, clock=HAND)
    return TestClient(create_app(deployment), "http://localhost")


def taught(place: Workspace) -> Learner:
    """A learner of ten pages of one slice."""
    with EventLog(place.log_path) as log:
        learner = Learner(place, log, CONFIG)
        with served(place, log, learner) as client:
            live(client, 0, 10)
            learner.look(HAND.over(0))
    return learner


def test_it_learns_from_the_log_and_every_page_is_asked_again_of_the_version_that_made_it(place, monkeypatch):
    read, lesson = [], learning._lesson
    monkeypatch.setattr(learning, "_lesson", lambda *asked: read.append(1) or lesson(*asked))
    with EventLog(place.log_path) as log:
        learner = Learner(place, log, CONFIG)
        with served(place, log, learner) as client:
            looks = live(client, 0)
            assert learner.look(HAND.over(0)) == PAGES
            looks += live(client, 1)
            assert learner.look(HAND.over(1)) == PAGES
            assert learner.look(HAND.over(1)) == 0
        assert len(read) == 2, "what the billboard and its presentation learn from is read once for both"
        assert learner.arms is not None
        assert learner.arms.posterior == 2
        makers = [(one.requests.times.min(), len(one), one.makers[1]) for one in log.decisions.read(2**62)]
        assert {maker.policy for _, _, maker in makers} == {"billboard-thompson"}
        assert [(n, maker.posterior) for _, n, maker in sorted(makers)] == [(PAGES, 0), (PAGES, 1)]
        learned = learner.arms._mind.posterior
        counted = firsts(looks)
        assert 30 < len(counted) <= len(looks)
        assert learned.products[:, 0].sum() == len(counted)
        assert learned.rewards[:, 0].sum() == pytest.approx(sum(counted))

        presentation = learner.presentation
        assert presentation.posterior == 2
        of_pictures = [told for way, told in presentation.arms.learned.ways.items() if way[0] == "billboard-art"]
        seen, earned = np.sum(of_pictures, axis=0)
        assert seen == learned.products[:, 0].sum()
        assert earned == pytest.approx(learned.rewards[:, 0].sum())

        fresh = billboard_of(place, Catalog.load(place.catalog_path), "thompson")
        assert fresh.posterior == 2, "what was learned is there after a restart"
        shutil.rmtree(place.folder / "posteriors")
        replayed = billboard_of(place, Catalog.load(place.catalog_path), "thompson")
        learn_from(log, [replayed], HAND.over(5), CONFIG)
        assert replayed._mind.posterior.same(learned), "a replay of the log left another posterior"


def test_what_a_thinned_log_kept_teaches_as_often_as_it_stands_for(place):
    """Half of the members are kept: of each all looks, twice over."""
    with EventLog(place.log_path) as log:
        with served(place, log, Learner(place, log, CONFIG)) as client:
            looks = live(client, 0)
        log.decisions.thin(datetime.fromtimestamp(DAWN + 86_400, UTC).date(), 0.5)
        kept = {user for one in log.decisions.read(2**62) for user in one.requests.user_ids}
        replayed = billboard_of(place, Catalog.load(place.catalog_path), "thompson")
        learn_from(log, [replayed], HAND.over(0), CONFIG)
    counted = firsts([look for look in looks if look[0] in kept])
    assert 0 < len(kept) < MEMBERS
    assert replayed.told[0].sum() == 2 * len(counted)
    assert replayed.told[1].sum() == pytest.approx(2 * sum(counted))


KILLED = """
import os, signal, sys
from pathlib import Path
from matinee.data.log import EventLog
from matinee.recipes import posteriors
from matinee.recipes.learner import Learner, billboard_of
from matinee.recipes.learning import LearnerConfig
from matinee.workspace import Workspace
from matinee.catalog import Catalog

place, now, at = Workspace(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])
sync, calls = posteriors.synced, []

def killed(path):
    calls.append(path)
    if len(calls) == at:
        os.kill(os.getpid(), signal.SIGKILL)
    sync(path)

posteriors.synced = killed
with EventLog(place.log_path) as log:
    learner = Learner(place, log, LearnerConfig(window=60.0))
    learner.arms = billboard_of(place, Catalog.load(place.catalog_path), "thompson")
    learner.look(now)
"""


def test_a_kill_while_it_learns_loses_nothing(place):
    """Killed while it writes its second version, and gone on with by another: as if nothing had happened."""
    with EventLog(place.log_path) as log:
        with served(place, log, Learner(place, log, CONFIG)) as client:
            for part in range(3):
                live(client, part, 10)
        over = HAND.over(2)
        child = subprocess.run([sys.executable, "-c", KILLED, str(place.folder), str(over), "7"], check=False)
        assert child.returncode == -signal.SIGKILL
        again = billboard_of(place, Catalog.load(place.catalog_path), "thompson")
        assert again.posterior == 1, "it was not killed in the midst of its work"
        assert learn_from(log, [again], over, CONFIG) == 20
        shutil.rmtree(place.folder / "posteriors")
        replayed = billboard_of(place, Catalog.load(place.catalog_path), "thompson")
        assert learn_from(log, [replayed], over, CONFIG) == 30
        assert replayed._mind.posterior.same(again._mind.posterior)
        assert replayed.posterior == 3


def test_what_comes_late_counts_neither_now_nor_in_a_replay(place):
    """A play that is told a day later, of a time within the window: the reward was known to be none by then."""
    with EventLog(place.log_path) as log:
        learner = Learner(place, log, CONFIG)
        with served(place, log, learner) as client:
            live(client, 0, 4)
            HAND.turn(0, 9)
            page = client.post("/v1/home", json={"user_id": "m9"}).json()
            item_id, when = page["rows"][0]["items"][0]["item_id"], datetime.fromtimestamp(HAND(), UTC).isoformat()
            at = {"decision_id": page["decision_id"], "row": 0, "column": 0, "timestamp": when}
            seen = {"user_id": "m9", "item_id": item_id, **at}
            client.post("/v1/events", json={"events": [{**seen, "event_id": "look", "kind": "impression"}]})
            learner.look(HAND.over(0))
            late = {**seen, "event_id": "late", "kind": "play", "value": 0.9}
            assert client.post("/v1/events", json={"events": [late]}).json()["accepted"] == 1
        shutil.rmtree(place.folder / "posteriors")
        replayed = billboard_of(place, Catalog.load(place.catalog_path), "thompson")
        learn_from(log, [replayed], HAND.over(9), CONFIG)
        assert replayed._mind.posterior.same(learner.arms._mind.posterior)


def test_ten_thousand_plays_of_one_account_count_as_one_look_a_title(place):
    """One new member plays whatever the billboard shows, again and again in a minute."""
    with EventLog(place.log_path) as log:
        learner = Learner(place, log, CONFIG)
        with served(place, log, learner) as client:
            shown = set()
            for turn in range(20):
                HAND.turn(0, turn)
                page = client.post("/v1/home", json={"user_id": "fake", "draw": turn}).json()
                item_id = page["rows"][0]["items"][0]["item_id"]
                shown.add(item_id)
                plays = [
                    {"event_id": f"{turn}-{n}", "user_id": "fake", "kind": "play", "item_id": item_id, "value": 1.0,
                     "decision_id": page["decision_id"], "row": 0, "column": 0} for n in range(500)
                ]  # fmt: skip
                assert client.post("/v1/events", json={"events": plays}).json()["accepted"] == 500
        assert learner.look(HAND.over(0)) == 20
        learned = learner.arms._mind.posterior
        weight = learned.products[:, 0]
        assert np.count_nonzero(weight) <= len(shown)
        assert 0 < weight.max() <= (20 + 300) / 86_400, "known for twenty seconds it counts as for five minutes more"


def test_decisions_of_old_versions_pass_the_audit(place):
    with EventLog(place.log_path) as log:
        learner = Learner(place, log, CONFIG)
        with served(place, log, learner) as client:
            live(client, 0)
            learner.look(HAND.over(0))
            live(client, 1)
            learner.look(HAND.over(1))
    found = audit(place, 1_000)
    assert found.refused == {}
    assert found.asked == found.same == 2 * PAGES


@pytest.mark.parametrize("way", ["windowed", "discounted", "ucb"])
def test_every_way_to_choose_learns_restarts_and_is_asked_again(place, way):
    place.set_billboard(way)
    with EventLog(place.log_path) as log:
        learner = Learner(place, log, CONFIG)
        with served(place, log, learner) as client:
            for part in range(2):
                live(client, part, 10)
                assert learner.look(HAND.over(part)) == 10
        again = billboard_of(place, Catalog.load(place.catalog_path), way)
        assert again.posterior == 2
        assert again._mind.posterior.same(learner.arms._mind.posterior)
    found = audit(place, 20)
    assert (found.asked, found.same, found.refused) == (20, 20, {})


def test_titles_that_come_later_begin_with_their_content_and_change_no_old_decision(place):
    made = taught(place).arms.posterior
    genres = {"new": ["War"], "silent": []}
    told = [{"item_id": name, "title": name, "genres": genre} for name, genre in genres.items()]
    Catalog.load(place.catalog_path).put(told).save(place.catalog_path)
    grown = billboard_of(place, Catalog.load(place.catalog_path), "thompson")
    assert grown.posterior == made == 1
    features = grown.features
    assert features.titles[TITLES, 1:].any()
    assert not features.titles[TITLES + 1, 1:].any()
    assert 0 < features.doubts[TITLES] < features.doubts[TITLES + 1] == 1.0
    found = audit(place, 10)
    assert (found.asked, found.same, found.refused) == (10, 10, {})


def test_a_billboard_of_parameters_that_lacked_a_setting_is_asked_again(place):
    """As they stood on disk before there were windows and optimism, under a digest that is no longer theirs."""
    learner = taught(place)
    maker, digest = learner.arms.maker, "0" * 32
    parameters = place.parameters(maker.parameters)
    del parameters["arms"]["optimism"], parameters["arms"]["prior"]["window_days"]
    place.keep_parameters(digest, parameters)
    kept = place.folder / "posteriors"
    (kept / f"{maker.parameters}-{maker.artifact}").rename(kept / f"{digest}-{maker.artifact}")
    found = billboard_as_it_was(place, Catalog.load(place.catalog_path), maker._replace(parameters=digest))
    assert found._mind.posterior.same(learner.arms._mind.posterior)


def test_one_learns_and_the_other_takes_it_up(place):
    with EventLog(place.log_path) as log, EventLog(place.log_path) as second:
        one, other = Learner(place, log, CONFIG), Learner(place, second, CONFIG)
        with served(place, log, one) as client:
            live(client, 0)
        served(place, second, other)
        with (place.folder / ".learner").open("ab") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            assert one.look(HAND.over(0)) == 0
        assert one.look(HAND.over(0)) == PAGES
        assert other.look(HAND.over(0)) == 0, "the second learned again what the first had"
        assert other.arms is not None
        assert other.arms.posterior == one.arms.posterior == 1


def test_it_learns_by_itself_until_it_is_stopped(place):
    with EventLog(place.log_path) as log:
        learner = Learner(place, log, LearnerConfig(every=0.05, window=0.001, grace=0.001))
        with served(place, log, learner) as client:
            live(client, 0)
            with learner.running():
                patience = time.monotonic() + 60
                while learner.arms.posterior == 0 and time.monotonic() < patience:
                    time.sleep(0.02)
        assert learner.arms.posterior > 0


def test_it_tells_of_what_it_decides_and_of_what_waits(place):
    with EventLog(place.log_path) as log:
        learner = Learner(place, log, CONFIG)
        with served(place, log, learner) as client:
            live(client, 0)
            over = HAND.over(0) + 1_999_000_000
            learner.see(over)
            told = learner.watched()
            assert told.gauges["decisions"] == PAGES
            assert told.gauges["waiting"] == pytest.approx(2_000, abs=2), "a second more than its time, and the rest"
            assert [one.name for one in told.alarms] == ["stale"]
            learner.look(over)
            learner.see(over)
            told = learner.watched()
            assert told.alarms == ()
            assert told.gauges["version"] == 1
            assert told.gauges["waiting"] == pytest.approx(0, abs=0.1)
        pages = [batch.take(np.array([b])).choices for batch in log.decisions.read(2**62) for b in range(len(batch))]
        log_probs = np.array([one.log_probs[1] for one in pages])
        weights = np.exp(-log_probs) / np.array([one.among[1] for one in pages])
        assert told.gauges["entropy"] == pytest.approx(-log_probs.mean())
        assert told.gauges["heaviest"] == pytest.approx(weights.max())
        assert told.gauges["effective"] == pytest.approx(weights.sum() ** 2 / (weights**2).sum() / PAGES)


def test_the_studio_tells_what_is_believed_shown_and_learned(place):
    with EventLog(place.log_path) as log:
        learner = Learner(place, log, CONFIG)
        with served(place, log, learner) as client:
            looks = firsts(live(client, 0))
            before = studio_of(learner.arms, log, HAND.over(0))
            assert (before.version, before.learned_today, before.as_of[:4]) == (0, 0.0, "1970")
            learner.look(HAND.over(0))
            told = studio_of(learner.arms, log, HAND.over(0))
            catalog = Catalog.load(place.catalog_path)
        assert told.learned_today == pytest.approx(len(looks))
        assert [one.decisions for one in told.days] == [PAGES]
        assert told.days[0].entropy == pytest.approx(before.days[0].entropy)
        shown = Counter(
            catalog.item_ids[item] for one in log.decisions.read(2**62) for item in one.choices.actions[one.billboards]
        )
        assert {one.item_id: one.shown for one in told.titles}.items() >= dict(shown.most_common(5)).items()
        assert [one.version for one in told.versions] == [0, 1]
        assert told.versions[1].looks == pytest.approx(len(looks))
        somebody = Requests.of_histories(Histories.empty(1), HAND.over(0))
        means, deviations = (one[0] for one in learner.arms.belief(somebody))
        best = told.titles[0]
        item = catalog.index[best.item_id]
        assert best.mean == pytest.approx(means.max()) == pytest.approx(means[item])
        assert best.high - best.mean == pytest.approx(1.959964 * deviations[item])
        assert [one.heading for one in told.plots] == ["What is believed", "Regret that it expects"]
        assert b"plots" not in orjson.dumps(told.json())


def test_expected_regret_is_that_of_normal_rewards():
    """Of two equal normals the better one is worth s / sqrt(pi) more than either; sure of one, nothing is left."""
    equal, sure = np.array([0.1, 0.1]), np.array([0.1, 0.9])
    found = expected_regret(equal, np.array([0.2, 0.2]), np.array([0.5, 0.5]))
    assert found == pytest.approx(0.2 / np.sqrt(np.pi), abs=5 * 0.2 / np.sqrt(2_000))
    assert expected_regret(sure, np.full(2, 1e-6), np.array([0.0, 1.0])) == pytest.approx(0, abs=1e-6)
    assert expected_regret(sure, np.full(2, 1e-6), np.array([1.0, 0.0])) == pytest.approx(0.8, abs=1e-6)


class Full:
    """A disk without room."""

    latest = None

    def keep(self, posterior):
        raise Overloaded("no room", 1.0)


def test_a_billboard_that_cannot_learn_raises_an_alarm_while_it_serves(place):
    config = LearnerConfig(every=0.02, window=0.001, grace=0.001)
    HAND.moment = time.time() - 5
    with EventLog(place.log_path) as log:
        learner = Learner(place, log, config)
        with served(place, log, learner) as client:
            client.post("/v1/home", json={"user_id": "m1"})
            learner.arms._versions = Full()
            with learner.running():
                patience = time.monotonic() + 60
                while not learner.watched().alarms and time.monotonic() < patience:
                    time.sleep(0.02)
            (alarm,) = learner.watched().alarms
            assert alarm.name == "stale"
            assert client.post("/v1/home", json={"user_id": "m1"}).status_code == 200


def test_a_member_sees_one_billboard_a_day_until_something_is_learned(place):
    with EventLog(place.log_path) as log:
        learner = Learner(place, log, CONFIG)
        with served(place, log, learner) as client:

            def look() -> str:
                page = client.post("/v1/home", json={"user_id": "m3"}).json()
                return page["rows"][0]["items"][0]["item_id"]

            HAND.turn(0, 0)
            first = look()
            for moment in (1, 60, 590):
                HAND.turn(0, moment)
                assert look() == first
            learner.look(HAND.over(0))
            again = look()
            HAND.turn(9, 0)
            assert look() == again


def test_a_billboard_that_cannot_be_leaves_pages_as_they_are(place):
    for folder in (place.folder / "models").glob("factors-*"):
        shutil.rmtree(folder)
    said: list[str] = []
    with EventLog(place.log_path) as log:
        _, policies = catalog_and_policies(place, log, say=said.append)
    assert not any(isinstance(policy, Layered) for _, policy in policies["home"])
    assert "billboard thompson is left out" in said[-1]
    with pytest.raises(ArtifactRefused):
        billboard_of(place, Catalog.load(place.catalog_path), "thompson")
    with pytest.raises(BadRequest, match="no billboard"):
        billboard_of(place, Catalog.load(place.catalog_path), "nonsense")


def test_a_version_is_whole_or_not_there(place, tmp_path):
    arms = billboard_of(place, Catalog.load(place.catalog_path), "greedy")
    kept = kept_posteriors(tmp_path / "versions", arms.config.prior)
    assert kept.latest is None
    (kept.folder / ".draft-x").mkdir(parents=True)
    (kept.folder / ".draft-x" / "rewards.npy").write_bytes(b"cut off")
    os.utime(kept.folder / ".draft-x", (0, 0))
    kept.keep(arms._mind.posterior)
    kept.keep(arms._mind.posterior)
    assert [path.name for path in kept.folder.iterdir()] == ["00000000"]
    with pytest.raises(NotFound, match="is gone"):
        kept.find(7)
    (kept.folder / "00000000" / "posterior.json").write_text("{")
    with pytest.raises(ArtifactRefused):
        kept.find(0)
