import json
from pathlib import Path
from typing import Any

import pytest

from recwatch_bridge.accepting.accept import Acceptor
from recwatch_bridge.accepting.payload import Webhook, parse_webhook
from recwatch_bridge.delivering import outbox
from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.storage.store import Store

PAYLOADS = Path(__file__).with_name("payloads")
HOUR = 3600.0


def everything(store: Store) -> list[Message]:
    with store.read() as connection:
        return outbox.newest(connection, 500)


def messages(store: Store) -> list[tuple[str, str]]:
    return [(message.sink, message.subject) for message in everything(store)]


def webhook_of(body: dict[str, Any]) -> Webhook:
    return parse_webhook(json.dumps(body).encode())


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
    assert messages(store) == [
        ("email", "[INFO] DriftDetected: 2 alerts"),
        ("email", "[RESOLVED] DriftDetected: b"),
    ]


def test_identity_is_by_sink_start_and_status(
    acceptor: Acceptor, store: Store, webhook: Any, alert: Any
) -> None:
    later = alert(starts_at="2026-11-22T00:00:00Z")
    for body in (webhook(alert()), webhook(alert(), alert()), webhook(later)):
        acceptor.notify("email", body)
    acceptor.notify("slack", webhook(alert()))
    assert [sink for sink, _ in messages(store)] == ["email", "email", "slack"]


def test_one_webhook_of_many_alerts_is_one_message(
    acceptor: Acceptor, store: Store, webhook: Any, alert: Any
) -> None:
    many = [alert(fingerprint=f"f{number}") for number in range(1_200)]
    assert acceptor.notify("email", webhook(*many, *many)).new == 1_200
    [message] = everything(store)
    assert message.subject == "[WARNING] DriftDetected: 1200 alerts"
    over = [alert(fingerprint=f"f{number}", status="resolved") for number in range(1_200)]
    assert acceptor.notify("email", webhook(*over)).new == 1_200
    assert everything(store)[-1].reply_to == message.uid


def test_webhook_without_alerts_says_nothing(acceptor: Acceptor, store: Store, webhook: Any) -> None:
    assert acceptor.notify("email", webhook()).new == 0
    assert everything(store) == []


def test_what_alertmanager_left_out_is_said(
    acceptor: Acceptor, store: Store, webhook: Any, alert: Any
) -> None:
    for body in (webhook(alert(), truncated=3), webhook(alert(), truncated=4)):
        acceptor.notify("email", body)
    [message] = everything(store)
    assert "left out 3 alerts" in message.body


def test_what_alertmanager_left_out_of_a_repeat_is_said_once_a_group_and_day(
    *, acceptor: Acceptor, store: Store, clock: Any, group: Any, alert: Any
) -> None:
    woken: list[str] = []
    acceptor._wake_sink = woken.append

    def notify(key: str = "a", *, truncated: int = 500) -> None:
        body = {**group(alert(), truncated=truncated), "groupKey": key}
        acceptor.notify("email", webhook_of(body))

    notify(truncated=0)
    for _ in range(2):
        notify()
    assert woken == ["email", "email"]
    _, message = everything(store)
    assert message.subject == "[WARNING] Alertmanager left out 500 alerts"
    [entry] = message.notification.entries
    assert entry.facts == (("Receiver", "email"), ("Group", "alertname=DriftDetected"))
    assert "max_alerts: 0" in entry.paragraphs[1]
    notify("b")
    acceptor.notify("slack", webhook_of(group(truncated=500)))
    assert [sink for sink, _ in messages(store)] == ["email", "email", "email", "slack"]
    clock.now += 24 * HOUR
    notify()
    assert len(everything(store)) == 5


def due(store: Store, now: float) -> list[str]:
    """Returns what a sink would send by and by, and sends it."""
    sent = []
    with store.write() as connection:
        while message := outbox.next_due(connection, "email", now):
            outbox.mark_delivered(connection, message, now)
            sent.append(message.subject.split()[0])
    return sent


def test_alert_that_comes_back_as_it_was_is_told_and_so_is_its_end(
    acceptor: Acceptor, store: Store, clock: Any, webhook: Any, alert: Any
) -> None:
    """Alertmanager resolves what Prometheus does not confirm for a while; then the same episode goes on."""
    acceptor.notify("email", webhook(alert()))
    acceptor.notify("email", webhook(alert(status="resolved")))
    clock.now += 61
    assert [acceptor.notify("email", webhook(alert())).new for _ in range(2)] == [1, 0]
    assert [acceptor.notify("email", webhook(alert(status="resolved"))).new for _ in range(2)] == [1, 0]
    assert due(store, clock.now) == ["[WARNING]", "[RESOLVED]"] * 2


