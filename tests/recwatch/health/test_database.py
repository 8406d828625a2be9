"""SQLite in a file, and a real PostgreSQL."""

import os
import re
import signal
import socket
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from recwatch.errors import ConfigError, HealthError
from recwatch.health import HealthChecks, Measured
from recwatch.health.database import Database
from recwatch.requestlog import RequestLog
from recwatch.testing import free_port, wait_until


def test_it_measures_the_time_of_a_query(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "a.db").close()
    measured = Database(f"sqlite:///{tmp_path / 'a.db'}")()
    assert measured.value is not None
    assert 0 < measured.value < 60
    assert Database("sqlite://")().value is not None


def test_a_file_that_the_first_request_makes_does_not_keep_a_service_from_being_ready(
    tmp_path: Path, make_request: Any, registry: CollectorRegistry
) -> None:
    file = tmp_path / "data" / "store.db"
    check = Database(f"sqlite:///{file}")
    log = RequestLog(f"sqlite:///{file}", registry=registry)
    assert check() == Measured(None, f"{file} is not there yet: what is written first makes it")
    assert not list(tmp_path.iterdir())
    log.take([make_request(user_id=1)])
    assert log.flush() is True
    assert check().value is not None
    log.close()
    file.unlink()
    with pytest.raises(HealthError, match=r"store\.db: no such file$"):
        check()


def test_a_file_that_is_asked_for_a_table_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(HealthError, match=r"nowhere\.db: no such file$"):
        Database(f"sqlite:///{tmp_path / 'nowhere.db'}", query="SELECT 1 FROM requests LIMIT 1")()
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_made_fails(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    (tmp_path / "folder.db").mkdir()
    for path in (f"{tmp_path}/taken/a.db", f"{tmp_path}/folder.db"):
        with pytest.raises(HealthError, match=r"no such file, and it cannot be made in /"):
            Database(f"sqlite:///{path}")()


def test_a_query_that_fails_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.db").touch()
    check = Database(f"sqlite:///{tmp_path / 'a.db'}", query="SELECT 1 FROM missing")
    with pytest.raises(HealthError, match=r"OperationalError: no such table: missing$"):
        check()


def test_postgresql_answers(postgresql_url: str) -> None:
    assert Database(postgresql_url)().value is not None
    missing = re.sub(r"/\w+$", "/nowhere", postgresql_url)
    with pytest.raises(HealthError, match='database "nowhere" does not exist'):
        Database(missing)()


def test_nobody_there_is_said_without_the_password() -> None:
    url = f"postgresql+psycopg://me:s%40cret@127.0.0.1:{free_port()}/db?sslpassword=hidden"
    with pytest.raises(HealthError, match="Connection refused") as caught:
        Database(url)()
    assert "cret" not in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_one_that_hangs_times_out(health: HealthChecks) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"postgresql+psycopg://me:secret@127.0.0.1:{silent.getsockname()[1]}/db"
        health.add("database", Database(url, connect_timeout=2), timeout=0.05)
        health.start()
        wait_until(lambda: health.results()["database"].status == "timeout")


@pytest.mark.parametrize(
    "url", ["", "secret", "nothing://me:secret@host/db", "postgresql+psycopg://me:sec@ret:x@host/db"]
)
def test_a_url_that_cannot_be_used_is_refused_without_the_password(url: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot be used: .*; write one such as postgresql") as caught:
        Database(url)
    assert "sec" not in str(caught.value)


def test_a_driver_that_is_missing_is_called_by_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ModuleNotFoundError, match=r": pip install 'recwatch\[postgres\]'$"):
        Database("postgresql+psycopg://me@host/db")


def welcome(server: socket.socket) -> socket.socket:
    """Take a connection as PostgreSQL does, and wait for its first query."""
    connection, _ = server.accept()
    connection.settimeout(30)
    while len(connection.recv(4096)) == 8:  # asks for encryption
        connection.sendall(b"N")
    encoding = b"client_encoding\0UTF8\0"
    parameter = b"S\0\0\0" + bytes([4 + len(encoding)]) + encoding
    connection.sendall(b"R\0\0\0\x08\0\0\0\0" + parameter + b"Z\0\0\0\x05I")
    assert connection.recv(1) in {b"Q", b"P"}
    return connection


def test_a_child_that_is_forked_while_a_thread_connects_connects_by_itself() -> None:
    """SQLAlchemy holds a lock while it asks the first connection of an engine what server it is."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        check = Database(f"postgresql+psycopg://u@127.0.0.1:{server.getsockname()[1]}/d")

        def ask() -> None:
            with pytest.raises(HealthError):
                check()

        thread = threading.Thread(target=ask)
        thread.start()
        with welcome(server):
            child = os.fork()
            if not child:
                signal.alarm(60)
                try:
                    check()
                except HealthError:
                    os._exit(0)
                finally:
                    os._exit(1)
            welcome(server).close()
        thread.join(30)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
