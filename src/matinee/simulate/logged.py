"""Requests of simulated members as a service would make them: with the history that its log holds of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from matinee.catalog import Catalog
from matinee.data.histories import histories_of
from matinee.data.log import EventLog
from matinee.decision import Requests
from matinee.events import END_OF_TIME
from matinee.simulate.visits import Visits
from matinee.simulate.world import World


def logged_requests(log: EventLog, catalog: Catalog, **fields: Any) -> Callable[[World, Visits], Requests]:
    """What `simulate` may ask with: histories out of the log, as of what had arrived; `fields` as `World.requests`.

    So the decisions can be asked again, as those of a service. For worlds whose members fit a log: it is read for every
    batch.
    """

    def ask(world: World, visits: Visits) -> Requests:
        arrived, user_ids = log.arrived, world.members.people.user_ids.gather(visits.members).to_list()
        events = log.read(END_OF_TIME, user_ids=user_ids, arrived=arrived)
        known = histories_of(events, user_ids, catalog, END_OF_TIME)
        latest = np.repeat(visits.times - 1, np.diff(known.offsets))
        histories = replace(known, times=np.minimum(known.times, latest))
        requests = world.requests(visits, **fields)
        return replace(requests, histories=histories, arrived=np.full(len(visits), arrived))

    return ask
