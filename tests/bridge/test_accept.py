from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from recwatch_bridge import outbox, runs
from recwatch_bridge.accept import Acceptor
from recwatch_bridge.payload import parse_webhook
from recwatch_bridge.store import Store

PAYLOADS = Path(__file__).with_name("payloads")


def messages(store: Store) -> list[tuple[str, str]]:
    with store.read() as connection:
        return [(message.sink, message.subject) for message in outbox.newest(connection, 50)]


def all_runs(store: Store) -> list[tuple[str, list[str]]]:
    with store.read() as connection:
        return [
            (run.state, [reason.text for reason in reasons]) for run, reasons in runs.newest(connection, 50)
        ]


def finish(store: Store, clock: Any, *states: str) -> None:
    """Takes the active run through states, as a worker would."""
    for state in states:
        with store.write() as connection:
            run = runs.active(connection, "als")
            assert run is not None
            values = {"started": clock.now} if state == "running" else {}
            assert runs.move(connection, run, state, clock.now, **values)


def test_new_and_resolved_alerts_are_told_apart(
    acceptor: Acceptor, store: Store, webhook: Any, alert: Any
) -> None:
    acceptor.notify("email", webhook(alert()))
    accepted = acceptor.notify("email", webhook(alert(status="resolved"), alert("Other", fingerprint="f2")))
    assert (accepted.new, accepted.repeated) == (2, 0)
    assert messages(store) == [
        ("email", "[WARNING] DriftDetected: rating_scale has drifted"),
        ("email", "[WARNING] Other: rating_scale has drifted"),
        ("email", "[RESOLVED] DriftDetected: rating_scale has drifted"),
    ]
    with store.read() as connection:
        firing, _, resolved = outbox.newest(connection, 3)
    assert resolved.reply_to == firing.uid


def test_two_webhooks_of_a_real_alertmanager(acceptor: Acceptor, store: Store) -> None:
    """One group, two models; then one of its alerts is resolved and the other still fires."""
    for name in ("firing", "mixed"):
        webhook = parse_webhook((PAYLOADS / f"alertmanager-0.33-{name}.json").read_bytes())
        acceptor.notify("email", webhook)
        acceptor.retrain(webhook)
    assert messages(store) == [
        ("email", "[INFO] DriftDetected: 2 alerts"),
        ("email", "[RESOLVED] DriftDetected: b"),
    ]
    assert all_runs(store) == [("pending", ["DriftDetected: rating_scale has drifted <b> & more"])]


def test_identity_is_by_sink_start_and_status(
    acceptor: Acceptor, store: Store, webhook: Any, alert: Any
) -> None:
    later = alert(starts_at="2026-11-22T00:00:00Z")
    for body in (webhook(alert()), webhook(alert(), alert()), webhook(later)):
        acceptor.notify("email", body)
    acceptor.notify("slack", webhook(alert()))
    assert [sink for sink, _ in messages(store)] == ["email", "email", "slack"]


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


def test_an_alert_starts_one_run(acceptor: Acceptor, store: Store, webhook: Any, alert: Any) -> None:
    first = acceptor.retrain(webhook(alert(), alert(fingerprint="f2", annotations={"summary": "b"})))
    again = acceptor.retrain(webhook(alert()))
    assert first.runs == again.runs
    assert all_runs(store) == [("pending", ["DriftDetected: b", "DriftDetected: rating_scale has drifted"])]


def test_unknown_models_start_nothing(
    acceptor: Acceptor, store: Store, registry: CollectorRegistry, webhook: Any, alert: Any
) -> None:
    accepted = acceptor.retrain(webhook(alert(labels={"model": "../../x"}), alert(labels={"model": ""})))
    assert accepted.ignored == ("DriftDetected: rating_scale has drifted: unknown_model",) * 2
    assert all_runs(store) == []
    assert registry.get_sample_value("bridge_alerts_ignored_total", {"reason": "unknown_model"}) == 2


