"""The shipped inhibition rules in a real Alertmanager: what was told to fire is told to be over."""

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from recwatch.testing import wait_until
from recwatch.testing.web import WebThread
from recwatch_bridge.accepting.payload import parse_webhook

pytestmark = pytest.mark.all

Labels = dict[str, str]
ON = {"service": "recommender", "model": "als"}
ERRORS = {"alertname": "RecommenderErrorRateHigh", "severity": "critical", "symptom": "errors", **ON}
ROUTE = {**ERRORS, "alertname": "HttpErrorRateHigh", "route": "/"}
SLOW = {"alertname": "RecommenderLatencyHigh", "severity": "warning", "symptom": "latency", **ON}
PAGE = {"alertname": "AvailabilityBudgetBurn", "severity": "critical", "symptom": "errors", **ON}
DOWN = {"alertname": "RecommenderDown", "severity": "critical", "scope": "service", "service": "recommender"}


class Alerts:
    """Alerts as Prometheus sends them, and what Alertmanager tells of them."""

    def __init__(self) -> None:
        self.url = ""
        self.told: list[tuple[str, str]] = []
        self._began: dict[str, str] = {}

    async def take(self, request: Request) -> Response:
        webhook = parse_webhook(await request.body())
        self.told += [(alert.status, alert.name) for alert in webhook.alerts]
        return Response()

    def fire(self, labels: Labels) -> None:
        self._began[labels["alertname"]] = _now()
        self._send({"labels": labels, "startsAt": self._began[labels["alertname"]]})

    def tell(self, labels: Labels) -> None:
        """Fire, until it is told."""
        self.fire(labels)
        self.until(("firing", labels["alertname"]))

    def end(self, labels: Labels) -> None:
        """Prometheus sends what is resolved again, every minute for a quarter of an hour."""
        began = self._began[labels["alertname"]]
        self._send({"labels": labels, "startsAt": began, "endsAt": _now()})

    def until(self, *told: tuple[str, str], again: Labels | None = None) -> None:
        def arrived() -> bool:
            if again is not None:
                self.end(again)
            return set(told) <= set(self.told)

        wait_until(arrived, timeout=30, what=f"{told} of {self.told}")

    def until_held_back(self, labels: Labels) -> None:
        def held_back() -> bool:
            found = requests.get(f"{self.url}/api/v2/alerts", timeout=10).json()
            return any(one["status"]["state"] == "suppressed" and one["labels"] == labels for one in found)

        wait_until(held_back, timeout=30)

    def swallowed(self) -> float:
        """How often an alert was left out of what is told, because another one holds it back."""
        text = requests.get(f"{self.url}/metrics", timeout=10).text
        lines = [
            line for line in text.splitlines() if line.startswith("alertmanager_notifications_suppressed")
        ]
        return sum(float(line.split()[-1]) for line in lines if 'reason="inhibition"' in line)

    def _send(self, alert: dict[str, Any]) -> None:
        requests.post(f"{self.url}/api/v2/alerts", json=[alert], timeout=10).raise_for_status()


def _now() -> str:
    return datetime.now(UTC).isoformat()


@pytest.fixture
def alerts(
    run_shipped: Callable[..., AbstractContextManager[Any]], config: dict[str, Any]
) -> Iterator[Alerts]:
    """An Alertmanager with the shipped groups and inhibition rules, its minutes made parts of seconds."""
    alerts = Alerts()
    listening = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    receiver = {"name": "all", "webhook_configs": [{"url": address, "send_resolved": True}]}
    web = WebThread(Starlette(routes=[Route("/", alerts.take, methods=["POST"])]), listening, "receiver")
    groups = config["route"]["group_by"]
    with run_shipped(receiver, group_by=groups, group_interval="200ms") as program:
        alerts.url = program.url
        yield alerts
    web.stop()


def test_a_page_of_an_slo_is_over_while_the_service_is_down(alerts: Alerts) -> None:
    alerts.tell(PAGE)
    alerts.tell(DOWN)
    alerts.end(PAGE)

    alerts.until(("resolved", "AvailabilityBudgetBurn"))
    assert ("resolved", "RecommenderDown") not in alerts.told


@pytest.mark.parametrize(
    ("told", "by"),
    [(ERRORS, PAGE), (ERRORS, DOWN), (ROUTE, ERRORS)],
    ids=["page", "down", "recommendations"],
)
def test_what_goes_on_for_as_long_as_it_is_held_back_is_told_to_be_over_after_it(
    told: Labels, by: Labels, alerts: Alerts
) -> None:
    """The rules let it go on: prometheus/tests/service.held.yml."""
    alerts.tell(told)
    alerts.tell(by)
    alerts.until_held_back(told)
    alerts.end(by)
    alerts.until(("resolved", by["alertname"]))
    alerts.end(told)

    alerts.until(("resolved", told["alertname"]))
    assert alerts.told.count(("firing", told["alertname"])) == 1


@pytest.mark.parametrize(("told", "by"), [(ERRORS, PAGE), (SLOW, DOWN)], ids=["page", "down"])
def test_an_end_that_is_repeated_is_told_when_nothing_holds_it_back_any_more(
    told: Labels, by: Labels, alerts: Alerts
) -> None:
    alerts.tell(told)
    alerts.tell(by)
    alerts.until_held_back(told)
    alerts.end(told)
    before = alerts.swallowed()
    wait_until(lambda: alerts.swallowed() > before, timeout=30)
    alerts.end(by)
    alerts.until(("resolved", by["alertname"]))

    alerts.until(("resolved", told["alertname"]), again=told)


def test_what_began_while_it_was_held_back_is_never_told(alerts: Alerts) -> None:
    alerts.tell(DOWN)
    alerts.fire(SLOW)
    alerts.until_held_back(SLOW)
    alerts.end(SLOW)
    alerts.end(DOWN)

    alerts.until(("resolved", "RecommenderDown"), again=SLOW)
    assert "RecommenderLatencyHigh" not in {name for _, name in alerts.told}
