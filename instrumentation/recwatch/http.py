"""Count a request that any web server answered: what the ASGI, the WSGI and the Django middleware share."""

from collections.abc import Iterable
from typing import Literal, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Histogram

from recwatch import multiprocess
from recwatch.histogram import exemplar_of, observe_all
from recwatch.metrics import DroppedWrites, HttpMetrics
from recwatch.pending import MOST

__all__ = ["CANCELLED", "ERROR", "HttpRecorder", "Status"]

Status: TypeAlias = "int | Literal['cancelled']"
_Key: TypeAlias = "tuple[str, str, Status]"
_Record: TypeAlias = "tuple[str, str, Status, float, float | None, str | None]"
CANCELLED: Literal["cancelled"] = "cancelled"
ERROR = 500

_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
_CODES = range(100, 600)


class HttpRecorder:
    """Writes the HTTP metrics of one registry, in batches where one process serves. Nothing it does raises.

    Args:
        registry: where the metrics are kept.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._metrics = HttpMetrics.of(registry)
        self._dropped = DroppedWrites.of(registry)
        self._dropped.expect("metrics", "error")
        # There prometheus_client keeps no exemplars, and another process may read the metrics at any time.
        self._one_by_one = multiprocess.folder() is not None
        self._waiting = self._metrics.pending.waiting
        self._children: dict[_Key, tuple[Counter, Histogram]] = {}

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
        if self._one_by_one:
            self._write((method, route, status), [seconds], first_byte)
            return
        self._waiting.append((self, (method, route, status, seconds, first_byte, request_id)))
        if len(self._waiting) >= MOST:
            self._metrics.pending.write_soon()

    def write(self, records: "Iterable[_Record]") -> None:
        """Count requests that are over; nothing is raised."""
        plain: dict[_Key, list[float]] = {}
        for method, route, status, seconds, first_byte, request_id in records:
            key = (method, route, status)
            if first_byte is None and request_id is None:
                if key in plain:
                    plain[key].append(seconds)
                else:
                    plain[key] = [seconds]
            else:
                self._write(key, [seconds], first_byte, request_id)
        for key, amounts in plain.items():
            self._write(key, amounts)

    def _write(
        self,
        key: "_Key",
        seconds: list[float],
        first_byte: float | None = None,
        request_id: str | None = None,
    ) -> None:
        try:
            requests, duration = self._children.get(key) or self._find(*key)
            requests.inc(len(seconds))
            if request_id is None:
                observe_all(duration, seconds)
            else:
                duration.observe(seconds[0], exemplar_of(request_id))
            if first_byte is not None:
                method, route, _ = key
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

    def _find(self, method: str, route: str, status: Status) -> tuple[Counter, Histogram]:
        # Keys are folded before they are kept: a client that makes up methods must not fill the memory.
        known = method if method in _METHODS else "other"
        code = status if status == CANCELLED or status in _CODES else ERROR
        found = self._children.get((known, route, code))
        if found is None:
            requests = self._metrics.requests.labels(known, route, code)
            duration = self._metrics.duration.labels(known, route)
            found = self._children[known, route, code] = (requests, duration)
        return found
