"""What decisions of a log teach: slice by slice, while the log is read once for as many as go together."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from matinee.data.histories import histories_of
from matinee.data.log import EventLog
from matinee.decision import Requests
from matinee.events import DAY, END_OF_TIME, clean
from matinee.policies.layered import Layered
from matinee.policies.uniform import Uniform
from matinee.profile import Profile
from matinee.recipes import learning
from matinee.recipes.learning import LearnerConfig, Lesson, lessons
from matinee.testing import make_catalog

TITLES, MEMBERS, SLICES = 12, 8, 6
MORNING = 1_700_006_400_000_000
CONFIG = LearnerConfig(every=600.0, window=300.0)
CATALOG = make_catalog(TITLES)


def plays(rows: list[tuple[int, int, float, str | None]], name: str) -> pl.DataFrame:
    """Plays by member, of a title, at a second of the day, in answer to a decision or to none."""
    frame = pl.DataFrame(
        {
            "event_id": [f"{name}{k}" for k in range(len(rows))],
            "user_id": [f"m{row[0]}" for row in rows],
            "item_id": [CATALOG.item_ids[row[1]] for row in rows],
            "kind": "play",
            "value": 0.75,
            "timestamp": [MORNING / 1e6 + row[2] for row in rows],
            "decision_id": pl.Series([row[3] for row in rows], dtype=pl.String),
        }
    )
    return clean(frame)[0]


@pytest.fixture
def log(tmp_path):
    """Everybody has a past, then asks once in every slice; every other plays the billboard a second later."""
    with EventLog(tmp_path / "log.db") as opened:
        rng = np.random.default_rng(0)
        past = plays(
            [(k % MEMBERS, int(rng.integers(TITLES)), -DAY / 1e6 * (1 + k % 5), None) for k in range(40)], "past"
        )
        opened.import_events(past)
        seconds = np.sort(np.concatenate([600.0 * part + np.arange(MEMBERS) for part in range(SLICES)]))
        people = [Profile(f"m{k % MEMBERS}") for k in range(len(seconds))]
        times = MORNING + np.round(seconds * 1e6).astype(np.int64)
        histories = histories_of(past, [one.user_id for one in people], CATALOG, END_OF_TIME)
        arrived = np.full(len(times), opened.arrived, np.int64)
        asked = Requests.of_histories(histories, times, people, surface="home", arrived=arrived)
        made = Layered(Uniform(CATALOG), Uniform(CATALOG)).decide(asked, rng)
        opened.decisions.append(made)
        first = made.choices.actions[made.billboards]
        answers = [(k % MEMBERS, int(first[k]), seconds[k] + 1, made.ids[k]) for k in range(0, len(seconds), 2)]
        opened.import_events(plays(answers, "answer"))
        yield opened


def taught(log: EventLog) -> list[Lesson]:
    return list(lessons(log, CATALOG, MORNING, MORNING + DAY, CONFIG))


def test_slices_that_go_together_read_the_log_once_and_teach_as_each_alone(log, monkeypatch):
    reads, read = [], EventLog.read
    monkeypatch.setattr(EventLog, "read", lambda *asked, **told: reads.append(told) or read(*asked, **told))
    together = taught(log)
    assert len(reads) == 1
    monkeypatch.setattr(learning, "MEMBERS", 1)
    alone = taught(log)
    assert len(reads) == 1 + SLICES
    assert [len(one.decisions) for one in together] == [MEMBERS] * SLICES
    for one, other in zip(together, alone, strict=True):
        assert one.decisions.ids == other.decisions.ids
        assert one.decisions.requests.digests.tolist() == other.decisions.requests.digests.tolist()
        np.testing.assert_array_equal(one.rewards, other.rewards)
        np.testing.assert_array_equal(one.standings, other.standings)
    rewards = np.concatenate([one.rewards[one.looked] for one in together])
    assert rewards.tolist() == [0.75] * (MEMBERS * SLICES // 2)
