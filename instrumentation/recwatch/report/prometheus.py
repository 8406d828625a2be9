"""A small client of Prometheus's HTTP API, of the standard library alone."""

import http.client
import json
import math
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from recwatch.report.errors import PrometheusError, ReportError, UnreachableError
from recwatch.report.series import Series

__all__ = ["MAX_BYTES", "Prometheus"]

MAX_BYTES = 32 * 1024 * 1024
"""A larger answer is not read to its end."""
_CHUNK = 64 * 1024
_LONGEST_ERROR = 300
_LONGEST_WAIT = 3_600.0
_HINTS = {
    401: "name a file with a valid token",
    403: "the token must be allowed to read",
    404: "the address must be the root of Prometheus's own paths",
}
Found = tuple[Series, ...]
_REMEDY = "see that it runs and that the address is right"


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it would carry the token elsewhere."""

    def redirect_request(self, *_arguments: Any) -> None:
        return None


class Prometheus:
    """Asks questions; queries are POSTed, so that nothing of them stands in an address.

    Args:
        url: the root of its paths; it may hold a login.
        token: a bearer token, or None.
        timeout: seconds for one answer, all of it.

    Raises:
        ReportError: when the address, the token or the timeout cannot be used.
    """

    def __init__(self, url: str, *, token: str | None = None, timeout: float = 30.0) -> None:
        self.name = f"Prometheus at {_host(url)}"
        self._url, self._headers = _without_login(url.rstrip("/"))
        if not 0 < timeout <= _LONGEST_WAIT:
            raise ReportError("the timeout must be above 0 and 1h at most: write it as 30s")
        self._timeout = timeout
        if token is not None:
            self._headers = {"Authorization": f"Bearer {token}"}
        if token is not None and not (token.isascii() and token.isprintable() and token):
            raise ReportError("the token holds what no header can: write it in one line of plain letters")
        self._opener = urllib.request.build_opener(_Stay)

    def instant(self, query: str, at: float) -> Found:
        """Return what a query gives at a moment, one point a series.

        Raises:
            PrometheusError: when it does not answer, or says that the query is wrong.
        """
        return self._ask("query", {"query": query, "time": f"{at:.3f}"}, _at_a_moment)

    def range(self, query: str, start: float, end: float, step: float) -> Found:
        """Return what a query gave over time; a series has a point at least.

        Raises:
            PrometheusError: when it does not answer, or says that the query is wrong.
        """
        asked = {"query": query, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:.3f}"}
        return self._ask("query_range", asked, _over_time)

    def _ask(self, path: str, asked: Mapping[str, str], read: Callable[[Any], Found]) -> Found:
        form = {**asked, "timeout": f"{self._timeout:g}s"}
        request = urllib.request.Request(  # noqa: S310 - http and https alone, see _host
            f"{self._url}/api/v1/{path}", urlencode(form).encode(), self._headers
        )
        try:
            status, body = self._read(request)
        except (OSError, http.client.HTTPException) as error:
            why = error.reason if isinstance(error, urllib.error.URLError) else error
            if isinstance(why, TimeoutError):
                raise UnreachableError(f"{self.name} did not answer within {self._timeout:g} s") from None
            told = why.strerror if isinstance(why, OSError) and why.strerror else type(why).__name__
            raise UnreachableError(f"no answer from {self.name} ({told}): {_REMEDY}") from None
        try:
            return read(self._data(status, body))
        except (ValueError, KeyError, TypeError, AttributeError):
            hint = _HINTS.get(status, _REMEDY)
            raise PrometheusError(f"{self.name} answered {status}, not as its API does: {hint}") from None

    def _read(self, request: urllib.request.Request) -> tuple[int, bytes]:
        until = time.monotonic() + self._timeout
        body = bytearray()
        try:
            answer = self._opener.open(request, timeout=self._timeout)
        except urllib.error.HTTPError as error:  # an answer as well: Prometheus says there what is wrong
            answer = error
        with answer:
            while chunk := answer.read1(_CHUNK):
                body += chunk
                if len(body) > MAX_BYTES:
                    raise PrometheusError(f"{self.name} answered more than {MAX_BYTES} bytes: ask for less")
                if time.monotonic() > until:
                    raise TimeoutError
        return answer.status, bytes(body)

    def _data(self, status: int, body: bytes) -> Any:
        answer = json.loads(body)
        if answer["status"] == "success" and status == http.client.OK:
            return answer["data"]
        told = " ".join(str(answer["error"]).split())[:_LONGEST_ERROR]
        if answer.get("errorType") in ("timeout", "unavailable"):
            raise UnreachableError(f"{self.name} answered {status}: {told}")
        raise PrometheusError(f"{self.name} answered {status}: {told}")


def _at_a_moment(data: Any) -> Found:
    if data["resultType"] == "scalar":
        return (_series({}, [data["result"]]),)
    # A native histogram has no value.
    return tuple(_series(one["metric"], [one["value"]]) for one in data["result"] if "value" in one)


def _over_time(data: Any) -> Found:
    return tuple(_series(one["metric"], one["values"]) for one in data["result"] if one.get("values"))


def _series(labels: Mapping[str, Any], points: list[list[Any]]) -> Series:
    return Series(
        {str(name): str(value) for name, value in labels.items()},
        tuple(float(at) for at, _ in points),
        tuple(_number(value) for _, value in points),
    )


def _number(text: str) -> float:
    return (
        float(text) if text not in ("+Inf", "-Inf") else math.copysign(math.inf, 1 if text[0] == "+" else -1)
    )


def _without_login(url: str) -> tuple[str, dict[str, str]]:
    """Return the address without `user:password@`, and the header that says it instead."""
    parts = urlsplit(url)
    login, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, {}
    told = b64encode(unquote(login).encode()).decode()
    return parts._replace(netloc=host).geturl(), {"Authorization": f"Basic {told}"}


def _host(url: str) -> str:
    """Return host and port: the address itself may hold a login."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:  # a port that is no number, half a bracket
        host = port = None
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not host or any(char in url for char in "?# \n\r\t"):
        raise ReportError("the address of Prometheus cannot be used: write it as http://127.0.0.1:9090")
    return f"{host}:{port or (443 if parts.scheme == 'https' else 80)}"
