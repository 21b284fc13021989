"""The pages that people see: who is watching, the home page, posters, and a plain page about the API."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from matinee.catalog import DRAWN
from matinee.decision.whom import all_names
from matinee.errors import NotFound
from matinee.events import FINISHED, MAX_TEXT, PLAYED
from matinee.profile import Profile
from matinee.service.core import Service
from matinee.service.hidden import hidden
from matinee.service.inbox import inbox
from matinee.service.requests import MAX_COMPANY, ContextIn, DialsIn, HomeIn, LayoutIn, SearchIn, TogetherIn
from matinee.service.responses import BeliefsOut, NextOut, TitleStateOut
from matinee.service.surfaces import HOME, PLAY_SOMETHING, SEARCH, TOGETHER
from matinee.service.tastes import tastes
from matinee.service.visitors import is_visitor
from matinee.service.web import words
from matinee.service.web.browsing import YEARS, Browsing
from matinee.service.web.posters import lettering, poster, split_year
from matinee.service.web.reference import bodies, limits

HERE = Path(__file__).parent
EXAMPLES = 12  # members offered on the first page
LIKED = 3  # titles named for each of them
ANEW = 0.1  # how boldly a page is drawn that was asked for anew
BROWSED = 48  # titles on a page that is browsed
START_TITLES, START_ROWS = 24, 8  # that someone new picks from
User = Annotated[str, Query(min_length=1, max_length=MAX_TEXT)]
PosterUser = Annotated[str, Query(max_length=MAX_TEXT)]
Find = Annotated[str, Query(max_length=MAX_TEXT)]
Device = Annotated[str, Query(max_length=MAX_TEXT)]
Company = Annotated[Sequence[User], Query(alias="with", max_length=MAX_COMPANY)]
WebDial = Annotated[float | None, Query(ge=0, le=1)]
Year = Annotated[int, Query(ge=0, lt=10_000)]
Way = Annotated[int, Query(ge=0, lt=DRAWN)]
WebDraw = Annotated[int, Query(ge=0, lt=2**31)]


async def _turned(
    diversity: WebDial = None,
    calibration: WebDial = None,
    novelty: WebDial = None,
    freshness: WebDial = None,
    exposure: WebDial = None,
) -> DialsIn:
    """The dials in the address of a page."""
    return DialsIn(
        diversity=diversity, calibration=calibration, novelty=novelty, freshness=freshness, exposure=exposure
    )


Turned = Annotated[DialsIn, Depends(_turned)]


@cache
def templates() -> Environment:
    """The templates, all compiled: everything is escaped, and a name that nobody set is an error."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["name_and_year"] = split_year
    environment.filters["initial"] = _initial
    environment.filters["lettering"] = lettering
    environment.filters["episode"] = _episode
    environment.filters["limits"] = limits
    environment.filters["all_of"] = lambda about: Browsing(*about).link()
    for word in (words.counted, words.compared, words.toned, words.moment):
        environment.filters[word.__name__] = word
    environment.tests["unfinished"] = _unfinished
    environment.tests["turned_down"] = _turned_down
    for name in environment.list_templates():
        environment.get_template(name)
    return environment


def member_pages(service: Service) -> APIRouter:
    """The web page of a service that is open to its visitors."""
    router = APIRouter(include_in_schema=False)
    render = templates()
    router.routes.append(Mount("/static", StaticFiles(directory=HERE / "static")))
    _add_lobby(router, service, render)
    _add_pages(router, service, render)
    _add_together(router, service, render)
    _add_own(router, service, render)
    return router


def _add_lobby(router: APIRouter, service: Service, render: Environment) -> None:
    """Where a visitor says who is watching, and the pictures of titles."""

    @router.get("/")
    async def pick(request: Request, find: Find = "") -> Response:
        found = await (service.records.profiles(find, EXAMPLES) if find else service.records.recent_profiles(EXAMPLES))
        members = [await _example(service, one) for one in found]
        template = "_people.html" if "part" in request.query_params else "pick.html"
        told = {"genres": service.catalog.genres, "note": service.deployment.note}
        visiting = service.deployment.visitors.words(service.catalog)
        return _html(render, template, members=members, find=find, visiting=visiting, **told)

    @router.get("/posters/{item_id:path}.svg")
    async def art(item_id: str, wide: bool = False, user: PosterUser | None = None, way: Way = 0) -> Response:
        title = await service.title(item_id, user)
        svg = poster(title["title"], title["genres"], wide, way)
        return Response(svg, media_type="image/svg+xml", headers={"cache-control": "private, max-age=3600"})


