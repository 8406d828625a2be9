import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from recwatch.errors import StoreError
from recwatch_bridge import runs, schema
from recwatch_bridge.errors import StoreBusyError
from recwatch_bridge.store import Store


def test_survives_being_opened_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new/folder/bridge.db"
    for _ in range(2):
        store = Store(url)
        with store.read() as connection:
            assert connection.scalar(select(schema.schema_version.c.version)) == schema.VERSION
            assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
            assert connection.scalar(text("PRAGMA synchronous")) == 2
        store.close()


def test_tables_of_another_version_are_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/bridge.db"
    store = Store(url)
    with store.write() as connection:
        connection.execute(schema.schema_version.update().values(version=99))
    store.close()
    with pytest.raises(StoreError, match="are of version 99, this program knows 2"):
        Store(url)


def test_tables_of_the_first_version_are_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "bridge.db"
    old = sqlite3.connect(path)
    # As version 1 wrote them, as far as this migration goes.
    old.executescript(
        "CREATE TABLE schema_version (version INTEGER NOT NULL); INSERT INTO schema_version VALUES (1);"
        "CREATE TABLE messages (id INTEGER PRIMARY KEY); INSERT INTO messages VALUES (7);"
        "CREATE TABLE runs (number INTEGER PRIMARY KEY); INSERT INTO runs VALUES (9);"
    )
    old.close()
    for _ in range(2):
        store = Store(f"sqlite:///{path}")
        with store.read() as connection:
            assert connection.scalar(select(schema.schema_version.c.version)) == schema.VERSION
            assert connection.execute(text("SELECT id, recipients FROM messages")).all() == [(7, None)]
            assert connection.execute(text("SELECT number, serving FROM runs")).all() == [(9, None)]
        store.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bridge.db").write_text(
        "not a database, but long enough to be looked at" * 50, encoding="utf-8"
    )
    with pytest.raises(StoreError, match="file is not a database"):
        Store(f"sqlite:///{tmp_path}/bridge.db")


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
        with store.read() as connection:
            assert connection.scalar(select(schema.schema_version.c.version)) == schema.VERSION
    finally:
        leave.set()
        holder.join()


def test_another_process_that_locks_the_file_is_an_error(store: Store, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "data" / "bridge.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(Exception, match="database is locked"), store.write():
            pass
    finally:
        other.close()
    with store.write() as connection:
        runs.create(connection, "als", "alert", not_before=0, now=0)


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    def fail() -> None:
        with store.write() as connection:
            runs.create(connection, "als", "alert", not_before=0, now=0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.read() as connection:
        assert runs.newest(connection, 10) == []


def test_the_database_itself_holds_one_run_a_model(store: Store) -> None:
    with store.write() as connection:
        runs.create(connection, "als", "alert", not_before=0, now=0)
        runs.create(connection, "bpr", "alert", not_before=0, now=0)
    with pytest.raises(IntegrityError), store.write() as connection:
        runs.create(connection, "als", "alert", not_before=0, now=0)


def test_the_database_itself_holds_one_identity(store: Store) -> None:
    row = {"channel": "email", "fingerprint": "f", "starts_at": "s", "status": "firing", "received": 0.0}
    with pytest.raises(IntegrityError), store.write() as connection:
        connection.execute(insert(schema.alerts), [row, row])
