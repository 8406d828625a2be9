"""A clock that is set back an hour: messages leave, runs go on, nothing waits for it to come round again."""

import json
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from prometheus_client import CollectorRegistry

from recwatch.config import load_config
from recwatch.testing import wait_until
from recwatch.testing.web import WebThread
from recwatch_bridge.bridge import Bridge
from recwatch_bridge.config import BridgeConfig
from recwatch_bridge.parts import read_parts

HOUR = 3_600.0


class Running:
    """A bridge in this process, whose clock the test sets."""

    def __init__(self, bridge: Bridge, url: str, clock: Any) -> None:
        self.bridge = bridge
        self.url = url
        self.clock = clock

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": "Bearer a-token-for-tests"}
        answer = requests.post(self.url + path, data=json.dumps(body), headers=headers, timeout=20)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def states(self) -> list[str]:
        headers = {"Authorization": "Bearer a-token-for-tests"}
        answer = requests.get(f"{self.url}/api/v1/runs", headers=headers, timeout=20)
        return [run["state"] for run in answer.json()]


@pytest.fixture
def running(workplace: Any, clock: Any, registry: CollectorRegistry) -> Iterator[Running]:
    settings = load_config(workplace.config, BridgeConfig)
    bridge = Bridge(settings, read_parts(settings, os.environ), registry, clock=clock)
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    web = WebThread(bridge.app, listener, "bridge")
    bridge.start()
    yield Running(bridge, url, clock)
    workplace.hold.unlink(missing_ok=True)
    bridge.stop()
    web.stop()


def test_messages_leave_after_the_clock_was_set_back(
    running: Running, workplace: Any, alert: Any, group: Any
) -> None:
    workplace.mail.fail_next(451)
    running.post("/notify/email", group(alert("Before", fingerprint="before")))
    wait_until(lambda: messages(running)[0]["attempts"] == 1)
    running.clock.now -= HOUR
    running.post("/notify/email", group(alert("After", fingerprint="after")))
    for name in ("Before", "After"):
        workplace.mail.wait_for(lambda mail, name=name: name in mail["Subject"], 30)


def messages(running: Running) -> list[dict[str, Any]]:
    headers = {"Authorization": "Bearer a-token-for-tests"}
    found: list[dict[str, Any]] = requests.get(
        f"{running.url}/api/v1/messages", headers=headers, timeout=20
    ).json()
    return found


def test_run_ends_and_another_begins_after_the_clock_was_set_back(
    running: Running, workplace: Any, alert: Any, group: Any
) -> None:
    workplace.hold.touch()
    running.post("/actions/retrain", group(alert()))
    wait_until(lambda: running.states() == ["running"], 20)
    running.clock.now -= HOUR
    workplace.hold.unlink()
    wait_until(lambda: running.states() == ["promoted"], 20)
    # The cooldown counts from the end of the run as the clock now has it.
    running.post("/actions/retrain", group(alert(fingerprint="another")))
    assert running.states() == ["promoted", "pending"]
    running.clock.now += HOUR + 1
    wait_until(lambda: running.states() == ["promoted", "promoted"], 30)
    assert len(workplace.starts()) == 2
