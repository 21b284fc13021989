"""The HTTP face of the service: endpoints, roles, and typed errors. Nothing is built here but the app itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse, Response

from matinee.errors import MatineeError, NotFound
from matinee.service.addresses import Known, New, no_unknown_parameter
from matinee.service.batches import billboards, homes
from matinee.service.core import Service
from matinee.service.deployment import Deployment
from matinee.service.hidden import hidden
from matinee.service.inbox import inbox
from matinee.service.keys import Keys, Role, needs
from matinee.service.leaving import Leaving
from matinee.service.load_shedding import LoadShedding
from matinee.service.present import profile_out
from matinee.service.problems import Json, Problem, answer_error, problem_words
from matinee.service.requests import (
    BillboardsIn,
    EventsIn,
    GenreWishIn,
    HomesIn,
    Id,
    ProfileIn,
    Text,
    TitlesIn,
    TitleWishIn,
)
from matinee.service.responses import (
    BeliefsOut,
    BillboardsOut,
    DeletedOut,
    EventsOut,
    ExportOut,
    GrownOut,
    HealthOut,
    HiddenOut,
    InboxOut,
    PagesOut,
    ProfileOut,
    ProfilesOut,
    ReloadOut,
    StateOut,
    StudioOut,
    TitleOut,
    TitlesOut,
)
from matinee.service.statuses import ASKED, BODY, FOUND, Responses, common, statuses
from matinee.service.surfaces import SURFACES, Surface
from matinee.service.tastes import tastes
from matinee.service.web.errors import ErrorPages
from matinee.service.web.pages import api_page, member_pages, templates
from matinee.service.web.studio import studio_page

LARGE = 2_000  # bytes from which an answer is compressed for those who ask
Count = Annotated[int, Query(ge=1, le=100)]
Asked = Annotated[Text, Query()]


def create_app(deployment: Deployment) -> FastAPI:
    """The service of one deployment as an ASGI application. It closes nothing that it was given."""
    service = Service(deployment)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        _build_routes(app)
        await service.warm()
        async with Leaving(service).running():
            yield

    app = FastAPI(
        title="Matinee",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        default_response_class=Json,
        lifespan=lifespan,
    )
    app.state.service = service
    app.add_middleware(GZipMiddleware, minimum_size=LARGE, compresslevel=4)
    app.add_middleware(LoadShedding, metrics=service.metrics, deployment=deployment)
    app.add_middleware(ErrorPages, render=templates())
    for error in (Problem, MatineeError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(error, answer_error)
    doors = common(deployment.keys.open)
    app.include_router(_reading(service), dependencies=_roles("read", deployment.keys), responses=doors)
    app.include_router(_writing(service), dependencies=_roles("write", deployment.keys), responses=doors)
    app.include_router(_watching(service, doors), responses=statuses(421) if deployment.keys.open else None)
    app.include_router(api_page(app))
    app.include_router(studio_page(service), dependencies=_roles("write", deployment.keys))
    if deployment.keys.open:
        app.include_router(member_pages(service))
    return app


def _build_routes(app: FastAPI) -> None:
    """Let FastAPI build all routes now: it does so at the first request that passes them, for some 0.1 s."""
    nowhere = {"type": "http", "method": "GET", "path": "/nowhere", "root_path": "", "headers": []}
    for route in app.routes:
        route.matches(nowhere)


def _roles(role: Role, keys: Keys) -> list[Any]:
    """What the calls of a role depend on: a key, where keys are configured, and known parameters."""
    return [*([] if keys.open else [Depends(needs(role, keys))]), Depends(no_unknown_parameter)]


def _reading(service: Service) -> APIRouter:
    """What a read key may ask."""
    router = APIRouter(prefix="/v1", tags=["read"])
    _add_surfaces(router, service, "read")

    @router.post("/homes", response_model=PagesOut, responses=statuses(400, 404, 422))
    async def many_homes(asked: HomesIn) -> Response:
        """Several home pages at once, each a decision of its own, in the order asked."""
        return Json({"pages": await homes(service, asked.homes)})

    @router.post("/billboards", response_model=BillboardsOut, responses=statuses(400, 422))
    async def many_billboards(asked: BillboardsIn) -> Response:
        """The billboard of each of up to 1,000 members, in the order asked: the one of their home page, alone."""
        return Json(await billboards(service, asked))

    @router.get("/decisions/{decision_id:id}", responses=FOUND)
    async def decision(decision_id: Known) -> Response:
        """A logged decision as it was made: dense title indexes, scores and log-probabilities."""
        return Json(await service.records.decision(decision_id))

    @router.get("/titles", response_model=TitlesOut, responses=FOUND)
    async def titles(
        prefix: Asked = "",
        user_id: Asked | None = None,
        genre: Asked | None = None,
        after: Asked | None = None,
        n: Count = 10,
    ) -> Response:
        """Titles that the member may see: with words that start with `prefix`, or the next ones after a title."""
        return Json({"titles": await service.titles(prefix, user_id, n, genre, after)})

    @router.get("/titles/{item_id:id}", response_model=TitleOut, responses=FOUND)
    async def title(item_id: Known, user_id: Asked | None = None) -> Response:
        """One title; 404 where the member may not see it."""
        return Json(await service.title(item_id, user_id))

    _add_what_is_known(router, service)
    return router


def _add_what_is_known(router: APIRouter, service: Service) -> None:
    """What is known and believed of members."""

    @router.get("/state", response_model=StateOut, responses=ASKED)
    async def state(user_id: Annotated[Id, Query()]) -> Response:
        """What stands of a member's thumbs, list, hidden titles and plays, title by title."""
        return Json(await service.state(user_id))

    @router.get("/hidden", response_model=HiddenOut, responses=ASKED)
    async def what_is_hidden(user_id: Annotated[Id, Query()]) -> Response:
        """All that a member does not want to meet: genres and titles, each with why."""
        return Json(await hidden(service, user_id))

    @router.get("/tastes", response_model=BeliefsOut, responses=FOUND)
    async def what_is_believed(user_id: Annotated[Id, Query()]) -> Response:
        """What the home page believes of a member: genres, titles that weigh most and why, people, screens, tone."""
        return Json(await tastes(service, user_id))

    @router.get("/messages", response_model=InboxOut, responses=ASKED)
    async def messages(user_id: Annotated[Id, Query()]) -> Response:
        """What a member was lately written to about and has not answered, newest first."""
        return Json({"messages": await inbox(service, user_id)})

    @router.get("/profiles", response_model=ProfilesOut, responses=ASKED)
    async def profiles(prefix: Asked = "", n: Count = 20) -> Response:
        """Profiles whose name or id starts with `prefix`."""
        return Json({"profiles": [profile_out(one) for one in await service.records.profiles(prefix, n)]})

    @router.get("/profiles/{user_id:id}", response_model=ProfileOut, responses=FOUND)
    async def profile(user_id: Known) -> Response:
        """One member's profile."""
        return Json(profile_out(await service.records.profile(user_id)))