def test_repeat_during_the_cooldown_waits_for_the_next_repeat(
    acceptor: Acceptor, store: Store, clock: Any, webhook: Any, alert: Any
) -> None:
    acceptor.retrain(webhook(alert()))
    finish(store, clock, "running", "gating", "refused")
    clock.now += 3599
    assert acceptor.retrain(webhook(alert())).ignored == (
        "DriftDetected: rating_scale has drifted: cooling_down",
    )
    clock.now += 1
    assert acceptor.retrain(webhook(alert())).ignored == ()
    assert [state for state, _ in all_runs(store)] == ["refused", "pending"]


def test_new_episode_during_the_cooldown_waits(
    acceptor: Acceptor, store: Store, clock: Any, webhook: Any, alert: Any
) -> None:
    acceptor.retrain(webhook(alert()))
    finish(store, clock, "running", "failed")
    ended = clock.now
    clock.now += 60
    acceptor.retrain(webhook(alert(fingerprint="f2")))
    with store.read() as connection:
        run = runs.active(connection, "als")
    assert run is not None
    assert (run.state, run.not_before) == ("pending", ended + 3600)


def test_most_a_day(acceptor: Acceptor, store: Store, clock: Any, webhook: Any, alert: Any) -> None:
    first = clock.now
    for _ in range(3):
        assert acceptor.retrain(webhook(alert())).runs
        finish(store, clock, "running", "failed")
        clock.now += 3600
    assert acceptor.retrain(webhook(alert())).runs == ()
    clock.now = first + 86_400
    assert acceptor.retrain(webhook(alert())).runs


def test_resolved_before_it_began(
    acceptor: Acceptor, store: Store, registry: CollectorRegistry, webhook: Any, alert: Any
) -> None:
    acceptor.retrain(webhook(alert(), alert(fingerprint="f2")))
    acceptor.retrain(webhook(alert(status="resolved")))
    assert [state for state, _ in all_runs(store)] == ["pending"]
    # A route may send resolved alerts to people only.
    acceptor.notify("email", webhook(alert(fingerprint="f2", status="resolved")))
    assert [state for state, _ in all_runs(store)] == ["withdrawn"]
    labels = {"model": "als", "trigger": "alert", "status": "withdrawn"}
    assert registry.get_sample_value("bridge_retrains_total", labels) == 1


def test_late_copy_of_a_resolved_alert_starts_nothing(
    acceptor: Acceptor, store: Store, clock: Any, webhook: Any, alert: Any
) -> None:
    acceptor.notify("email", webhook(alert(status="resolved")))
    assert acceptor.retrain(webhook(alert())).ignored == ("DriftDetected: rating_scale has drifted: stale",)
    clock.now += 301
    assert acceptor.retrain(webhook(alert())).runs
    assert [state for state, _ in all_runs(store)] == ["pending"]


def test_resolved_while_it_runs_changes_nothing(
    acceptor: Acceptor, store: Store, clock: Any, webhook: Any, alert: Any
) -> None:
    acceptor.retrain(webhook(alert()))
    finish(store, clock, "running")
    acceptor.retrain(webhook(alert(status="resolved")))
    assert all_runs(store) == [("running", ["DriftDetected: rating_scale has drifted"])]


def test_held_alert_neither_starts_nor_joins_a_run(
    acceptor: Acceptor, store: Store, registry: CollectorRegistry, webhook: Any, alert: Any
) -> None:
    held = alert(annotations={"action": "wait"})
    assert acceptor.retrain(webhook(held)).ignored == ("DriftDetected: rating_scale has drifted: held",)
    assert all_runs(store) == []
    acceptor.retrain(webhook(alert(fingerprint="f2", annotations={"summary": "b"})))
    answer = acceptor.retrain(webhook(held))
    assert (answer.runs, len(answer.ignored)) == ((), 1)
    assert all_runs(store) == [("pending", ["DriftDetected: b"])]
    assert registry.get_sample_value("bridge_alerts_ignored_total", {"reason": "held"}) == 2


def test_alert_that_was_held_asks_again_once_it_is_known(
    acceptor: Acceptor, store: Store, webhook: Any, alert: Any
) -> None:
    acceptor.retrain(webhook(alert(annotations={"action": "wait"})))
    assert acceptor.retrain(webhook(alert(annotations={"action": "retrain"}))).runs
    assert [state for state, _ in all_runs(store)] == ["pending"]
