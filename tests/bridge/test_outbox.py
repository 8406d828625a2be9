from typing import Any

import pytest
from sqlalchemy import event

from recwatch_bridge import outbox
from recwatch_bridge.notification import Entry, Notification
from recwatch_bridge.outbox import Backlog
from recwatch_bridge.store import Store

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


def test_backlog_leaves_out_other_sinks_and_uses_the_index(store: Store) -> None:
    put(store, "theirs", sink="pager")
    asked: list[tuple[str, Any]] = []
    with store.read() as connection:
        event.listen(connection, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))
        assert outbox.backlog(connection, ["email"]) == {"email": Backlog()}
        [(query, values)] = asked
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values).all()
    assert "USING INDEX messages_due (sink=? AND state=?)" in plan[0][-1]


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
