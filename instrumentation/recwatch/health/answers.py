"""What probes are told: a status code and a document, made of the last results."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from recwatch.health.check import Check

__all__ = ["HEADERS", "KINDS", "Answer", "healthz", "readyz", "summary"]

HEADERS = (("content-type", "application/json"), ("cache-control", "no-store"))


@dataclass(frozen=True)
class Answer:
    """An answer to a probe.

    Attributes:
        code: 200, or 503 where the service is not ready.
        document: the body, before it is written as JSON.
    """

    code: int
    document: dict[str, Any]

    def body(self) -> bytes:
        """The body as JSON."""
        return json.dumps(self.document, allow_nan=False).encode() + b"\n"


def healthz(checks: Sequence[Check]) -> Answer:  # noqa: ARG001 - whatever they found
    """The process answers."""
    return Answer(200, {"status": "ok"})


def readyz(checks: Sequence[Check]) -> Answer:
    """Ready where every critical check passed; a check without a result yet has not."""
    failing = [check.name for check in checks if check.critical and check.result.status != "up"]
    status = "not ready" if failing else "ready"
    return Answer(503 if failing else 200, {"status": status, "failing": failing})


def summary(checks: Sequence[Check]) -> Answer:
    """Every check as it is known: `ok`, `degraded` where one fails that is not critical, else `failing`."""
    bad = [check for check in checks if check.result.status != "up"]
    status = "failing" if any(check.critical for check in bad) else "degraded" if bad else "ok"
    return Answer(200, {"status": status, "checks": {check.name: _entry(check) for check in checks}})


def _entry(check: Check) -> dict[str, Any]:
    result = check.result
    at = None if result.at is None else datetime.fromtimestamp(result.at, UTC)
    return {
        "status": result.status,
        "critical": check.critical,
        "value": result.value,
        "unit": check.unit,
        "message": result.message,
        "duration_seconds": None if result.seconds is None else round(result.seconds, 6),
        "checked_at": None if at is None else at.isoformat(timespec="milliseconds"),
    }


KINDS: dict[str, Callable[[Sequence[Check]], Answer]] = {
    "healthz": healthz,
    "readyz": readyz,
    "health": summary,
}
"""The answers by the last part of the path that they are given at."""
