"""A command, a person's approval, a rollback and a watch: from an alert to the version in service."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import yaml
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from recwatch.testing import PrometheusServer, wait_until
from recwatch.testing.faults import FaultyServer

RELOAD_TOKEN = "a-reload-token"


class Shop(FaultyServer):
    """A service as far as its reload address goes."""

    def __init__(self) -> None:
        self.reloads: list[str | None] = []
        super().__init__()

    def _routes(self) -> Sequence[Route]:
        return [Route("/reload", self._reload, methods=["POST"])]

    async def _reload(self, request: Request) -> Response:
        self.reloads.append(request.headers.get("authorization"))
        return Response(status_code=204)


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as server:
        yield server


@pytest.fixture
def als(workplace: Any, shop: Shop, prometheus: PrometheusServer) -> Callable[[], dict[str, Any]]:
    """The page's model; what it names elsewhere is led to the test's servers."""

    def lead() -> dict[str, Any]:
        settings = workplace.settings
        model: dict[str, Any] = settings["models"]["als"]
        if "reload_url" in model:
            assert model["reload_url"] == "http://shop:8000/reload"
            model["reload_url"] = f"{shop.url}/reload"
        if "prometheus_url" in settings:
            settings["prometheus_url"] = prometheus.url
        return model

    return lead


def test_a_command(
    *, workplace: Any, set_up: Any, start: Any, als: Any, shop: Shop, alert: Any, group: Any
) -> None:
    set_up("A trainer: a command", secrets={"reload_token": RELOAD_TOKEN})
    als()
    bridge = start()
    assert bridge.post("/actions/retrain", group(alert(labels={"action": "retrain"}))).status_code == 200
    workplace.mail.wait_for(lambda message: "Model promoted: als" in message["Subject"], timeout=90)
    [run] = bridge.get("/api/v1/runs")
    assert run["version"] == workplace.registry.current()
    wait_until(lambda: len(shop.reloads) == 1, timeout=90)
    assert shop.reloads == [f"Bearer {RELOAD_TOKEN}"]


def test_approval_by_the_api(
    *, workplace: Any, set_up: Any, start: Any, secret_of: Any, alert: Any, group: Any
) -> None:
    set_up("A person's approval")
    bridge = start()
    bridge.post("/actions/retrain", group(alert()))
    wait_until(bridge.run_in("approving"), timeout=90)
    [run] = bridge.get("/api/v1/runs")
    assert workplace.registry.current() is None
    mail = workplace.mail.wait_for(lambda message: "Approval needed" in message["Subject"])
    link = f"{workplace.settings['external_url']}/runs/{run['id']}"
    assert link in mail.get_body(("plain",)).get_content()

    def answer(what: str, token: str) -> int:
        headers = {"Authorization": f"Bearer {secret_of(token)}"}
        url = f"{bridge.url}/api/v1/runs/{run['id']}/{what}"
        return requests.post(url, headers=headers, timeout=20).status_code

    assert answer("approve", "alertmanager_token") == 403
    assert answer("approve", "ana_token") == 200
    wait_until(bridge.run_in("promoted"), timeout=90)
    assert workplace.registry.current() == run["version"]
    assert answer("reject", "ana_token") == 409
    promoted = workplace.mail.wait_for(lambda message: "Model promoted" in message["Subject"], timeout=90)
    assert "ana" in promoted.get_body(("plain",)).get_content()


def test_an_alert_rolls_back(
    *,
    workplace: Any,
    set_up: Any,
    start: Any,
    als: Any,
    blocks: Any,
    publish: Any,
    prometheus: PrometheusServer,
    alert: Any,
    group: Any,
) -> None:
    set_up("Rollback and watch")
    als()
    (rule,) = yaml.safe_load(blocks["Rollback and watch"][1][1])
    versions = [publish(), publish()]
    for version in versions:
        workplace.registry.promote(version, reason="by hand")
    prometheus.fire({"alertname": rule["alert"], "model": "als", **rule["labels"]})
    bridge = start()
    since = datetime.now(UTC).isoformat()
    bridge.post("/actions/rollback", group(alert(rule["alert"], labels=rule["labels"], starts_at=since)))
    workplace.mail.wait_for(lambda message: "Model rolled back: als" in message["Subject"], timeout=90)
    assert workplace.registry.current() == versions[0]


@pytest.mark.all
def test_a_promotion_that_fails_is_rolled_back(
    *,
    workplace: Any,
    set_up: Any,
    start: Any,
    als: Any,
    publish: Any,
    shop: Shop,
    prometheus: PrometheusServer,
    alert: Any,
    group: Any,
) -> None:
    set_up("Rollback and watch")
    als()
    before = publish()
    workplace.registry.promote(before, reason="by hand")
    prometheus.default = 100.0  # requests, and as many errors
    bridge = start()
    bridge.post("/actions/retrain", group(alert()))
    workplace.mail.wait_for(lambda message: "Model promoted: als" in message["Subject"], timeout=90)
    workplace.mail.wait_for(lambda message: "Model rolled back: als" in message["Subject"], timeout=90)
    assert workplace.registry.current() == before
    wait_until(lambda: len(shop.reloads) == 2, timeout=90)
