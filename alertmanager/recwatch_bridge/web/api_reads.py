"""The JSON API: what there is. Lists are of the newest, oldest of them first."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from recwatch import __version__
from recwatch_bridge.clock import iso
from recwatch_bridge.delivering import outbox
from recwatch_bridge.retraining import rollbacks, runs
from recwatch_bridge.retraining.log_tail import log_tail
from recwatch_bridge.web import reading, views
from recwatch_bridge.web.access import Gate
from recwatch_bridge.web.actions import Actions
from recwatch_bridge.web.routes import Identity, Limit, ModelName, SmallBody, refusals
from recwatch_bridge.web.schemas import (
    LogAnswer,
    MessageAnswer,
    ModelAnswer,
    ModelDetailAnswer,
    RollbackAnswer,
    RunAnswer,
    SinkAnswer,
    StatusAnswer,
)
from recwatch_bridge.web.service import Service

_SHOWN_VERSIONS = 50

Sink = Annotated[str | None, Query(pattern="^[a-z0-9_-]{1,32}$", description="only this sink's")]
Model = Annotated[
    str | None, Query(pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$", description="only this model's")
]


def reads(service: Service, gate: Gate) -> APIRouter:
    """Build the routes that change nothing.

    Args:
        service: the bridge.
        gate: knows who may.
    """
    router = APIRouter(prefix="/api/v1", route_class=SmallBody)
    # Alertmanager's token may look at what became of what it sent.
    people = [Depends(gate.needs("read", "manage"))]
    store, actions = service.store, Actions(service)

    @router.get("/runs", dependencies=people, responses=refusals(), summary="Retraining runs")
    def list_runs(limit: Limit = 100, model: Model = None) -> list[RunAnswer]:
        with store.read() as connection:
            found = runs.newest(connection, limit, model=model)
        return [views.run_view(run, reasons, service.runs_folder) for run, reasons in found]

    @router.get("/runs/{id}", dependencies=people, responses=refusals(404), summary="A retraining run")
    def one_run(id: Identity) -> RunAnswer:  # noqa: A002 - the API's name of it
        with store.read() as connection:
            run, reasons = reading.run(connection, id)
        return views.run_view(run, reasons, service.runs_folder)

    @router.get(
        "/runs/{id}/log", dependencies=people, responses=refusals(404), summary="The end of a run's log"
    )
    def log_of(id: Identity, lines: Limit = 100) -> LogAnswer:  # noqa: A002
        with store.read() as connection:
            run, _ = reading.run(connection, id)
        text = log_tail(views.log_file(service.runs_folder, run), lines)
        return LogAnswer(id=run.id, log=text, log_url=run.log_url)

    @router.get("/messages", dependencies=people, responses=refusals(), summary="Messages")
    def list_messages(
        limit: Limit = 100,
        sink: Sink = None,
        state: Annotated[Literal["pending", "delivered", "dead", "dropped"] | None, Query()] = None,
    ) -> list[MessageAnswer]:
        with store.read() as connection:
            found = outbox.newest(connection, limit, sink=sink, state=state)
        return [views.message_view(row) for row in found]

    @router.get("/dead-letters", dependencies=people, responses=refusals(), summary="Messages given up")
    def list_dead(limit: Limit = 100, sink: Sink = None) -> list[MessageAnswer]:
        with store.read() as connection:
            found = outbox.newest(connection, limit, sink=sink, state="dead")
        return [views.message_view(row) for row in found]

    @router.get(
        "/rollbacks", dependencies=people, responses=refusals(), summary="Rollbacks, and promotions by hand"
    )
    def list_rollbacks(limit: Limit = 100, model: Model = None) -> list[RollbackAnswer]:
        with store.read() as connection:
            return [views.rollback_view(row) for row in rollbacks.newest(connection, limit, model=model)]

    @router.get("/models", dependencies=people, responses=refusals(), summary="Models")
    def list_models() -> list[ModelAnswer]:
        with store.read() as connection:
            active = {name: runs.active(connection, name) for name in service.registries}
        return [
            views.model_view(name, registry, active[name]) for name, registry in service.registries.items()
        ]

    @router.get("/models/{model}", dependencies=people, responses=refusals(404), summary="A model's versions")
    def one_model(model: ModelName) -> ModelDetailAnswer:
        registry = actions.registry(model)
        with store.read() as connection:
            short = views.model_view(model, registry, runs.active(connection, model))
        newest = registry.versions()[-_SHOWN_VERSIONS:]
        return ModelDetailAnswer(
            **short.model_dump(),
            published=[views.version_view(registry, version, short.current) for version in newest],
            history=[views.promotion_view(change) for change in reading.history(registry)[-_SHOWN_VERSIONS:]],
        )

    @router.get("/status", dependencies=people, responses=refusals(), summary="The bridge itself")
    def status() -> StatusAnswer:
        with store.read() as connection:
            backlog = outbox.backlog(connection, service.sinks)
            heard = reading.watchdog(connection)
            approving = [run.id for run in reading.approving(connection)]
            missed = {
                name: reading.not_loaded(connection, name, reading.standing(registry).current)
                for name, registry in service.registries.items()
            }
        return StatusAnswer(
            version=__version__,
            ailing=sorted(service.ailing()),
            watchdog_at=iso(heard),
            sinks=[
                SinkAnswer(sink=sink, pending=rows.pending, oldest_at=iso(rows.oldest), dead=rows.dead)
                for sink, rows in sorted(backlog.items())
            ],
            approving=approving,
            not_loaded=[views.not_loaded_view(name, found) for name, found in missed.items() if found],
        )

    return router
