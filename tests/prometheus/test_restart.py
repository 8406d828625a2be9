"""What is left of an alert whose reason has gone when Prometheus is started again."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import requests

from recwatch.testing import wait_until

WELL = {"alert": "Well", "expr": "vector(1)"}
REASON = 'sum(increase(prometheus_http_requests_total{handler="/api/v1/metadata"}[2s])) > 0'
"""It is there while somebody asks Prometheus for metadata."""


def firing(url: str) -> dict[str, dict[str, Any]]:
    """The alerts that fire, by name."""
    answer = requests.get(f"{url}/api/v1/alerts", timeout=5).json()["data"]["alerts"]
    return {alert["labels"]["alertname"]: alert for alert in answer if alert["state"] == "firing"}


def _asked(url: str) -> set[str]:
    """Give the reason, and tell what fires."""
    requests.get(f"{url}/api/v1/metadata", timeout=5).raise_for_status()
    return set(firing(url))


@pytest.mark.all
def test_what_is_held_ends_with_prometheus_and_what_asks_for_itself_goes_on(
    tmp_path: Path, run_prometheus: Callable[..., AbstractContextManager[Any]]
) -> None:
    """`keep_firing_for` lives in memory; RecommenderNoRequests, which reads ALERTS, asks what is stored."""
    itself = 'ALERTS{alertname="AsksForItself", alertstate="firing"}'
    rules = [
        WELL,
        {"alert": "Held", "expr": REASON, "keep_firing_for": "1h"},
        {"alert": "AsksForItself", "expr": f"vector(1) and on () ({REASON} or on () {itself})"},
    ]

    with run_prometheus(tmp_path, rules) as prometheus:
        wait_until(lambda: _asked(prometheus.url) >= {"Held", "AsksForItself"}, timeout=30)
        wait_until(lambda: "keepFiringSince" in firing(prometheus.url)["Held"], timeout=30)
        assert "AsksForItself" in firing(prometheus.url)

    with run_prometheus(tmp_path, rules) as prometheus:
        wait_until(lambda: "Well" in firing(prometheus.url), timeout=30)
        wait_until(lambda: "AsksForItself" in firing(prometheus.url), timeout=30)
        assert "Held" not in firing(prometheus.url)
