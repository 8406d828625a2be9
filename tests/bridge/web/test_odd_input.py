"""Input that no client of ours sends: refused with the reason, never a failure of the bridge."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from recwatch_bridge.storage.store import Store
from recwatch_bridge.web import access


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.all)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Either database: PostgreSQL refuses text that SQLite takes."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/bridge.db"
    else:
        url = request.getfixturevalue("postgresql_url")
    opened = Store(url)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A site that is made later takes any number of changes."""
    monkeypatch.setattr(access, "CHANGES_A_MINUTE", 1_000_000)


@pytest.mark.all
def test_no_input_is_a_failure_of_the_bridge(busy: Any) -> None:
    """Schemathesis makes good and bad requests of each route out of the bridge's OpenAPI."""
    schema = schemathesis.openapi.from_url(f"{busy.site.url}/api/v1/openapi.json")
    tried = 0
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr] # fails the test where the description is wrong
        for mode in GenerationMode:
            _try(operation.as_strategy(generation_mode=mode))
        tried += 1
    assert tried == 21
    assert busy.site.counted("malformed") > 50


def _try(cases: Any) -> None:
    @given(case=cases)
    @settings(max_examples=15, derandomize=True, suppress_health_check=list(HealthCheck))
    def call(case: Any) -> None:
        case.call_and_validate(
            headers={"Authorization": "Bearer everything-1d"},
            checks=[
                not_a_server_error,
                status_code_conformance,
                content_type_conformance,
                response_schema_conformance,
            ],
        )

    call()


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/runs/%00",
        "/api/v1/runs/%ED%A0%80",
        "/api/v1/runs/..%2f..%2fetc%2fpasswd/log",
        "/api/v1/runs?model=%00",
        "/api/v1/runs?limit=" + "9" * 5000,
        "/api/v1/messages?sink=%ED%A0%80",
        "/api/v1/messages?state=%00",
        "/api/v1/models/%00",
        "/api/v1/models/..%2fals",
        "/runs/%00",
        "/static/%00",
        "/static/..%2fapp.py",
        "/pictures/%00.png",
        "/%00",
        "/?done=%00&show=%00",
    ],
)
def test_odd_paths_are_no_mistake_of_the_bridge(site: Any, path: str) -> None:
    answer = site.get(path)
    assert answer.status_code in ((200,) if path.startswith("/?") else (400, 404))
    assert "passwd" not in answer.text


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 60_000,
        b'{"reason": "\\ud800"}',
        b'{"\\ud800": 1}',
        b"\xff\xfe",
        b'{"reason": 1e999}',
        b"null",
        b"{",
    ],
)
def test_odd_bodies_are_no_mistake_of_the_bridge(site: Any, data: bytes) -> None:
    for path in ("/retrain/als", "/api/v1/models/als/promote", "/api/v1/dead-letters/retry"):
        answer = site.post(path, data=data, headers={"Content-Type": "application/json"})
        assert answer.status_code in (202, 400)
        assert answer.json()
