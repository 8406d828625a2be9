import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from recwatch_local.tools import Tools

WEBHOOKS = {
    "email": "/notify/email",
    "slack": "/notify/slack",
    "retrain": "/actions/retrain",
    "rollback": "/actions/rollback",
    "watchdog": "/watchdog",
}


@pytest.fixture
def webhooks(config: dict[str, Any]) -> list[dict[str, Any]]:
    return [webhook for receiver in config["receivers"] for webhook in receiver.get("webhook_configs", [])]


def test_amtool_accepts_the_configuration(folder: Path, tools: Tools) -> None:
    answer = subprocess.run(
        [tools.amtool, "check-config", folder / "alertmanager.yml"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_no_alert_can_be_lost_by_a_redirect_or_left_out(webhooks: list[dict[str, Any]]) -> None:
    for webhook in webhooks:
        assert webhook["http_config"]["follow_redirects"] is False
        assert webhook["max_alerts"] == 0


def test_every_webhook_carries_the_token_from_its_file(webhooks: list[dict[str, Any]]) -> None:
    expected = {"type": "Bearer", "credentials_file": "secrets/bridge_token"}

    assert all(webhook["http_config"]["authorization"] == expected for webhook in webhooks)


def test_people_and_actions_are_told_what_is_over(webhooks: list[dict[str, Any]]) -> None:
    resolved = {webhook["url_file"]: webhook["send_resolved"] for webhook in webhooks}

    assert resolved == {f"urls/{name}": name != "watchdog" for name in WEBHOOKS}


def test_retraining_repeats_a_still_firing_alert_by_itself(config: dict[str, Any]) -> None:
    (route,) = [route for route in config["route"]["routes"] if route["receiver"] == "retrain"]

    assert route["continue"] is True
    assert route["group_by"] == ["model"]
    assert route["repeat_interval"] == "30m"


def test_rollbacks_are_asked_for_besides_telling(config: dict[str, Any]) -> None:
    (route,) = [route for route in config["route"]["routes"] if route["receiver"] == "rollback"]

    assert route["continue"] is True
    assert route["group_by"] == ["model"]


def test_watchdog_comes_every_minute_and_goes_nowhere_else(config: dict[str, Any]) -> None:
    first = config["route"]["routes"][0]

    assert (first["receiver"], first["repeat_interval"], first["group_wait"]) == ("watchdog", "1m", "0s")
    assert "continue" not in first


def test_pagers_in_the_comments_are_what_alertmanager_reads(
    folder: Path, tools: Tools, tmp_path: Path
) -> None:
    text = (folder / "alertmanager.yml").read_text(encoding="utf-8")
    settings = r"^    # ( *(?:\w+_configs:|- \w+_key_file:|severity:|priority:).*)$"
    switched_on = re.sub(settings, r"    \1", text, flags=re.MULTILINE)
    written = tmp_path / "alertmanager.yml"
    written.write_text(switched_on, encoding="utf-8")
    both = next(
        entry for entry in yaml.safe_load(switched_on)["receivers"] if entry["name"] == "email-and-slack"
    )
    answer = subprocess.run(
        [tools.amtool, "check-config", written], capture_output=True, text=True, check=False
    )

    assert {"pagerduty_configs", "opsgenie_configs"} <= both.keys()
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize(
    ("mode", "base"), [("local", "http://127.0.0.1:9095"), ("compose", "http://bridge:9095")]
)
def test_each_mode_has_the_address_of_every_webhook(
    mode: str, base: str, folder: Path, webhooks: list[dict[str, Any]]
) -> None:
    addresses = {
        file.name: file.read_text(encoding="utf-8").strip() for file in (folder / "urls" / mode).iterdir()
    }

    assert addresses == {name: base + path for name, path in WEBHOOKS.items()}
    assert {webhook["url_file"] for webhook in webhooks} == {f"urls/{name}" for name in WEBHOOKS}


def test_what_is_worse_is_told_sooner_and_more_often(config: dict[str, Any]) -> None:
    by_severity = {
        route["matchers"][0].removeprefix("severity="): {**config["route"], **route}
        for route in config["route"]["routes"]
        if route["matchers"][0].startswith("severity=") and route["receiver"] != "nobody"
    }
    timing = {
        severity.strip('"'): (route["group_wait"], route["group_interval"], route["repeat_interval"])
        for severity, route in by_severity.items()
    }

    assert timing == {
        "critical": ("10s", "1m", "1h"),
        "warning": ("30s", "5m", "4h"),
        "info": ("30s", "15m", "24h"),
    }
