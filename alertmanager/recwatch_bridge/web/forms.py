"""What the page's buttons send: forms that carry the session's token, answered with the page again."""

import re
from collections.abc import Callable
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from recwatch_bridge.web.access import Gate
from recwatch_bridge.web.actions import REASON_LENGTH, Actions
from recwatch_bridge.web.body import read_form
from recwatch_bridge.web.markup import root_of
from recwatch_bridge.web.refusals import Refused
from recwatch_bridge.web.service import Service

_RUN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_UID = re.compile(r"[0-9a-f]{32}")

Fields = list[tuple[str, str]]


class Forms:
    """The handlers; each needs a login of the scope `manage`.

    Args:
        service: the bridge.
        gate: knows who may.
    """

    def __init__(self, service: Service, gate: Gate) -> None:
        self._service = service
        self._gate = gate
        self._actions = Actions(service)

    def routes(self) -> list[Route]:
        """One for each button."""
        return [
            Route("/models/{model}/retrain", self._retrain, methods=["POST"]),
            Route("/models/{model}/promote", self._promote, methods=["POST"]),
            Route("/models/{model}/rollback", self._rollback, methods=["POST"]),
            Route("/models/{model}/reload", self._reload, methods=["POST"]),
            Route("/runs/{id}/cancel", self._cancel, methods=["POST"]),
            Route("/runs/{id}/approve", self._approve, methods=["POST"]),
            Route("/runs/{id}/reject", self._reject, methods=["POST"]),
            Route("/dead-letters/retry", self._retry, methods=["POST"]),
        ]

    async def _retrain(self, request: Request) -> Response:
        model = request.path_params["model"]
        return await self._do(
            request, "retrain", lambda form, by: self._actions.retrain(model, _reason(form), by)
        )

    async def _promote(self, request: Request) -> Response:
        model = request.path_params["model"]
        return await self._do(
            request,
            "promote",
            lambda form, by: self._actions.promote(
                model, form.get("version", ""), form.get("serving") or None, _reason(form), by
            ),
        )

    async def _rollback(self, request: Request) -> Response:
        model = request.path_params["model"]
        return await self._do(
            request,
            "rollback",
            lambda form, by: self._actions.rollback(model, form.get("serving") or None, _reason(form), by),
        )

    async def _reload(self, request: Request) -> Response:
        model = request.path_params["model"]
        return await self._do(request, "reload", lambda _, by: self._actions.reload(model, by))

    async def _cancel(self, request: Request) -> Response:
        return await self._about_run(request, "cancel", self._actions.cancel)

    async def _approve(self, request: Request) -> Response:
        return await self._about_run(request, "approve", partial(self._actions.decide, approve=True))

    async def _reject(self, request: Request) -> Response:
        return await self._about_run(request, "reject", partial(self._actions.decide, approve=False))

    async def _about_run(
        self, request: Request, done: str, act: Callable[[str, str, str], object]
    ) -> Response:
        run_id = request.path_params["id"]
        if not _RUN.fullmatch(run_id):
            raise Refused(404, "no such run")
        return await self._do(
            request, done, lambda form, by: act(run_id, _reason(form), by), f"runs/{run_id}"
        )

    async def _retry(self, request: Request) -> Response:
        fields, by = await self._enter(request)
        ids = [value for name, value in fields if name == "id"]
        everything = ("all", "yes") in fields
        if bool(ids) == everything or not all(map(_UID.fullmatch, ids)):
            raise Refused(400, "choose the dead letters that are to be sent again")
        await run_in_threadpool(self._actions.revive, None if everything else ids, None, by)
        return _back(request, "retry", "")

    async def _do(
        self, request: Request, done: str, act: Callable[[dict[str, str], str], object], after: str = ""
    ) -> Response:
        fields, by = await self._enter(request)
        await run_in_threadpool(act, dict(fields), by)
        return _back(request, done, after)

    async def _enter(self, request: Request) -> tuple[Fields, str]:
        caller = await self._gate.caller(request)
        if caller is None or caller.session is None:
            raise Refused(401, "log in first; programs use the API, /api/v1/openapi.json")
        request.state.caller = caller
        fields = await read_form(request)
        self._gate.check_form(request, caller.session, dict(fields).get("csrf"))
        if not caller.manages:
            raise Refused(403, "this token lacks the scope manage")
        self._gate.check_pace(caller)
        return fields, caller.name


def _reason(form: dict[str, str]) -> str:
    return form.get("reason", "")[:REASON_LENGTH]


def _back(request: Request, done: str, after: str) -> Response:
    return RedirectResponse(f"{root_of(request.url.path)}{after}?done={done}", 303)
