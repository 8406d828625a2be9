"""Bring a database to this version's tables, step by step, whoever else starts at the same time.

The version that a database has stands in a table such as `recwatch_version`: under a name of our own, because
PostgreSQL may hold the tables, and the Alembic migrations, of other programs as well.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from recwatch.errors import StoreError
from recwatch.extras import lacking
from recwatch.logs import event

__all__ = ["VERSIONS", "Migrations", "is_current", "upgrade"]

VERSIONS = ("0001", "0002", "0003")
"""Every version there has been, oldest first: the revisions in `migrations/versions/`."""

_LOGGER = logging.getLogger("recwatch.store")
# Alembic keeps the migration under way in a global.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Migrations:
    """What brings the tables of one part of recwatch up to date.

    Attributes:
        versions: every version there has been, oldest first: the revisions in `folder`'s `versions/`.
        table: where a database's version stands.
        folder: of Alembic's scripts; its `env.py` finds `connection` and `version_table` in the attributes.
        lock: PostgreSQL's advisory lock, any number that no other program locks.
    """

    versions: tuple[str, ...]
    table: str
    folder: Path
    lock: int


_RECORDS = Migrations(
    versions=VERSIONS,
    table="recwatch_version",
    folder=Path(__file__).parent / "migrations",
    lock=0x72656377,  # "recw" in ASCII
)


def upgrade(engine: sa.Engine, *, to: str | None = None, by: Migrations = _RECORDS) -> None:
    """Run the migrations that a database lacks, in one transaction, one process at a time.

    A database that is up to date costs one SELECT, and Alembic is not imported.

    Args:
        engine: of the database.
        to: the version to bring it to, the last one without it; an older database is never brought back.
        by: the migrations; those of the tables of record without it.

    Raises:
        StoreError: when a newer version of recwatch made it.
        sqlalchemy.exc.SQLAlchemyError: when the database fails.
    """
    to = to or by.versions[-1]
    try:
        with engine.connect() as connection:
            if is_current(connection, by, to):
                return
    except (sa.exc.OperationalError, sa.exc.ProgrammingError):
        # Most likely there is no such table yet; whatever else it is comes again below.
        pass
    with _one_at_a_time, _locked(engine, by.lock) as connection:
        # Somebody else may have done it while this process waited.
        if not (sa.inspect(connection).has_table(by.table) and is_current(connection, by, to)):
            _run(connection, by, to)
    if engine.dialect.name == "sqlite":
        _let_it_shrink(engine)


def is_current(connection: sa.Connection, by: Migrations, to: str | None = None) -> bool:
    """Whether a database, whose version table is there, has a version or a later one.

    Args:
        connection: to the database.
        by: the migrations.
        to: the version, the last one without it.

    Raises:
        StoreError: when a newer version of recwatch made it.
        sqlalchemy.exc.SQLAlchemyError: when the database fails.
    """
    to = to or by.versions[-1]
    table = sa.table(by.table, sa.column("version_num"))
    version = connection.execute(sa.select(table.c.version_num)).scalar()
    if version is not None and version not in by.versions:
        raise StoreError(
            f"{connection.engine.url!r} was made by a newer recwatch: its tables are of version {version}, "
            f"this one knows versions up to {by.versions[-1]}; upgrade recwatch, or name another database"
        )
    return version is not None and version >= to


@contextmanager
def _locked(engine: sa.Engine, lock: int) -> Iterator[sa.Connection]:
    """A transaction that shuts other migrations out; on SQLite every other writer, too."""
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))
            yield connection
        return
    # Python's driver begins a transaction before the first INSERT, not before CREATE TABLE: begin it here.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")


def _run(connection: sa.Connection, by: Migrations, to: str) -> None:
    with _quiet(logging.getLogger("alembic")):
        _run_alembic(connection, by, to)


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Keep a logger from saying at INFO what concerns nobody, unless somebody has given it a level."""
    before = logger.level
    if before == logging.NOTSET:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


def _run_alembic(connection: sa.Connection, by: Migrations, to: str) -> None:
    # Imported here: with its templates it takes longer than everything else that a store does at start.
    try:
        from alembic import command  # noqa: PLC0415
        from alembic.config import Config  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise lacking(error, "recwatch[store]") from error

    config = Config()
    config.set_main_option("script_location", str(by.folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["version_table"] = by.table
    command.upgrade(config, to)


def _let_it_shrink(engine: sa.Engine) -> None:
    """Turn on incremental vacuum in a file that was made without it."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.exec_driver_sql("PRAGMA auto_vacuum").scalar() == 0:
            try:
                connection.exec_driver_sql("PRAGMA auto_vacuum = INCREMENTAL")
                connection.exec_driver_sql("VACUUM")
            except sa.exc.OperationalError as error:
                # Somebody else uses it. Nothing is lost: it keeps its size, and uses free pages again.
                _LOGGER.info(
                    event("Database not rewritten", consequence="file never shrinks", error=error.orig)
                )
