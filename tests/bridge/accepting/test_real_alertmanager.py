"""What a real Alertmanager sends about an alert that it holds for over although it goes on."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from recwatch.testing import wait_until
from recwatch.testing.web import WebThread
from recwatch_bridge.accepting.accept import Acceptor
from recwatch_bridge.accepting.identities import LATE
from recwatch_bridge.accepting.payload import parse_webhook
from recwatch_bridge.clock import wall
from recwatch_bridge.delivering import outbox
from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.storage.store import Store

pytestmark = pytest.mark.all


@pytest.fixture
def alertmanager(acceptor: Acceptor, run_alertmanager: Any, tmp_path: Path) -> Iterator[str]:
    """Sends to a bridge, and repeats nothing for hours; gives its address."""
    acceptor._clock = wall

    async def take(request: Request) -> Response:
        acceptor.notify("email", parse_webhook(await request.body()))
        return Response()

    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    web = WebThread(Starlette(routes=[Route("/", take, methods=["POST"])]), listener, "receiver")
    route = {"receiver": "bridge", "group_wait": "1s", "group_interval": "1s", "repeat_interval": "4h"}
    receiver = {"name": "bridge", "webhook_configs": [{"url": url}]}
    with run_alertmanager(tmp_path, {"route": route, "receivers": [receiver]}) as program:
        yield program.url
    web.stop()


def told(store: Store) -> list[Message]:
    with store.read() as connection:
        return outbox.newest(connection, 10)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_an_alert_that_was_away_for_seconds_is_told_within_a_minute(store: Store, alertmanager: str) -> None:
    since = datetime.now(UTC) - timedelta(minutes=10)

    def post(seconds: float) -> bool:
        """Prometheus says that it fires, and will have ended then unless it says so again."""
        alert = {
            "labels": {"alertname": "Bad", "severity": "critical"},
            "startsAt": since.isoformat(),
            "endsAt": (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(),
        }
        try:
            answer = requests.post(f"{alertmanager}/api/v2/alerts", json=[alert], timeout=10)
        except requests.ConnectionError:
            return False
        return answer.status_code == 200

    wait_until(lambda: post(5.0), timeout=60)
    wait_until(lambda: len(told(store)) == 2, timeout=60)
    resolved = wall()
    assert post(600.0)
    wait_until(lambda: len(told(store)) == 3, timeout=60)
    assert [message.subject.split()[0] for message in told(store)] == [
        "[CRITICAL]",
        "[RESOLVED]",
        "[CRITICAL]",
    ]
    assert told(store)[2].next_attempt <= resolved + LATE