def _add_pages(router: APIRouter, service: Service, render: Environment) -> None:
    """Pages of titles for one member."""

    @router.get("/home")
    async def home(
        request: Request,
        user: User,
        dials: Turned,
        device: Device = "",
        hour: int = -1,
        weekday: int = -1,
        draw: WebDraw = 0,
    ) -> Response:
        context = ContextIn(
            device=_device(request, device),
            hour=hour if 0 <= hour <= 23 else None,
            weekday=weekday if 0 <= weekday <= 6 else None,
        )
        anew = ANEW if draw else None
        asked = HomeIn(user_id=user, context=context, draw=draw, exploration=anew, dials=dials)
        page = await service.decide(HOME, asked)
        if "part" in request.query_params:
            ways = await _of_member(service, request, user, device)
            return _html(render, "_page.html", page=page, watcher=user, browse=ways["browse"])
        shown = {"messages": await inbox(service, user), **await _of_member(service, request, user, device)}
        return _html(render, "home.html", page=page, **shown)

    @router.get("/browse")
    async def browse(
        request: Request,
        user: User,
        device: Device = "",
        genre: Find = "",
        tag: Find = "",
        since: Year = 0,
        after: Find = "",
    ) -> Response:
        wanted = Browsing(genre, tag, since)
        asked = SearchIn(
            user_id=user, query="", filter=wanted.filter, rows=1, n=BROWSED, after=after or None, exploration=0.0
        )
        page = await service.decide(SEARCH, asked)
        choice = {"wanted": wanted, "genres": service.catalog.genres, "years": YEARS}
        told = {**choice, "page": page, "after": after, "full": BROWSED}
        return _html(render, "browse.html", **told, **await _of_member(service, request, user, device))


def _add_together(router: APIRouter, service: Service, render: Environment) -> None:
    """A page for several, and the choice of whom."""

    @router.get("/together")
    async def together(
        request: Request,
        user: User,
        dials: Turned,
        company: Company = (),
        find: Find = "",
        device: Device = "",
        draw: WebDraw = 0,
    ) -> Response:
        about = await _of_member(service, request, user, device)
        if not company:
            found = await _others(service, user, find)
            return _html(render, "company.html", people=found, find=find, **about)
        asked = {"user_id": user, "with": company, "context": {"device": about["device"]}, "draw": draw, "dials": dials}
        anew = {"exploration": ANEW} if draw else {}
        page = await service.decide(TOGETHER, TogetherIn.model_validate({**asked, **anew}))
        if "part" in request.query_params:
            return _html(render, "_page.html", page=page, watcher=user, browse=about["browse"])
        names = all_names([(await service.member(one)).profile for one in page["watchers"]])
        return _html(render, "together.html", page=page, company=page["watchers"][1:], names=names, **about)


