"""The bridge's HTTP side on a real server, over a real database, without workers: what is stored stays."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy import insert, update

from recwatch.registry import Manifest, ModelRegistry
from recwatch.testing import wait_until
from recwatch_bridge.accepting.accept import Acceptor
from recwatch_bridge.delivering import outbox
from recwatch_bridge.messages.notification import Entry, Notification
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.retraining import rollbacks, runs
from recwatch_bridge.retraining.bookkeeper import Bookkeeper
from recwatch_bridge.retraining.policy import Limits
from recwatch_bridge.retraining.runs import Reason
from recwatch_bridge.secret import Doorkeeper, Token
from recwatch_bridge.storage import schema
from recwatch_bridge.storage.store import Store
from recwatch_bridge.web.app import Service, create_app
from recwatch_bridge.web.protocol import LimitedHeadProtocol

ALERTS, READ, MANAGE, EVERYTHING = "deliver-4f1c", "look-77ab", "decide-90de", "everything-1d"
HOSTILE = "</td><script>alert('data')</script>{{7*7}}\u202e \N{CLAPPER BOARD}"
PICTURE = b"\x89PNG\r\n\x1a\n and the rest"


@dataclass
class Site:
    """A running server, and what stands behind it."""

    url: str
    store: Store
    registry: ModelRegistry
    folder: Path
    metrics: BridgeMetrics
    app: FastAPI
    woken: list[str] = field(default_factory=list)
    session: requests.Session = field(default_factory=requests.Session)

    def get(self, path: str, token: str | None = MANAGE, **more: Any) -> requests.Response:
        return self._send("GET", path, token, **more)

    def post(self, path: str, token: str | None = MANAGE, **more: Any) -> requests.Response:
        return self._send("POST", path, token, **more)

    def login(self, token: str = MANAGE) -> requests.Session:
        """A browser that is logged in."""
        browser = requests.Session()
        answer = browser.post(
            f"{self.url}/login", data={"token": token}, headers={"Origin": self.url}, timeout=20
        )
        assert answer.status_code == 200, answer.text
        return browser

    def counted(self, reason: str) -> float:
        return self.value("bridge_requests_refused_total", reason=reason)

    def value(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    def _send(self, method: str, path: str, token: str | None, **more: Any) -> requests.Response:
        headers = dict(more.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self.session.request(
            method, self.url + path, headers=headers, timeout=20, allow_redirects=False, **more
        )


@pytest.fixture
def versions(tmp_path: Path) -> ModelRegistry:
    """Three versions, of which the second is in service after the first."""
    registry = ModelRegistry(tmp_path / "artifacts" / "als")
    for number in (1, 2, 3):
        with registry.publish(f"v{number}") as folder:
            trained = datetime(2026, 11, number, tzinfo=UTC)
            manifest = Manifest(
                model="als",
                version=f"v{number}",
                trained_at=trained,
                data_version="test",
                metrics={"ndcg@10": (18 + number) / 100},
            )
            manifest.write(folder)
    registry.promote("v1", reason="the first")
    registry.promote("v2", reason="better")
    return registry


@pytest.fixture
def external_url() -> str | None:
    """Overridden by tests that want one."""
    return None


@pytest.fixture
def site(  # noqa: PLR0917 - a fixture's arguments are fixtures
    store: Store,
    metrics: BridgeMetrics,
    registry: CollectorRegistry,
    versions: ModelRegistry,
    tmp_path: Path,
    clock: Any,
    external_url: str | None,
) -> Iterator[Site]:
    """A server with tokens of each scope, the model `als`, and nothing that happened yet."""
    woken: list[str] = []
    limits = {"als": Limits(cooldown=3600.0, max_per_day=3)}
    service = Service(
        acceptor=Acceptor(store, limits=limits, metrics=metrics, clock=clock, wake=lambda: None),
        store=store,
        books=Bookkeeper(
            store,
            folder=tmp_path / "runs",
            sinks=["email", "slack"],
            metrics=metrics,
            clock=clock,
            wake_sinks=lambda: woken.append("sinks"),
        ),
        doorkeeper=Doorkeeper(
            [
                Token(ALERTS, frozenset({"alerts"}), "alertmanager"),
                Token(READ, frozenset({"read"}), "ben"),
                Token(MANAGE, frozenset({"manage"}), "ana"),
                Token(EVERYTHING, frozenset({"alerts", "read", "manage"})),
            ]
        ),
        metrics=metrics,
        sinks=["email", "slack"],
        runs_folder=tmp_path / "runs",
        max_body_bytes=100_000,
        ailing=list,
        start=lambda: None,
        stop=lambda: None,
        registries={"als": versions},
        limits=limits,
        external_url=external_url,
        clock=clock,
        wake=lambda: woken.append("everybody"),
    )
    app = create_app(service, registry)
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_config=None, access_log=False, http=LimitedHeadProtocol)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    opened = Site(url, store, versions, tmp_path, metrics, app, woken)
    yield opened
    opened.session.close()
    server.should_exit = True
    thread.join()


@pytest.fixture
def add_message(store: Store, clock: Any) -> Callable[..., str]:
    """Puts a message into the outbox, delivered, waiting or dead; returns its uid."""

    def add(
        subject: str = "[WARNING] A: b", *, state: str = "pending", sink: str = "email", **row: Any
    ) -> str:
        told = Notification(subject=subject, tone="warning", entries=(Entry(title="A"),))
        with store.write() as connection:
            uid = outbox.enqueue(connection, told, sink=sink, kind="alerts", about=["a"], now=clock())
            done = {} if state == "pending" else {"finished": clock()}
            of_it = schema.messages.c.uid == uid
            connection.execute(update(schema.messages).where(of_it).values(state=state, **done, **row))
        return uid

    return add


@pytest.fixture
def add_run(store: Store, clock: Any) -> Callable[..., str]:
    """Adds a run in any state; returns its id."""

    def add(state: str = "promoted", *reasons: str, model: str = "als", **row: Any) -> str:
        with store.write() as connection:
            run_id = runs.create(connection, model, "alert", not_before=clock(), now=clock())
            for number, reason in enumerate(reasons):
                runs.join(connection, run_id, Reason((f"f{number}", "2026"), reason), clock())
            of_it = schema.runs.c.id == run_id
            connection.execute(update(schema.runs).where(of_it).values(state=state, **row))
        return run_id

    return add


@pytest.fixture
def add_picture(store: Store, clock: Any) -> Callable[[str], None]:
    """Stores a picture under a name."""

    def add(name: str) -> None:
        with store.write() as connection:
            connection.execute(insert(schema.pictures).values(name=name, created=clock(), png=PICTURE))

    return add


@dataclass
class Busy:
    """A site on which everything stands that there can be; the ids of some of it."""

    site: Site
    approving: str
    promoted: str
    failed: str
    dead: str


@pytest.fixture
def busy(site: Site, add_run: Any, add_message: Any, clock: Any) -> Busy:
    """Runs and messages in every state, with hostile text wherever data stands."""
    now = clock()
    gate = Path(__file__).with_name("gate.json").read_text(encoding="utf-8")
    promoted = add_run(
        "promoted",
        "DriftDetected: rating_scale has drifted (KS 0.199, threshold 0.1)",
        "ModelQualityDegraded: ndcg@10 of als fell to 0.141",
        version="v2",
        serving="v1",
        gate=gate,
        started=now - 7000,
        finished=now - 6800,
        reload="done",
        watch="passed",
    )
    failed = add_run(
        "failed",
        HOSTILE,
        started=now - 4000,
        finished=now - 3990,
        error=f"the trainer ended with exit code 1: {HOSTILE}",
        log_url="javascript:alert(1)",
    )
    add_run("refused", "asked for by ana", version="v3", gate=gate, started=now - 300, finished=now - 200)
    add_run("withdrawn", finished=now - 100, error="every alert was resolved before the run began")
    approving = add_run(
        "approving",
        "DriftDetected: rating_scale has drifted",
        version="v3",
        serving="v2",
        gate=gate,
        started=now - 90,
        approve_until=now + 80_000,
    )
    log = site.folder / "runs" / failed / "trainer.log"
    log.parent.mkdir(parents=True)
    lines = "".join(f"epoch {number}: loss {1 / number:.4f}\n" for number in range(1, 80))
    log.write_text(f"{lines}{HOSTILE}\x00\n", encoding="utf-8")
    add_message("[WARNING] RecommenderLatencyHigh: avg 312 ms over 5 min", state="delivered")
    add_message("[RESOLVED] RecommenderLatencyHigh: avg 312 ms over 5 min", state="delivered", sink="slack")
    add_message(
        f"[CRITICAL] Hostile: {HOSTILE}",
        attempts=3,
        next_attempt=now + 40,
        error="mail.example.com: connection refused",
    )
    dead = add_message(
        "[CRITICAL] RecommenderDown: no answer for 5 min",
        state="dead",
        sink="slack",
        attempts=1,
        error="404 no_team: the webhook's address is not known to Slack (any more)",
    )
    add_message("[INFO] Model promoted: als v2", state="dead", attempts=40, error="given up after 3 d")
    with site.store.write() as connection:
        rollbacks.create(
            connection, "als", trigger="manual", reason="by ana: wrong data", serving="v2", now=now - 50
        )
    return Busy(site, approving, promoted, failed, dead)
