"""Two towers: the contract, and what towers learn that sums of vectors cannot."""

import json

import numpy as np
import polars as pl
import pytest

from matinee.decision import Context, Requests
from matinee.errors import ArtifactRefused
from matinee.history import Histories
from matinee.models.deep.fitting import Training
from matinee.models.factorization_machine import FactorizationMachine, FactorizationMachineConfig
from matinee.models.two_tower import TwoTower, TwoTowerConfig
from matinee.testing import check_scorer, checkerboard, make_catalog, make_data, make_events

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = Training(epochs=60, batch=64, rate=5e-2)


def test_keeps_the_contract():
    check_scorer(lambda: TwoTower(TwoTowerConfig(size=4, hidden=8, training=QUICK)))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("latest",), 10**30),
        (("config", "hidden"), 1.5),
        (("config", "hidden"), 10**12),
        (("config", "size"), 10**9),
        (("config", "training"), 5),
        (("config", "content"), False),
    ],
)
def test_numbers_that_the_arrays_do_not_have_are_refused(tmp_path, place, value):
    config = TwoTowerConfig(size=4, hidden=8, training=Training(epochs=1))
    TwoTower(config).fit(checkerboard(), np.random.default_rng(0)).save(tmp_path)
    path = tmp_path / "scorer.json"
    fields = json.loads(path.read_text())
    (fields["config"] if len(place) > 1 else fields)[place[-1]] = value
    path.write_text(json.dumps(fields))
    with pytest.raises(ArtifactRefused):
        TwoTower.load(tmp_path)


def shared_devices():
    """Titles 0 and 1 name the member's kind; on TV kind 0 likes 2..4 and kind 1 likes 5..7, on the phone it is the
    other way round: what the device means depends on the member.
    """
    likes, devices = [], []
    for member in range(40):
        kind = member % 2
        own, other = ([2, 3, 4], [5, 6, 7]) if kind == 0 else ([5, 6, 7], [2, 3, 4])
        likes.append([kind, *own, *other])
        devices += [None, *["tv"] * 3, *["phone"] * 3]
    events = make_events(likes).with_columns(pl.Series("device", devices, pl.String))
    return make_data(events, make_catalog(8))


def preference(scorer):
    """Mean score of 2..4 above that of 5..7, for both kinds of members (rows) on TV and phone (columns)."""
    histories = Histories.of_items([[0], [0], [1], [1]])
    contexts = (Context(device="tv"), Context(device="phone")) * 2
    scores = scorer.score(Requests.of_histories(histories, contexts=contexts))
    return (scores[:, 2:5].mean(axis=1) - scores[:, 5:].mean(axis=1)).reshape(2, 2)


def test_a_device_may_mean_another_thing_to_another_member():
    data = shared_devices()
    settings = {"size": 8, "content": False, "time": False, "unknown": 0.0, "id_dropout": 0.0}
    settings["training"] = Training(epochs=150, batch=16, rate=1e-2)
    towers = TwoTower(TwoTowerConfig(**settings, hidden=32, dropout=0.0)).fit(data, np.random.default_rng(0))
    sums = FactorizationMachine(FactorizationMachineConfig(**settings)).fit(data, np.random.default_rng(0))
    found, added = preference(towers), preference(sums)
    assert (np.sign(found) == [[1, -1], [-1, 1]]).all()
    interaction = added[0, 0] - added[0, 1] - added[1, 0] + added[1, 1]
    assert abs(interaction) < 1e-3  # a sum of the two parts has none
