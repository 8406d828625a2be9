import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from recwatch.errors import StoreError
from recwatch.store import create_store_engine, open_store
from recwatch.store.engine import as_store_error, parse_url


def test_looking_at_a_url_opens_and_makes_nothing(tmp_path: Path) -> None:
    assert parse_url(f"sqlite:///{tmp_path / 'deep' / 'store.db'}").get_backend_name() == "sqlite"
    assert list(tmp_path.iterdir()) == []


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
    with pytest.raises(StoreError) as failure, as_store_error(sa.make_url("sqlite:///x.db")):
        raise error
    assert failure.value.reason == reason


def test_an_error_of_the_caller_is_left_alone() -> None:
    with pytest.raises(KeyError), as_store_error(sa.make_url("sqlite:///x.db")):
        raise KeyError


def test_a_password_is_in_no_message() -> None:
    url = sa.make_url("postgresql+psycopg://anna:geheim@host/x")
    error = sa.exc.OperationalError("", {}, Exception("no postgresql://anna:geheim@host"))
    with pytest.raises(StoreError) as failure, as_store_error(url):
        raise error
    assert "geheim" not in str(failure.value)


def test_opening_what_is_up_to_date_takes_no_lock(store_url: str, tmp_path: Path) -> None:
    open_store(store_url).close()
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    open_store(store_url, timeout=0.0).close()
    other.close()
