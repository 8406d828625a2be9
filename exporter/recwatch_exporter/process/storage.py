"""What the checks said, kept in a file: a restart begins with the last results and their own times.

The file is an SQLite database: every save is one transaction, flushed to disk, and costs what changed. A file
that is damaged, or is something else, is set aside.
"""

import json
import logging
import math
import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from recwatch.logs import event
from recwatch_exporter.process.kept import read_kept, write_kept
from recwatch_exporter.process.state import History, Kept, Key, Point

_LOG = logging.getLogger(__name__)

_APPLICATION: Final = 0x72776478  # "rwdx"
_VERSION: Final = 1
_PATIENCE_SECONDS: Final = 1.0
_TABLES: Final = frozenset({"checks", "points"})
_SCHEMA: Final = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS checks (name TEXT PRIMARY KEY, said TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS points (
    name TEXT NOT NULL, feature TEXT NOT NULL, segment TEXT NOT NULL, at REAL NOT NULL,
    statistic REAL, effect_size REAL, p_value REAL, detected INTEGER NOT NULL,
    PRIMARY KEY (name, feature, segment, at)
) STRICT, WITHOUT ROWID;
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_VERSION};
COMMIT;
"""

Operation = Literal["load", "save"]
OPERATIONS: Final[tuple[Operation, ...]] = ("load", "save")


class Storage:
    """The file. Nothing here raises: what fails is counted and logged, and checks go on.

    Args:
        path: the file; it is made, with its folder, where it is missing.
        clock: the time, for the name of a file that is set aside.
    """

    def __init__(self, path: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.path = path
        self.failures: dict[Operation, int] = dict.fromkeys(OPERATIONS, 0)
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._unsaved: dict[str, _Row] = {}

    def load(self) -> dict[str, Kept]:
        """What was kept, by the checks' names; nothing where there is no file, or none that can be used."""
        with self._lock:
            try:
                if not self.path.exists():
                    return {}
                return self._read(self._open())
            except (sqlite3.Error, OSError, ValueError) as error:
                self._failed("load", error)
                self._close()
                if not _passing(error):
                    self._set_aside()
                return {}

    def save(self, name: str, kept: Kept) -> None:
        """Keep what a check said; what could not be saved before is tried again."""
        with self._lock:
            try:
                self._unsaved[name] = _Row(json.dumps(write_kept(kept), default=str), kept.history)
                connection = self._open()
                with connection:
                    for unsaved, row in self._unsaved.items():
                        _write(connection, unsaved, row)
            except (sqlite3.Error, OSError, ValueError, TypeError) as error:
                self._failed("save", error)
                self._close()
                if isinstance(error, ValueError | TypeError) and not isinstance(error, _ForeignError):
                    self._unsaved.pop(name, None)  # it cannot be written, and must not hold up the others
                if not _passing(error):
                    self._set_aside()
            else:
                self._unsaved.clear()

    def forget_others(self, names: Iterable[str]) -> None:
        """Keep these checks alone."""
        with self._lock:
            known = set(names)
            self._unsaved = {name: item for name, item in self._unsaved.items() if name in known}
            try:
                if not self.path.exists():
                    return
                connection = self._open()
                kept = {name for (name,) in connection.execute("SELECT name FROM checks")}
                with connection:
                    for name in kept - known:
                        connection.execute("DELETE FROM checks WHERE name = ?", (name,))
                        connection.execute("DELETE FROM points WHERE name = ?", (name,))
            except (sqlite3.Error, OSError) as error:
                self._failed("save", error)
                self._close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._close()

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self.path.exists():
            return self._connection
        self._close()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=_PATIENCE_SECONDS, check_same_thread=False)
        try:
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _close(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _read(self, connection: sqlite3.Connection) -> dict[str, Kept]:
        histories: dict[str, dict[Key, list[Point]]] = {}
        columns = "name, feature, segment, at, statistic, effect_size, p_value, detected"
        for name, feature, segment, *values, detected in connection.execute(
            f"SELECT {columns} FROM points ORDER BY name, feature, segment, at"  # noqa: S608 - names of our own
        ):
            at, statistic, effect_size, p_value = values
            points = histories.setdefault(name, {}).setdefault((feature, segment), [])
            points.append(Point(at, statistic, effect_size, p_value, bool(detected)))
        found = {}
        for name, said in connection.execute("SELECT name, said FROM checks"):
            history: History = {key: tuple(points) for key, points in histories.get(name, {}).items()}
            try:
                found[name] = read_kept(json.loads(said), history)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                self._failed("load", f"check {name}: {error!r}")
        return found

    def _set_aside(self) -> None:
        self._close()
        aside = self.path.with_name(f"{self.path.name}.{self._clock():%Y%m%dT%H%M%S}.unusable")
        try:
            self.path.replace(aside)
            for suffix in ("-journal", "-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        except OSError as error:
            _LOG.warning(event("State file cannot be set aside", file=self.path, error=error))
        else:
            _LOG.warning(event("State file set aside, a new one is begun", file=self.path, aside=aside))

    def _failed(self, operation: Operation, error: object) -> None:
        self.failures[operation] += 1
        _LOG.error(event(f"State file: {operation} failed, see --storage.path", file=self.path, error=error))


@dataclass(frozen=True)
class _Row:
    """What is to be written of a check."""

    said: str
    history: History


class _ForeignError(ValueError):
    """The file is not ours, or not of this version."""


def _prepare(connection: sqlite3.Connection) -> None:
    """See whose file it is; from then on it is held until it is closed: two exporters share no file."""
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.executescript("BEGIN EXCLUSIVE; COMMIT;")
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if tables and application != _APPLICATION:
        raise _ForeignError("it is a database of something else")
    if tables and version != _VERSION:
        raise _ForeignError(f"it is of version {version}, not {_VERSION}")
    if tables and tables != _TABLES:
        raise _ForeignError(f"it has the tables {', '.join(sorted(tables))}")
    if tables:
        with closing(connection.execute("PRAGMA quick_check(1)")) as found:
            damage = found.fetchone()[0]
        if damage != "ok":
            raise sqlite3.DatabaseError(damage)
    else:
        connection.executescript(_SCHEMA)


def _write(connection: sqlite3.Connection, name: str, row: _Row) -> None:
    connection.execute("INSERT OR REPLACE INTO checks VALUES (?, ?)", (name, row.said))
    found = connection.execute(
        "SELECT feature, segment, max(at) FROM points WHERE name = ? GROUP BY feature, segment", (name,)
    )
    newest = {(feature, segment): at for feature, segment, at in found}
    for key in newest.keys() - row.history.keys():
        connection.execute("DELETE FROM points WHERE name = ? AND feature = ? AND segment = ?", (name, *key))
    for key, points in row.history.items():
        since = newest.get(key, -math.inf)
        connection.executemany(
            "INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (name, *key, point.at, point.statistic, point.effect_size, point.p_value, point.detected)
                for point in points
                if point.at > since
            ],
        )
        connection.execute(
            "DELETE FROM points WHERE name = ? AND feature = ? AND segment = ? AND at < ?",
            (name, *key, points[0].at if points else math.inf),
        )


def _passing(error: BaseException) -> bool:
    """Whether the file itself may be sound: the disk is full, or another process holds it."""
    return not isinstance(error, _ForeignError) and (
        isinstance(error, sqlite3.OperationalError) or not isinstance(error, sqlite3.Error)
    )
