"""The weekly look, with a Prometheus that answers what a test says."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from recwatch.testing import PrometheusServer
from recwatch_bridge.accepting.accept import Acceptor
from recwatch_bridge.accepting.payload import Webhook
from recwatch_bridge.config import WeeklyLook as Settings
from recwatch_bridge.delivering import outbox
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.prometheus import Prometheus
from recwatch_bridge.retraining import runs
from recwatch_bridge.retraining.policy import Limits
from recwatch_bridge.retraining.schedule import read_schedule
from recwatch_bridge.retraining.weekly_look import WeeklyLook
from recwatch_bridge.scheduled import LATE, Frame
from recwatch_bridge.storage.store import Store

HOUR, DAY, WEEK = 3_600.0, 86_400.0, 604_800.0
SCHEDULE = read_schedule(Settings())


@pytest.fixture
def server() -> Iterator[PrometheusServer]:
    with PrometheusServer() as started:
        yield started


@dataclass
class Scene:
    """What a look needs and leaves behind."""

    store: Store
    metrics: BridgeMetrics
    clock: Any
    server: PrometheusServer
    woken: list[str] = field(default_factory=list)

    def look(self) -> WeeklyLook:
        """A worker, as after a restart."""
        frame = Frame(
            self.store,
            SCHEDULE,
            told=["email", "slack"],
            metrics=self.metrics,
            clock=self.clock,
            wake_sinks=lambda: self.woken.append("sinks"),
        )
        return WeeklyLook(
            frame,
            Prometheus(self.server.url, metrics=self.metrics),
            limits={"als": Limits(HOUR, 3), "bpr": Limits(HOUR, 3)},
            wake_models=lambda: self.woken.append("models"),
        )

    def fire(self, model: str = "als", *, state: str = "firing", **labels: str) -> dict[str, Any]:
        """Let an alert fire in Prometheus; returns it, to be changed."""
        named = {"alertname": "DriftDetected", "action": "retrain", "model": model, **labels}
        self.server.fire(named, state=state)
        alert = self.server.alerts[-1]
        alert["annotations"] = {"summary": "rating_scale has drifted"}
        return alert

    @property
    def asked(self) -> int:
        """How often Prometheus was asked."""
        return len(self.server.messages)

    def on_time(self) -> WeeklyLook:
        """A worker that waited for its first time, which is now."""
        look = self.look()
        look.step()
        self.clock.now = SCHEDULE.next(self.clock.now)
        return look

    @property
    def runs(self) -> list[tuple[str, str, list[str]]]:
        with self.store.read() as connection:
            found = runs.newest(connection, 50)
        return [(run.model, run.trigger, [reason.text for reason in why]) for run, why in found]

    @property
    def subjects(self) -> list[str]:
        with self.store.read() as connection:
            return [f"{message.sink}: {message.subject}" for message in outbox.newest(connection, 50)]

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


@pytest.fixture
def scene(store: Store, metrics: BridgeMetrics, clock: Any, server: PrometheusServer) -> Scene:
    return Scene(store, metrics, clock, server)


def finish(scene: Scene) -> None:
    """Let every run that waits have failed by now."""
    with scene.store.write() as connection:
        for run, _ in runs.newest(connection, 50):
            if run.state == "pending":
                runs.move(connection, run, "running", scene.clock.now, started=scene.clock.now)
                runs.move(connection, runs.get(connection, run.id), "failed", scene.clock.now)


def test_alerts_that_fire_lead_to_runs(scene: Scene) -> None:
    scene.fire("als", check="rating_scale")["activeAt"] = "2027-01-15T03:15:00.5Z"
    scene.fire("als", check="popularity")["activeAt"] = "2027-01-15T03:15:00.5Z"
    scene.fire("bpr")
    scene.on_time().step()
    text = "DriftDetected: rating_scale has drifted"
    assert scene.runs == [("als", "schedule", [text, text]), ("bpr", "schedule", [text])]
    assert scene.woken == ["models"]
    assert scene.value("bridge_weekly_looks_total", outcome="success") == 1
    with scene.store.read() as connection:
        reasons = runs.reasons_of(connection, runs.newest(connection, 50)[0][0].id)
    assert reasons[0].episode[0].startswith("look:")
    assert reasons[0].episode[1] == "2027-01-15T03:15:00.500+00:00"


def test_look_is_made_once_a_week(scene: Scene) -> None:
    scene.fire()
    look = scene.on_time()
    for _ in range(5):
        look.step()
        scene.clock.now += 60
    scene.look().step()
    assert (scene.asked, len(scene.runs)) == (1, 1)
    finish(scene)
    scene.clock.now = SCHEDULE.next(scene.clock.now)
    look.step()
    assert (scene.asked, len(scene.runs)) == (2, 2)


def test_what_asks_for_nothing_leads_to_nothing(scene: Scene) -> None:
    scene.fire(action="page")
    scene.fire(state="pending")
    scene.fire("unknown")
    scene.fire(check="held")["annotations"]["action"] = "wait"
    scene.fire(check="failed")["annotations"]["action"] = "<error expanding template: timeout>"
    scene.on_time().step()
    assert (scene.runs, scene.subjects, scene.woken) == ([], [], [])
    assert scene.value("bridge_alerts_ignored_total", reason="unknown_model") == 1
    assert scene.value("bridge_alerts_ignored_total", reason="held") == 2
    assert scene.value("bridge_weekly_looks_total", outcome="success") == 1


def test_look_joins_a_run_that_goes_on(scene: Scene) -> None:
    scene.fire()
    look = scene.on_time()
    with scene.store.write() as connection:
        runs.create(connection, "als", "alert", not_before=scene.clock.now, now=scene.clock.now)
    look.step()
    assert scene.runs == [("als", "alert", ["DriftDetected: rating_scale has drifted"])]


def test_look_keeps_no_run_whose_alerts_were_resolved(
    scene: Scene, acceptor: Acceptor, webhook: Callable[..., Webhook], alert: Callable[..., Any]
) -> None:
    drift = scene.fire()
    look = scene.on_time()
    with scene.store.write() as connection:
        runs.create(connection, "als", "manual", not_before=scene.clock.now, now=scene.clock.now)
    finish(scene)
    (waits,) = acceptor.retrain(webhook(alert(labels=drift["labels"]))).runs
    look.step()
    assert len(scene.runs[1][2]) == 2
    acceptor.retrain(webhook(alert(labels=drift["labels"], status="resolved")))
    with scene.store.read() as connection:
        assert runs.get(connection, waits).state == "withdrawn"


def test_look_during_the_cooldown_leads_to_no_run(scene: Scene) -> None:
    scene.fire()
    look = scene.on_time()
    with scene.store.write() as connection:
        runs.create(connection, "als", "alert", not_before=scene.clock.now, now=scene.clock.now)
    finish(scene)
    look.step()
    assert len(scene.runs) == 1
    assert scene.value("bridge_alerts_ignored_total", reason="cooling_down") == 1


def test_prometheus_that_is_away_for_a_day_is_told(scene: Scene) -> None:
    scene.server.fail_next(503)
    look = scene.on_time()
    look.step()
    scene.clock.now += LATE
    look.step()
    look.step()
    assert scene.subjects == ["email: [WARNING] Weekly look failed", "slack: [WARNING] Weekly look failed"]
    assert scene.value("bridge_weekly_looks_total", outcome="error") == 1
    assert scene.woken == ["sinks"]


def test_two_bridges_look_once(scene: Scene) -> None:
    scene.fire()
    first = scene.on_time()
    second = scene.look()
    barrier = threading.Barrier(2)

    def both(step: Callable[[], float]) -> None:
        barrier.wait()
        step()

    threads = [threading.Thread(target=both, args=(look.step,)) for look in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (found,) = scene.runs
    assert len(found[2]) == 1
    assert scene.value("bridge_weekly_looks_total", outcome="success") == 1


def test_reason_keeps_its_episode(scene: Scene) -> None:
    alert = scene.fire()
    scene.on_time().step()
    with scene.store.read() as connection:
        (first,) = runs.reasons_of(connection, runs.newest(connection, 1)[0][0].id)
    finish(scene)
    alert["labels"] = dict(reversed(alert["labels"].items()))
    scene.clock.now = SCHEDULE.next(scene.clock.now)
    scene.look().step()
    with scene.store.read() as connection:
        (second,) = runs.reasons_of(connection, runs.newest(connection, 1)[0][0].id)
    assert first == second
