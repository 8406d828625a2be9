"""Answer probes in WSGI applications and, by the same function, in Django's views."""

import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from recwatch.health.answers import HEADERS, KINDS, Answer, healthz, readyz
from recwatch.health.check import Check

if TYPE_CHECKING:
    from recwatch.health.checks import HealthChecks

__all__ = ["answer_now", "answer_wsgi"]

_INTERVAL_SECONDS = 0.01


def answer_now(health: "HealthChecks", kind: Callable[[Sequence[Check]], Answer]) -> Answer:
    """One kind of answer; waits for first results alone, as long as the slowest timeout allows."""
    if kind is not healthz:
        health.start()
        critical = kind is readyz
        end = time.monotonic() + health.pending(critical=critical)
        while health.pending(critical=critical) and time.monotonic() < end:
            time.sleep(_INTERVAL_SECONDS)
    return health.answer(kind)


def answer_wsgi(
    health: "HealthChecks", environ: dict[str, Any], start_response: Callable[..., Any]
) -> list[bytes]:
    """Answer by the last part of the path; 404 where it is none of ours."""
    kind = KINDS.get(environ.get("PATH_INFO", "").rpartition("/")[2])
    code, body, more = HTTPStatus.NOT_FOUND, b"", []
    if kind is not None and environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        code, more = HTTPStatus.METHOD_NOT_ALLOWED, [("allow", "GET, HEAD")]
    elif kind is not None:
        answer = answer_now(health, kind)
        code, body = HTTPStatus(answer.code), answer.body()
    headers = [*HEADERS, *more, ("content-length", str(len(body)))]
    start_response(f"{code.value} {code.phrase}", headers)
    return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]
