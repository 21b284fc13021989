"""The verb that tells from a service's own log what came of what it showed."""

from __future__ import annotations

import time

from matinee.cli.never_ran import Counted, Rewarded, Within
from matinee.cli.terminal import WORKSPACE, Html, Into, Json, show
from matinee.events import END_OF_TIME
from matinee.workspace import Workspace


def report(
    workspace: Into = WORKSPACE,
    reward: Counted = Rewarded.PLAYED,
    days: Within = 1.0,
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Tell from the log what came of what was shown: plays per look by surface, row, place, policy, with intervals."""
    import numpy as np

    from matinee.catalog import Catalog
    from matinee.data.log import EventLog
    from matinee.data.outcomes import with_outcomes
    from matinee.data.rewards import REWARDS
    from matinee.data.shown_choices import shown_choices
    from matinee.evaluate.looks import looks_of
    from matinee.evaluate.loops import loops_of
    from matinee.evaluate.sought import sought_of
    from matinee.report.looks import LooksReport

    place = Workspace(workspace)
    place.require()
    with place.consistent(), EventLog(place.log_path) as log:
        catalog = Catalog.load(place.catalog_path)
        shown, left_out = shown_choices(log.decisions.read(END_OF_TIME)), log.decisions.earlier()
        events = log.read(END_OF_TIME, since=int(shown["time"].to_numpy().min(initial=END_OF_TIME)))
    joined = with_outcomes(shown, events, catalog, days * 86_400, REWARDS[reward.value])
    now = time.time_ns() // 1_000
    looks = looks_of(joined, catalog, reward.value, days, now, left_out)
    loops = loops_of(shown, catalog, np.random.default_rng(0))
    show(LooksReport(looks, sought_of(shown, events, catalog), loops), html, as_json)
