"""The lines of the seed, letter by letter, from records of requests."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from recwatch import logs, request_id
from recwatch.errors import ConfigError
from recwatch.recorder import Recorder
from recwatch.service_log import ServiceLog
from recwatch.serving import RecommenderMetrics, RecommenderRequest

pytestmark = pytest.mark.usefixtures("in_hanoi")
NAME = "test.service_log"
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def _end() -> Iterator[None]:
    yield
    logs.close(NAME)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "service" / "recommender.log"


def record(clock: str, registry: CollectorRegistry, **attributes: Any) -> RecommenderRequest:
    """A request that is over, at a time of 15 January 2025 in Hanoi."""
    request = RecommenderMetrics("als", registry=registry).request()
    request.timestamp = datetime.fromisoformat(f"2025-01-15T{clock}.250+07:00").timestamp()
    for name, value in attributes.items():
        setattr(request, name, value)
    return request


def messages(file: Path) -> list[str]:
    return [line.split(" | ", 2)[2] for line in file.read_text().splitlines()]


def test_the_lines_of_the_seed(file: Path, registry: CollectorRegistry) -> None:
    log = ServiceLog(NAME, file=file, registry=registry)
    log.take(
        [
            record("15:30:15", registry, user_id=12345, topk=10, seconds=0.082),
            record("15:30:16", registry, user_id=67890, topk=10, seconds=0.0951),
            record("15:30:20", registry, user_id=99999, topk=10, seconds=0.01, fallback_method="popularity"),
            record("15:35:00", registry, user_id=11111, topk=10, outcome="error", error="KeyError"),
            record("15:35:01", registry, user_id=11111, topk=10, seconds=1.5, outcome="cancelled"),
        ]
    )
    assert file.read_text().splitlines() == [
        "2025-01-15 15:30:15 | INFO | Request | user_id=12345, topk=10, latency=0.082s, fallback=False",
        "2025-01-15 15:30:16 | INFO | Request | user_id=67890, topk=10, latency=0.095s, fallback=False",
        "2025-01-15 15:30:20 | WARNING | Cold-start | user_id=99999, fallback=True",
        "2025-01-15 15:30:20 | INFO | Request | user_id=99999, topk=10, latency=0.010s, fallback=True",
        "2025-01-15 15:35:00 | ERROR | Recommendation failed | user_id=11111, error=KeyError",
        "2025-01-15 15:35:01 | INFO | Request cancelled | user_id=11111, topk=10, latency=1.500s",
    ]


def test_start_and_reload(file: Path, registry: CollectorRegistry) -> None:
    log = ServiceLog(NAME, file=file, registry=registry)
    log.started("als_v2_20250116_141500")
    log.reloaded("als_v2", "als_v3")
    assert messages(file) == [
        "Service started | model_id=als_v2_20250116_141500",
        "Model reloaded | old=als_v2, new=als_v3",
    ]
    assert all(" | INFO | " in line for line in file.read_text().splitlines())


def test_a_request_id_comes_last(file: Path, registry: CollectorRegistry) -> None:
    log = ServiceLog(NAME, file=file, registry=registry)
    log.take([record("15:30:15", registry, user_id=1, topk=10, seconds=0.082, request_id="r-1")])
    assert messages(file) == ["Request | user_id=1, topk=10, latency=0.082s, fallback=False, request_id=r-1"]


def test_what_was_not_said_is_left_out(file: Path, registry: CollectorRegistry) -> None:
    log = ServiceLog(NAME, file=file, registry=registry)
    log.take([record("15:30:15", registry, seconds=0.082)])
    assert messages(file) == ["Request | latency=0.082s, fallback=False"]


def test_as_json(file: Path, registry: CollectorRegistry) -> None:
    log = ServiceLog(NAME, file=file, json=True, registry=registry)
    served = {"user_id": 1, "topk": 10, "request_id": "r-1", "version": "v3"}
    answered = {"items": (5, 7), "fallback_method": "popularity", "was_reranked": True}
    log.take(
        [
            record("15:30:15", registry, seconds=0.0821234567, **served, **answered),
            record("15:30:16", registry, seconds=0.5, **served, outcome="error", error="KeyError"),
        ]
    )
    cold, request, failed = map(json.loads, file.read_text().splitlines())
    assert request.pop("pid") == cold.pop("pid") == failed.pop("pid")
    assert request == {
        "timestamp": "2025-01-15T08:30:15.250+00:00",
        "level": "info",
        "logger": NAME,
        "event": "Request",
        "user_id": 1,
        "topk": 10,
        "fallback": True,
        "latency_seconds": 0.082123,
        "model": "als",
        "version": "v3",
        "variant": "default",
        "fallback_method": "popularity",
        "items": 2,
        "reranked": True,
        "request_id": "r-1",
    }
    assert (cold["level"], cold["event"], cold["user_id"]) == ("warning", "Cold-start", 1)
    assert (failed["event"], failed["error"], failed["request_id"]) == (
        "Recommendation failed",
        "KeyError",
        "r-1",
    )


def test_user_ids_are_hashed_or_left_out(file: Path, tmp_path: Path, registry: CollectorRegistry) -> None:
    (tmp_path / "key").write_text(KEY)
    request = record("15:30:15", registry, user_id=12345, topk=10, seconds=0.082)
    hashed = ServiceLog(NAME, file=file, user_ids="hashed", key_file=tmp_path / "key", registry=registry)
    hashed.take([request])
    ServiceLog(NAME, file=file, user_ids="omitted", registry=registry).take([request])
    digest = hmac.new(KEY.encode(), b"12345", hashlib.sha256).hexdigest()
    assert messages(file) == [
        f"Request | user_id={digest}, topk=10, latency=0.082s, fallback=False",
        "Request | topk=10, latency=0.082s, fallback=False",
    ]
    with pytest.raises(ConfigError, match="without a key"):
        ServiceLog(NAME, user_ids="hashed", registry=registry)


def test_a_user_id_cannot_be_taken_for_more(file: Path, registry: CollectorRegistry) -> None:
    log = ServiceLog(NAME, file=file, registry=registry)
    forged = "5, topk=1\n2025-01-15 15:30:15 | INFO | forged"
    log.take(
        [
            record("15:30:15", registry, user_id=user_id, seconds=0.082)
            for user_id in ("u-5@example.org", "người", forged)
        ]
    )
    assert messages(file) == [
        "Request | user_id=u-5@example.org, latency=0.082s, fallback=False",
        "Request | user_id=người, latency=0.082s, fallback=False",
        r'Request | user_id="5, topk=1\n2025-01-15 15:30:15 | INFO | forged", latency=0.082s, fallback=False',
    ]


def test_lines_are_written_by_the_recorder_not_by_the_request(
    file: Path, registry: CollectorRegistry
) -> None:
    recorder = Recorder([ServiceLog(NAME, file=file, registry=registry)], interval=60, registry=registry)
    metrics = RecommenderMetrics("als", recorder=recorder, registry=registry)
    with request_id.bind("r-1"), metrics.request(12345, topk=10) as request:
        request.returned([1, 2, 3])
    assert file.read_text() == ""
    assert recorder.close()
    (line,) = messages(file)
    assert line.startswith("Request | user_id=12345, topk=10, latency=0.0")
    assert line.endswith("s, fallback=False, request_id=r-1")


def test_without_a_file_the_lines_go_where_the_logger_leads(
    registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    log = ServiceLog(NAME, registry=registry)
    log.started("als_v1")
    log.close()
    assert [record.getMessage() for record in caplog.records] == ["Service started | model_id=als_v1"]


def test_two_logs_of_one_name_have_one_handler(file: Path, registry: CollectorRegistry) -> None:
    ServiceLog(NAME, file=file, registry=registry)
    log = ServiceLog(NAME, file=file, registry=registry)
    log.started("als_v1")
    log.close()
    assert messages(file) == ["Service started | model_id=als_v1"]
