import logging
import socket
import uuid

import pytest
import requests
from prometheus_client import CollectorRegistry, Counter, Gauge

from recwatch.metrics import DroppedWrites
from recwatch.push import REASONS, push
from recwatch.testing import SlackServer, free_port


def dropped(registry: CollectorRegistry, reason: str) -> float | None:
    labels = {"target": "pushgateway", "reason": reason}
    return registry.get_sample_value("recwatch_dropped_writes_total", labels)


def test_a_push_replaces_metrics_of_its_names_and_leaves_the_others(pushgateway: str) -> None:
    key = {"model": f"push-{uuid.uuid4().hex}"}
    for name, value in (("first_value", 1), ("second_value", 2), ("first_value", 3)):
        registry = CollectorRegistry()
        Gauge(name, "A value.", registry=registry).set(value)
        Counter(f"{name}_changes_total", "Changes.", registry=registry).inc()
        assert push(
            pushgateway, registry, job="test", grouping_key=key, dropped=DroppedWrites.of(CollectorRegistry())
        )
    page = requests.get(f"http://{pushgateway}/metrics", timeout=10).text
    lines = [line for line in page.splitlines() if key["model"] in line]
    assert any(line.startswith("first_value{") and line.endswith(" 3") for line in lines)
    assert any(line.startswith("second_value{") and line.endswith(" 2") for line in lines)
    assert "_created" not in page


def test_a_gateway_that_is_not_there_is_counted(
    registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        taken = push(
            f"127.0.0.1:{free_port()}",
            CollectorRegistry(),
            job="test",
            grouping_key={},
            dropped=DroppedWrites.of(registry),
        )
    assert not taken
    assert dropped(registry, "unreachable") == 1
    assert "Write dropped | target=pushgateway, reason=unreachable" in caplog.text


def test_a_gateway_that_does_not_answer_is_counted(registry: CollectorRegistry) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        gateway = f"127.0.0.1:{silent.getsockname()[1]}"
        counts = DroppedWrites.of(registry)
        assert not push(
            gateway, CollectorRegistry(), job="test", grouping_key={}, dropped=counts, timeout=0.05
        )
    assert dropped(registry, "timeout") == 1


def test_a_gateway_that_refuses_is_counted(registry: CollectorRegistry) -> None:
    with SlackServer() as refusing:  # any server that does not know what a push is
        counts = DroppedWrites.of(registry)
        assert not push(refusing.url, CollectorRegistry(), job="test", grouping_key={}, dropped=counts)
    assert dropped(registry, "refused") == 1


def test_an_address_that_is_none_is_counted(registry: CollectorRegistry) -> None:
    counts = DroppedWrites.of(registry)
    assert not push("http://[broken", CollectorRegistry(), job="test", grouping_key={}, dropped=counts)
    assert dropped(registry, "unreachable") == 1


def test_the_reasons_are_these() -> None:
    assert REASONS == ("refused", "timeout", "unreachable")


@pytest.mark.parametrize("port", ["http://u:secret@127.0.0.1:{port}", "127.0.0.1:{port}"])
def test_the_log_line_names_the_address(
    registry: CollectorRegistry, caplog: pytest.LogCaptureFixture, port: str
) -> None:
    gateway = port.format(port=free_port())
    counts = DroppedWrites.of(registry)
    assert not push(gateway, CollectorRegistry(), job="test", grouping_key={}, dropped=counts)
    assert gateway.replace("secret", "***") in caplog.text
    assert "secret" not in caplog.text


def test_a_url_of_another_kind_is_named_with_what_to_write(
    registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    counts = DroppedWrites.of(registry)
    assert not push("ftp://localhost:1", CollectorRegistry(), job="test", grouping_key={}, dropped=counts)
    assert dropped(registry, "unreachable") == 1
    assert "ftp://localhost:1: write host:port, or a URL with http:// or https://" in caplog.text
