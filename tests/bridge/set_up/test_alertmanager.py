"""A real Alertmanager, configured as the page shows."""

from typing import Any

import pytest
import requests
import yaml


@pytest.mark.all
def test_an_alert_reaches_both_sinks(
    workplace: Any, set_up: Any, start: Any, blocks: Any, run_alertmanager: Any
) -> None:
    set_up()
    bridge = start()
    [(_, shown)] = blocks["Alertmanager"]
    config = yaml.safe_load(shown.replace("http://127.0.0.1:9095", bridge.url))
    config["route"]["group_wait"] = "100ms"
    with run_alertmanager(workplace.folder, config) as alertmanager:
        alerts = [{"labels": {"alertname": "Slow", "severity": "critical"}}]
        requests.post(f"{alertmanager.url}/api/v2/alerts", json=alerts, timeout=10).raise_for_status()
        assert workplace.mail.wait_for(lambda _: True, timeout=90)["Subject"] == "[CRITICAL] Slow"
        assert "Slow" in workplace.slack.wait_for(lambda _: True, timeout=90)["text"]