def _add_surfaces(router: APIRouter, service: Service, role: Role) -> None:
    """The endpoints of the surfaces that this role may ask."""
    for surface in (one for one in SURFACES.values() if one.role == role):
        router.add_api_route(
            f"/{surface.name}",
            _asking(service, surface),
            methods=["POST"],
            name=surface.name,
            description=surface.summary,
            response_model=surface.out,
            responses=surface.fails_with,
        )


def _asking(service: Service, surface: Surface) -> Callable[[Any], Awaitable[Response]]:
    """The endpoint of a surface."""

    async def ask(asked: Any) -> Response:
        return Json(await service.decide(surface, asked))

    ask.__annotations__["asked"] = surface.body  # where FastAPI reads what the body must be
    return ask


def _writing(service: Service) -> APIRouter:
    """What a write key may change."""
    router = APIRouter(prefix="/v1", tags=["write"])
    _add_surfaces(router, service, "write")

    @router.post("/events", response_model=EventsOut, responses=BODY)
    async def events(batch: EventsIn) -> Response:
        """Log what happened. Each event is validated on its own; an accepted one is on disk and counts at once."""
        return Json(await service.take(batch.events))

    @router.post("/titles", response_model=GrownOut, responses=statuses(400, 409, 422))
    async def put_titles(body: TitlesIn) -> Response:
        """Bring new and changed titles into the catalogue, on disk and in what serves; all of them or none."""
        return Json(await service.put_titles([one.told for one in body.titles]))

    @router.put("/profiles/{user_id:id}", response_model=ProfileOut, responses=BODY)
    async def put_profile(user_id: New, body: ProfileIn) -> Response:
        """Create or replace a member's profile, with every name as the catalogue spells it; unknown names are 422."""
        return Json(profile_out(await service.records.put_profile(body.profile(user_id))))

    @router.post("/wishes/genre", response_model=ProfileOut, responses={**BODY, **FOUND})
    async def wish_of_genre(asked: GenreWishIn) -> Response:
        """Never show a genre again, show less of it, or as usual. The rest of the profile stays."""
        return Json(profile_out(await service.records.wish(asked)))

    @router.post("/wishes/title", response_model=ProfileOut, responses={**BODY, **FOUND})
    async def wish_of_title(asked: TitleWishIn) -> Response:
        """Never show a title again, or as usual. The rest of the profile stays."""
        return Json(profile_out(await service.records.wish(asked)))

    @router.delete("/profiles/{user_id:id}", response_model=DeletedOut, responses=ASKED)
    async def delete_profile(user_id: Known) -> Response:
        """Remove every trace of a member from log, sealed files and memory. Answers when it is done."""
        return Json({"user_id": user_id, "removed": await service.delete(user_id)})

    @router.get("/exports/{user_id:id}", response_model=ExportOut, responses=ASKED)
    async def exported(user_id: Known) -> Response:
        """Everything that the log holds about a member: what a deletion would remove."""
        return Json(await service.records.export(user_id))

    _add_operations(router, service)
    return router


