"""A real PostgreSQL for tests."""

import os
import subprocess
from pathlib import Path
from typing import LiteralString

import psycopg

from recwatch.testing import free_port


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
