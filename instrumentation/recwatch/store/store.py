"""The database of record, opened: runs by method, every other table by `Store.transaction`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa

from recwatch.errors import StoreError
from recwatch.store.engine import create_store_engine, using_database
from recwatch.store.forks import in_database
from recwatch.store.migrate import upgrade
from recwatch.store.tables import iteration_metrics, pipeline_runs, training_runs

__all__ = ["Store", "open_store"]

Row = Mapping[str, Any]


class Store:
    """An open database of record, as `open_store` returns it: runs of trainings and pipelines by its methods.

    The other tables (requests, their aggregates, predictions) are read and written by `transaction`, with
    SQLAlchemy; `recwatch.requestlog` and `recwatch.quality` do so. Every method is one transaction.

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
        with self.transaction() as connection:
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

    def elapsed_ms(self, model: str) -> int:
        """What all runs of a model that are over took together, in milliseconds."""
        total = sa.select(sa.func.sum(training_runs.c.elapsed_ms).label("total"))
        (row,) = self._read(total.where(training_runs.c.model_type == model))
        return int(row["total"] or 0)

    def save_pipeline_run(self, run: Row) -> None:
        """Write a run of a pipeline, new or known by its `id`.

        Args:
            run: columns of `pipeline_runs`, `id` among them.
        """
        with self.transaction() as connection:
            known = sa.update(pipeline_runs).where(pipeline_runs.c.id == run["id"])
            if connection.execute(known.values(**run)).rowcount == 0:
                connection.execute(sa.insert(pipeline_runs).values(**run))

    def pipeline_runs(self, pipeline: str | None = None) -> list[dict[str, Any]]:
        """The runs of a pipeline, or of all, oldest first."""
        query = sa.select(pipeline_runs).order_by(pipeline_runs.c.started_at, pipeline_runs.c.id)
        return self._read(query if pipeline is None else query.where(pipeline_runs.c.pipeline == pipeline))

    def pipeline_run_counts(self, pipeline: str) -> dict[str, int]:
        """How many runs of a pipeline there are by status."""
        query = sa.select(pipeline_runs.c.status, sa.func.count().label("runs")).group_by(
            pipeline_runs.c.status
        )
        rows = self._read(query.where(pipeline_runs.c.pipeline == pipeline))
        return {row["status"]: row["runs"] for row in rows}

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A connection whose work is committed at the end of the block, or not at all."""
        with using_database(self.engine.url), self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close the connections."""
        with in_database(self.engine.url):
            self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, query: sa.Select[Any]) -> list[dict[str, Any]]:
        with self.transaction() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]


def open_store(url: str, *, timeout: float = 5.0) -> Store:
    """Open the database and bring it to this version's tables, which are made where they are not there.

    Args:
        url: such as `sqlite:///data/store.db` or `postgresql+psycopg://host/database`.
        timeout: seconds to wait for a locked database.

    Raises:
        StoreError: when it cannot be opened, is locked, or was made by a newer recwatch.
    """
    engine = create_store_engine(url, timeout=timeout)
    try:
        with using_database(engine.url):
            upgrade(engine)
    except StoreError:
        with in_database(engine.url):
            engine.dispose()
        raise
    return Store(engine)
