"""A bridge in parts and as a real process, with real ends: an SMTP server, a Slack webhook, a trainer."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from prometheus_client import CollectorRegistry

from recwatch.registry import ModelRegistry
from recwatch.testing import MailServer, SlackServer, free_port, wait_until
from recwatch_bridge.accepting.accept import Acceptor
from recwatch_bridge.accepting.payload import Webhook, parse_webhook
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.retraining.policy import Limits
from recwatch_bridge.storage.store import Store

TOKEN = "a-token-for-tests"

LABELS = {"severity": "warning", "model": "als", "action": "retrain"}
GOOD_RESULT = {"metrics": {"ndcg@10": 0.20}, "serving_metrics": {"ndcg@10": 0.19}, "samples": 500}


@dataclass
class FakeClock:
    """A wall clock that stands until it is moved."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Workplace:
    """A folder with a configuration, its secrets and a trainer, and the ends that the configuration names."""

    folder: Path
    mail: MailServer
    slack: SlackServer
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        path = self.folder / "bridge.yml"
        path.write_text(yaml.safe_dump(self.settings), encoding="utf-8")
        return path

    @property
    def hold(self) -> Path:
        return self.folder / "hold"

    @property
    def registry(self) -> ModelRegistry:
        return ModelRegistry(self.folder / "artifacts" / "als")

    def plan(self, **plan: Any) -> None:
        (self.folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")

    def starts(self) -> list[str]:
        path = self.folder / "starts"
        return path.read_text(encoding="utf-8").split() if path.exists() else []


@dataclass
class BridgeProcess:
    """The real bridge."""

    process: subprocess.Popen[bytes]
    url: str

    def post(self, path: str, body: Any, token: str = TOKEN) -> requests.Response:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}"}
        return requests.post(self.url + path, data=data, headers=headers, timeout=20)

    def get(self, path: str, token: str = TOKEN) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        answer = requests.get(self.url + path, headers=headers, timeout=20)
        answer.raise_for_status()
        return answer.json()

    def run_in(self, state: str) -> Callable[[], bool]:
        return lambda: any(run["state"] == state for run in self.get("/api/v1/runs"))

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


Alerts = Callable[..., dict[str, Any]]


@pytest.fixture
def alert() -> Alerts:
    """Builds one alert as Alertmanager sends it."""

    def build(
        name: str = "DriftDetected",
        *,
        fingerprint: str = "f1",
        status: str = "firing",
        starts_at: str = "2026-11-21T03:15:00.123Z",
        labels: dict[str, str] | None = None,
        annotations: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        return {
            "status": status,
            "labels": {"alertname": name, **LABELS, **(labels or {})},
            "annotations": {"summary": "rating_scale has drifted", **(annotations or {})},
            "startsAt": starts_at,
            "endsAt": "0001-01-01T00:00:00Z" if status == "firing" else "2026-11-21T04:00:00Z",
            "generatorURL": "http://prometheus.example/graph?g0.expr=drift",
            "fingerprint": fingerprint,
        }

    return build


@pytest.fixture
def group() -> Alerts:
    """Builds a webhook's body from alerts."""

    def build(*alerts: dict[str, Any], truncated: int = 0) -> dict[str, Any]:
        firing = any(alert["status"] == "firing" for alert in alerts)
        return {
            "version": "4",
            "groupKey": '{}:{alertname="DriftDetected"}',
            "truncatedAlerts": truncated,
            "receiver": "email",
            "status": "firing" if firing else "resolved",
            "alerts": list(alerts),
            "groupLabels": {"alertname": "DriftDetected"},
            "commonLabels": {},
            "commonAnnotations": {},
            "externalURL": "http://alertmanager.example",
        }

    return build


@pytest.fixture
def webhook(group: Alerts) -> Callable[..., Webhook]:
    """Builds a webhook that was read already."""
    return lambda *alerts, **more: parse_webhook(json.dumps(group(*alerts, **more)).encode())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> BridgeMetrics:
    return BridgeMetrics(registry, sinks=["email", "slack"], models=["als"])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path}/data/bridge.db", lock_timeout=0.2)
    yield opened
    opened.close()


@pytest.fixture
def stores(postgresql_url: str) -> Iterator[tuple[Store, Store]]:
    """Those of two bridges on one PostgreSQL database."""
    both = Store(postgresql_url), Store(postgresql_url)
    yield both
    for store in both:
        store.close()


@pytest.fixture
def acceptor(store: Store, metrics: BridgeMetrics, clock: FakeClock) -> Acceptor:
    """Accepts for the model `als`: an hour of cooldown, at most three runs a day."""
    limits = {"als": Limits(cooldown=3600.0, max_per_day=3)}
    return Acceptor(store, limits=limits, metrics=metrics, clock=clock, wake=lambda: None)


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


@pytest.fixture
def workplace(tmp_path: Path, mail: MailServer, slack: SlackServer) -> Workplace:
    """A folder whose bridge.yml names the fake ends and a trainer that makes a good model."""
    (tmp_path / "token").write_text(f"{TOKEN}\n", encoding="utf-8")
    (tmp_path / "slack_url").write_text(slack.url, encoding="utf-8")
    shutil.copyfile(Path(__file__).with_name("trainer.py"), tmp_path / "trainer.py")
    retry = {"initial": "100ms", "max": "500ms"}
    place = Workplace(
        tmp_path,
        mail,
        slack,
        {
            "store": "sqlite:///data/bridge.db",
            "tokens": [{"file": "token", "scopes": ["alerts", "manage"]}],
            "sinks": {
                "email": {
                    "host": mail.host,
                    "port": mail.port,
                    "tls": "none",
                    "from": "alerts@example.com",
                    "to": ["team@example.com"],
                    "retry": retry,
                },
                "slack": {"webhook_url_file": "slack_url", "min_interval": "0", "retry": retry},
            },
            "models": {
                "als": {
                    "launcher": {"type": "command", "argv": [sys.executable, "trainer.py"]},
                    "artifacts": "artifacts/als",
                    "gate": {"ndcg@10": {"ratio": 0.95}},
                    "min_samples": 100,
                    "cooldown": "1h",
                    "timeout": "1m",
                }
            },
        },
    )
    place.plan(result=GOOD_RESULT)
    return place


@pytest.fixture
def start(workplace: Workplace) -> Iterator[Callable[..., BridgeProcess]]:
    """Starts the real bridge on the workplace; may be called again after a kill."""
    started: list[BridgeProcess] = []

    def begin(*, ready: bool = True) -> BridgeProcess:
        port = free_port()
        argv = [sys.executable, "-m", "recwatch_bridge", "--config.file", str(workplace.config)]
        with (workplace.folder / "bridge.log").open("ab") as output:
            process = subprocess.Popen(
                [*argv, "--web.listen-address", f"127.0.0.1:{port}"], stdout=output, stderr=output
            )
        bridge = BridgeProcess(process, f"http://127.0.0.1:{port}")
        started.append(bridge)
        if ready:
            wait_until(lambda: _answers(bridge), timeout=60)
        return bridge

    yield begin
    workplace.hold.unlink(missing_ok=True)
    for bridge in started:
        if bridge.process.poll() is None:
            bridge.kill()


def _answers(bridge: BridgeProcess) -> bool:
    if bridge.process.poll() is not None:
        pytest.fail("the bridge ended; see bridge.log")
    try:
        return requests.get(f"{bridge.url}/-/ready", timeout=5).ok
    except (requests.ConnectionError, requests.Timeout):
        return False
