"""Exposures: who met what, and how likely that was."""

import numpy as np

from matinee.data.exposures import by_counts, exposures_of
from matinee.simulate.config import WorldConfig
from matinee.simulate.echo import Echo, EchoConfig
from matinee.simulate.world import World
from matinee.testing import make_catalog, make_data


def test_a_log_with_an_echo_is_seen_as_often_as_its_propensities_say():
    world = World.drawn(300, make_catalog(40), WorldConfig(launching=0, leaving=0), 0)
    echo = Echo.of(world, np.random.default_rng(0), EchoConfig(shown=12.0, strength=1.0))
    standard = np.sqrt(echo.propensities * (1 - echo.propensities) / 300)
    assert (np.abs(echo.seen.mean(axis=0) - echo.propensities) < 4 * standard).all()  # one in 400 by chance
    assert not (echo.liked & ~echo.seen).any()
    data = make_data(echo.events(world), world.catalog)
    met = exposures_of(data)
    assert len(met.members) == echo.seen.sum()
    assert met.liked.sum() == echo.liked.sum()
    assert met.in_vain
    counted = by_counts(data, met)
    known = echo.propensities[met.titles]
    assert np.corrcoef(np.log(counted), np.log(known))[0, 1] > 0.9
