"""The verb for dials: one surface at a time, what is kept of it stays until it is reset."""

import json
from functools import partial

from matinee.data.tunings import Tuning
from matinee.decision import Dials


def test_a_surface_is_tuned_listed_and_reset(verb, place):
    run = partial(verb, "dials")
    assert run("home", "--diversity", "0.3", "--exploration", "0.1")[0] == 0
    assert run("home", "--novelty", "1")[0] == 0
    assert place.tunings() == {"home": Tuning(0.1, Dials(0.3, novelty=1.0))}
    told = json.loads(run("--json")[1].splitlines()[-1])
    assert told["home"]["dials"]["novelty"] == 1.0
    assert told["search"] == {"exploration": None, "dials": dict.fromkeys(told["home"]["dials"], 0.0)}
    assert run("home", "--reset", "--freshness", "0.5")[0] == 0
    assert place.tunings() == {"home": Tuning(None, Dials(freshness=0.5))}
    assert run("home", "--reset")[0] == 0
    assert place.tunings() == {}
    code, said = run("--diversity", "0.3")
    assert (code, "name the surface" in said) == (2, True)
    assert run("home", "--diversity", "3")[0] == 2
