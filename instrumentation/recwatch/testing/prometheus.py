"""Prometheus's HTTP API with answers that a test lays down, and failures on request."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from recwatch.testing.mailbox import Receiver
from recwatch.testing.web import WebThread

__all__ = ["PrometheusServer", "Question"]

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Question:
    """A request: its path, what its query or form holds, and its header Authorization."""

    path: str
    asked: Mapping[str, str]
    authorization: str | None


class PrometheusServer(Receiver[Question, int]):
    """A Prometheus that answers what it is told to, for tests and demonstrations.

        with PrometheusServer() as prometheus:
            prometheus.fire({"alertname": "ModelBroken", "model": "als"})
            prometheus.values["vector(1)"] = 1.0
            ask(prometheus.url)

    Attributes:
        alerts: as `/api/v1/alerts` gives them; empty it to resolve them all.
        values: by query, the number that an instant query gives; none is given for other queries.
        default: the number for queries that are not in `values`; None is no number.
        series: by query, what a range query gives: labels, and points of seconds since the epoch and value.
        rules: as `/api/v1/rules` gives them, in one group.

    Args:
        host: the address to listen on.
        port: 0 takes a free one; `port` then says which.

    Raises:
        OSError: on entering, when the port is taken.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host=host, port=port)
        self.alerts: list[dict[str, Any]] = []
        self.values: dict[str, float] = {}
        self.default: float | None = None
        self.series: dict[str, list[tuple[dict[str, str], Points]]] = {}
        self.rules: list[dict[str, Any]] = []
        self._web: WebThread | None = None

    @property
    def url(self) -> str:
        """The root of its paths."""
        return f"http://{self.host}:{self.port}"

    def fire(
        self,
        labels: Mapping[str, str],
        *,
        state: str = "firing",
        value: float = 1.0,
        since: datetime | None = None,
    ) -> None:
        """Add an alert that fires, or is `pending`, since now or the time given."""
        self.alerts.append(
            {
                "labels": dict(labels),
                "annotations": {},
                "state": state,
                "activeAt": (since or datetime.now(UTC)).isoformat(),
                "value": f"{value:e}",
            }
        )

    def fail_next(self, code: int, times: int = 1) -> None:
        """Answer the next questions with this HTTP code."""
        self._orders.add(code, times)

    def __enter__(self) -> Self:
        routes = [Route("/{path:path}", self._answer, methods=["GET", "POST"])]
        self._web = WebThread(Starlette(routes=routes), self._listen(), "recwatch-prometheus")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._web is not None:
            self._web.stop()

    async def _answer(self, request: Request) -> Response:
        asked = {**request.query_params, **dict(parse_qsl((await request.body()).decode()))}
        self._accept(Question(request.url.path, asked, request.headers.get("authorization")))
        failure = self._orders.take()
        if failure is not None:
            headers = {"Location": "/elsewhere"} if failure in range(300, 400) else {}
            return PlainTextResponse("refused on request", failure, headers)
        match request.url.path:
            case "/api/v1/alerts":
                return _success({"alerts": self.alerts})
            case "/api/v1/rules":
                return _success({"groups": [{"name": "test", "rules": self.rules}]})
            case "/api/v1/query":
                return _success(self._instant(asked.get("query", "")))
            case "/api/v1/query_range":
                return _success(self._range(asked))
        return PlainTextResponse("not found", 404)

    def _instant(self, query: str) -> dict[str, Any]:
        value = self.values.get(query, self.default)
        samples = [] if value is None else [{"metric": {}, "value": [_now(), _written(value)]}]
        return {"resultType": "vector", "result": samples}

    def _range(self, asked: Mapping[str, str]) -> dict[str, Any]:
        start, end = float(asked["start"]), float(asked["end"])
        result = [
            {
                "metric": labels,
                "values": [[at, _written(value)] for at, value in points if start <= at <= end],
            }
            for labels, points in self.series.get(asked["query"], [])
        ]
        return {"resultType": "matrix", "result": result}


def _success(data: Mapping[str, Any]) -> Response:
    return JSONResponse({"status": "success", "data": data})


def _now() -> float:
    return datetime.now(UTC).timestamp()


def _written(value: float) -> str:
    """Write a number as Prometheus does."""
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else repr(value)
