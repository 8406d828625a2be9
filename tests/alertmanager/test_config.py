import subprocess
from pathlib import Path
from typing import Any

import pytest

from recwatch_local.tools import Tools

WEBHOOKS = {"email": "/notify/email", "slack": "/notify/slack", "retrain": "/actions/retrain"}


@pytest.fixture
def webhooks(config: dict[str, Any]) -> list[dict[str, Any]]:
    return [webhook for receiver in config["receivers"] for webhook in receiver["webhook_configs"]]


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

    assert resolved == {f"urls/{name}": True for name in WEBHOOKS}


def test_retraining_repeats_a_still_firing_alert_by_itself(config: dict[str, Any]) -> None:
    (route,) = [route for route in config["route"]["routes"] if route["receiver"] == "retrain"]

    assert route["continue"] is True
    assert route["group_by"] == ["model"]
    assert route["repeat_interval"] == "30m"


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
