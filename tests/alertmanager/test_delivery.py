"""The shipped rules and routes in a real Prometheus and a real Alertmanager: what arrives at which path."""

import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from recwatch.testing import wait_until
from recwatch.testing.web import WebThread
from recwatch_bridge.accepting.payload import Alert, parse_webhook
from recwatch_local.layout import Layout, prepare
from recwatch_local.ports import HOST, Ports, free_ports
from recwatch_local.programs import programs
from recwatch_local.tools import Tools

pytestmark = pytest.mark.all


@dataclass
class Receiver:
    """Takes every webhook; keeps by path what came, and the tokens."""

    alerts: dict[str, list[Alert]] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)

    async def take(self, request: Request) -> Response:
        webhook = parse_webhook(await request.body())
        self.tokens.add(request.headers.get("authorization", ""))
        self.alerts.setdefault(request.url.path, []).extend(webhook.alerts)
        return Response()

    def names(self, path: str) -> set[str]:
        return {alert.name for alert in self.alerts.get(path, [])}


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def stack(tools: Tools, tmp_path: Path, receiver: Receiver) -> Iterator[tuple[Layout, Ports]]:
    """Prometheus and Alertmanager with the shipped files, their minutes made seconds, before the receiver."""
    ports = free_ports()
    layout = Layout(home=tmp_path / "home", run=tmp_path / "run")
    prepare(layout, ports, {"prometheus": 60.0, "alertmanager": 60.0})
    web = WebThread(
        Starlette(routes=[Route("/{path:path}", receiver.take, methods=["POST"])]),
        socket.create_server((HOST, ports.bridge)),
        "receiver",
    )
    # What Prometheus sends before it has found Alertmanager is lost, and comes again after a minute.
    more = {"prometheus": ["--rules.alert.resend-delay=1s"], "alertmanager": []}
    started = []
    for program in programs(layout, ports, tools):
        if program.name in more:
            with (layout.logs / f"{program.name}.log").open("wb") as output:
                folder = layout.run / program.folder
                argv = [*program.argv, *more[program.name]]
                started.append(subprocess.Popen(argv, cwd=folder, stdout=output, stderr=output))
    yield layout, ports
    for process in started:
        process.kill()
        process.wait()
    web.stop()


def test_watchdog_and_rollbacks_arrive_where_they_belong(
    stack: tuple[Layout, Ports], receiver: Receiver
) -> None:
    layout, ports = stack
    wait_until(lambda: len(receiver.alerts.get("/watchdog", [])) >= 3, timeout=60)

    labels = {"alertname": "Bad", "severity": "critical", "action": "rollback", "model": "als"}
    answer = requests.post(
        f"{ports.url('alertmanager')}/api/v2/alerts", json=[{"labels": labels}], timeout=10
    )
    answer.raise_for_status()
    paths = ("/actions/rollback", "/notify/email", "/notify/slack")
    wait_until(lambda: all("Bad" in receiver.names(path) for path in paths), timeout=60)

    assert receiver.names("/watchdog") == {"Watchdog"}
    assert not any("Watchdog" in receiver.names(path) for path in paths)
    assert receiver.alerts["/actions/rollback"][0].labels == labels
    [token] = receiver.tokens
    assert token == f"Bearer {(layout.secrets / 'bridge_token').read_text(encoding='utf-8').strip()}"
