import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from recwatch.errors import StoreError
from recwatch.store import create_store_engine, open_store
from recwatch.store.engine import parse_url, using_database


def test_looking_at_a_url_opens_and_makes_nothing(tmp_path: Path) -> None:
    assert parse_url(f"sqlite:///{tmp_path / 'deep' / 'store.db'}").get_backend_name() == "sqlite"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("data/store.db", "Could not parse SQLAlchemy URL .*; write one such as sqlite:///data/store.db$"),
        ("sqlite://data/store.db", "a file has three slashes: write sqlite:///data/store.db$"),
        ("sqlite://store.db", "a file has three slashes: write sqlite:///store.db$"),
        ("sqlite://", "it is in memory, .*; write one such as"),
        ("sqlite:///:memory:", "it is in memory"),
        ("sqlite:///file::memory:?cache=shared&uri=true", "it is in memory"),
        ("sqlite:///file:a?mode=memory&uri=true", "it is in memory"),
        ("mysql://me:secret@host/db", "records are kept in SQLite or PostgreSQL, not in mysql; write one"),
        (
            "postgresql+pg8000://me:secret@host/db",
            r"pg8000 is not there: .* needs recwatch\[postgres\]; write",
        ),
        ("nothing://me:secret@host/db", "SQLite or PostgreSQL, not in nothing; write one"),
        (
            "postgresql+nothing://me:secret@host/db",
            r"Can't load plugin.*write one such as postgresql\+psycopg://",
        ),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_in_one_line(url: str, message: str) -> None:
    with pytest.raises(StoreError, match=message) as failure:
        parse_url(url)
    assert "\n" not in str(failure.value)
    assert "secret" not in str(failure.value)


def test_a_driver_that_is_missing_is_called_by_its_extra() -> None:
    code = """
import sys

sys.modules["psycopg"] = None
from recwatch.store.engine import parse_url

parse_url("postgresql+psycopg://me:secret@host/db")
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = result.stderr.splitlines()[-1]
    assert last.startswith(
        "recwatch.errors.StoreError: 'postgresql+psycopg://me:***@host/db' cannot be used: "
    )
    assert last.endswith(": pip install 'recwatch[postgres]'")


def test_postgresql_waits_for_a_lock_no_longer_than_asked(postgresql_url: str) -> None:
    open_store(postgresql_url).close()
    holder = create_store_engine(postgresql_url)
    with holder.begin() as connection, open_store(postgresql_url, timeout=0.05) as store:
        connection.execute(sa.text("LOCK TABLE training_runs"))
        with pytest.raises(StoreError, match="locked by another process") as failure:
            store.runs()
    holder.dispose()
    assert failure.value.reason == "locked"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (sqlite3.OperationalError("database is locked"), "locked"),
        (sqlite3.OperationalError("database or disk is full"), "full"),
        (
            sa.exc.OperationalError("", {}, Exception("could not extend file: No space left on device")),
            "full",
        ),
        (sa.exc.DataError("", {}, Exception("integer out of range")), "refused"),
        (sa.exc.IntegrityError("", {}, Exception("NOT NULL constraint failed")), "refused"),
        (sa.exc.OperationalError("", {}, Exception("disk I/O error")), "unavailable"),
    ],
)
def test_what_the_database_says_becomes_a_reason(error: Exception, reason: str) -> None:
    with pytest.raises(StoreError) as failure, using_database(sa.make_url("sqlite:///x.db")):
        raise error
    assert failure.value.reason == reason


def test_an_error_of_the_caller_is_left_alone() -> None:
    with pytest.raises(KeyError), using_database(sa.make_url("sqlite:///x.db")):
        raise KeyError


def test_a_password_is_in_no_message() -> None:
    url = sa.make_url("postgresql+psycopg://anna:geheim@host/x")
    error = sa.exc.OperationalError("", {}, Exception("no postgresql://anna:geheim@host"))
    with pytest.raises(StoreError) as failure, using_database(url):
        raise error
    assert "geheim" not in str(failure.value)


def test_opening_what_is_up_to_date_takes_no_lock(store_url: str, tmp_path: Path) -> None:
    open_store(store_url).close()
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    open_store(store_url, timeout=0.0).close()
    other.close()
