from recwatch_bridge.delivering import dead_letters, outbox
from recwatch_bridge.delivering.outbox import Backlog
from recwatch_bridge.messages.notification import Entry, Notification
from recwatch_bridge.storage.store import Store

NOW = 1_000.0


def put(store: Store, subject: str, *about: str, sink: str = "email") -> str:
    with store.write() as connection:
        said = Notification(subject, "info", (Entry(subject),))
        return outbox.enqueue(connection, said, sink=sink, kind="alerts", about=about, now=NOW)


def kill(store: Store, subject: str, *about: str, sink: str = "email") -> str:
    uid = put(store, subject, *about, sink=sink)
    with store.write() as connection:
        [message] = [row for row in outbox.newest(connection, 500) if row.uid == uid]
        outbox.mark_dead(connection, message, NOW + 1, "refused")
    return uid


def test_dead_letters_are_listed_oldest_first(store: Store) -> None:
    kill(store, "a")
    put(store, "waits")
    kill(store, "b", sink="slack")
    with store.read() as connection:
        assert [message.subject for message in dead_letters.dead(connection)] == ["a", "b"]
        assert [message.subject for message in dead_letters.dead(connection, "slack")] == ["b"]


def test_a_dead_letter_is_taken_back_as_if_it_came_now(store: Store) -> None:
    uid = kill(store, "a")
    with store.write() as connection:
        assert dead_letters.revive(connection, [uid, "unknown", uid], NOW + 500) == 1
        assert dead_letters.revive(connection, [uid], NOW + 600) == 0
    with store.read() as connection:
        message = outbox.next_due(connection, "email", NOW + 500)
    assert message is not None
    assert (message.uid, message.state, message.attempts) == (uid, "pending", 0)
    assert (message.created, message.since, message.next_attempt) == (NOW, NOW + 500, NOW + 500)
    assert (message.finished, message.error) == (None, None)


def test_all_dead_letters_or_those_of_a_sink_are_taken_back(store: Store) -> None:
    for number in range(3):
        kill(store, f"email {number}")
        kill(store, f"slack {number}", sink="slack")
    with store.write() as connection:
        assert dead_letters.revive(connection, None, NOW, sink="slack") == 3
        assert dead_letters.revive(connection, None, NOW) == 3
        assert dead_letters.dead(connection) == []


def test_a_thousand_dead_letters_are_taken_back_by_name(store: Store) -> None:
    uid = kill(store, "a")
    with store.write() as connection:
        assert dead_letters.revive(connection, [*(f"no-{number}" for number in range(40_000)), uid], NOW) == 1


def test_a_dead_letter_that_was_taken_back_leaves_before_what_is_about_the_same(store: Store) -> None:
    uid = kill(store, "firing a", "alert:a")
    put(store, "resolved a", "alert:a")
    with store.write() as connection:
        dead_letters.revive(connection, [uid], NOW)
    with store.read() as connection:
        first = outbox.next_due(connection, "email", NOW)
    assert first is not None
    assert first.subject == "firing a"


def test_a_dead_letter_that_was_dropped_is_none_any_more(store: Store) -> None:
    uid, kept = kill(store, "a", "alert:a"), kill(store, "b")
    waits = put(store, "waits", "alert:a")
    with store.write() as connection:
        assert dead_letters.drop(connection, [uid, waits, "unknown"]) == 1
        assert dead_letters.drop(connection, [uid]) == 0
        assert dead_letters.revive(connection, [uid], NOW) == 0
        assert [message.uid for message in dead_letters.dead(connection)] == [kept]
        assert outbox.backlog(connection, ["email"]) == {"email": Backlog(pending=1, oldest=NOW, dead=1)}
        first = outbox.next_due(connection, "email", NOW)
        [row] = [message for message in outbox.newest(connection, 9) if message.uid == uid]
    assert first is not None
    assert first.uid == waits
    assert (row.state, row.finished, row.error) == ("dropped", NOW + 1, "refused")


def test_all_dead_letters_of_a_sink_are_dropped(store: Store) -> None:
    kill(store, "a")
    kill(store, "b", sink="slack")
    with store.write() as connection:
        assert dead_letters.drop(connection, None, sink="slack") == 1
        assert dead_letters.drop(connection, None) == 1
        assert dead_letters.dead(connection) == []