def _add_own(router: APIRouter, service: Service, render: Environment) -> None:
    """A member's list and tastes, one title at a time, and the first choice of someone new."""

    @router.get("/list")
    async def own_list(request: Request, user: User, device: Device = "") -> Response:
        return _html(render, "list.html", **await _of_member(service, request, user, device))

    @router.get("/tastes")
    async def own_tastes(request: Request, user: User, device: Device = "") -> Response:
        told = {"hidden": await hidden(service, user), "beliefs": await _beliefs(service, user)}
        template = "_tastes.html" if "part" in request.query_params else "tastes.html"
        return _html(render, template, **told, **await _of_member(service, request, user, device))

    @router.get("/play")
    async def play(request: Request, user: User, device: Device = "") -> Response:
        return _html(render, "play.html", **await _of_member(service, request, user, device))

    @router.get("/start")
    async def start(request: Request, user: User, device: Device = "") -> Response:
        layout = LayoutIn(rows=START_ROWS, columns=START_TITLES // START_ROWS, billboard=False)
        page = await service.decide(HOME, HomeIn(user_id=user, layout=layout, explain=False))
        titles = [(row["row"], item) for row in page["rows"] for item in row["items"]]
        return _html(render, "start.html", page=page, titles=titles, **await _of_member(service, request, user, device))


def api_page(app: FastAPI) -> APIRouter:
    """The OpenAPI schema as JSON, and as a page that needs no network and no script; each is rendered once."""
    router = APIRouter(include_in_schema=False)
    render = templates()
    if not any(getattr(route, "path", "") == "/static" for route in app.routes):
        app.mount("/static", StaticFiles(directory=HERE / "static"))

    @cache
    def page() -> str:
        schema = app.openapi()
        return render.get_template("docs.html").render(schema=schema, bodies=bodies(schema))

    @cache
    def machine_readable() -> bytes:
        return orjson.dumps(app.openapi())

    @router.get("/docs")
    async def docs() -> Response:
        return HTMLResponse(page(), headers={"cache-control": "no-store"})

    @router.get("/openapi.json")
    async def openapi() -> Response:
        return Response(machine_readable(), media_type="application/json")

    return router


async def _of_member(service: Service, request: Request, user: str, device: str) -> dict[str, Any]:
    """What every page of a member shows: who it is, what stands of their actions, and the ways to the other pages."""
    asked = {"user": user, **({"device": device} if device else {})}
    return {
        "member": (await service.member(user)).profile,
        "watcher": user,
        "forgotten": service.deployment.visitors.hours if is_visitor(user) else 0,
        "state": await service.state(user),
        "device": _device(request, device),
        "home": f"/home?{urlencode(asked)}",
        "list": f"/list?{urlencode(asked)}",
        "tastes": f"/tastes?{urlencode(asked)}",
        "browse": f"/browse?{urlencode(asked)}" if service.deployment.policies.get(SEARCH.name) else "",
        "together": f"/together?{urlencode(asked)}" if service.deployment.policies.get(TOGETHER.name) else "",
        "play": f"/play?{urlencode(asked)}" if service.deployment.policies.get(PLAY_SOMETHING.name) else "",
    }


async def _beliefs(service: Service, user: str) -> BeliefsOut | None:
    """What is believed of a member; None where nothing that serves says so."""
    try:
        return await tastes(service, user)
    except NotFound:
        return None


async def _others(service: Service, user: str, find: str) -> list[Profile]:
    """Those who may watch along."""
    n = EXAMPLES + 1
    found = await (service.records.profiles(find, n) if find else service.records.recent_profiles(n))
    return [one for one in found if one.user_id != user][:EXAMPLES]


async def _example(service: Service, profile: Profile) -> dict[str, Any]:
    """A member to try, with the titles that they liked last and may see."""
    return {"profile": profile, "liked": await service.liked(profile.user_id, LIKED)}


def _initial(profile: Profile) -> str:
    """What stands on a member's badge: a short id as it is, else the first letter of the name."""
    short = profile.user_id if len(profile.user_id) <= 3 else ""
    return short or (profile.name or profile.user_id)[:1].upper()


def _episode(following: NextOut) -> str:
    """An episode as people say it: S2 E4 – its name."""
    name = f" – {following['name']}" if following["name"] else ""
    return f"S{following['season']} E{following['episode']}{name}"


def _unfinished(title: TitleStateOut) -> bool:
    """Whether a film was half watched, or an episode of a series waits."""
    watched = title["watched"]
    return watched is not None and watched < FINISHED and (watched >= PLAYED or "next" in title)


def _turned_down(title: TitleStateOut) -> bool:
    return title["hidden"] or title["thumb"] == "down"


def _device(request: Request, asked: str) -> str:
    agent = request.headers.get("user-agent", "")
    if asked:
        return asked
    if "TV" in agent:
        return "tv"
    return "phone" if "Mobi" in agent else "web"


def _html(render: Environment, template: str, **values: Any) -> Response:
    return HTMLResponse(render.get_template(template).render(values), headers={"cache-control": "no-store"})
