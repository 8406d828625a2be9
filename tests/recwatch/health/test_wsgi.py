import json
import threading
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from recwatch.health import HealthChecks


def ask(health: HealthChecks, path: str, method: str = "GET") -> tuple[str, dict[str, str], bytes]:
    environ: dict[str, Any] = {
        "PATH_INFO": path,
        "REQUEST_METHOD": method,
        "QUERY_STRING": "",
        "SCRIPT_NAME": "",
    }
    setup_testing_defaults(environ)
    answered: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Any:
        answered.extend((status, dict(headers)))
        return list

    # The standard library's judge of whether this is WSGI.
    parts = validator(health.wsgi)(environ, start_response)
    body = b"".join(parts)
    parts.close()  # type: ignore[attr-defined]
    return answered[0], answered[1], body


@pytest.mark.parametrize("prefix", ["", "/internal"])
def test_it_answers_by_the_last_part_of_the_path(health: HealthChecks, prefix: str) -> None:
    health.add("queue", lambda: False)
    status, headers, body = ask(health, f"{prefix}/readyz")
    assert (status, json.loads(body)) == (
        "503 Service Unavailable",
        {"status": "not ready", "failing": ["queue"]},
    )
    assert headers["content-type"] == "application/json"
    assert headers["content-length"] == str(len(body))
    status, _, body = ask(health, f"{prefix}/health")
    assert (status, json.loads(body)["status"]) == ("200 OK", "failing")
    assert ask(health, f"{prefix}/healthz")[0] == "200 OK"
    assert ask(health, f"{prefix}/other")[0] == "404 Not Found"


def test_one_that_hangs_never_hangs_a_probe(health: HealthChecks) -> None:
    end = threading.Event()
    health.add("hanging", end.wait, timeout=0.05)
    for _ in range(20):
        assert ask(health, "/readyz")[0] == "503 Service Unavailable"
    assert [thread.name for thread in threading.enumerate()].count("recwatch-health-hanging") == 1
    end.set()


def test_head_and_other_methods(health: HealthChecks) -> None:
    status, headers, body = ask(health, "/healthz", "HEAD")
    assert (status, body) == ("200 OK", b"")
    assert headers["content-length"] == "17"
    status, headers, _ = ask(health, "/healthz", "POST")
    assert (status, headers["allow"]) == ("405 Method Not Allowed", "GET, HEAD")
