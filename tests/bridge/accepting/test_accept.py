from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import event, text

from recwatch_bridge.accepting.accept import Acceptor
from recwatch_bridge.errors import StoreBusyError
from recwatch_bridge.storage import facts
from recwatch_bridge.storage.store import Store


def test_counts(acceptor: Acceptor, registry: CollectorRegistry, webhook: Any, alert: Any) -> None:
    for _ in range(2):
        acceptor.notify("email", webhook(alert(), alert(fingerprint="f2", status="resolved"), truncated=3))
    values = {
        name: registry.get_sample_value(f"bridge_alerts_{name}_total", labels)
        for name, labels in (
            ("received", {"status": "firing"}),
            ("repeated", {"status": "resolved"}),
            ("truncated", {}),
        )
    }
    assert values == {"received": 2, "repeated": 1, "truncated": 6}


def test_submitted_webhooks_are_answered_in_the_future(acceptor: Acceptor, webhook: Any, alert: Any) -> None:
    answers = [
        acceptor.submit_notify("email", webhook(alert())),
        acceptor.submit_retrain(webhook(alert())),
        acceptor.submit_rollback(webhook(alert())),
        acceptor.submit_watchdog(webhook(alert())),
    ]
    assert [answer.result(10).new for answer in answers] == [1, 1, 1, 1]


def test_whoever_waits_may_go_away(acceptor: Acceptor, webhook: Any, alert: Any) -> None:
    answer = acceptor.submit_notify("email", webhook(alert()))
    assert not answer.cancel()
    assert answer.result(10).new == 1


def test_database_that_is_held_is_told_and_nothing_is_counted(
    acceptor: Acceptor, store: Store, registry: CollectorRegistry, webhook: Any, alert: Any
) -> None:
    with store.write() as connection:
        if store.is_shared:
            connection.execute(text("LOCK TABLE alerts"))
        with pytest.raises(StoreBusyError):
            acceptor.notify("email", webhook(alert()))
    assert registry.get_sample_value("bridge_alerts_received_total", {"status": "firing"}) == 0
    assert acceptor.notify("email", webhook(alert())).new == 1


def test_failure_after_the_transaction_is_told_too(acceptor: Acceptor, webhook: Any, alert: Any) -> None:
    def fail() -> None:
        raise OSError("no")

    acceptor._wake = fail
    with pytest.raises(OSError, match="no"):
        acceptor.retrain(webhook(alert()))


def test_watchdog_is_noted_where_it_fires(
    acceptor: Acceptor, store: Store, registry: CollectorRegistry, webhook: Any, alert: Any
) -> None:
    def heard() -> facts.Fact | None:
        with store.read() as connection:
            return facts.get(connection, "watchdog")

    assert acceptor.watchdog(webhook(alert("Watchdog", status="resolved"))).new == 0
    assert heard() is None
    assert acceptor.watchdog(webhook(alert("Watchdog"))).new == 1
    first = heard()
    assert first is not None
    acceptor.watchdog(webhook(alert("Watchdog")))
    assert heard() != first
    assert registry.get_sample_value("bridge_alerts_received_total", {"status": "firing"}) == 0


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_new_alert_is_looked_up_and_not_searched_for(
    acceptor: Acceptor, store: Store, webhook: Any, alert: Any
) -> None:
    """Each would cost more than the one before it."""
    plans: list[str] = []

    def explain(_: Any, cursor: Any, statement: str, parameters: Any, *__: Any) -> None:
        if statement.startswith("INSERT INTO alerts"):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row[3] for row in cursor.fetchall())

    event.listen(store._engine, "before_cursor_execute", explain)
    acceptor.notify("email", webhook(alert()))
    event.remove(store._engine, "before_cursor_execute", explain)
    assert any("SEARCH others" in step for step in plans)
    assert not any("SCAN" in step for step in plans)
