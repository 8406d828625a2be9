"""Requests that are refused: one answer with the reason and what to do, counted by why."""

import logging
from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from recwatch.errors import StoreError
from recwatch_bridge.errors import StoreBusyError
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.text import one_line
from recwatch_bridge.web.limits import Throttle
from recwatch_bridge.web.markup import Templates, wants_html
from recwatch_bridge.web.mistakes import told

_REASONS = {
    400: "malformed",
    401: "unauthorised",
    403: "forbidden",
    413: "too_large",
    422: "malformed",
    429: "rate_limited",
}
_WEBHOOKS = ("/notify", "/actions", "/watchdog")
_PATHS = (
    "no such path: Alertmanager posts to /notify/email, /notify/slack, /actions/retrain, /actions/rollback "
    "and /watchdog, without a slash at the end"
)

STORE_ERRORS: tuple[type[Exception], ...] = (StoreBusyError, StoreError, DBAPIError, PoolTimeoutError)
"""What the database raises while it cannot be used: the answer is 503."""

log = logging.getLogger(__name__)


class Refused(HTTPException):
    """A request that is not done; the text says why, and what to do."""

    def __init__(self, status: int, text: str, *, retry_after: int | None = None) -> None:
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        if status == 401:  # noqa: PLR2004 - RFC 9110 asks for it
            headers["WWW-Authenticate"] = "Bearer"
        super().__init__(status, text, headers)


class Overloaded(Refused):
    """More requests wait than can be worked off: 503, so that Alertmanager comes back."""

    def __init__(self, text: str) -> None:
        super().__init__(503, text)


def is_webhook(request: Request) -> bool:
    """Whether it is one of Alertmanager's, or was meant to be."""
    return request.method == "POST" and request.url.path.startswith(_WEBHOOKS)


def reason_of(error: HTTPException) -> str | None:
    """Return the reason under which a refusal is counted; None for what is no refusal, such as a 404."""
    return "overloaded" if isinstance(error, Overloaded) else _REASONS.get(error.status_code)


class Refusals:
    """The exception handlers.

    Args:
        metrics: where refusals are counted.
        templates: for people's pages.
    """

    def __init__(self, metrics: BridgeMetrics, templates: Templates) -> None:
        self._metrics = metrics
        self._templates = templates
        self._lines = Throttle(1)

    def handlers(self) -> dict[Any, Any]:
        """By exception, what answers it."""
        return {
            HTTPException: self._http,
            RequestValidationError: self._invalid,
            **dict.fromkeys(STORE_ERRORS, self._database),
            Exception: self._unexpected,
        }

    async def _http(self, request: Request, error: HTTPException) -> Response:
        reason, text = reason_of(error), str(error.detail)
        if is_webhook(request) and error.status_code == 404:  # noqa: PLR2004 - nothing is there
            reason, text = "unknown_path", text if isinstance(error, Refused) else _PATHS
        if reason is not None:
            self._metrics.requests_refused.labels(reason).inc()
        if is_webhook(request) and error.status_code < 500:  # noqa: PLR2004 - Alertmanager tries those again
            self._report(request, error.status_code, text)
        return self._answer(request, error.status_code, text, error.headers)

    def _report(self, request: Request, status: int, text: str) -> None:
        """Log an alert that is lost, but not each: a sender with a wrong token may send many a second."""
        if not self._lines.hit(str(status)):
            log.error(
                "%s: a webhook was refused with %d, and Alertmanager does not send it again: %s",
                _path(request),
                status,
                one_line(text, 500),
            )

    async def _invalid(self, request: Request, error: RequestValidationError) -> Response:
        self._metrics.requests_refused.labels("malformed").inc()
        return self._answer(request, 400, told(error.errors()))

    async def _database(self, request: Request, error: Exception) -> Response:
        operation = "read" if request.method in ("GET", "HEAD") else "manage"
        self._metrics.store_errors.labels(operation).inc()
        log.error("%s %s: the database refused", request.method, _path(request), exc_info=error)
        return self._answer(request, 503, "the database cannot be used at the moment: try again")

    async def _unexpected(self, request: Request, _: Exception) -> Response:
        # The server logs the exception with its trace.
        return self._answer(request, 500, "the bridge has a mistake; its log says where")

    def _answer(
        self, request: Request, status: int, text: str, headers: Mapping[str, str] | None = None
    ) -> Response:
        if wants_html(request):
            return self._templates.message(request, status, text, headers)
        return JSONResponse({"error": text}, status, headers)


def _path(request: Request) -> str:
    return one_line(request.url.path, 200)
