"""The pages over HTTP: the list, a check's own page, the icon, and what answers where there is no page."""

from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from recwatch_exporter.exporter import Exporter
from recwatch_exporter.web.check_page import check_page
from recwatch_exporter.web.layout import ICON, content_security_policy, message_page, root_of
from recwatch_exporter.web.overview import Reloading, overview_page
from recwatch_exporter.web.query import Query
from recwatch_exporter.web.view import check_view, list_view

_HOUR = "max-age=3600"


def page_routes(exporter: Exporter, clock: Callable[[], float]) -> list[Route]:
    """The routes of the pages.

    Args:
        exporter: whose checks they show.
        clock: Unix time.
    """

    def overview(request: Request) -> Response:
        query, now = Query.read(request.query_params), clock()
        view = list_view(
            exporter.state.all(),
            query,
            now=now,
            past=exporter.state.history,
            next_run=exporter.next_run,
        )
        reload = exporter.reload_status
        config = Reloading(successful=reload.successful, succeeded_at=reload.succeeded_at)
        return _html(overview_page(view, query, now=now, config=config))

    def check(request: Request) -> Response:
        name, root = request.path_params["check"], root_of(request.url.path)
        state = exporter.state.get(name)
        if state is None:
            text = f"There is no check {name}: it may have been renamed or taken out of the configuration."
            return _html(message_page("No such check", text, root=root), status=404)
        now = clock()
        view = check_view(state, now=now, past=exporter.state.history, next_run=exporter.next_run)
        page = Query.read(request.query_params).page
        return _html(check_page(view, exporter.state.history(name), page, now=now, root=root))

    def icon(_: Request) -> Response:
        return Response(ICON, media_type="image/svg+xml", headers={"cache-control": _HOUR})

    return [Route("/", overview), Route("/checks/{check}", check), Route("/favicon.svg", icon)]


def error_page(request: Request, error: Exception) -> Response:
    """The answer to a request that no route takes: a page, or plain text where programs ask."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    heading, text = _MESSAGES.get(status, ("Not possible", "This address does not take such a request."))
    headers = dict(getattr(error, "headers", None) or {})
    path = request.url.path
    if path.startswith(("/-/", "/api/", "/metrics")):
        return PlainTextResponse(f"{text}\n", status_code=status, headers=headers)
    return _html(message_page(heading, text, root=root_of(path)), status=status, headers=headers)


_MESSAGES = {
    404: ("No such page", "There is nothing at this address."),
    405: ("Not possible", "This address does not take requests of this kind."),
    500: ("An error of the exporter", "The page could not be made; the exporter's log says why."),
}


def _html(text: str, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    own = {"content-security-policy": content_security_policy(), "cache-control": "no-store"}
    return HTMLResponse(text, status_code=status, headers={**(headers or {}), **own})
