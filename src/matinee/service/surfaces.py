"""The surfaces of the service by name: what is asked of each and how it is answered. A new surface is one entry here.

An entry is all that the service knows of a surface: its endpoint `/v1/NAME`, the check of new policies, the fall-back
and the metrics follow from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Requests
from matinee.errors import NotFound
from matinee.page import ONE_TITLE, Layout
from matinee.service.fallback import Served
from matinee.service.keys import Role
from matinee.service.one_request import without
from matinee.service.present import Presenter
from matinee.service.requests import (
    AskIn,
    ContextIn,
    HomeIn,
    OutreachIn,
    PlaySomethingIn,
    SearchIn,
    SimilarIn,
    TogetherIn,
)
from matinee.service.responses import OutreachOut, PageOut, SuggestionOut, TogetherOut
from matinee.service.statuses import BODY, FOUND, Responses, statuses
from matinee.service.titles import item_of

Answer: TypeAlias = Callable[[Presenter, Served, AskIn], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Surface:
    """Something of which decisions are asked over HTTP.

    `summary`: what the endpoint says of itself. `body`: what comes in; `answer` makes what goes out, of the shape
    `out` with `timings`, for any decision that the surface's policies may make, silence included.

    `ask(asked, plain, catalog)` completes a batch of one, which holds who asks, when, where and on what screen, by what
    this surface is asked: layout, about, queries, episodes, candidates, together, titles to exclude; raises `NotFound`
    for what the catalogue does not know. `probe(user_id, catalog)`: a body as a member might send it, with which new
    policies are tried before they serve. `fails_with`: the further statuses of the endpoint.

    `role`: of whom it may be asked; those that take answers (a body of `FollowIn`) write.

    A deployment has policies for every surface that is `required`; any other is served where there is one.
    `may_be_silent`: its policies may show nothing to somebody who may be shown something.
    """

    name: str
    summary: str
    body: type[AskIn]
    ask: Callable[[Any, Requests, Catalog], Requests]
    probe: Callable[[str, Catalog], AskIn]
    answer: Answer
    out: Any
    fails_with: Responses
    role: Role = "read"
    required: bool = True
    may_be_silent: bool = False


def _page(presenter: Presenter, served: Served, asked: AskIn) -> dict[str, Any]:
    return {**presenter.page(served.decisions, asked.explain, served.missed)}


def _page_for_all(presenter: Presenter, served: Served, asked: AskIn) -> dict[str, Any]:
    return {**presenter.page_for_all(served.decisions, served.watchers, asked.explain, served.missed)}


def _two_of_them(user_id: str, catalog: Catalog) -> TogetherIn:
    return TogetherIn.model_validate({"user_id": user_id, "with": [f"{user_id}, too"]})


def _home(asked: HomeIn, plain: Requests, catalog: Catalog) -> Requests:
    """A page in the shape asked for, else in that of the device."""
    return replace(plain, layout=asked.layout.layout(plain.layout.attention)) if asked.layout else plain


def _together(asked: TogetherIn, plain: Requests, catalog: Catalog) -> Requests:
    """A page in the shape asked for, else in that of the device, for those who watch besides who asks."""
    if plain.together is None:
        raise NotFound("nobody else watches: `with` names who asks; name somebody else")
    return replace(plain, layout=asked.layout.layout(plain.layout.attention)) if asked.layout else plain


def _similar(asked: SimilarIn, plain: Requests, catalog: Catalog) -> Requests:
    """One row about a title, of none that the member turned down, whatever the policy."""
    about = np.array([item_of(catalog, asked.item_id)], np.int32)
    layout = Layout(rows=1, columns=asked.n, billboard=False, attention=plain.layout.attention)
    past = plain.histories
    return without(replace(plain, layout=layout, about=about), past.items[past.turned_down])


def _search(asked: SearchIn, plain: Requests, catalog: Catalog) -> Requests:
    """Rows that answer what was typed; what the member turned down stands where it is named, as the policy sees to."""
    layout = Layout(rows=asked.rows, columns=asked.n, billboard=False, attention=plain.layout.attention)
    return replace(plain, layout=layout, queries=(asked.query,))


def _play_something(asked: PlaySomethingIn, plain: Requests, catalog: Catalog) -> Requests:
    """One title, after those of its episode."""
    return replace(plain, layout=Layout(rows=1, columns=1, billboard=False, attention=plain.layout.attention))


def _outreach(asked: OutreachIn, plain: Requests, catalog: Catalog) -> Requests:
    """One message, or none."""
    return replace(plain, layout=ONE_TITLE)


def _message(presenter: Presenter, served: Served, asked: AskIn) -> dict[str, Any]:
    return {**presenter.outreach(served.decisions, served.missed)}


def _suggestion(presenter: Presenter, served: Served, asked: AskIn) -> dict[str, Any]:
    return {**presenter.suggestion(served.decisions, asked.explain, served.missed)}


SURFACES: Mapping[str, Surface] = {
    one.name: one
    for one in (
        Surface(
            "home",
            "A personalized home page. It is a decision: logged, with its probability, before it is sent.",
            HomeIn,
            _home,
            lambda user_id, catalog: HomeIn(user_id=user_id),
            _page,
            PageOut,
            {**BODY, **FOUND},
        ),
        Surface(
            "similar",
            "Titles that go with one title, as a decision with one row.",
            SimilarIn,
            _similar,
            lambda user_id, catalog: SimilarIn.model_construct(user_id=user_id, item_id=catalog.item_ids[0]),
            _page,
            PageOut,
            {**BODY, **FOUND},
            may_be_silent=True,
        ),
        Surface(
            "together",
            "A page for two or more who watch together. Each title says whom it is for, and why.",
            TogetherIn,
            _together,
            _two_of_them,
            _page_for_all,
            TogetherOut,
            {**BODY, **FOUND},
            required=False,
            may_be_silent=True,
        ),
        Surface(
            "search",
            "Answers to what was typed, as rows by intent; what is not here leads to the closest titles that are.",
            SearchIn,
            _search,
            lambda user_id, catalog: SearchIn(user_id=user_id, query=catalog.names[0][:50]),
            _page,
            PageOut,
            {**BODY, **FOUND},
            required=False,
            may_be_silent=True,
        ),
        Surface(
            "play_something",
            "One title to play now. What is answered to it leads to the next one of its episode.",
            PlaySomethingIn,
            _play_something,
            lambda user_id, catalog: PlaySomethingIn(user_id=user_id),
            _suggestion,
            SuggestionOut,
            {**BODY, **FOUND},
            role="write",
            required=False,
            may_be_silent=True,
        ),
        Surface(
            "outreach",
            "Whether to write to a member now, and about which title. What is sent counts at once; send it, once.",
            OutreachIn,
            _outreach,
            lambda user_id, catalog: OutreachIn(user_id=user_id, context=ContextIn(hour=12)),  # nobody is asleep
            _message,
            OutreachOut,
            {**BODY, **FOUND, **statuses(503)},
            role="write",
            required=False,
            may_be_silent=True,
        ),
    )
}
NAMED = ("home", "similar", "search", "play_something", "together")
HOME, SIMILAR, SEARCH, PLAY_SOMETHING, TOGETHER = (SURFACES[name] for name in NAMED)
