"""What the rules and dashboards read of Prometheus and Alertmanager is what these export."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import requests

from recwatch.testing import wait_until

pytestmark = pytest.mark.all
# The Pushgateway's; and what Prometheus exports once it knows an Alertmanager.
ELSEWHERE = {
    "prometheus_notifications_errors_total",
    "prometheus_notifications_latency_seconds_count",
    "prometheus_notifications_sent_total",
    "push_failure_time_seconds",
    "push_time_seconds",
}
RULE = {"alert": "Always", "expr": "vector(1)"}


def test_they_exist(
    tmp_path: Path,
    root: Path,
    run_prometheus: Callable[..., AbstractContextManager[Any]],
    run_alertmanager: Callable[..., AbstractContextManager[Any]],
) -> None:
    page = (root / "docs" / "metrics.md").read_text(encoding="utf-8").partition("## Not ours")[2]
    read = {word.strip("`") for word in page.replace("\n", " ").split("`") if word.isidentifier()} - ELSEWHERE
    settings = {"route": {"receiver": "none"}, "receivers": [{"name": "none"}]}
    (tmp_path / "alertmanager").mkdir()
    with run_alertmanager(tmp_path / "alertmanager", settings) as alertmanager:
        address = alertmanager.url.removeprefix("http://")
        with run_prometheus(tmp_path, [RULE], {"alertmanager": address}) as prometheus:

            def missing() -> set[str]:
                url = f"{prometheus.url}/api/v1/label/__name__/values"
                return read - set(requests.get(url, timeout=10).json()["data"])

            assert "up" in read
            wait_until(lambda: not missing(), timeout=30, what=f"{sorted(missing())}")
