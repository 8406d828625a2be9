"""The JSON API: what a person may do. Each is stored when the answer comes; a worker does it soon after."""

from typing import Annotated

from fastapi import APIRouter, Depends

from recwatch_bridge.clock import iso
from recwatch_bridge.web.access import Caller, Gate
from recwatch_bridge.web.actions import Actions
from recwatch_bridge.web.refusals import Refused
from recwatch_bridge.web.routes import Identity, ModelName, SmallBody, refusals
from recwatch_bridge.web.schemas import (
    AskedAnswer,
    CancelledAnswer,
    ChangeAnswer,
    DecisionAnswer,
    PromoteCommand,
    ReasonCommand,
    RetryCommand,
    RevivedAnswer,
    RollbackCommand,
)
from recwatch_bridge.web.service import Service


def changes(service: Service, gate: Gate) -> APIRouter:
    """Build the routes that change something; all need the scope `manage`.

    Args:
        service: the bridge.
        gate: knows who may.
    """
    router = APIRouter(route_class=SmallBody)
    actions = Actions(service)
    manager = Depends(gate.needs("manage"))

    @router.post("/retrain/{model}", status_code=202, responses=refusals(404, 413), summary="Retrain a model")
    def retrain(
        model: ModelName, caller: Annotated[Caller, manager], command: ReasonCommand | None = None
    ) -> AskedAnswer:
        asked = actions.retrain(model, _said(command), caller.name)
        return AskedAnswer(run=str(asked.run_id), created=asked.created, not_before=iso(asked.not_before))

    @router.post(
        "/api/v1/models/{model}/promote",
        status_code=202,
        responses=refusals(404, 409, 413),
        summary="Put a published version into service",
    )
    def promote(
        model: ModelName, caller: Annotated[Caller, manager], command: PromoteCommand
    ) -> ChangeAnswer:
        found = actions.promote(model, command.version, command.serving, command.reason, caller.name)
        return ChangeAnswer(id=found)

    @router.post(
        "/api/v1/models/{model}/rollback",
        status_code=202,
        responses=refusals(404, 409, 413),
        summary="Put the version before back into service",
    )
    def rollback(
        model: ModelName, caller: Annotated[Caller, manager], command: RollbackCommand
    ) -> ChangeAnswer:
        return ChangeAnswer(id=actions.rollback(model, command.serving, command.reason, caller.name))

    @router.post(
        "/api/v1/models/{model}/reload",
        status_code=202,
        responses=refusals(404, 409),
        summary="Tell the service again to load the version in service",
    )
    def reload(model: ModelName, caller: Annotated[Caller, manager]) -> ChangeAnswer:
        return ChangeAnswer(id=actions.reload(model, caller.name))

    @router.post(
        "/api/v1/runs/{id}/cancel", responses=refusals(404, 409, 413), summary="Take back a run that waits"
    )
    def cancel(
        id: Identity,  # noqa: A002 - the API's name of it
        caller: Annotated[Caller, manager],
        command: ReasonCommand | None = None,
    ) -> CancelledAnswer:
        actions.cancel(id, _said(command), caller.name)
        return CancelledAnswer(id=id, state="withdrawn")

    @router.post(
        "/api/v1/runs/{id}/approve", responses=refusals(404, 409, 413), summary="Agree to a candidate"
    )
    def approve(
        id: Identity,  # noqa: A002
        caller: Annotated[Caller, manager],
        command: ReasonCommand | None = None,
    ) -> DecisionAnswer:
        actions.decide(id, _said(command), caller.name, approve=True)
        return DecisionAnswer(id=id, approved=True)

    @router.post("/api/v1/runs/{id}/reject", responses=refusals(404, 409, 413), summary="Refuse a candidate")
    def reject(
        id: Identity,  # noqa: A002
        caller: Annotated[Caller, manager],
        command: ReasonCommand | None = None,
    ) -> DecisionAnswer:
        actions.decide(id, _said(command), caller.name, approve=False)
        return DecisionAnswer(id=id, approved=False)

    @router.post("/api/v1/dead-letters/retry", responses=refusals(413), summary="Send dead letters again")
    def retry(caller: Annotated[Caller, manager], command: RetryCommand) -> RevivedAnswer:
        if bool(command.ids) == command.all:
            raise Refused(400, "write either ids or all: true")
        uids = None if command.all else command.ids
        return RevivedAnswer(count=actions.revive(uids, command.sink, caller.name))

    return router


def _said(command: ReasonCommand | None) -> str:
    return "" if command is None else command.reason
