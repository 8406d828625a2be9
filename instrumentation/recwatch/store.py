"""The tables of record: who trained what, when, how well. SQLite in a file, or PostgreSQL by URL.

Needs the extra `store`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.schema import CreateIndex, CreateTable

from recwatch.errors import StoreError
from recwatch.redaction import mask_passwords

__all__ = [
    "Store",
    "UtcDateTime",
    "create_store_engine",
    "iteration_metrics",
    "metadata",
    "open_store",
    "training_runs",
]

Row = Mapping[str, Any]


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware time, kept in UTC; SQLite itself would forget the zone."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """To the database: naive, in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone: pass an aware datetime, such as UTC")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """From the database: aware."""
        return None if value is None else value.replace(tzinfo=UTC)


metadata = sa.MetaData()

training_runs = sa.Table(
    "training_runs",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("model_type", sa.Text, index=True),
    sa.Column("started_at", UtcDateTime),
    sa.Column("completed_at", UtcDateTime),
    sa.Column("status", sa.Text, comment="running, completed or failed"),
    sa.Column("hyperparameters", sa.Text, comment="JSON"),
    sa.Column("recall_at_10", sa.Double),
    sa.Column("recall_at_20", sa.Double),
    sa.Column("ndcg_at_10", sa.Double),
    sa.Column("ndcg_at_20", sa.Double),
    sa.Column("coverage", sa.Double),
    sa.Column("baseline_recall_at_10", sa.Double),
    sa.Column("improvement_pct", sa.Double),
    sa.Column("training_time_seconds", sa.Double),
    sa.Column("data_version", sa.Text),
    sa.Column("git_commit", sa.Text),
    sa.Column("artifacts_path", sa.Text),
)

iteration_metrics = sa.Table(
    "iteration_metrics",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("run_id", sa.Text, sa.ForeignKey("training_runs.run_id"), index=True),
    sa.Column("iteration", sa.Integer, comment="ALS iteration or BPR epoch"),
    sa.Column("timestamp", UtcDateTime),
    sa.Column("loss", sa.Double),
    sa.Column("validation_recall", sa.Double),
    sa.Column("validation_ndcg", sa.Double),
    sa.Column("wall_time_seconds", sa.Double),
)


class Store:
    """Reads and writes the tables of record; `open_store` makes it. Every method is one transaction.

    Every method raises `StoreError` when the database cannot be reached or stays locked beyond the timeout.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    def save_run(self, run: Row, iterations: Sequence[Row] = ()) -> None:
        """Write a training run, new or known by its `run_id`, and add rows of iterations to it.

        Args:
            run: columns of `training_runs`, `run_id` among them.
            iterations: columns of `iteration_metrics`, without `run_id`.
        """
        run_id = run["run_id"]
        with self._transaction() as connection:
            found = connection.execute(
                sa.update(training_runs).where(training_runs.c.run_id == run_id).values(**run)
            )
            if found.rowcount == 0:
                connection.execute(sa.insert(training_runs).values(**run))
            if iterations:
                rows = [{"run_id": run_id, **row} for row in iterations]
                connection.execute(sa.insert(iteration_metrics), rows)

    def runs(self, model: str | None = None) -> list[dict[str, Any]]:
        """The training runs of a model, or of all, oldest first."""
        query = sa.select(training_runs).order_by(training_runs.c.started_at, training_runs.c.run_id)
        return self._read(query if model is None else query.where(training_runs.c.model_type == model))

    def iterations(self, run_id: str) -> list[dict[str, Any]]:
        """The iterations of a run in the order in which they were written."""
        query = sa.select(iteration_metrics).where(iteration_metrics.c.run_id == run_id)
        return self._read(query.order_by(iteration_metrics.c.id))

    def run_counts(self, model: str) -> dict[str, int]:
        """How many runs of a model there are by status."""
        query = sa.select(training_runs.c.status, sa.func.count().label("runs")).group_by(
            training_runs.c.status
        )
        rows = self._read(query.where(training_runs.c.model_type == model))
        return {row["status"]: row["runs"] for row in rows}

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, query: sa.Select[Any]) -> list[dict[str, Any]]:
        with self._transaction() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        with _as_store_error(self.engine.url), self.engine.begin() as connection:
            yield connection


def open_store(url: str, *, timeout: float = 5.0) -> Store:
    """Open the database and make the tables that it lacks.

    Args:
        url: such as `sqlite:///data/store.db` or `postgresql+psycopg://host/database`.
        timeout: seconds to wait for a locked database.

    Raises:
        StoreError: when it cannot be opened, or is locked.
    """
    engine = create_store_engine(url, timeout=timeout)
    try:
        with _as_store_error(engine.url), engine.begin() as connection:
            _create_tables(connection)
    except StoreError:
        engine.dispose()
        raise
    return Store(engine)


def create_store_engine(url: str, *, timeout: float = 5.0) -> sa.Engine:
    """An engine as every store of recwatch uses it: SQLite in WAL mode with foreign keys on, its folder made.

    Args:
        url: of the database.
        timeout: seconds to wait for a locked database.

    Raises:
        StoreError: when the URL cannot be used.
    """
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() != "sqlite":
            return sa.create_engine(parsed, pool_pre_ping=True)
        _make_folder(parsed.database)
        engine = sa.create_engine(parsed, connect_args={"timeout": timeout})
    except (sa.exc.ArgumentError, ImportError, OSError) as error:
        raise StoreError(
            mask_passwords(f"{url!r} cannot be used: {error}; write one such as sqlite:///data/store.db")
        ) from error
    except ValueError:  # a port that is no number, as SQLAlchemy sees it; its message may show the password
        raise StoreError(
            mask_passwords(
                f"{url!r} cannot be used: its port is no number; write @ / : in a password as %40 %2F %3A"
            )
        ) from None
    sa.event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _create_tables(connection: sa.Connection) -> None:
    # Not `create_all`: it looks first and creates then, so that two trainers that start together collide.
    for table in metadata.sorted_tables:
        connection.execute(CreateTable(table, if_not_exists=True))
        for index in table.indexes:
            connection.execute(CreateIndex(index, if_not_exists=True))


def _make_folder(database: str | None) -> None:
    if database and database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)


def _set_up_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    # WAL: a reader never waits for the writer. NORMAL: after a power cut the last transaction may be missing,
    # the file is never damaged (https://www.sqlite.org/pragma.html#pragma_synchronous).
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@contextmanager
def _as_store_error(url: sa.URL) -> Iterator[None]:
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        if "locked" in str(cause):
            message = f"{url!r} is locked by another process: end it, or allow a longer timeout"
            raise StoreError(message, reason="locked") from error
        message = f"{url!r}: {cause}: see that the database is there and can be written"
        raise StoreError(mask_passwords(message)) from error
