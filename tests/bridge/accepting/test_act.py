from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import event

from recwatch_bridge.accepting.accept import Acceptor
from recwatch_bridge.accepting.payload import parse_webhook
from recwatch_bridge.retraining import runs
from recwatch_bridge.storage.store import Store

PAYLOADS = Path(__file__).with_name("payloads")


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


def test_an_alert_starts_one_run(acceptor: Acceptor, store: Store, webhook: Any, alert: Any) -> None:
    first = acceptor.retrain(webhook(alert(), alert(fingerprint="f2", annotations={"summary": "b"})))
    again = acceptor.retrain(webhook(alert()))
    assert first.runs == again.runs
    assert all_runs(store) == [("pending", ["DriftDetected: b", "DriftDetected: rating_scale has drifted"])]


def test_one_group_of_a_real_alertmanager_asks_for_the_model_that_is_known(
    acceptor: Acceptor, store: Store
) -> None:
    for name in ("firing", "mixed"):
        acceptor.retrain(parse_webhook((PAYLOADS / f"alertmanager-0.33-{name}.json").read_bytes()))
    assert all_runs(store) == [("pending", ["DriftDetected: rating_scale has drifted <b> & more"])]


def test_unknown_models_start_nothing(  # noqa: PLR0917
    acceptor: Acceptor,
    store: Store,
    registry: CollectorRegistry,
    webhook: Any,
    alert: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    accepted = acceptor.retrain(webhook(alert(labels={"model": "../../x"}), alert(labels={"model": ""})))
    assert accepted.ignored == ("DriftDetected: rating_scale has drifted: unknown_model",) * 2
    assert all_runs(store) == []
    assert registry.get_sample_value("bridge_alerts_ignored_total", {"reason": "unknown_model"}) == 2
    [line] = caplog.messages
    assert line == (
        "nothing is done for DriftDetected: rating_scale has drifted: "
        "bridge.yml has no model that its label `model` names"
    )


def test_alert_that_asks_for_something_else_starts_nothing(
    acceptor: Acceptor, store: Store, registry: CollectorRegistry, webhook: Any, alert: Any
) -> None:
    """The route that leads here is too wide."""
    others = [
        alert(fingerprint=f"f{number}", labels={"action": action})
        for number, action in enumerate(("", "rollback", "page"))
    ]
    answer = acceptor.retrain(webhook(*others))
    assert answer.ignored == ("DriftDetected: rating_scale has drifted: not_asked",) * 3
    assert answer.runs == ()
    assert all_runs(store) == []
    assert registry.get_sample_value("bridge_alerts_ignored_total", {"reason": "not_asked"}) == 3


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
    over = webhook(alert(status="resolved"))
    acceptor.notify("email", over)
    clock.now += 20
    assert acceptor.retrain(webhook(alert())).runs
    # The Alertmanager that was late says that it is over as well; of the channel that is no news.
    acceptor.notify("email", over)
    assert [state for state, _ in all_runs(store)] == ["withdrawn"]


@pytest.mark.parametrize(("later", "waits"), [(0, 60), (29, 31), (61, 0)])
def test_alert_that_fires_on_after_its_end_starts_a_run_a_moment_later(
    later: float, waits: float, *, acceptor: Acceptor, store: Store, clock: Any, webhook: Any, alert: Any
) -> None:
    """Alertmanager repeats it but hours later."""
    acceptor.notify("email", webhook(alert(status="resolved")))
    clock.now += later
    assert acceptor.retrain(webhook(alert())).ignored == ()
    with store.read() as connection:
        run = runs.active(connection, "als")
    assert run is not None
    assert run.not_before == clock.now + waits


def test_resolved_while_it_runs_changes_nothing(
    acceptor: Acceptor, store: Store, clock: Any, webhook: Any, alert: Any
) -> None:
    acceptor.retrain(webhook(alert()))
    finish(store, clock, "running")
    acceptor.retrain(webhook(alert(status="resolved")))
    assert all_runs(store) == [("running", ["DriftDetected: rating_scale has drifted"])]


@pytest.mark.parametrize("answer", ["wait", "", "<error expanding template __alert_DriftDetected: timeout>"])
def test_alert_whose_template_does_not_say_act_is_held(
    acceptor: Acceptor, store: Store, webhook: Any, alert: Any, answer: str
) -> None:
    asked = acceptor.retrain(webhook(alert(annotations={"action": answer})))
    assert (asked.runs, asked.ignored) == ((), ("DriftDetected: rating_scale has drifted: held",))
    assert all_runs(store) == []


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
    assert acceptor.retrain(webhook(alert(annotations={"action": "act"}))).runs
    assert [state for state, _ in all_runs(store)] == ["pending"]


def test_many_alerts_of_one_webhook_join_one_run(
    acceptor: Acceptor, store: Store, webhook: Any, alert: Any
) -> None:
    many = [alert(fingerprint=f"f{number}") for number in range(700)]
    assert len(acceptor.retrain(webhook(*many)).runs) == 1
    [(state, texts)] = all_runs(store)
    assert (state, len(texts)) == ("pending", 700)
    over = [alert(fingerprint=f"f{number}", status="resolved") for number in range(700)]
    acceptor.notify("email", webhook(*over[1:]))
    assert [state for state, _ in all_runs(store)] == ["pending"]
    acceptor.notify("email", webhook(*over))
    assert [state for state, _ in all_runs(store)] == ["withdrawn"]


def test_group_of_thousands_takes_few_statements(
    acceptor: Acceptor, store: Store, clock: Any, webhook: Any, alert: Any
) -> None:
    """All others wait for the transaction: a statement for each alert would stop the bridge."""
    count = 1_500
    firing = webhook(*(alert(fingerprint=f"f{number}") for number in range(count)))
    over = webhook(*(alert(fingerprint=f"f{number}", status="resolved") for number in range(count)))
    statements: list[str] = []

    def count_statement(*arguments: Any) -> None:
        statements.append(arguments[2])

    event.listen(store._engine, "before_cursor_execute", count_statement)
    for body in (firing, firing, over, firing):
        acceptor.retrain(body)
        clock.now += 61
        acceptor.notify("email", body)
    finish(store, clock, "running", "failed")
    assert len(acceptor.retrain(firing).ignored) == count
    event.remove(store._engine, "before_cursor_execute", count_statement)
    assert len(statements) < count / 10
    assert [state for state, _ in all_runs(store)] == ["withdrawn", "failed"]
