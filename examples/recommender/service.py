"""The HTTP service: `uvicorn --factory recommender.service:create_app`, or `python -m recommender.serve`."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, HTTPException, Request, Response, status
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import REGISTRY, CollectorRegistry
from starlette.routing import Route

from recommender import times
from recommender.api import (
    FeedbackRequest,
    FeedbackResponse,
    Health,
    Item,
    RecommendRequest,
    RecommendResponse,
    ReloadResponse,
    one_message,
)
from recommender.compaction import MERGED_AFTER, compact
from recommender.engine import Engine, InService
from recommender.errors import ModelError
from recommender.interaction_log import Record
from recommender.interactions import CLICK
from recommender.recommend import Recommendation, Wish
from recommender.rerank_test import RERANK
from recommender.settings import Settings
from recommender.tokens import admin_token, is_bearer
from recommender.watching import Watch
from recwatch.asgi import MetricsMiddleware, metrics_endpoint
from recwatch.errors import RegistryError
from recwatch.metrics import DroppedWrites
from recwatch.request_id import RequestIdMiddleware


def create_app(settings: Settings | None = None, *, registry: CollectorRegistry = REGISTRY) -> FastAPI:
    """Build the application. Data and model are loaded when it starts, not before.

    Args:
        settings: read from the environment by default.
        registry: where the metrics are registered.
    """
    service = Service(
        Settings.from_environment(os.environ) if settings is None else settings, registry=registry
    )
    app = FastAPI(
        title="recommender",
        lifespan=service.lifespan,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    app.state.service = service
    app.add_middleware(MetricsMiddleware, registry=registry)
    app.add_middleware(RequestIdMiddleware)
    app.add_exception_handler(RequestValidationError, _refuse)
    app.add_exception_handler(HTTPException, _problem)
    app.add_api_route("/recommend", service.recommend, methods=["POST"])
    app.add_api_route("/feedback", service.feedback, methods=["POST"], status_code=status.HTTP_202_ACCEPTED)
    app.add_api_route("/admin/reload", service.reload, methods=["POST"])
    app.add_api_route("/healthz", service.healthz, methods=["GET"])
    app.add_api_route("/readyz", service.readyz, methods=["GET"])
    app.router.routes.append(Route("/health", service.watch.health.summary))
    app.router.routes.append(Route("/metrics", metrics_endpoint(registry)))
    return app


async def _refuse(_request: Request, error: Exception) -> Response:
    message = one_message(error) if isinstance(error, RequestValidationError) else str(error)
    return JSONResponse({"error": message}, status.HTTP_422_UNPROCESSABLE_CONTENT)


async def _problem(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)


class Service:
    """The handlers and what they share.

    Args:
        settings: of the service.
        registry: where the metrics are registered.
    """

    def __init__(self, settings: Settings, *, registry: CollectorRegistry) -> None:
        self.settings = settings
        self.watch = Watch(settings, lambda: self.engine, registry=registry)
        self.dropped_writes = DroppedWrites.of(registry)
        self.dropped_writes.expect("interactions", "full")
        self.dropped_writes.expect("lists", "error")
        self._engine: Engine | None = None
        self._flush_now = asyncio.Event()

    @property
    def engine(self) -> Engine:
        """What was loaded at the start."""
        if self._engine is None:
            raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, "the service is still starting")
        return self._engine

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        """Load everything, flush the interaction log while running and once more at the end."""
        self._engine = await run_in_threadpool(
            Engine, self.settings.home, self.settings.model, dropped=self._drop
        )
        try:
            await run_in_threadpool(self._engine.reload)
        except (RegistryError, ModelError) as error:
            # A service that falls back to popularity is better than none; a reload heals it.
            self.watch.not_loaded(error)
        await run_in_threadpool(self.watch.started, self._engine.in_service)
        tasks = [
            asyncio.create_task(self._flush_forever(self._engine)),
            asyncio.create_task(self._merge_daily(self._engine)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await run_in_threadpool(self._flush, self._engine)
            await run_in_threadpool(self.watch.stopped)

    async def recommend(self, body: RecommendRequest) -> RecommendResponse:
        """Recommend to one user."""
        engine = self.engine
        in_service = engine.in_service
        listing = self.watch.quality.begin(asks_for_itself="rerank" in body.model_fields_set)
        wish = _wish(body, engine, rerank=body.rerank or listing.variant == RERANK)
        filters = body.filters.model_dump(exclude_defaults=True)
        with self.watch.metrics.arm(listing.variant).request(
            wish.user_id, topk=wish.topk, exclude_seen=wish.exclude_seen, filters=filters
        ) as request:
            answer = await run_in_threadpool(engine.recommend, in_service, wish)
            response = _response(engine, in_service, answer)
            items = [item.item_id for item in response.items]
            self.watch.answered(request, items, answer)
        self.watch.shown(listing, wish.user_id, items, answer, in_service.version)
        return response

    async def feedback(self, body: FeedbackRequest) -> FeedbackResponse:
        """Take a click or a rating; it is in the interaction log with the next flush."""
        engine = self.engine
        if body.item_id not in engine.catalogue:
            raise HTTPException(
                status.HTTP_422_UNPROCESSABLE_CONTENT, f"item_id: {body.item_id} is not in the catalogue"
            )
        observed_at = times.now()
        timestamp = body.timestamp or observed_at
        fault = times.find_fault(timestamp, observed_at)
        if fault is not None:
            raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, f"timestamp: {fault}")
        engine.accept(
            Record(
                user_id=body.user_id,
                item_id=body.item_id,
                event=body.event,
                rating=body.rating,
                timestamp=timestamp,
                observed_at=observed_at,
            )
        )
        # Not at every record beyond: where nothing can be written, that would be a try at each request.
        if engine.log.waiting == self.settings.flush_records:
            self._flush_now.set()
        self.watch.taken(body.user_id, body.item_id, clicked=body.event == CLICK)
        return FeedbackResponse()

    async def reload(self, request: Request) -> ReloadResponse:
        """Put the registry's current version into service; requests under way end with the old one."""
        token = await run_in_threadpool(admin_token, self.settings.admin_token_file)
        if token is None:
            raise HTTPException(
                status.HTTP_403_FORBIDDEN,
                "/admin is off: put a token into a file and name it in RECWATCH_ADMIN_TOKEN_FILE",
            )
        if not is_bearer(request.headers.get("authorization"), token):
            raise HTTPException(
                status.HTTP_401_UNAUTHORIZED,
                "send `Authorization: Bearer` with the token of RECWATCH_ADMIN_TOKEN_FILE",
                {"WWW-Authenticate": "Bearer"},
            )
        try:
            old, new = await run_in_threadpool(self.engine.reload)
        except (RegistryError, ModelError) as error:
            self.watch.not_loaded(error)
            raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, str(error)) from error
        await run_in_threadpool(self.watch.reloaded, old, new)
        return ReloadResponse(old=old.version, new=new.version)

    async def healthz(self) -> Health:
        """The process answers."""
        version = None if self._engine is None else self._engine.in_service.version
        return Health(status="ok", model=self.settings.model, version=version)

    async def readyz(self, response: Response) -> Health:
        """A version is in service; 503 before the first."""
        version = self.engine.in_service.version
        if version is None:
            response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
        return Health(
            status="not ready" if version is None else "ready", model=self.settings.model, version=version
        )

    async def _flush_forever(self, engine: Engine) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._flush_now.wait(), self.settings.flush_seconds)
            self._flush_now.clear()
            await run_in_threadpool(self._flush, engine)
            self._settle()

    async def _merge_daily(self, engine: Engine) -> None:
        while True:
            await run_in_threadpool(self._merge, engine)
            await asyncio.sleep(MERGED_AFTER.total_seconds())

    def _merge(self, engine: Engine) -> None:
        try:
            compact(engine.log.folder, times.now() - MERGED_AFTER)
        except Exception as error:  # noqa: BLE001 - whatever it is, there is another try tomorrow
            # Nothing has changed: the files are only more than need be.
            self.watch.failed("Interactions not merged", error=error)

    def _settle(self) -> None:
        try:
            self.watch.quality.lists.settle_due()
        except Exception as error:  # noqa: BLE001 - the flushes must go on
            self.dropped_writes.drop("lists", "error", error)

    def _drop(self, count: int) -> None:
        self.dropped_writes.drop(
            "interactions", "full", "the interaction log cannot be written", writes=count
        )

    def _flush(self, engine: Engine) -> None:
        try:
            engine.log.flush()
        except Exception as error:  # noqa: BLE001 - whatever it is, there is another try
            # Nothing is lost yet: the records wait for the next flush; what gives way is counted by _drop.
            self.watch.failed("Interactions not written", waiting=engine.log.waiting, error=error)


def _wish(body: RecommendRequest, engine: Engine, *, rerank: bool) -> Wish:
    genres = frozenset(body.filters.genres)
    unknown = sorted(genres.difference(engine.catalogue.genre_names))
    if unknown:
        known = ", ".join(engine.catalogue.genre_names)
        raise HTTPException(
            status.HTTP_422_UNPROCESSABLE_CONTENT,
            f"filters.genres: no film has the genre {unknown[0]!r:.60}; choose among {known}",
        )
    return Wish(
        user_id=body.user_id,
        topk=body.topk,
        exclude_seen=body.exclude_seen,
        genres=genres,
        year_from=body.filters.year_from,
        year_to=body.filters.year_to,
        rerank=rerank,
    )


def _response(engine: Engine, in_service: InService, answer: Recommendation) -> RecommendResponse:
    catalogue = engine.catalogue
    items = [
        Item(item_id=int(catalogue.item_id[at]), title=catalogue.title[at], score=float(score))
        for at, score in zip(answer.positions, answer.scores, strict=True)
    ]
    return RecommendResponse(
        model=engine.model,
        version=in_service.version,
        items=items,
        fallback=answer.fallback,
        folded_in=answer.folded_in,
    )
