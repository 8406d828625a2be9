"""What every test may need: components that may be missing on a person's machine, but not in CI."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString, Protocol

import psycopg
import pytest

from recwatch.testing import free_port
from recwatch_local.errors import ToolsMissingError
from recwatch_local.tools import Tools, find_tools


class Require(Protocol):
    """Says that a test needs a component; see `require_component`."""

    def __call__(self, name: str, *, is_there: bool, remedy: str) -> None:
        """Skip the test, or fail it, where the component is missing."""


@pytest.fixture(scope="session")
def require_component() -> Require:
    """Skip a test whose component is missing; fail it where RECWATCH_REQUIRE_ALL=1, as in CI."""

    def require(name: str, *, is_there: bool, remedy: str) -> None:
        if is_there:
            return
        reason = f"{name} is missing: {remedy}"
        if os.environ.get("RECWATCH_REQUIRE_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)

    return require


@pytest.fixture(scope="session")
def tools(require_component: Require) -> Tools:
    """Prometheus and its companions."""
    try:
        return find_tools()
    except ToolsMissingError as error:
        require_component("Prometheus", is_there=False, remedy=str(error))
        raise


class PostgreSql:
    """A PostgreSQL server of our own, with databases made for one test each."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._port = free_port()
        self._made = 0

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs; it refuses to run as root."""
        drop = (
            ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
        )
        command = [*drop, str(self._programs / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd=self._folder, timeout=60)

    def start(self) -> None:
        data, log = str(self._folder / "data"), str(self._folder / "log")
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c fsync=off -k {self._folder}"
        self.run("initdb", "-D", data, "-U", "recwatch", "--auth=trust", "--no-sync")
        self.run("pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "-w", "stop")

    def make_database(self) -> str:
        """The URL of a new, empty database."""
        self._made += 1
        name = f"test_{self._made}"
        self.sql("postgres", f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://recwatch@127.0.0.1:{self._port}/{database}"

    def sql(self, database: str, statement: LiteralString) -> None:
        """Run a statement outside of a transaction."""
        address = f"host=127.0.0.1 port={self._port} user=recwatch dbname={database}"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture(scope="session")
def postgresql(require_component: Require) -> Iterator[PostgreSql]:
    """A real PostgreSQL server. Debian keeps its programs off PATH."""
    found = shutil.which("initdb")
    programs = Path(found).parent if found else max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
    require_component("PostgreSQL", is_there=programs is not None, remedy="apt-get install postgresql")
    assert programs is not None
    with tempfile.TemporaryDirectory(prefix="recwatch-pg-") as name:
        folder = Path(name)
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
        server = PostgreSql(programs, folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture
def postgresql_url(postgresql: PostgreSql) -> str:
    """The URL of a new, empty database on a real server."""
    return postgresql.make_database()


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, also where tests run in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
