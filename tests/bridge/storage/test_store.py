import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import DatabaseError, IntegrityError

from recwatch.errors import StoreError
from recwatch.testing import wait_until
from recwatch_bridge.clock import wall
from recwatch_bridge.errors import StoreBusyError
from recwatch_bridge.retraining import runs
from recwatch_bridge.retraining.runs import Reason
from recwatch_bridge.storage import schema
from recwatch_bridge.storage.store import Store

OpenStore = Callable[[str], Store]


def facts(connection: Connection) -> list[str]:
    return list(connection.scalars(select(schema.facts.c.name).order_by(schema.facts.c.name)))


def put(connection: Connection, name: str) -> None:
    connection.execute(insert(schema.facts).values(name=name, at=0.0))


def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = Store(f"sqlite:///{tmp_path}/data/bridge.db")
        with store.write() as connection:
            put(connection, "something")
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "data").iterdir()}
        store.close()
    finally:
        os.umask(before)
    assert modes.keys() > {"bridge.db"}
    assert set(modes.values()) == {0o600}


def test_survives_being_opened_again(url: str, open_store: OpenStore) -> None:
    store = open_store(url)
    with store.write() as connection:
        put(connection, "a")
    store.close()
    with open_store(url).read() as connection:
        assert facts(connection) == ["a"]


def test_sqlite_has_each_commit_on_the_disk(store: Store) -> None:
    for transaction in (store.read, store.write):
        with transaction() as connection:
            assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
            assert connection.scalar(text("PRAGMA synchronous")) == 2
            assert connection.scalar(text("PRAGMA foreign_keys")) == 1


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bridge.db").write_text(
        "not a database, but long enough to be looked at" * 50, encoding="utf-8"
    )
    with pytest.raises(StoreError, match="file is not a database"):
        Store(f"sqlite:///{tmp_path}/bridge.db")


def test_a_server_that_is_away_is_named_without_the_password() -> None:
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:1/bridge: connection .* refused") as failure:
        Store("postgresql+psycopg://recwatch@127.0.0.1:1/bridge", "s3cret")
    assert "s3cret" not in str(failure.value)


def test_a_url_that_cannot_be_used_is_refused() -> None:
    with pytest.raises(StoreError, match="kept in SQLite or PostgreSQL, not in mysql"):
        Store("mysql://recwatch@127.0.0.1/bridge")


def test_writers_take_turns(store: Store) -> None:
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with store.write():
            inside.set()
            leave.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    assert inside.wait(10)
    try:
        with pytest.raises(StoreBusyError), store.write():
            pass
        with pytest.raises(StoreBusyError):
            store.commit(facts)
        with store.read() as connection:
            assert facts(connection) == []
    finally:
        leave.set()
        holder.join()


def test_another_process_that_locks_the_file_is_an_error_that_passes(store: Store, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "data" / "bridge.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreBusyError, match=r"database is locked.*: try again"), store.write():
            pass
    finally:
        other.close()
    with store.write() as connection:
        put(connection, "a")


def test_a_failed_transaction_leaves_nothing(any_store: Store) -> None:
    def fail() -> None:
        with any_store.write() as connection:
            put(connection, "a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with any_store.read() as connection:
        assert facts(connection) == []


def test_a_reader_sees_one_picture(any_store: Store) -> None:
    with any_store.read() as connection:
        assert facts(connection) == []
        with any_store.write() as writer:
            put(writer, "a")
        assert facts(connection) == []
    with any_store.read() as connection:
        assert facts(connection) == ["a"]


def test_a_reader_of_postgresql_cannot_write(postgresql_url: str, open_store: OpenStore) -> None:
    with (
        pytest.raises(DatabaseError, match="read-only transaction"),
        open_store(postgresql_url).read() as connection,
    ):
        put(connection, "a")


def test_an_error_says_nothing_of_what_was_to_be_stored(any_store: Store) -> None:
    """It goes to the log, and alerts may say what others are not to read."""
    with any_store.write() as connection:
        put(connection, "of Mrs. Smith")
    with pytest.raises(IntegrityError) as caught, any_store.write() as connection:
        connection.execute(insert(schema.facts).values(name="of Mrs. Smith", at=0.0, value="a diagnosis"))
    assert "a diagnosis" not in str(caught.value)


def test_only_a_server_has_a_clock_of_its_own(any_store: Store) -> None:
    before = wall()
    server = any_store.server_time()
    assert (server is not None) == any_store.is_shared
    assert server is None or before - 1.0 <= server <= wall() + 1.0


def test_the_database_itself_holds_one_run_a_model(any_store: Store) -> None:
    with any_store.write() as connection:
        runs.create(connection, "als", "alert", not_before=0, now=0)
        runs.create(connection, "bpr", "alert", not_before=0, now=0)
    with pytest.raises(IntegrityError), any_store.write() as connection:
        runs.create(connection, "als", "alert", not_before=0, now=0)


def test_the_database_itself_holds_one_identity(any_store: Store) -> None:
    row = {"channel": "email", "fingerprint": "f", "starts_at": "s", "status": "firing", "received": 0.0}
    with pytest.raises(IntegrityError), any_store.write() as connection:
        connection.execute(insert(schema.alerts), [row, row])


def test_one_transaction_at_a_time_has_a_name(postgresql_url: str, open_store: OpenStore) -> None:
    first, second = open_store(postgresql_url), open_store(postgresql_url)
    with first.write() as connection:
        first.serial(connection, "model:als")
        with second.write() as other:
            second.serial(other, "model:bpr")
        with pytest.raises(StoreBusyError), second.write() as other:
            second.serial(other, "model:als")
    with second.write() as other:
        second.serial(other, "model:als")


def test_who_waits_for_a_name_goes_on_when_it_is_free(postgresql_url: str, open_store: OpenStore) -> None:
    first, second = open_store(postgresql_url), Store(postgresql_url, lock_timeout=10)

    def work(connection: Connection) -> list[str]:
        second.serial(connection, "model:als")
        return facts(connection)

    with first.write() as connection:
        first.serial(connection, "model:als")
        waiting = second.submit(work)
        wait_until(lambda: _waits_for_a_lock(first))
        put(connection, "a")
    assert waiting.result(10) == ["a"]
    second.close()


def test_a_name_costs_nothing_on_sqlite(store: Store) -> None:
    with store.write() as connection:
        store.serial(connection, "model:als")


def test_connections_that_the_server_cut_are_made_anew(
    any_store: Store, request: pytest.FixtureRequest
) -> None:
    any_store.commit(lambda connection: put(connection, "a"))
    if any_store.is_shared:
        database = str(request.getfixturevalue("url")).rpartition("/")[2]
        request.getfixturevalue("postgresql").sql(
            database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
    any_store.commit(lambda connection: put(connection, "b"))
    with any_store.read() as connection:
        assert facts(connection) == ["a", "b"]


def _waits_for_a_lock(store: Store) -> bool:
    with store.read() as connection:
        return bool(connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


def test_a_run_of_the_longest_model_name_is_kept(any_store: Store) -> None:
    model = "m" * 63
    with any_store.write() as connection:
        run_id = runs.create(connection, model, "schedule", not_before=0, now=0)
        assert runs.join(connection, run_id, Reason(("f" * 64, "2026-11-21T00:00:00+00:00"), "a reason"), 0)
        assert runs.get(connection, run_id).model == model
