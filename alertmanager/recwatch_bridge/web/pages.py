"""The page: what there is, for people who are logged in, and buttons for those who may."""

import re
from collections.abc import Callable
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from recwatch_bridge.messages import pictures
from recwatch_bridge.web.access import Gate
from recwatch_bridge.web.forms import Forms
from recwatch_bridge.web.login import Login
from recwatch_bridge.web.markup import STATIC, Templates, root_of, static_file
from recwatch_bridge.web.overview import overview, run_detail
from recwatch_bridge.web.refusals import Refused
from recwatch_bridge.web.service import Service

_SHOWN = 20
_MOST_SHOWN = 200
_RUN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PICTURE = re.compile(r"[0-9a-f]{32}")
_A_DAY = "private, max-age=86400, immutable"

# What a form's redirect may say; never text out of the address.
_NOTICES = {
    "retrain": "A retraining was asked for.",
    "promote": "The promotion was asked for. It is done within seconds.",
    "rollback": "The rollback was asked for. It is done within seconds.",
    "approve": "Approved. The candidate is promoted within seconds.",
    "reject": "Rejected. The version in service stays.",
    "cancel": "Cancelled. The run does not begin.",
    "reload": "The service is being told to load it, several times if need be.",
    "retry": "The dead letters are sent again.",
}


class Pages:
    """The handlers.

    Args:
        service: the bridge.
        gate: knows who may.
        templates: render the pages.
    """

    def __init__(self, service: Service, gate: Gate, templates: Templates) -> None:
        self._service = service
        self._gate = gate
        self._templates = templates

    def routes(self) -> list[Route]:
        """Everything that a browser asks for."""
        return [
            Route("/", self._overview),
            Route("/runs/{id}", self._run),
            *Login(self._service, self._gate, self._templates).routes(),
            *Forms(self._service, self._gate).routes(),
            Route("/static/{name}", self._static),
            Route("/pictures/{name}.png", self._picture),
        ]

    async def _overview(self, request: Request) -> Response:
        shown = request.query_params.get("show", "")
        limit = min(int(shown[:4]), _MOST_SHOWN) if re.fullmatch(r"[1-9][0-9]{0,3}", shown) else _SHOWN
        return await self._page(
            request, "overview", lambda: {"view": overview(self._service, limit), "limit": limit}
        )

    async def _run(self, request: Request) -> Response:
        run_id = request.path_params["id"]
        if not _RUN.fullmatch(run_id):
            raise Refused(404, "no such run")
        return await self._page(request, "run", lambda: {"row": run_detail(self._service, run_id)})

    async def _page(self, request: Request, name: str, gather: Callable[[], dict[str, object]]) -> Response:
        caller = await self._gate.caller(request)
        if caller is None:
            return self._ask_for_login(request)
        if not caller.token.scopes & {"read", "manage"}:
            raise Refused(403, "this token lacks the scope manage or read")
        request.state.caller = caller
        notice = _NOTICES.get(request.query_params.get("done", ""))
        return await run_in_threadpool(self._render, request, name, gather, notice)

    def _render(
        self, request: Request, name: str, gather: Callable[[], dict[str, object]], notice: str | None
    ) -> Response:
        return self._templates.page(request, name, context={"notice": notice, **gather()})

    def _ask_for_login(self, request: Request) -> Response:
        if request.headers.get("sec-fetch-site") == "cross-site":
            # A link out of a message: the browser keeps a strict cookie back, but sends it with what this
            # bridge's own page asks for. So that page asks once more.
            return self._templates.page(request, "again")
        path = request.url.path.lstrip("/")
        query = f"?next={quote(path)}" if path else ""
        return RedirectResponse(f"{root_of(request.url.path)}login{query}", 303)

    async def _static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in STATIC:
            raise Refused(404, "no such file")
        return Response(static_file(name), media_type=STATIC[name], headers={"cache-control": _A_DAY})

    async def _picture(self, request: Request) -> Response:
        # Without login: Slack's readers come from elsewhere, and nobody can guess the name.
        name = request.path_params["name"]
        found = await run_in_threadpool(self._png, name) if _PICTURE.fullmatch(name) else None
        if found is None:
            raise Refused(404, "no such picture (any more)")
        return Response(found, media_type="image/png", headers={"cache-control": _A_DAY})

    def _png(self, name: str) -> bytes | None:
        with self._service.store.read() as connection:
            return pictures.load(connection, name)
