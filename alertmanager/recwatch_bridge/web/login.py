"""Logging in with a token, and out again."""

import re

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from recwatch_bridge.web import sessions
from recwatch_bridge.web.access import Gate
from recwatch_bridge.web.body import read_form
from recwatch_bridge.web.markup import Templates
from recwatch_bridge.web.refusals import Refused, reason_of
from recwatch_bridge.web.service import Service
from recwatch_bridge.web.sessions import LIFETIME, Session

# Where a login may lead: the bridge's own pages, written relative to it.
_NEXT = re.compile(r"runs/[A-Za-z0-9_-]{1,64}")


class Login:
    """The handlers.

    Args:
        service: the bridge.
        gate: knows the tokens.
        templates: render the pages.
    """

    def __init__(self, service: Service, gate: Gate, templates: Templates) -> None:
        self._service = service
        self._gate = gate
        self._templates = templates

    def routes(self) -> list[Route]:
        """The form, and what it sends."""
        return [
            Route("/login", self._form),
            Route("/login", self._login, methods=["POST"]),
            Route("/logout", self._logout, methods=["POST"]),
        ]

    async def _form(self, request: Request) -> Response:
        return self._answer(request, _next(request.query_params.get("next", "")))

    async def _login(self, request: Request) -> Response:
        form = dict(await read_form(request))
        after = _next(form.get("next", ""))
        outcomes = self._service.metrics.logins
        try:
            self._gate.check_origin(request, login=True)
            token = self._gate.login(request, form.get("token", ""))
        except Refused as error:
            outcomes.labels("refused").inc()
            self._service.metrics.requests_refused.labels(reason_of(error)).inc()
            return self._answer(request, after, error)
        outcomes.labels("success").inc()
        answer = RedirectResponse(f"./{after}", 303)
        answer.set_cookie(
            self._gate.cookie,
            self._gate.logins.open(token),
            max_age=LIFETIME,
            secure=self._gate.secure,
            httponly=True,
            samesite="strict",
        )
        return answer

    async def _logout(self, request: Request) -> Response:
        caller = await self._gate.caller(request)
        form = dict(await read_form(request))
        answer = RedirectResponse("login", 303)
        if caller is not None and caller.session is not None:
            self._gate.check_form(request, caller.session, form.get("csrf"))
            await run_in_threadpool(self._end, caller.session)
            answer.delete_cookie(
                self._gate.cookie, secure=self._gate.secure, httponly=True, samesite="strict"
            )
        return answer

    def _end(self, session: Session) -> None:
        now = self._service.clock()
        self._service.store.commit(lambda connection: sessions.end(connection, session, now))

    def _answer(self, request: Request, after: str, error: Refused | None = None) -> Response:
        status, headers = (error.status_code, error.headers) if error else (200, {})
        text = error.detail if error else None
        return self._templates.page(request, "login", status, headers, {"after": after, "error": text})


def _next(path: str) -> str:
    return path if _NEXT.fullmatch(path) else ""
