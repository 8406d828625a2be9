"""The report by the clock, with a Prometheus that answers what a test says."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from recwatch.report import prometheus
from recwatch.report.questions import QUESTIONS
from recwatch.testing import PrometheusServer
from recwatch.testing.prometheus import Question
from recwatch_bridge.config import Report as Settings
from recwatch_bridge.delivering import outbox
from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.messages.attached import KeptAttachments
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.reporting.reporter import Reporter
from recwatch_bridge.retraining.schedule import Schedule, read_report_schedule
from recwatch_bridge.scheduled import LATE, RETRY, Frame
from recwatch_bridge.storage.store import Store

SCHEDULE = read_report_schedule(Settings())
WEEK = timedelta(days=7)


@pytest.fixture
def server() -> Iterator[PrometheusServer]:
    with PrometheusServer() as started:
        yield started


@dataclass
class Scene:
    """What a reporter needs and leaves behind."""

    store: Store
    metrics: BridgeMetrics
    clock: Any
    server: PrometheusServer
    sinks: tuple[str, ...] = ("email",)
    schedule: Schedule = SCHEDULE
    woken: list[str] = field(default_factory=list)

    def reporter(self, store: Store | None = None) -> Reporter:
        """A worker, as after a restart."""
        frame = Frame(
            store or self.store,
            self.schedule,
            told=["email", "slack"],
            metrics=self.metrics,
            clock=self.clock,
            wake_sinks=lambda: self.woken.append("sinks"),
        )
        return Reporter(frame, prometheus.Prometheus(self.server.url), period=WEEK, sinks=self.sinks)

    def on_time(self) -> Reporter:
        """A worker that waited for its first time, which is now."""
        reporter = self.reporter()
        reporter.step()
        self.clock.now = self.schedule.next(self.clock.now)
        return reporter

    @property
    def sent(self) -> list[Message]:
        with self.store.read() as connection:
            return outbox.newest(connection, 50)

    @property
    def asked(self) -> int:
        """How many reports Prometheus was asked for."""
        return sum(question.asked.get("query") == "vector(1)" for question in self.server.messages)

    def count(self, outcome: str) -> float | None:
        return self.metrics.registry.get_sample_value("bridge_reports_total", {"outcome": outcome})


@pytest.fixture
def scene(store: Store, metrics: BridgeMetrics, clock: Any, server: PrometheusServer) -> Scene:
    return Scene(store, metrics, clock, server)


def test_the_report_is_sent_with_its_file(scene: Scene) -> None:
    reporter = scene.on_time()
    due = scene.clock.now
    scene.clock.now += 30
    assert reporter.step() == 0.0
    [message] = scene.sent
    assert (message.sink, message.kind, message.created) == ("email", "report", due + 30)
    assert message.subject == "[REPORT] 7 days: 1 critical, 1 warning"
    file = KeptAttachments(scene.store).of(message)
    assert file is not None
    assert file.name == "recwatch-report-2027-01-18.html"
    html = file.content.decode()
    assert html.startswith("<!doctype html>")
    # About the time until it was due, also where it is made later.
    assert "7 days until 2027-01-18 07:00 UTC" in html
    assert (scene.count("complete"), scene.woken) == (1, ["sinks"])


def test_slack_gets_the_summary_alone(scene: Scene) -> None:
    scene.sinks = ("email", "slack")
    scene.on_time().step()
    email, slack = scene.sent
    assert "attached" in email.body
    assert "The whole report goes by email." in slack.body
    assert KeptAttachments(scene.store).of(slack) is None


def test_it_is_sent_once_a_week(scene: Scene) -> None:
    reporter = scene.on_time()
    for _ in range(5):
        reporter.step()
        scene.clock.now += 60
    scene.reporter().step()
    assert (scene.asked, len(scene.sent)) == (1, 1)
    scene.clock.now = SCHEDULE.next(scene.clock.now)
    reporter.step()
    assert (scene.asked, len(scene.sent)) == (2, 2)


def test_daily(scene: Scene) -> None:
    scene.schedule = read_report_schedule(Settings(schedule="07:00"))
    reporter = scene.on_time()
    for _ in range(3):
        reporter.step()
        scene.clock.now = scene.schedule.next(scene.clock.now)
    assert len(scene.sent) == 3


def test_a_prometheus_that_is_away_for_a_day_is_told(scene: Scene) -> None:
    reporter = scene.on_time()
    scene.server.fail_next(503)
    reporter.step()
    scene.clock.now += LATE
    assert reporter.step() == 0.0
    assert [f"{message.sink}: {message.subject}" for message in scene.sent] == [
        "email: [WARNING] Report failed",
        "slack: [WARNING] Report failed",
    ]
    assert "It could not be made for a day after 2027-01-18 07:00:00 UTC" in scene.sent[0].body
    assert (scene.count("error"), scene.woken) == (1, ["sinks"])


def test_a_report_of_which_most_is_missing_is_tried_again(scene: Scene) -> None:
    class Dull(PrometheusServer):
        def _accept(self, message: Question) -> None:
            super()._accept(message)
            if len(self.messages) == 2:
                self.fail_next(422, 2 * len(QUESTIONS))

    with Dull() as dull:
        scene.server = dull
        assert scene.on_time().step() == RETRY
    assert scene.sent == []


def test_holes_are_told(scene: Scene) -> None:
    class Forgetful(PrometheusServer):
        def _accept(self, message: Question) -> None:
            super()._accept(message)
            if len(self.messages) == 2:
                self.fail_next(422, 3)

    with Forgetful() as forgetful:
        scene.server = forgetful
        assert scene.on_time().step() == 0.0
    [message] = scene.sent
    assert "incomplete: 3 questions without an answer" in message.subject
    assert "It has holes: 3 questions have no answer." in message.body
    assert scene.count("with_holes") == 1


def test_two_bridges_send_it_once(scene: Scene) -> None:
    scene.on_time()
    reporters = [scene.reporter(), scene.reporter()]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda reporter: reporter.step(), reporters))
    assert len(scene.sent) == 1
    assert scene.count("complete") == 1
