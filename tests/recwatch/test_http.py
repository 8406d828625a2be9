import logging
import tracemalloc

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest

from recwatch.http import HttpRecorder


def total(registry: CollectorRegistry, method: str, route: str, status: str) -> float | None:
    labels = {"method": method, "route": route, "status": status}
    return registry.get_sample_value("http_requests_total", labels)


def test_a_request_is_counted_and_timed(registry: CollectorRegistry) -> None:
    HttpRecorder(registry).record("GET", "/a", 200, 0.02, 0.01)
    labels = {"method": "GET", "route": "/a"}
    assert total(registry, "GET", "/a", "200") == 1
    assert registry.get_sample_value("http_request_duration_seconds_sum", labels) == 0.02
    assert registry.get_sample_value("http_time_to_first_byte_seconds_sum", labels) == 0.01


def test_methods_and_codes_that_a_client_makes_up_are_folded_and_not_kept(
    registry: CollectorRegistry,
) -> None:
    recorder = HttpRecorder(registry)
    for number in range(1000):
        recorder.record(f"BREW{number}", "/a", 700 + number, 0.02)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(2000):
            recorder.record(f"BREW{number}", "/a", 700 + number, 0.02)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert total(registry, "other", "/a", "500") == 3000
    assert grown < 20_000


def test_routes_are_announced_at_zero(registry: CollectorRegistry) -> None:
    HttpRecorder(registry).announce([("GET", "/a"), ("BREW", "/b")])
    assert total(registry, "GET", "/a", "500") == 0
    assert total(registry, "other", "/b", "200") == 0


@pytest.mark.parametrize(("length", "shown"), [(32, True), (118, True), (119, False), (1000, False)])
def test_a_request_id_that_fits_becomes_an_exemplar(
    registry: CollectorRegistry, length: int, *, shown: bool
) -> None:
    HttpRecorder(registry).record("GET", "/a", 200, 0.02, request_id="x" * length)
    assert (f'# {{request_id="{"x" * length}"}}' in generate_latest(registry).decode()) is shown  # type: ignore[no-untyped-call]
    labels = {"target": "metrics", "reason": "error"}
    assert registry.get_sample_value("recwatch_dropped_writes_total", labels) == 0


def test_where_several_processes_write_there_are_no_exemplars(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    HttpRecorder(registry).record("GET", "/a", 200, 0.02, request_id="abc")
    assert "abc" not in generate_latest(registry).decode()  # type: ignore[no-untyped-call]


def test_what_cannot_be_recorded_is_a_counted_drop(
    registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        HttpRecorder(registry).record("GET", "/a", 200, "soon")  # type: ignore[arg-type]
    labels = {"target": "metrics", "reason": "error"}
    assert registry.get_sample_value("recwatch_dropped_writes_total", labels) == 1
    assert "Write dropped | target=metrics, reason=error" in caplog.text
