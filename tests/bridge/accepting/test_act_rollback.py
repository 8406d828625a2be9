"""Rollbacks that alerts ask for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import event

from recwatch_bridge.accepting.accept import Acceptor
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.retraining import rollbacks
from recwatch_bridge.storage.retention import RetentionWorker
from recwatch_bridge.storage.store import Store


@pytest.fixture
def asking(alert: Any) -> Callable[..., dict[str, Any]]:
    """Builds an alert that asks for a rollback."""
    return lambda *, labels=None, **more: alert(labels={"action": "rollback", **(labels or {})}, **more)


def all_rollbacks(store: Store) -> list[rollbacks.Rollback]:
    with store.read() as connection:
        return list(rollbacks.newest(connection, 50))


def test_an_alert_asks_for_one_rollback_an_episode(
    acceptor: Acceptor, store: Store, clock: Any, webhook: Any, asking: Any
) -> None:
    first = acceptor.rollback(webhook(asking(), asking()))
    clock.now += 3600
    again = acceptor.rollback(webhook(asking()))
    later = acceptor.rollback(webhook(asking(starts_at="2026-11-22T00:00:00Z")))
    assert (first.new, again.repeated, later.new) == (1, 1, 1)
    assert again.ignored == ("DriftDetected: rating_scale has drifted: seen",)
    asked, other = all_rollbacks(store)
    assert (asked.id, other.id) == (*first.rollbacks, *later.rollbacks)
    assert (asked.model, asked.trigger, asked.state) == ("als", "alert", "pending")
    assert asked.reason == "DriftDetected: rating_scale has drifted"
    assert asked.labels == {
        "alertname": "DriftDetected",
        "severity": "warning",
        "model": "als",
        "action": "rollback",
    }
    assert (asked.fingerprint, asked.starts_at) == ("f1", "2026-11-21T03:15:00.123000+00:00")


def test_alert_that_asks_for_something_else_rolls_nothing_back(
    acceptor: Acceptor, store: Store, registry: CollectorRegistry, webhook: Any, alert: Any
) -> None:
    """The route that leads here is too wide."""
    others = [
        alert(fingerprint=f"f{number}", labels={"action": action})
        for number, action in enumerate(("", "retrain", "page"))
    ]
    answer = acceptor.rollback(webhook(*others))
    assert answer.ignored == ("DriftDetected: rating_scale has drifted: not_asked",) * 3
    assert all_rollbacks(store) == []
    assert registry.get_sample_value("bridge_alerts_ignored_total", {"reason": "not_asked"}) == 3


def test_what_asks_for_no_rollback(
    acceptor: Acceptor, store: Store, registry: CollectorRegistry, webhook: Any, asking: Any
) -> None:
    acceptor.notify("email", webhook(asking(fingerprint="over", status="resolved")))
    answer = acceptor.rollback(
        webhook(
            asking(fingerprint="f1", labels={"model": "../../x"}),
            asking(fingerprint="f2", annotations={"action": "wait"}),
            asking(fingerprint="over"),
            asking(fingerprint="f3", status="resolved"),
        )
    )
    why = [text.rpartition(": ")[2] for text in answer.ignored]
    assert (why, answer.rollbacks) == (["unknown_model", "held"], answer.rollbacks)
    # Whether this one fires on, Prometheus is asked.
    assert [asked.fingerprint for asked in all_rollbacks(store)] == ["over"]
    for reason in why:
        assert registry.get_sample_value("bridge_alerts_ignored_total", {"reason": reason}) == 1


def test_rollback_wakes_whoever_does_it(acceptor: Acceptor, webhook: Any, asking: Any) -> None:
    woken: list[int] = []
    acceptor._wake = lambda: woken.append(1)
    acceptor.rollback(webhook(asking()))
    acceptor.rollback(webhook(asking()))
    assert woken == [1]


def test_rollback_of_an_alert_that_goes_on_is_not_forgotten(
    *,
    acceptor: Acceptor,
    store: Store,
    metrics: BridgeMetrics,
    clock: Any,
    webhook: Any,
    asking: Any,
    tmp_path: Path,
) -> None:
    """It would be done a second time."""
    keeper = RetentionWorker(store, folder=tmp_path, keep=86_400.0, metrics=metrics, clock=clock)
    acceptor.rollback(webhook(asking()))
    with store.write() as connection:
        [asked] = rollbacks.newest(connection, 5)
        rollbacks.note(connection, asked, state="done", finished=clock.now)
    for _ in range(4):
        clock.now += 43_200.0
        keeper.step()
        assert acceptor.rollback(webhook(asking())).rollbacks == ()
    clock.now += 86_401.0
    for _ in range(2):
        keeper.step()
    assert all_rollbacks(store) == []


def test_group_of_thousands_takes_few_statements(
    acceptor: Acceptor, store: Store, clock: Any, webhook: Any, asking: Any
) -> None:
    """All others wait for the transaction."""
    count = 1_200
    firing = webhook(*(asking(fingerprint=f"f{number}") for number in range(count)))
    statements: list[str] = []

    def count_statement(*arguments: Any) -> None:
        statements.append(arguments[2])

    event.listen(store._engine, "before_cursor_execute", count_statement)
    first = acceptor.rollback(firing)
    repeat = acceptor.rollback(firing)
    event.remove(store._engine, "before_cursor_execute", count_statement)
    assert (len(set(first.rollbacks)), len(first.ignored)) == (count, 0)
    assert (len(repeat.rollbacks), len(repeat.ignored)) == (0, count)
    assert len(statements) < count / 20
    # Of those that failed a part may ask again.
    with store.write() as connection:
        for asked in rollbacks.newest(connection, 700):
            rollbacks.note(connection, asked, state="failed", finished=clock.now, again=clock.now)
    clock.now += 60
    again = acceptor.rollback(firing)
    assert again.rollbacks == first.rollbacks[count - 700 :]
    assert len(again.ignored) == count - 700
    with store.read() as connection:
        oldest = rollbacks.newest(connection, count)[0]
    assert (oldest.labels["model"], oldest.reason) == ("als", "DriftDetected: rating_scale has drifted")
