import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL, make_url

from recwatch.errors import StoreError
from recwatch_bridge.storage.probe import probe
from recwatch_bridge.storage.store import Store


def test_a_database_is_found_usable_before_and_after_it_is_made(
    url: str, open_store: Callable[[str], Store]
) -> None:
    probe(url)
    store = open_store(url)
    store.claim()
    probe(url)
    store.close()
    probe(url)


def test_nothing_is_left_beside_a_file(tmp_path: Path) -> None:
    Store(f"sqlite:///{tmp_path}/bridge.db").close()
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    probe(f"sqlite:///{tmp_path}/bridge.db")
    probe(f"sqlite:///{tmp_path}/deep/er/bridge.db")
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_a_database_of_a_later_version_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "odd %23 #?name.db"
    url = URL.create("sqlite", database=str(file)).render_as_string()
    Store(url).close()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE recwatch_bridge_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match="was made by a newer recwatch: its tables are of version 9999"):
        probe(url)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bridge.db").write_bytes(b"SQLite format 3\x00" + b"x" * 5000)
    with pytest.raises(StoreError, match="see that the database is there and can be written"):
        probe(f"sqlite:///{tmp_path}/bridge.db")


def test_a_lock_file_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "bridge.db.lock").mkdir()
    with pytest.raises(StoreError, match=r"bridge\.db\.lock is a folder"):
        probe(f"sqlite:///{tmp_path}/bridge.db")


def test_a_user_who_may_make_no_tables(postgresql: Any) -> None:
    url = make_url(postgresql.make_database())
    name = str(url.database)
    postgresql.sql(name, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    postgresql.sql(name, "CREATE ROLE guest LOGIN")
    url = url.set(username="guest")
    with pytest.raises(StoreError, match=r"this user may not: GRANT CREATE ON SCHEMA public TO guest$"):
        probe(url.render_as_string(hide_password=False))
