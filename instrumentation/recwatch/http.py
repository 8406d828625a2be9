"""Count a request that any web server answered: what the ASGI, the WSGI and the Django middleware share."""

import os
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeAlias

from prometheus_client import CollectorRegistry

from recwatch.metrics import DroppedWrites, HttpMetrics

__all__ = ["CANCELLED", "ERROR", "HttpRecorder", "Status"]

# Bound methods: what a request pays is little more than these two calls.
_Child: TypeAlias = "tuple[Callable[[], object], Callable[..., Any]]"
Status: TypeAlias = "int | Literal['cancelled']"
CANCELLED: Literal["cancelled"] = "cancelled"
ERROR = 500

_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
_CODES = range(100, 600)
# OpenMetrics allows an exemplar 128 characters, its label's name among them.
_LONGEST_ID = 128 - len("request_id")


class HttpRecorder:
    """Writes the HTTP metrics of one registry. Nothing it does raises.

    Args:
        registry: where the metrics are kept.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._metrics = HttpMetrics.of(registry)
        self._dropped = DroppedWrites.of(registry)
        self._dropped.expect("metrics", "error")
        # prometheus_client keeps no exemplars where several processes write.
        self._exemplars = "PROMETHEUS_MULTIPROC_DIR" not in os.environ
        self._children: dict[tuple[str, str, Status], _Child] = {}

    def record(  # noqa: PLR0917 - names would cost every request
        self,
        method: str,
        route: str,
        status: Status,
        seconds: float,
        first_byte: float | None = None,
        request_id: str | None = None,
    ) -> None:
        """Count one request that is over.

        Args:
            method: as the client sent it; what HTTP does not know is counted as `other`.
            route: the template of the route, never the path.
            status: the response's code, an impossible one counting as 500, or `cancelled`.
            seconds: from the request's arrival to the end of the response.
            first_byte: seconds to the first byte of the body, where the response was streamed.
            request_id: becomes the exemplar of the time, except where several processes write.
        """
        try:
            count, observe = self._children.get((method, route, status)) or self._find(method, route, status)
            count()
            if request_id is None or not self._exemplars or len(request_id) > _LONGEST_ID:
                observe(seconds)
            else:
                observe(seconds, {"request_id": request_id})
            if first_byte is not None:
                known = method if method in _METHODS else "other"
                self._metrics.first_byte.labels(known, route).observe(first_byte)
        except Exception as error:  # noqa: BLE001 - watching must never break the service
            self.give_up(error)

    def announce(self, routes: Iterable[tuple[str, str]]) -> None:
        """Export (method, template) pairs at 0, so that the first failure is a step that `rate()` sees."""
        try:
            for method, template in routes:
                for status in (200, ERROR):
                    self._find(method, template, status)
        except Exception as error:  # noqa: BLE001 - watching must never break the service
            self.give_up(error)

    def give_up(self, error: Exception) -> None:
        """Count a request that could not be watched, and say why."""
        self._dropped.drop("metrics", "error", error)

    def _find(self, method: str, route: str, status: Status) -> "_Child":
        # Keys are folded before they are kept: a client that makes up methods must not fill the memory.
        known = method if method in _METHODS else "other"
        code = status if status == CANCELLED or status in _CODES else ERROR
        found = self._children.get((known, route, code))
        if found is None:
            count = self._metrics.requests.labels(known, route, code).inc
            observe = self._metrics.duration.labels(known, route).observe
            found = self._children[known, route, code] = (count, observe)
        return found
