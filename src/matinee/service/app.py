"""The HTTP face of the service: endpoints, roles, and typed errors. Nothing is built here but the app itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query
from fastapi import Path as UrlPath
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response

from matinee.errors import MatineeError
from matinee.events import MAX_TEXT
from matinee.service.answers import (
    DeletedOut,
    ErrorOut,
    EventsOut,
    HealthOut,
    PageOut,
    ProfileOut,
    ProfilesOut,
    ReloadOut,
    StateOut,
    TitlesOut,
)
from matinee.service.core import Service
from matinee.service.deployment import Deployment
from matinee.service.gate import Gate
from matinee.service.keys import Keys, Role, needs
from matinee.service.present import profile_out
from matinee.service.problems import Json, Problem, answer_error, problem_words
from matinee.service.schemas import EventsIn, HomeIn, ProfileIn, SimilarIn
from matinee.service.web.pages import api_page, member_pages

ERRORS: dict[int | str, dict[str, Any]] = {
    code: {"model": ErrorOut, "description": words}
    for code, words in ((401, "no valid key"), (422, "the body or a parameter is wrong"), (503, "try again later"))
}
LARGE = 2_000  # bytes from which an answer is compressed for those who ask
Count = Annotated[int, Query(ge=1, le=100)]
Prefix = Annotated[str, Query(max_length=MAX_TEXT)]
User = Annotated[str, UrlPath(max_length=MAX_TEXT)]
Member = Annotated[str, Query(min_length=1, max_length=MAX_TEXT)]


def create_app(deployment: Deployment) -> FastAPI:
    """The service of one deployment as an ASGI application. It closes nothing that it was given."""
    service = Service(deployment)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.warm()
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
    app.add_middleware(Gate, metrics=service.metrics, deployment=deployment)
    for error in (Problem, MatineeError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(error, answer_error)
    app.include_router(_reading(service), dependencies=_roles("read", deployment.keys))
    app.include_router(_writing(service), dependencies=_roles("write", deployment.keys))
    app.include_router(_watching(service))
    app.include_router(api_page(app))
    if deployment.keys.open:
        app.include_router(member_pages(service))
    return app


def _roles(role: Role, keys: Keys) -> list[Any]:
    """What the calls of a role depend on: a key, where keys are configured."""
    return [] if keys.open else [Depends(needs(role, keys))]


def _reading(service: Service) -> APIRouter:
    """What a read key may ask."""
    router = APIRouter(prefix="/v1", tags=["read"], responses=ERRORS)

    @router.post("/home", response_model=PageOut)
    async def home(asked: HomeIn) -> Response:
        """A personalized home page. It is a decision: logged, with its probability, before it is sent."""
        return Json(await service.home(asked))

    @router.post("/similar", response_model=PageOut)
    async def similar(asked: SimilarIn) -> Response:
        """Titles that go with one title, as a decision with one row."""
        return Json(await service.similar(asked))

    @router.get("/decisions/{decision_id}")
    async def decision(decision_id: str) -> Response:
        """A logged decision as it was made: dense title indexes, scores and log-probabilities."""
        return Json(await service.decision(decision_id))

    @router.get("/titles", response_model=TitlesOut)
    async def titles(prefix: Prefix, user_id: Prefix | None = None, n: Count = 10) -> Response:
        """Titles with words that start with `prefix`, whatever case and accents, that the member may see."""
        return Json({"titles": await service.titles(prefix, user_id, n)})

    @router.get("/state", response_model=StateOut)
    async def state(user_id: Member) -> Response:
        """What stands of a member's thumbs, list, hidden titles and plays, title by title."""
        return Json(await service.state(user_id))

    @router.get("/profiles", response_model=ProfilesOut)
    async def profiles(prefix: Prefix = "", n: Count = 20) -> Response:
        """Profiles whose name or id starts with `prefix`."""
        return Json({"profiles": [profile_out(one) for one in await service.profiles(prefix, n)]})

    @router.get("/profiles/{user_id}", response_model=ProfileOut)
    async def profile(user_id: str) -> Response:
        """One member's profile."""
        return Json(profile_out(await service.profile(user_id)))

    return router


def _writing(service: Service) -> APIRouter:
    """What a write key may change."""
    router = APIRouter(prefix="/v1", tags=["write"], responses=ERRORS)

    @router.post("/events", response_model=EventsOut)
    async def events(batch: EventsIn) -> Response:
        """Log what happened. Each event is judged on its own; an accepted one is on disk and counts at once."""
        return Json(await service.take(batch.events))

    @router.put("/profiles/{user_id}", response_model=ProfileOut)
    async def put_profile(user_id: User, body: ProfileIn) -> Response:
        """Create or replace a member's profile, with every name as the catalogue spells it; unknown names are 422."""
        return Json(profile_out(await service.put_profile(body.profile(user_id))))

    @router.delete("/profiles/{user_id}", response_model=DeletedOut)
    async def delete_profile(user_id: str) -> Response:
        """Remove every trace of a member from log, sealed files and memory. Answers when it is done."""
        return Json({"user_id": user_id, "removed": await service.delete(user_id)})

    @router.post("/artifacts/reload", response_model=ReloadOut, responses={409: {"model": ErrorOut}})
    async def reload() -> Response:
        """Swap in newly built policies if they pass their check; keep the old ones and say why if they do not."""
        return Json({"ladders": await service.reload()})

    return router


def _watching(service: Service) -> APIRouter:
    """What operators and load balancers ask; needs no key and tells nothing about members."""
    router = APIRouter(tags=["operate"])

    @router.get("/health/live", response_model=HealthOut)
    async def live() -> Response:
        """The process answers."""
        return Json({"status": "live"})

    @router.get("/health/ready", response_model=HealthOut)
    async def ready() -> Response:
        """The policies passed their check; 503 with the reason while they have not."""
        if service.unready:
            return Json(problem_words("not_ready", service.unready), status_code=503)
        return Json({"status": "ready"})

    @router.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Counters and latencies for Prometheus."""
        service.metrics.members.set(len(service.members))
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")

    return router
