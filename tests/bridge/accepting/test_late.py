"""Copies that come late, of an episode that is over or of one that goes on: what is told, in which order."""

from typing import Any

import pytest

from recwatch_bridge.accepting.accept import Acceptor
from recwatch_bridge.delivering import outbox
from recwatch_bridge.storage.store import Store

FIRST, SECOND = "2027-01-01T00:00:00Z", "2027-01-01T00:10:00Z"


def due(store: Store, now: float) -> list[str]:
    """Returns what a sink would send by and by, and sends it."""
    sent = []
    with store.write() as connection:
        while message := outbox.next_due(connection, "email", now):
            outbox.mark_delivered(connection, message, now)
            sent.append(message.subject)
    return sent


def waiting(store: Store) -> list[outbox.Message]:
    with store.read() as connection:
        return outbox.newest(connection, 50, state="pending")


@pytest.fixture
def tell(acceptor: Acceptor, store: Store, clock: Any, webhook: Any, alert: Any) -> Any:
    """Tells at a moment of alerts, each by its summary, and returns what is sent then."""
    start = clock.now

    def tell(at: float, *told: tuple[str, str, str]) -> list[str]:
        clock.now = start + at
        sent = due(store, clock.now)
        if told:
            bodies = [
                alert(
                    "A", fingerprint=name, status=status, starts_at=starts_at, annotations={"summary": name}
                )
                for status, name, starts_at in told
            ]
            acceptor.notify("email", webhook(*bodies))
        return sent + due(store, clock.now)

    return tell


def test_new_episode_neither_waits_for_a_late_copy_of_the_one_before_nor_ends_it(tell: Any) -> None:
    assert tell(0, ("firing", "a", FIRST)) == ["[WARNING] A: a"]
    assert tell(10, ("resolved", "a", FIRST)) == ["[RESOLVED] A: a"]
    assert tell(20, ("firing", "a", FIRST)) == []
    assert tell(25, ("firing", "a", SECOND)) == ["[WARNING] A: a"]
    assert tell(45, ("resolved", "a", SECOND)) == ["[RESOLVED] A: a"]
    # Nobody said that the first was over again: it is told, and so is its end.
    assert tell(69.9) == []
    assert tell(70) == ["[WARNING] A: a"]
    assert tell(80, ("resolved", "a", SECOND)) == []
    assert tell(90, ("resolved", "a", FIRST)) == ["[RESOLVED] A: a"]


def test_late_copy_waits_for_what_was_told_before(
    store: Store, acceptor: Acceptor, webhook: Any, alert: Any, clock: Any
) -> None:
    """The sink is down meanwhile."""
    for status in ("firing", "resolved", "firing"):
        acceptor.notify("email", webhook(alert(status=status)))
        clock.now += 10
    with store.write() as connection:
        first = outbox.next_due(connection, "email", clock.now)
        assert first is not None
        outbox.mark_failed_attempt(connection, first, clock.now + 300, "down")
    clock.now += 100
    assert due(store, clock.now) == []
    clock.now += 200
    assert [text.split()[0] for text in due(store, clock.now)] == ["[WARNING]", "[RESOLVED]", "[WARNING]"]


def test_end_of_one_of_two_is_told_after_both_were(tell: Any, store: Store) -> None:
    both = [("firing", "a", FIRST), ("firing", "b", FIRST)]
    tell(0, *both)
    tell(10, *(("resolved", name, starts_at) for _, name, starts_at in both))
    tell(20, *both)
    assert tell(30, ("resolved", "a", FIRST)) == []
    assert tell(69) == []
    assert tell(70) == ["[WARNING] A: 2 alerts", "[RESOLVED] A: a"]
    assert waiting(store) == []


def test_firing_that_its_end_overtook_is_told_a_moment_later_and_so_is_its_end(
    tell: Any, store: Store
) -> None:
    """A request that stalled: its alert is new, and over already."""
    assert tell(0, ("resolved", "a", FIRST)) == ["[RESOLVED] A: a"]
    # One that begins now does not wait for it.
    assert tell(5, ("firing", "a", FIRST), ("firing", "b", FIRST)) == ["[WARNING] A: b"]
    assert tell(59.9) == []
    assert tell(60) == ["[WARNING] A: a"]
    with store.read() as connection:
        firing = outbox.newest(connection, 1)[0]
    assert tell(300, ("resolved", "a", FIRST)) == ["[RESOLVED] A: a"]
    with store.read() as connection:
        assert outbox.newest(connection, 1)[0].reply_to == firing.uid
    assert firing.reply_to is None
    assert tell(600, ("resolved", "a", FIRST)) == []


def test_firing_that_its_end_overtook_is_not_told_where_it_ends_again(tell: Any, store: Store) -> None:
    tell(0, ("resolved", "a", FIRST))
    assert tell(5, ("firing", "a", FIRST)) == []
    assert tell(20, ("resolved", "a", FIRST)) == []
    assert waiting(store) == []
    assert tell(100, ("firing", "a", FIRST)) == ["[WARNING] A: a"]


def test_alert_that_is_over_in_the_same_webhook_is_told_in_order(tell: Any) -> None:
    both = [("firing", "a", FIRST), ("resolved", "a", FIRST)]
    assert tell(0, *both) == ["[WARNING] A: a", "[RESOLVED] A: a"]
    assert tell(70, *both) == []


def test_longest_fingerprint_can_be_held_back(tell: Any) -> None:
    name, started = "f" * 128, "2027-01-01T00:00:00.123456Z"
    tell(0, ("firing", name, started))
    tell(1, ("resolved", name, started))
    assert tell(2, ("firing", name, started)) == []
    assert len(tell(70)) == 1
