"""The search for a sequence model's settings: what it may cost is told and kept, and what foretells best is found."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from matinee.decision import no_progress
from matinee.errors import BadRequest
from matinee.history import Histories
from matinee.models import sequence_search
from matinee.models.deep.sequence_config import SequenceConfig
from matinee.models.sequence import Sequence, Training
from matinee.models.sequence_search import TRIED, Watch, changed, fit_seconds, found_config
from matinee.testing import assert_same, cyclic

pytestmark = pytest.mark.usefixtures("one_thread")

DATA = cyclic(60, length=5)
TINY = SequenceConfig(size=8, layers=1, heads=1, length=8, training=Training(epochs=2, batch=16, rate=3e-2))


@pytest.fixture(autouse=True)
def few_members_can_tell(monkeypatch):
    monkeypatch.setattr(sequence_search, "FEWEST", 20)


def placed(place: int):
    """Scores that put title 1 of five at a place, 0 the first."""
    return lambda histories: np.where(np.arange(5) == 1, 9.0 - 2 * place, [0.0, 0.0, 8.0, 6.0, 4.0])[None].astype("f4")


def test_a_watch_keeps_the_best_epoch_and_stops_when_nothing_was_better():
    watch = Watch(Histories.of_items([[0]]), np.array([1], np.int32))
    assert [watch(epoch, placed(place)) for epoch, place in enumerate((1, 0, 0, 1, 1), 1)] == [False] * 4 + [True]
    assert (watch.value, watch.epoch) == (pytest.approx(1.0), 2)


def test_a_fit_that_is_better_is_found_within_the_budget():
    cost, made, told = fit_seconds(TINY, DATA), [], []

    def good(config, histories):
        """The title that follows the last first, where dropout is high."""
        lasts = histories.items[histories.offsets[1:] - 1]
        return np.eye(len(DATA.catalog), dtype="f4")[(lasts + 1 + (config.dropout < 0.4)) % len(DATA.catalog)]

    def fit(config, data, look, progress):
        made.append(config)
        progress("epoch 1", 0.0)
        look(1, lambda histories: np.zeros((len(histories), len(DATA.catalog)), "f4"))
        look(2, lambda histories: good(config, histories))

    found = found_config(
        searching(2.5 * cost), DATA, np.random.default_rng(0), lambda what, done: told.append((what, done)), fit
    )
    assert (found.dropout, found.training.epochs, found.search) == (0.5, 2, 0.0)
    assert sum(fit_seconds(one, DATA) for one in made) <= 2.5 * cost
    assert made[0] == TINY
    assert "s left after this" in told[0][0]
    assert [done for _, done in told] == sorted(done for _, done in told)


def searching(seconds: float) -> SequenceConfig:
    return replace(TINY, search=seconds)


@pytest.mark.parametrize(("search", "members"), [(1e-9, 20), (1e9, 61)])
def test_without_budget_or_members_settings_stay_and_that_is_told(monkeypatch, search, members):
    monkeypatch.setattr(sequence_search, "FEWEST", members)
    told = []
    found = found_config(
        searching(search),
        DATA,
        np.random.default_rng(0),
        lambda what, _: told.append(what),
        lambda *_: pytest.fail("fitted"),
    )
    assert found == TINY
    assert told[0].startswith("settings as they are")


def test_a_fit_that_searches_keeps_what_it_found_and_the_same_seed_finds_the_same(tmp_path):
    config = searching(1.2 * fit_seconds(TINY, DATA))
    one, two = (Sequence(config).fit(DATA, np.random.default_rng(0)) for _ in range(2))
    assert one.config == two.config
    assert one.config.search == 0.0
    assert 1 <= one.config.training.epochs <= 2
    assert_same(one.title_vectors, two.title_vectors)
    one.save(tmp_path)
    assert Sequence.load(tmp_path).config == one.config


def test_more_titles_rows_and_epochs_cost_more():
    twice = changed(TINY, {"epochs": 4})
    assert fit_seconds(twice, DATA) == pytest.approx(2 * fit_seconds(TINY, DATA))
    assert fit_seconds(TINY, cyclic(120, length=5)) > fit_seconds(TINY, DATA)
    assert all(fit_seconds(changed(TINY, change), DATA) > 0 for change in TRIED)


def test_a_budget_that_means_nothing_is_refused():
    for wrong in (-1.0, float("inf"), float("nan")):
        with pytest.raises(BadRequest, match="search is"):
            SequenceConfig(search=wrong)


def test_a_fit_ends_when_enough_was_learned():
    epochs = []

    def look(epoch, part):
        epochs.append(epoch)
        return True

    Sequence(TINY)._fit(DATA, np.random.default_rng(0), no_progress, look)
    assert epochs == [1]
