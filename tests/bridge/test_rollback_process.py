"""Rollbacks by a real bridge process: from an alert to a message, over a kill."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from recwatch.registry import Manifest
from recwatch.testing import PrometheusServer, wait_until

LABELS = {"alertname": "ModelBroken", "severity": "critical", "model": "als", "action": "rollback"}


@pytest.fixture
def prometheus(workplace: Any) -> Iterator[PrometheusServer]:
    with PrometheusServer() as server:
        workplace.settings["prometheus_url"] = server.url
        yield server


@pytest.fixture
def versions(workplace: Any) -> list[str]:
    registry = workplace.registry
    for _ in range(3):
        now = datetime.now(UTC)
        version = registry.new_version(now)
        with registry.publish(version) as folder:
            Manifest(model="als", version=version, trained_at=now, data_version="test").write(folder)
        registry.promote(version, reason="by hand")
    found: list[str] = registry.versions()
    return found


@pytest.fixture
def body(versions: list[str], alert: Any, group: Any) -> Callable[..., Any]:
    """A webhook about the alert that asks for a rollback, and began after the last promotion."""
    assert versions
    starts_at = datetime.now(UTC).isoformat()

    def build(fingerprint: str = "f1") -> Any:
        labels = {**LABELS, "cluster": "external"}
        return group(alert("ModelBroken", fingerprint=fingerprint, starts_at=starts_at, labels=labels))

    return build


@pytest.mark.all
def test_an_alert_rolls_back_once_over_a_kill(
    workplace: Any, prometheus: PrometheusServer, versions: list[str], body: Any, start: Any
) -> None:
    prometheus.fail_next(503, 1_000)
    bridge = start()
    for _ in range(3):  # Alertmanager repeats
        assert bridge.post("/actions/rollback", body()).status_code == 200
    wait_until(lambda: len(prometheus.messages) > 0, timeout=30)
    bridge.kill()
    assert workplace.registry.current() == versions[2]

    prometheus.fire({**LABELS})
    prometheus.behave()
    bridge = start()
    wait_until(lambda: workplace.registry.current() == versions[1], timeout=30)
    told = workplace.slack.wait_for(lambda payload: "rolled back" in payload["text"], timeout=30)
    assert f"als {versions[1]}" in told["text"]
    assert bridge.post("/actions/rollback", body()).status_code == 200
    (kept,) = bridge.get("/api/v1/rollbacks")
    assert (kept["state"], kept["trigger"], kept["target"]) == ("done", "alert", versions[1])
    assert len(workplace.registry.history()) == 4
    assert len([payload for payload in workplace.slack.messages if "rolled back" in payload["text"]]) == 1


@pytest.mark.all
def test_an_alert_that_is_over_changes_nothing(
    workplace: Any, prometheus: PrometheusServer, versions: list[str], body: Any, start: Any
) -> None:
    prometheus.fire({**LABELS}, state="pending")
    bridge = start()
    assert bridge.post("/actions/rollback", body()).status_code == 200
    workplace.slack.wait_for(lambda payload: "Rollback declined" in payload["text"], timeout=30)
    assert workplace.registry.current() == versions[2]