@pytest.mark.parametrize("later", [0.0, 29.0, 59.0])
def test_alert_that_comes_back_at_once_is_told_within_a_minute(
    later: float, *, acceptor: Acceptor, store: Store, clock: Any, webhook: Any, alert: Any
) -> None:
    """It was gone for so short a time that Alertmanager repeats it but hours later."""
    acceptor.notify("email", webhook(alert()))
    acceptor.notify("email", webhook(alert(status="resolved")))
    assert due(store, clock.now) == ["[WARNING]", "[RESOLVED]"]
    resolved = clock.now
    clock.now += later
    other = alert("Other", fingerprint="f2")
    assert [acceptor.notify("email", webhook(alert(), other)).new for _ in range(2)] == [2, 0]
    # A new one does not wait for the other.
    assert due(store, resolved + 59.9) == ["[WARNING]"]
    assert due(store, resolved + 60.0) == ["[WARNING]"]
    acceptor.notify("email", webhook(alert(status="resolved")))
    assert due(store, clock.now) == ["[RESOLVED]"]
    told = everything(store)
    assert told[-1].reply_to == told[0].uid


def test_late_copy_of_the_other_alertmanager_is_not_told(
    acceptor: Acceptor, store: Store, clock: Any, webhook: Any, alert: Any
) -> None:
    firing = webhook(alert(), alert(fingerprint="f_2"))
    over = webhook(alert(status="resolved"), alert(fingerprint="f_2", status="resolved"))
    for body in (firing, over):
        acceptor.notify("email", body)
    for _ in range(2):
        clock.now += 20
        acceptor.notify("email", firing)
        acceptor.notify("email", over)
    clock.now += HOUR
    assert due(store, clock.now) == ["[WARNING]", "[RESOLVED]"]
    # Of two that came back one goes on: that is told, and how it ends.
    acceptor.notify("email", firing)
    acceptor.notify("email", over)
    acceptor.notify("email", firing)
    acceptor.notify("email", webhook(alert(status="resolved")))
    clock.now += 60
    assert due(store, clock.now) == ["[WARNING]", "[RESOLVED]"] * 2


def test_alert_that_comes_back_is_told_though_the_clock_was_set_back(
    acceptor: Acceptor, clock: Any, webhook: Any, alert: Any
) -> None:
    acceptor.notify("email", webhook(alert()))
    acceptor.notify("email", webhook(alert(status="resolved")))
    clock.now -= HOUR
    assert [acceptor.notify("email", webhook(alert())).new for _ in range(2)] == [1, 0]


def delivered(store: Store, now: float) -> None:
    with store.write() as connection:
        for message in outbox.newest(connection, 500):
            outbox.mark_delivered(connection, message, now)


def test_reminder_of_what_still_fires(
    reminding: Acceptor, store: Store, clock: Any, webhook: Any, alert: Any
) -> None:
    reminding.notify("email", webhook(alert()))
    delivered(store, clock.now)
    clock.now += HOUR - 1
    assert reminding.notify("email", webhook(alert())).reminded == 0
    clock.now += 1
    answers = [
        reminding.notify("email", webhook(alert(), alert("Other", fingerprint="f2"))) for _ in range(2)
    ]
    assert [(answer.new, answer.repeated, answer.reminded) for answer in answers] == [(1, 1, 1), (0, 2, 0)]
    first, other, reminder = everything(store)
    assert reminder.subject == first.subject
    assert (reminder.reply_to, other.reply_to) == (first.uid, None)
    assert "still firing" in reminder.body
    assert "still firing" not in other.body
    delivered(store, clock.now)
    clock.now += HOUR
    assert reminding.notify("email", webhook(alert())).reminded == 1
    # The end answers the first message, not a reminder.
    reminding.notify("email", webhook(alert(status="resolved")))
    assert everything(store)[-1].reply_to == first.uid


def test_sink_without_the_setting_reminds_of_nothing(
    reminding: Acceptor, store: Store, clock: Any, webhook: Any, alert: Any
) -> None:
    reminding.notify("slack", webhook(alert()))
    delivered(store, clock.now)
    clock.now += 24 * HOUR
    assert reminding.notify("slack", webhook(alert())).reminded == 0


def test_no_reminder_while_a_message_about_it_waits(
    reminding: Acceptor, store: Store, clock: Any, webhook: Any, alert: Any
) -> None:
    """A sink that is down for a day is not to be flooded when it comes back."""
    reminding.notify("email", webhook(alert(), alert(fingerprint="f2")))
    clock.now += HOUR
    assert reminding.notify("email", webhook(alert())).reminded == 0
    delivered(store, clock.now)
    assert reminding.notify("email", webhook(alert())).reminded == 1


def test_no_reminder_of_what_was_just_resolved(
    reminding: Acceptor, store: Store, clock: Any, webhook: Any, alert: Any
) -> None:
    """The other Alertmanager of a pair may be late."""
    reminding.notify("email", webhook(alert()))
    clock.now += HOUR
    reminding.notify("email", webhook(alert(status="resolved")))
    delivered(store, clock.now)
    assert reminding.notify("email", webhook(alert())).reminded == 0


@pytest.mark.parametrize("step", [-HOUR - 1, -100 * HOUR])
def test_reminders_bear_a_clock_that_steps_back(
    step: float, reminding: Acceptor, store: Store, webhook: Any, alert: Any
) -> None:
    clock = reminding._clock
    reminding.notify("email", webhook(alert()))
    delivered(store, clock())
    reminding._clock = lambda: clock() + step
    assert [reminding.notify("email", webhook(alert())).reminded for _ in range(2)] == [1, 0]
