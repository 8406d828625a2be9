import json
from typing import Any

import pytest

from recwatch.health.answers import healthz, readyz, summary
from recwatch.health.check import Check
from recwatch.health.result import Result


def check(name: str, result: Result | None = None, *, critical: bool = True) -> Check:
    settings: Any = {"timeout": 1.0, "every": 1.0, "unit": "seconds", "wake": list}
    made = Check(name, lambda: None, critical=critical, report=lambda *_: None, **settings)
    made.result = result or Result("up", 0.5, "fine", 0.001, 1736929815.25)
    return made


DOWN = Result("down", None, "gone", 0.0012345678, 1736929815.25)
LATE = Result("timeout", None, "no answer within 2 s", 2.0, 1736929815.25)


@pytest.mark.parametrize(
    ("checks", "code", "failing", "status"),
    [
        ([], 200, [], "ok"),
        ([check("a"), check("b")], 200, [], "ok"),
        ([check("a", DOWN), check("b"), check("c", LATE)], 503, ["a", "c"], "failing"),
        ([check("a", DOWN, critical=False), check("b")], 200, [], "degraded"),
        ([check("a", DOWN, critical=False), check("b", Result())], 503, ["b"], "failing"),
    ],
)
def test_critical_checks_decide(checks: list[Check], code: int, failing: list[str], status: str) -> None:
    ready = readyz(checks)
    assert (ready.code, ready.document["failing"]) == (code, failing)
    assert ready.document["status"] == ("not ready" if failing else "ready")
    assert (summary(checks).code, summary(checks).document["status"]) == (200, status)
    assert (healthz(checks).code, healthz(checks).document) == (200, {"status": "ok"})


def test_the_summary_says_what_is_known() -> None:
    document = json.loads(
        summary([check("a"), check("b", DOWN, critical=False), check("c", Result())]).body()
    )
    assert document["checks"] == {
        "a": {
            "status": "up",
            "critical": True,
            "value": 0.5,
            "unit": "seconds",
            "message": "fine",
            "duration_seconds": 0.001,
            "checked_at": "2025-01-15T08:30:15.250+00:00",
        },
        "b": {
            "status": "down",
            "critical": False,
            "value": None,
            "unit": "seconds",
            "message": "gone",
            "duration_seconds": 0.001235,
            "checked_at": "2025-01-15T08:30:15.250+00:00",
        },
        "c": {
            "status": "unknown",
            "critical": True,
            "value": None,
            "unit": "seconds",
            "message": "",
            "duration_seconds": None,
            "checked_at": None,
        },
    }
