"""Two bridges on one PostgreSQL: what a highly available pair of Alertmanagers sends to both counts once."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import event, select, text

from recwatch.testing import wait_until
from recwatch_bridge.accepting.accept import Accepted, Acceptor
from recwatch_bridge.accepting.watchdog import WatchdogWorker
from recwatch_bridge.delivering import outbox
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.retraining import rollbacks, runs
from recwatch_bridge.retraining.policy import Limits
from recwatch_bridge.storage import schema
from recwatch_bridge.storage.store import Store

HOUR = 3600.0
ROUNDS = 20

Both = Callable[[Callable[[Acceptor], Accepted]], list[Accepted]]


@pytest.fixture
def store(postgresql_url: str) -> Iterator[Store]:
    opened = Store(postgresql_url)
    yield opened
    opened.close()


@pytest.fixture
def bridges(store: Store, postgresql_url: str, clock: Any) -> Iterator[list[Acceptor]]:
    other = Store(postgresql_url)
    yield [
        Acceptor(
            opened,
            limits={"als": Limits(HOUR, 3), "bpr": Limits(HOUR, 3)},
            metrics=BridgeMetrics(CollectorRegistry(), sinks=["email"], models=["als", "bpr"]),
            clock=clock,
            wake=lambda: None,
            remind_after={"email": HOUR},
        )
        for opened in (store, other)
    ]
    other.close()


@pytest.fixture
def both(bridges: list[Acceptor]) -> Iterator[Both]:
    """Has both bridges do something at the same moment."""
    together = threading.Barrier(len(bridges))

    def go(bridge: Acceptor, what: Callable[[Acceptor], Accepted]) -> Accepted:
        together.wait(10)
        return what(bridge)

    with ThreadPoolExecutor(len(bridges)) as pool:
        yield lambda what: list(pool.map(lambda bridge: go(bridge, what), bridges))


def test_each_alert_is_told_once(both: Both, store: Store, webhook: Any, alert: Any) -> None:
    for round_ in range(ROUNDS):
        alerts = [alert(fingerprint=f"f{round_}-{number}") for number in range(10)]
        body = webhook(*alerts)
        answers = both(lambda bridge, body=body: bridge.notify("email", body))  # type: ignore[misc]
        assert sum(answer.new for answer in answers) == 10
    with store.read() as connection:
        told = list(connection.scalars(select(schema.topics.c.topic)))
    assert len(told) == len(set(told)) == 10 * ROUNDS


def test_groups_in_another_order_do_not_wait_for_each_other(
    bridges: list[Acceptor], store: Store, webhook: Any, alert: Any
) -> None:
    alerts = [alert(fingerprint=f"f{number}") for number in range(300)]
    bodies = [webhook(*alerts), webhook(*reversed(alerts))]
    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(lambda bridge, body: bridge.notify("email", body), bridges, bodies, timeout=30)
        )
    assert sum(answer.new for answer in answers) == 300
    with store.read() as connection:
        assert len(outbox.newest(connection, 50)) == 1


def test_reminder_goes_out_once(both: Both, store: Store, clock: Any, webhook: Any, alert: Any) -> None:
    body = webhook(*(alert(fingerprint=f"f{number}") for number in range(5)))
    both(lambda bridge: bridge.notify("email", body))
    for _ in range(ROUNDS):
        with store.write() as connection:
            for message in outbox.newest(connection, 500):
                outbox.mark_delivered(connection, message, clock.now)
        clock.now += HOUR
        assert sum(answer.reminded for answer in both(lambda bridge: bridge.notify("email", body))) == 5


def test_alert_that_comes_back_is_told_once(both: Both, clock: Any, webhook: Any, alert: Any) -> None:
    for status, new in (("firing", 1), ("resolved", 1)) * 3:
        body = webhook(alert(status=status))
        clock.now += HOUR
        answers = both(lambda bridge, body=body: bridge.notify("email", body))  # type: ignore[misc]
        assert sum(answer.new for answer in answers) == new


def test_firing_that_stalls_is_told_before_its_end(
    bridges: list[Acceptor], store: Store, clock: Any, webhook: Any, alert: Any
) -> None:
    """Alertmanager gave the request up, and sent the next one of the group."""
    over = threading.Event()

    def others_wait() -> bool:
        with bridges[1]._store.read() as connection:
            return bool(connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))

    def stall(*arguments: Any) -> None:
        if arguments[2].startswith("INSERT INTO messages"):
            stalled.set()
            wait_until(lambda: over.is_set() or others_wait(), timeout=10)

    stalled = threading.Event()
    event.listen(store._engine, "before_cursor_execute", stall)
    with ThreadPoolExecutor(2) as pool:
        firing = pool.submit(bridges[0].notify, "email", webhook(alert()))
        assert stalled.wait(10)
        resolved = pool.submit(bridges[1].notify, "email", webhook(alert(status="resolved")))
        resolved.add_done_callback(lambda _: over.set())
        assert (firing.result(20).new, resolved.result(20).new) == (1, 1)
    event.remove(store._engine, "before_cursor_execute", stall)
    with store.write() as connection:
        sent = []
        while message := outbox.next_due(connection, "email", clock.now):
            outbox.mark_delivered(connection, message, clock.now)
            sent.append(message.subject.split()[0])
    assert sent == ["[WARNING]", "[RESOLVED]"]


def test_one_run_a_model_and_one_rollback_an_episode(
    both: Both, store: Store, webhook: Any, alert: Any
) -> None:
    for round_ in range(ROUNDS):
        for action in ("retrain", "rollback"):
            body = webhook(
                *(
                    alert(fingerprint=f"{model}-{round_}", labels={"model": model, "action": action})
                    for model in ("als", "bpr")
                )
            )
            both(lambda bridge, body=body, action=action: getattr(bridge, action)(body))  # type: ignore[misc]
    with store.read() as connection:
        found = runs.newest(connection, 50)
        assert len(rollbacks.newest(connection, 100)) == 2 * ROUNDS
    assert sorted(run.model for run, _ in found) == ["als", "bpr"]
    assert [len(reasons) for _, reasons in found] == [ROUNDS, ROUNDS]


def test_asking_and_taking_back_meet_without_a_deadlock(
    bridges: list[Acceptor], webhook: Any, alert: Any
) -> None:
    models = ("als", "bpr")
    for round_ in range(ROUNDS):
        firing = [alert(fingerprint=f"{model}-{round_}", labels={"model": model}) for model in models]
        over = [
            alert(fingerprint=f"{model}-{round_}", labels={"model": model}, status="resolved")
            for model in reversed(models)
        ]
        with ThreadPoolExecutor(2) as pool:
            asked = pool.submit(bridges[0].retrain, webhook(*firing))
            taken_back = pool.submit(bridges[1].notify, "email", webhook(*over))
            assert (asked.result(30).new, taken_back.result(30).new) == (2, 2)


def test_silence_of_the_watchdog_is_told_once(
    bridges: list[Acceptor], store: Store, metrics: BridgeMetrics, clock: Any
) -> None:
    now = 0.0
    workers = [
        WatchdogWorker(
            bridge._store,
            sinks=["email"],
            timeout=1.0,
            armed=True,
            metrics=metrics,
            clock=clock,
            wake_sinks=lambda: None,
            monotonic=lambda: now,
        )
        for bridge in bridges
    ]
    for _ in range(5):
        now += 0.2
        for worker in workers:
            worker.step()
    now += 0.2
    together = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda worker: (together.wait(10), worker.step()), workers, timeout=30))
    with store.read() as connection:
        assert len(outbox.newest(connection, 50)) == 1


def test_a_run_that_ends_while_it_is_asked_about_is_no_start_without_cooldown(
    *,
    bridges: list[Acceptor],
    store: Store,
    webhook: Any,
    alert: Any,
    clock: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [run_id] = bridges[0].retrain(webhook(alert(fingerprint="f1", labels={"action": "retrain"}))).runs

    def move(*states: str) -> None:
        for state in states:
            with store.write() as connection:
                assert runs.move(connection, runs.get(connection, run_id), state, clock(), started=clock())

    def is_blocked() -> bool:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        with store.read() as connection:
            return bool(connection.scalar(text(query)))

    move("running", "gating", "promoting")
    past, ending = runs.past, []
    with ThreadPoolExecutor(1) as pool:

        def past_and_then_the_end(*arguments: Any) -> Any:
            found = past(*arguments)
            ending.append(pool.submit(move, "promoted"))
            wait_until(lambda: ending[0].done() or is_blocked(), 20)
            return found

        monkeypatch.setattr(runs, "past", past_and_then_the_end)
        answer = bridges[1].retrain(webhook(alert(fingerprint="f2", labels={"action": "retrain"})))
        ending[0].result(20)
    assert (len(ending), answer.runs) == (1, (run_id,))