def _add_operations(router: APIRouter, service: Service) -> None:
    """What who runs the service asks and does."""

    @router.get("/billboard", response_model=StudioOut, responses=statuses(404))
    async def billboard() -> Response:
        """What the billboard that learns believes of titles, what it showed and learned; for who runs the service."""
        studio = await asyncio.to_thread(service.deployment.studio)
        if studio is None:
            raise NotFound("no billboard learns here; start one with `matinee serve --billboard thompson`")
        return Json(studio.json())

    @router.post("/artifacts/reload", response_model=ReloadOut, responses=statuses(400, 409, 422))
    async def reload() -> Response:
        """Swap in newly built policies if they pass their check; keep the old ones and say why if they do not."""
        return Json({"policies": await service.reload()})


def _watching(service: Service, doors: Responses) -> APIRouter:
    """What operators and load balancers ask; needs no key and tells nothing about members."""
    router = APIRouter(tags=["operate"])

    @router.get("/health/live", response_model=HealthOut)
    async def live() -> Response:
        """The process answers."""
        return Json({"status": "live"})

    @router.get("/health/ready", response_model=HealthOut, responses=statuses(503))
    async def ready() -> Response:
        """The policies passed their check and the log can be written; 503 with the reason while that is not so. Alarms
        of what learns beside the service degrade it, and it serves on.
        """
        unready = service.unready or await service.trouble()
        if unready:
            return Json(problem_words("not_ready", unready), status_code=503)
        alarms = [one._asdict() for one in service.deployment.watched().alarms]
        return Json({"status": "degraded", "alarms": alarms} if alarms else {"status": "ready"})

    @router.get("/metrics", response_class=PlainTextResponse, responses=doors)
    async def metrics() -> Response:
        """Counters and latencies for Prometheus."""
        service.metrics.members.set(len(service.members))
        service.metrics.watch(service.deployment.watched())
        service.metrics.refusals.set(len(service.deployment.refusals()))
        for measure, value in service.deployment.loops().items():
            service.metrics.loops.labels(measure).set(value)
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")

    return router
