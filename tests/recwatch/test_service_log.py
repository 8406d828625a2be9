"""The lines of the seed, letter by letter, from records of requests."""

import hashlib
import hmac
import json
import logging
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
    for name in (NAME, f"{NAME}_2", f"{NAME}_3"):
        logs.close(name)


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


def test_nothing_that_a_request_says_can_be_taken_for_a_field(
    file: Path, registry: CollectorRegistry
) -> None:
    class Id:
        def __str__(self) -> str:
            return "1, topk=9 | ERROR"

    forged = {"topk": "3, latency=0.000s, fallback=True", "request_id": "a, user_id=99\u200e\u061c"}
    log = ServiceLog(NAME, file=file, registry=registry)
    log.take([record("15:30:15", registry, user_id=Id(), seconds=0.082, **forged)])
    (line,) = messages(file)
    assert line == (
        'Request | user_id="1, topk=9 | ERROR", topk="3, latency=0.000s, fallback=True", latency=0.082s, '
        r'fallback=False, request_id="a, user_id=99\u200e\u061c"'
    )


@pytest.mark.parametrize("json", [False, True])
def test_what_a_request_says_cannot_fill_the_log(
    file: Path, registry: CollectorRegistry, *, json: bool
) -> None:
    log = ServiceLog(NAME, file=file, json=json, registry=registry)
    # Cut before it was masked, the password would stand there.
    user_id = "redis://me:" + 300 * "secret" + "@cache/" + 2_000_000 * "//:"
    more = {"topk": 1000 * "9", "request_id": 1000 * "r"}
    log.take([record("15:30:15", registry, user_id=user_id, seconds=0.082, **more)])
    (line,) = file.read_text().splitlines()
    assert len(line) < 1200
    assert "secret" not in line
    assert "9" * 256 in line
    assert "9" * 257 not in line


def test_a_request_without_a_line_costs_no_other(file: Path, registry: CollectorRegistry) -> None:
    class Unprintable:
        def __str__(self) -> str:
            raise RuntimeError("no text")

    log = ServiceLog(NAME, file=file, registry=registry)
    users = (1, Unprintable(), 2)
    log.take([record("15:30:15", registry, user_id=user_id, seconds=0.082) for user_id in users])
    assert [line[:19] for line in messages(file)] == ["Request | user_id=1", "Request | user_id=2"]
    labels = {"target": "service_log", "reason": "error"}
    assert registry.get_sample_value("recwatch_dropped_writes_total", labels) == 1


def test_two_logs_write_to_their_own_files(tmp_path: Path, registry: CollectorRegistry) -> None:
    als = ServiceLog(NAME, file=tmp_path / "als.log", registry=registry)
    bpr = ServiceLog(NAME, file=tmp_path / "bpr.log", registry=registry)
    als.started("als_v1")
    bpr.started("bpr_v1")
    als.close()
    als.close()
    bpr.reloaded("bpr_v1", "bpr_v2")
    assert messages(tmp_path / "als.log") == ["Service started | model_id=als_v1"]
    assert messages(tmp_path / "bpr.log") == [
        "Service started | model_id=bpr_v1",
        "Model reloaded | old=bpr_v1, new=bpr_v2",
    ]
    again = ServiceLog(NAME, file=tmp_path / "again.log", registry=registry)
    als.close()
    logging.getLogger(NAME).info("Of the service's own")
    assert messages(tmp_path / "again.log") == ["Of the service's own"]
    again.close()
    bpr.close()


def test_a_log_that_could_not_be_opened_takes_no_name(tmp_path: Path, registry: CollectorRegistry) -> None:
    with pytest.raises(OSError, match="directory"):
        ServiceLog(NAME, file=tmp_path, registry=registry)
    log = ServiceLog(NAME, file=tmp_path / "a.log", registry=registry)
    logging.getLogger(NAME).info("Here")
    log.close()
    assert messages(tmp_path / "a.log") == ["Here"]


def test_two_logs_of_one_file_write_each_line_once(file: Path, registry: CollectorRegistry) -> None:
    first = ServiceLog(NAME, file=file, registry=registry)
    second = ServiceLog(NAME, file=file, registry=registry)
    first.started("als_v1")
    first.close()
    second.started("bpr_v1")
    second.close()
    assert messages(file) == ["Service started | model_id=als_v1", "Service started | model_id=bpr_v1"]


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
