"""Work by a schedule, of a kind that does what a test says."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Connection

from recwatch.errors import RecwatchError
from recwatch_bridge.config import Report
from recwatch_bridge.delivering import outbox
from recwatch_bridge.messages.notice import notice
from recwatch_bridge.messages.notification import Notification
from recwatch_bridge.metrics import REPORTER, BridgeMetrics
from recwatch_bridge.retraining.policy import DAY
from recwatch_bridge.retraining.schedule import read_report_schedule
from recwatch_bridge.scheduled import LATE, RETRY, Frame, Scheduled, Write
from recwatch_bridge.storage.store import Store

SCHEDULE = read_report_schedule(Report())


class Job(Scheduled):
    """Raises the errors that it is given, one a try, then works."""

    def __init__(self, frame: Frame) -> None:
        super().__init__(REPORTER, "the job", "job", frame, frame.metrics.reports)
        self.errors: list[Exception] = []
        self.tries: list[float] = []
        self.done = 0

    def prepare(self, due: float) -> Write:
        self.tries.append(due)
        if self.errors:
            raise self.errors.pop(0)

        def after() -> None:
            self.done += 1

        def write(_connection: Connection) -> Callable[[], None]:
            return after

        return write

    def failed(self, error: str, due: float) -> Notification:  # noqa: ARG002
        return notice("warning", "Job failed", [error])


@dataclass
class Scene:
    """Bridges on one database, at the time that work is due."""

    metrics: BridgeMetrics
    clock: Any
    woken: list[str] = field(default_factory=list)

    def job(self, store: Store) -> Job:
        """The worker of a bridge."""
        woken = self.woken
        return Job(
            Frame(
                store, SCHEDULE, ["email", "slack"], self.metrics, self.clock, lambda: woken.append("sinks")
            )
        )

    def due(self, *jobs: Job) -> None:
        """Let it be time."""
        for job in jobs:
            job.step()
        self.clock.now = SCHEDULE.next(self.clock.now)

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


@pytest.fixture
def scene(metrics: BridgeMetrics, clock: Any) -> Scene:
    return Scene(metrics, clock)


def told(store: Store) -> list[str]:
    with store.read() as connection:
        return [f"{message.sink}: {message.subject}" for message in outbox.newest(connection, 50)]


def test_a_new_database_waits_for_its_first_time(scene: Scene, store: Store) -> None:
    job = scene.job(store)
    assert job.step() == 0.0
    assert 0 < job.step() <= 60
    assert job.tries == []


def test_it_is_done_once_at_its_time(scene: Scene, store: Store) -> None:
    job = scene.job(store)
    scene.due(job)
    due = scene.clock.now
    for _ in range(5):
        job.step()
        scene.clock.now += 60
    again = scene.job(store)
    again.step()
    assert (job.tries, job.done, again.tries) == ([due], 1, [])
    scene.due(job)
    job.step()
    assert job.done == 2


def test_a_bridge_that_was_away_does_it_when_it_is_back(scene: Scene, store: Store) -> None:
    scene.due(scene.job(store))
    due = scene.clock.now
    scene.clock.now += LATE - 1
    job = scene.job(store)
    job.step()
    assert (job.tries, job.done) == ([due], 1)


def test_a_bridge_that_was_away_for_long_waits_for_the_next_time(scene: Scene, store: Store) -> None:
    scene.due(scene.job(store))
    scene.clock.now += LATE
    job = scene.job(store)
    assert job.step() == 0.0
    assert 0 < job.step() <= 60
    assert (job.tries, told(store), scene.value("bridge_reports_total", outcome="error")) == ([], [], 0)


def test_who_wakes_it_does_not_make_it_try_sooner(scene: Scene, store: Store) -> None:
    job = scene.job(store)
    scene.due(job)
    job.errors = [RecwatchError("Prometheus is away")]
    assert job.step() == RETRY
    scene.clock.now += 100
    assert job.step() == RETRY - 100
    assert len(job.tries) == 1
    scene.clock.now += RETRY - 100
    assert (job.step(), job.done, told(store)) == (0.0, 1, [])
    # What Prometheus does not answer is no mistake of ours.
    assert scene.value("bridge_worker_errors_total", worker=REPORTER) == 0


def test_a_clock_that_was_set_back_does_nothing_twice(scene: Scene, store: Store) -> None:
    job = scene.job(store)
    scene.due(job)
    for by in (-DAY, DAY):
        job.step()
        scene.clock.now += by
    job.step()
    assert job.done == 1


def test_a_clock_that_was_far_ahead_stops_nothing(scene: Scene, store: Store) -> None:
    now = scene.clock.now
    scene.clock.now += 400 * DAY
    scene.job(store).step()
    scene.clock.now = now
    job = scene.job(store)
    scene.due(job)
    job.step()
    assert job.done == 1


def test_whatever_stops_it_is_counted_logged_and_told(
    scene: Scene, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    job = scene.job(store)
    scene.due(job)
    job.errors = [ValueError("year 55840 is out of range") for _ in range(3)]
    for _ in range(3):
        assert job.step() == RETRY
        scene.clock.now += RETRY
    assert scene.value("bridge_worker_errors_total", worker=REPORTER) == 3
    scene.clock.now += LATE
    assert job.step() == 0.0
    assert told(store) == ["email: [WARNING] Job failed", "slack: [WARNING] Job failed"]
    with store.read() as connection:
        assert "ValueError: year 55840 is out of range" in outbox.newest(connection, 1)[0].body
    assert (scene.value("bridge_reports_total", outcome="error"), scene.woken) == (1, ["sinks"])
    assert "no bridge ran" not in caplog.text
    assert [record.exc_info is not None for record in caplog.records] == [True, True, True, False]


def test_what_failed_once_is_not_told_of_the_next_time(
    scene: Scene, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    job = scene.job(store)
    scene.due(job)
    job.errors = [ValueError("once")]
    job.step()
    scene.clock.now += RETRY
    job.step()
    assert job.done == 1
    scene.clock.now = SCHEDULE.next(scene.clock.now) + LATE
    job.step()
    assert told(store) == []
    assert "no bridge ran" in caplog.text


def test_a_transaction_that_fails_is_tried_again(scene: Scene, store: Store) -> None:
    job = scene.job(store)
    scene.due(job)
    with store.write() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE UPDATE ON facts BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    assert (job.step(), job.done) == (RETRY, 0)
    assert scene.value("bridge_worker_errors_total", worker=REPORTER) == 1
    with store.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER full")
    scene.clock.now += RETRY
    assert (job.step(), job.done) == (0.0, 1)


def test_while_one_bridge_is_at_it_the_other_waits(scene: Scene, stores: tuple[Store, Store]) -> None:
    first, second = (scene.job(store) for store in stores)
    scene.due(first, second)
    lead = stores[0].lead(REPORTER)
    assert lead.held()
    assert 0 < second.step() < RETRY
    scene.clock.now += LATE
    second.step()
    assert (second.tries, told(stores[1])) == ([], [])
    lead.release()
    scene.clock.now -= LATE
    assert (second.step(), second.done) == (0.0, 1)
    first.step()
    assert first.tries == []


def test_where_one_bridge_fails_another_takes_its_turn(scene: Scene, stores: tuple[Store, Store]) -> None:
    first, second = (scene.job(store) for store in stores)
    scene.due(first, second)
    first.errors = [OSError("no route to Prometheus")]
    assert first.step() == RETRY
    assert (second.step(), second.done) == (0.0, 1)
    scene.clock.now += RETRY
    first.step()
    assert (len(first.tries), told(stores[0])) == (1, [])
