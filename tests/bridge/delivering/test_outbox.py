from typing import Any

import pytest
from sqlalchemy import event

from recwatch_bridge.delivering import outbox
from recwatch_bridge.delivering.blocking import WINDOW
from recwatch_bridge.delivering.outbox import Backlog
from recwatch_bridge.messages.notification import Entry, Notification
from recwatch_bridge.storage.store import Store

NOW = 1_000.0


def put(store: Store, subject: str, *about: str, sink: str = "email", now: float = NOW) -> str:
    with store.write() as connection:
        said = Notification(subject, "info", (Entry(subject),))
        return outbox.enqueue(connection, said, sink=sink, kind="alerts", about=about, now=now)


def due(store: Store, now: float = NOW, sink: str = "email") -> Any:
    with store.read() as connection:
        return outbox.next_due(connection, sink, now)


def test_oldest_first_and_by_sink(store: Store) -> None:
    put(store, "slack's", sink="slack")
    put(store, "first", "alert:a")
    put(store, "second", "alert:b")
    assert due(store).subject == "first"
    assert due(store, sink="slack").subject == "slack's"


def test_a_failed_message_lets_others_pass_but_none_about_the_same(store: Store) -> None:
    put(store, "firing a", "alert:a", "alert:b")
    put(store, "resolved a", "alert:a")
    put(store, "firing c", "alert:c")
    with store.write() as connection:
        outbox.mark_failed_attempt(connection, due(store), NOW + 60, "greylisted")
    assert due(store).subject == "firing c"
    with store.write() as connection:
        outbox.mark_delivered(connection, due(store), NOW)
    assert due(store) is None
    with store.read() as connection:
        assert outbox.next_time(connection, "email", NOW) == NOW + 60
    first = due(store, NOW + 60)
    assert (first.subject, first.attempts, first.error) == ("firing a", 1, "greylisted")
    with store.write() as connection:
        outbox.mark_dead(connection, first, NOW + 60, "given up")
    assert due(store, NOW + 60).subject == "resolved a"


def test_the_same_topic_in_another_sink_does_not_block(store: Store) -> None:
    put(store, "slack's", "alert:a", sink="slack")
    put(store, "email's", "alert:a")
    assert due(store).subject == "email's"


def test_backlog(store: Store) -> None:
    put(store, "old", now=NOW - 5)
    put(store, "new")
    put(store, "dead", sink="slack")
    with store.write() as connection:
        outbox.mark_dead(connection, due(store, sink="slack"), NOW, "no_service")
    with store.read() as connection:
        assert outbox.backlog(connection, ["email", "slack", "pager"]) == {
            "email": Backlog(pending=2, oldest=NOW - 5),
            "slack": Backlog(dead=1),
            "pager": Backlog(),
        }


def test_backlog_tells_of_sinks_that_are_gone_and_uses_the_index(store: Store) -> None:
    """Nobody sends what waits for them; somebody has to notice."""
    for number in range(3):
        put(store, "theirs", sink="pager", now=NOW + number)
        put(store, "delivered", sink="chat")
    with store.write() as connection:
        while message := outbox.next_due(connection, "chat", NOW):
            outbox.mark_delivered(connection, message, NOW)
    asked: list[tuple[str, Any]] = []
    with store.read() as connection:
        event.listen(connection, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))
        assert outbox.backlog(connection, ["email"]) == {
            "email": Backlog(),
            "pager": Backlog(pending=3, oldest=NOW),
        }
        *looks, counted = list(asked)
        plans = [
            connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values).all() for query, values in looks
        ]
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {counted[0]}", counted[1]).all()
    assert "USING INDEX messages_due (sink=? AND state=?)" in plan[0][-1]
    assert all("INDEX messages_due (sink>?)" in found[0][-1] for found in plans)


def test_a_finished_message_stays_as_it_is(store: Store) -> None:
    put(store, "once")
    message = due(store)
    with store.write() as connection:
        outbox.mark_delivered(connection, message, NOW)
        outbox.mark_dead(connection, message, NOW, "late")
        [row] = outbox.newest(connection, 10)
    assert (row.state, row.attempts, row.error) == ("delivered", 1, None)


@pytest.mark.parametrize("limit", [1, 2])
def test_newest_are_given_oldest_first(store: Store, limit: int) -> None:
    for subject in ("a", "b", "c"):
        put(store, subject)
    with store.read() as connection:
        found = [message.subject for message in outbox.newest(connection, limit)]
    assert found == ["a", "b", "c"][-limit:]


def test_a_crowd_that_waits_for_one_message_hides_nobody(store: Store) -> None:
    put(store, "the one", "alert:a")
    with store.write() as connection:
        outbox.mark_failed_attempt(connection, due(store), NOW + 60, "greylisted")
    with store.write() as connection:
        for number in range(WINDOW + 10):
            said = Notification(str(number), "info", (Entry("x"),))
            outbox.enqueue(connection, said, sink="email", kind="alerts", about=["alert:a"], now=NOW)
    put(store, "about another", "alert:b", now=NOW + 1)
    now = NOW + 2
    assert due(store, now) is None
    with store.write() as connection:
        assert outbox.is_crowded(connection, "email", now)
        assert outbox.postpone_blocked(connection, "email", now) == WINDOW
        assert not outbox.is_crowded(connection, "email", now)
    assert due(store, now).subject == "about another"
    assert due(store, NOW + 60).subject == "about another"
    with store.write() as connection:
        outbox.mark_delivered(connection, due(store, now), now)
    assert due(store, NOW + 60).subject == "the one"
