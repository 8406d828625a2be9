"""A database answers a query. Needs the extra `store`."""

import math
import os
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from recwatch.errors import ConfigError, HealthError
from recwatch.extras import lacking
from recwatch.health.result import Measured
from recwatch.health.secrets import hide
from recwatch.lifetime import keep

try:
    import sqlalchemy as sa
except ModuleNotFoundError as error:
    raise lacking(error, "recwatch[store]") from error

from recwatch.store.forks import in_database

__all__ = ["Database"]

_ANY = "SELECT 1"


class Database:
    """Measures the seconds that a new connection and a query take.

    Args:
        url: as SQLAlchemy takes it, such as `postgresql+psycopg://user@host/database`.
        query: what is asked. A file of SQLite that is not there yet passes the default where it can be made.
        connect_timeout: seconds after which the driver gives up (PostgreSQL, MySQL), so that the thread ends;
            longer than the check's own `timeout`, which decides.

    Raises:
        ConfigError: when the URL cannot be used.
        ModuleNotFoundError: when psycopg is missing; it says how to install it.
    """

    unit = "seconds"

    def __init__(self, url: str, *, query: str = _ANY, connect_timeout: float = 5.0) -> None:
        try:
            self._url = sa.make_url(url)
            options = _options(self._url.get_backend_name(), connect_timeout)
            self._make = partial(sa.create_engine, self._url, poolclass=sa.NullPool, connect_args=options)
            self._engine = self._make()
        except (sa.exc.ArgumentError, ImportError, ValueError) as error:
            if isinstance(error, ModuleNotFoundError) and error.name == "psycopg":
                raise lacking(error, "recwatch[postgres]") from error
            # The message of a `ValueError` may show the password.
            why = "its form is wrong" if isinstance(error, ValueError) else str(error)
            raise ConfigError(
                f"the URL of a database check cannot be used: {why}; write one such as "
                "postgresql+psycopg://user@host/database, and @ / : in a password as %40 %2F %3A"
            ) from None
        self._query = sa.text(query)
        # A file may be made by the first record that a service writes, but not before it is ready to serve.
        self._may_be_missing = query == _ANY
        keep(self, after_fork=Database._forked)

    def __call__(self) -> Measured:
        """The seconds that it took; none where a file of SQLite is still to be made.

        Raises:
            HealthError: when the database cannot be reached or refuses the query.
        """
        if (file := self._missing_file()) is not None:
            if not self._may_be_missing:
                raise HealthError(f"{file}: no such file")
            return _can_be_made(file)
        started = time.monotonic()
        try:
            with in_database(self._url), self._engine.connect() as connection:
                connection.execute(self._query).first()
        except sa.exc.SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            secrets = [self._url.password, *_texts(self._url.query)]
            raise HealthError(f"{type(cause).__name__}: {hide(str(cause), *secrets)}") from error
        return Measured(time.monotonic() - started)

    def _forked(self) -> None:
        """Leave the engine to the parent: a thread of it may hold the lock of the first connection."""
        self._engine = self._make()

    def _missing_file(self) -> Path | None:
        """The file of SQLite that is not there: to ask for it would make it."""
        name = self._url.database
        if self._url.get_backend_name() != "sqlite" or not name or name.startswith((":memory:", "file:")):
            return None
        if not Path(name).is_file():
            return Path(name)
        # One that was there and goes is missed.
        self._may_be_missing = False
        return None


def _can_be_made(file: Path) -> Measured:
    """Whoever writes to it first makes its folder, too."""
    folder = next(parent for parent in file.absolute().parents if parent.exists())
    if file.exists() or not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise HealthError(f"{file}: no such file, and it cannot be made in {folder}")
    return Measured(None, f"{file} is not there yet: what is written first makes it")


def _options(backend: str, connect_timeout: float) -> dict[str, Any]:
    if backend in ("postgresql", "mysql", "mariadb"):
        return {"connect_timeout": math.ceil(connect_timeout)}
    return {"timeout": connect_timeout} if backend == "sqlite" else {}


def _texts(query: Mapping[str, str | tuple[str, ...]]) -> list[str]:
    """Passwords may stand among a URL's options, too."""
    values = [value for key, value in query.items() if "pass" in key]
    return [text for value in values for text in ([value] if isinstance(value, str) else value)]
