"""Asking Prometheus: which alerts fire, what a rule's query is, what a metric was and is."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

import requests
from pydantic import BaseModel, ValidationError
from urllib3.exceptions import HTTPError

from recwatch_bridge import prometheus_answers as answers
from recwatch_bridge.deadline import Deadline
from recwatch_bridge.errors import PrometheusError
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.retraining.reload import Bearer
from recwatch_bridge.text import one_line
from recwatch_bridge.watched_http import watched_session

MAX_BYTES = 16 * 1024 * 1024
"""A larger answer is not read to its end."""
_CHUNK = 64 * 1024
_MAX_ERROR = 300
_HINTS = {
    401: "see that prometheus_token_file holds a valid token",
    403: "see that the token of prometheus_token_file may read",
    404: "see that prometheus_url is the root of Prometheus's own paths",
}
_UNREACHABLE = "see that it runs and that prometheus_url is right"


Shape = TypeVar("Shape", bound=BaseModel)


@dataclass(frozen=True)
class FiringAlert:
    """An alert as Prometheus knows it, without its external labels; `active_at` is when it became pending."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    active_at: float
    value: float

    @property
    def is_held(self) -> bool:
        """See `is_held` of the alerts that Alertmanager sends."""
        return self.annotations.get("action", "act") != "act"


@dataclass(frozen=True)
class AlertRule:
    """An alerting rule; annotations are its templates, not yet filled in."""

    name: str
    query: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True)
class Series:
    """A metric over time: moments, in seconds since the epoch, and values, NaN and infinities among them."""

    labels: Mapping[str, str]
    times: tuple[float, ...]
    values: tuple[float, ...]


class Prometheus:
    """A client of Prometheus's HTTP API; may be used by several threads.

    Queries are POSTed, so that nothing of them stands in an address. Redirects are not followed.

    Args:
        url: the root of its paths, from the configuration.
        token: a bearer token, or None.
        metrics: counts each question, or None.
        timeout: seconds for the connection and each part of the answer; all of it may take twice that,
            however it comes.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        metrics: BridgeMetrics | None = None,
        timeout: float = 5.0,
    ) -> None:
        self._url = url.rstrip("/")
        self._auth = None if token is None else Bearer(token)
        self._metrics = metrics
        self._timeout = timeout
        # The address itself may hold a login.
        host = urlsplit(url)
        self._name = f"Prometheus at {host.hostname}:{host.port or (443 if host.scheme == 'https' else 80)}"

    def firing(self) -> list[FiringAlert]:
        """Return the alerts that fire now.

        Raises:
            PrometheusError: when it cannot be asked.
        """
        found = self._ask(answers.Alerts, "GET", "/api/v1/alerts").alerts
        return [
            FiringAlert(alert.labels, alert.annotations, alert.active_at.timestamp(), alert.value)
            for alert in found
            if alert.state == "firing"
        ]

    def rules(self, alertname: str) -> list[AlertRule]:
        """Return the alerting rules of a name; several rules may share it.

        Raises:
            PrometheusError: when it cannot be asked.
        """
        groups = self._ask(answers.Groups, "GET", "/api/v1/rules").groups
        return [
            AlertRule(rule.name, rule.query, rule.labels, rule.annotations)
            for group in groups
            for rule in group.rules
            if rule.type == "alerting" and rule.name == alertname
        ]

    def instant(self, query: str, *, at: float | None = None) -> float | None:
        """Return the one number that a query gives; None where it gives none, or NaN.

        Args:
            query: PromQL that gives a scalar, or a vector of one series at most.
            at: the moment that it is evaluated at, in seconds since the epoch; without it Prometheus's now.

        Raises:
            PrometheusError: when it cannot be asked, or the query gives several series.
        """
        asked = {"query": query} | ({} if at is None else {"time": f"{at:.3f}"})
        answer = self._ask(answers.Instant, "POST", "/api/v1/query", asked, within="answer").answer
        if isinstance(answer, answers.Scalar):
            value = answer.result[1]
        elif not answer.result:
            return None
        elif len(answer.result) > 1:
            count = len(answer.result)
            raise PrometheusError(
                f"the query gives {count} series, not one number: aggregate it, as with sum()"
            )
        else:
            value = answer.result[0].value[1]
        return None if math.isnan(value) else value

    def range(self, query: str, start: float, end: float, step: float) -> list[Series]:
        """Return what a query gave over time.

        Args:
            query: PromQL.
            start: the first moment, in seconds since the epoch.
            end: the last moment.
            step: seconds between two moments; Prometheus gives 11,000 moments at most.

        Raises:
            PrometheusError: when it cannot be asked.
        """
        asked = {"query": query, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:.3f}"}
        found = self._ask(answers.Matrix, "POST", "/api/v1/query_range", asked).result
        return [
            Series(one.metric, tuple(at for at, _ in one.values), tuple(value for _, value in one.values))
            for one in found
        ]

    def _ask(
        self,
        shape: type[Shape],
        method: str,
        path: str,
        asked: Mapping[str, str] | None = None,
        *,
        within: str | None = None,
    ) -> Shape:
        """Ask once and count it; `within` names the field of `shape` that takes the answer's data."""
        try:
            data = self._data(*self._body(method, path, asked))
            found = shape.model_validate(data if within is None else {within: data})
        except ValidationError as error:
            self._count("error")
            raise PrometheusError(f"{self._name} answered what it never does: {_mistake(error)}") from None
        except PrometheusError:
            self._count("error")
            raise
        self._count("success")
        return found

    def _body(self, method: str, path: str, asked: Mapping[str, str] | None) -> tuple[int, bytes]:
        late = f"{self._name} took too long to answer: {_UNREACHABLE}"
        with Deadline(2 * self._timeout) as deadline:
            try:
                answer = self._read(method, path, asked, deadline)
            # urllib3's errors pass through where the body is read as it comes.
            except (requests.RequestException, HTTPError, OSError) as error:
                none = f"no answer from {self._name} ({type(error).__name__}): {_UNREACHABLE}"
                raise PrometheusError(late if deadline.over else none) from None
            if deadline.over:
                raise PrometheusError(late)
            return answer

    def _read(
        self, method: str, path: str, asked: Mapping[str, str] | None, deadline: Deadline
    ) -> tuple[int, bytes]:
        body = bytearray()
        with (
            watched_session(deadline) as session,
            session.request(
                method,
                self._url + path,
                data=asked,
                auth=self._auth,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as answer,
        ):
            while chunk := answer.raw.read1(_CHUNK, decode_content=True):
                body += chunk
                if len(body) > MAX_BYTES:
                    raise PrometheusError(f"{self._name} answered more than {MAX_BYTES} bytes: ask for less")
            return answer.status_code, bytes(body)

    def _data(self, status: int, body: bytes) -> object:
        """Return an answer's data; Prometheus says in JSON what is wrong with a query, with a 4xx."""
        try:
            answer = answers.Answer.model_validate_json(body)
        except ValidationError:
            hint = _HINTS.get(status, _UNREACHABLE)
            raise PrometheusError(f"{self._name} answered {status}, not as its API does: {hint}") from None
        if answer.status == "error" or status != requests.codes.ok:
            raise PrometheusError(f"{self._name} answered {status}: {one_line(answer.error, _MAX_ERROR)}")
        return answer.data

    def _count(self, outcome: str) -> None:
        if self._metrics is not None:
            self._metrics.prometheus_requests.labels(outcome).inc()


def _mistake(error: ValidationError) -> str:
    """Say where an answer is wrong, without repeating what it holds."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "answer"
    return one_line(f"{place}: {first['msg']}", _MAX_ERROR)
