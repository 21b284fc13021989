"""Guarantees and trust on every surface of the registry: 200,000 served slots over random catalogues, profiles and
histories, and all titles named as reasons and above rows, judged by rules written a second time.

A surface that is added to `SURFACES` and to what a service serves is judged without further work.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace

import numpy as np
import pytest
from pages import NOW
from test_eligibility import HOUR, may_see, random_catalog, random_requests

from matinee.catalog import Catalog
from matinee.data.dataset import Dataset, profiles_of
from matinee.data.log import EventLog
from matinee.decision import Company, Decisions, Layer, Policy, Requests, row_key
from matinee.decision.rows import ABOUT_A_TITLE
from matinee.events import DAY, Kind
from matinee.history import Histories
from matinee.page import WEB, RowKind
from matinee.profile import Profile
from matinee.recipes.serving import SERVED, served_policies
from matinee.recipes.training import train_into
from matinee.service.members import Member
from matinee.service.one_request import with_company
from matinee.service.surfaces import SURFACES, Surface
from matinee.surfaces.outreach.config import OutreachConfig
from matinee.surfaces.trust import REMOVED_DAYS
from matinee.testing import make_events
from matinee.workspace import Workspace

SLOTS = 200_000
BATCH = 200
THUMBS = (Kind.THUMBS_UP, Kind.THUMBS_DOWN)
DEEDS = (Kind.PLAY, Kind.RATING, *THUMBS, Kind.LIST_ADD, Kind.LIST_REMOVE, Kind.DISMISS, Kind.SEEN)
LOOKED_UP = (RowKind.FOUND, RowKind.CLOSEST, RowKind.ABOUT, RowKind.WITH, RowKind.GENRE, RowKind.PASSING)
THEIRS = {  # rows of the home page whose sense it is
    "finished": (RowKind.MY_LIST, RowKind.WATCH_AGAIN),
    "seen elsewhere": (RowKind.MY_LIST,),
    "taken off the list": (RowKind.CONTINUE_WATCHING, RowKind.WATCH_AGAIN),
}


def served(folder, catalog: Catalog, rng: np.random.Generator) -> dict[str, Policy]:
    """The best policy of every surface, as a service would serve it over this catalogue."""
    place, n = Workspace(folder), len(catalog)
    events = make_events([rng.choice(n, 6, replace=False).tolist() for _ in range(40)])
    place.bring_in(Dataset("toy", "free", catalog, profiles_of(events), events))
    for name in SERVED:
        train_into(place, name, np.random.default_rng(0))
    writing = {"config": asdict(OutreachConfig()), "effects": None, "level": [0.0, 0.0], "share": 1.0}
    place.keep_parameters("all", {"policy": "outreach-random", "outreach": writing})
    place.set_outreach("all")
    with EventLog(place.log_path) as log:
        steps = served_policies(place, log, Catalog.load(place.catalog_path), exploration=float(rng.choice([0.0, 0.5])))
    return {surface: ladder[0][1] for surface, ladder in steps.items()}


def random_histories(rng: np.random.Generator, n: int, batch: int) -> Histories:
    """What members did in the last 60 days, in every way, with few titles so that later words meet earlier ones."""
    lengths = rng.integers(0, 25, batch)
    total = int(lengths.sum())
    times = np.concatenate([np.sort(NOW - rng.integers(9 * HOUR, 60 * DAY, k)) for k in lengths] or [[]])
    return Histories(
        np.append(0, np.cumsum(lengths)),
        rng.integers(0, min(n, 30), total).astype(np.int32),
        rng.choice(DEEDS, total).astype(np.int8),
        rng.choice([0.05, 0.2, 0.5, 0.7, 1.0], total).astype(np.float32),
        times.astype(np.int64),
    )


def asked_of(surface: Surface, catalog: Catalog, people: Requests, rng: np.random.Generator) -> Requests:
    """What this surface is asked by all of these people: as its probe asks, about titles and words of all kinds."""
    n, batch, one = len(catalog), len(people), np.zeros(1, np.int64)
    plain, body = replace(people.take(one), surface=surface.name, layout=WEB), surface.probe("m0", catalog)
    plain = with_company(plain, [Member(Profile(one), Histories.empty(1)) for one in body.company])
    asked = surface.ask(body, plain, catalog)
    told: dict = {name: getattr(people, name) for name in ("times", "members", "people", "histories", "situations")}
    if asked.about is not None:
        told["about"] = rng.integers(0, n, batch).astype(np.int32)
    if asked.queries is not None:
        words = [*catalog.names, *catalog.genres, *[""] * 20]
        told["queries"] = tuple(rng.choice(words, batch).tolist())
    if asked.together is not None:
        others = rng.permutation(batch)
        told["together"] = Company.of(others[:, None].tolist(), people.histories.take(others))
    return replace(asked.take(np.zeros(batch, np.int64)), **told)


def shown_and_named(made: Decisions, catalog: Catalog) -> Iterator[tuple[int, int, int, bool]]:
    """(request, kind of row, title, whether it is shown) of all that a decision shows and names."""
    choices, kinds = made.choices, {}
    for at in np.flatnonzero(made.layer(Layer.ROW)):
        b, name = int(choices.decisions[at]), made.row_names[choices.actions[at]]
        kinds[b, int(choices.rows[at])] = int(name.kind)
        if name.kind in ABOUT_A_TITLE:
            yield b, name.kind, row_key(name, catalog), False
    columns = (choices.decisions, choices.rows, choices.actions, choices.evidence, made.layer(Layer.TITLE))
    for b, r, item, evidence, title in zip(*(column.tolist() for column in columns), strict=True):
        kind = kinds.get((b, r), RowKind.EMPTY)
        if title:
            yield b, kind, item, True
        if evidence >= 0:
            yield b, kind, evidence, False


def pictures_are_of_what_is_shown(made: Decisions, titles: list[dict]) -> int:
    """How many pictures were chosen, each of a title that stands right before it: one of its own, or a drawn one."""
    lines = np.flatnonzero(made.layer(Layer.ART))
    for at in lines:
        assert made.choices.layers[at - 1] == Layer.TITLE
        own = titles[made.choices.actions[at - 1]]["artworks"]
        assert 0 <= made.choices.actions[at] < (len(own) or 3)
    return len(lines)


def words_on(history: Histories, b: int, now: int) -> dict[int, str]:
    """What a member said last of each title that they must not meet: the rule in words, one event at a time."""
    speaks, play, listed, seen, found = {}, {}, {}, set(), {}
    for at in range(history.offsets[b], history.offsets[b + 1]):
        item, kind, value = int(history.items[at]), Kind(history.kinds[at]), float(history.values[at])
        if kind in (Kind.LIST_ADD, Kind.LIST_REMOVE):
            listed[item] = (kind, now - int(history.times[at]))
        if kind == Kind.SEEN:
            seen.add(item)
            continue
        if kind != Kind.LIST_REMOVE:
            speaks[item] = (kind, value)
        if kind == Kind.PLAY:
            play[item] = value
            seen -= {item} if value >= 0.1 else set()
    for item in {*speaks, *listed, *seen}:
        kind, value = speaks.get(item, (None, 0.0))
        if kind in (Kind.THUMBS_DOWN, Kind.DISMISS) or (kind == Kind.RATING and value < 0.6):
            found[item] = "turned down"
        elif item in seen:
            found[item] = "seen elsewhere"
        elif play.get(item, 0.0) >= 0.9:
            found[item] = "finished"
        elif listed.get(item, (None, 0))[0] == Kind.LIST_REMOVE and listed[item][1] <= (REMOVED_DAYS - 1) * DAY:
            found[item] = "taken off the list"
    return found


def watching(requests: Requests, b: int) -> list[int]:
    """Who sees a page, rows of the people: who asks, and who watches with them."""
    return [b, *([] if requests.together is None else requests.together.people[b].tolist())]


def may_stand(word: str, surface: str, kind: int) -> bool:
    """Whether a title of which a member said this may stand in such a row."""
    if word == "turned down":
        return surface == "search" and kind == RowKind.FOUND
    return (surface == "search" and kind in LOOKED_UP) or (surface == "home" and kind in THEIRS[word])


@pytest.mark.slow
def test_no_surface_leaks_or_breaks_trust_in_200_000_slots(tmp_path):
    rng, slots, world, pictures = np.random.default_rng(2026), dict.fromkeys(SURFACES, 0), 0, 0
    while sum(slots.values()) < SLOTS:
        n = int(rng.integers(80, 300))
        catalog = random_catalog(rng, n, [None, 0, 12][rng.integers(0, 3)])
        policies = served(tmp_path / str(world), catalog, rng)
        assert policies.keys() == SURFACES.keys(), "a surface that nothing serves is not judged"
        titles = catalog.titles.to_dicts()
        for _ in range(3):
            people = replace(random_requests(rng, n, BATCH, WEB), histories=random_histories(rng, n, BATCH))
            words = [words_on(people.histories, b, int(people.times[b])) for b in range(BATCH)]
            for name, surface in SURFACES.items():
                requests = asked_of(surface, catalog, people, rng)
                made = policies[name].decide(requests, rng)
                seen: dict[tuple[int, int], bool] = {}
                pictures += pictures_are_of_what_is_shown(made, titles)
                for b, kind, item, shown in shown_and_named(made, catalog):
                    own = watching(requests, b)
                    if (b, item) not in seen:
                        told = requests.situations.context(b), int(requests.times[b])
                        profiles = [requests.people.profile(one) for one in own]
                        seen[b, item] = all(may_see(catalog, titles[item], one, *told) for one in profiles)
                    assert seen[b, item], f"{name} shows or names what it must not: {titles[item]} to {b}"
                    said = [words[one][item] for one in own if item in words[one]]
                    stands = all(may_stand(word, name, kind) for word in said)
                    assert not shown or stands, f"{name}, row {kind}: {said}"
                    slots[name] += shown
        world += 1
    assert pictures >= BATCH, f"only {pictures} pictures were judged"
    assert min(slots.values()) >= BATCH, f"some surface was hardly judged: {slots}"
