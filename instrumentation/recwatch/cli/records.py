"""Training runs as the command reads them. What a person typed reaches the database as a bound value only."""

import difflib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from recwatch.cli.errors import CommandError
from recwatch.redaction import mask_passwords
from recwatch.store import Store, iteration_metrics, open_store, training_runs
from recwatch.training.liveness import is_lost

__all__ = ["Run", "find_run", "list_runs", "open_existing"]

_METRICS = ("recall_at_10", "recall_at_20", "ndcg_at_10", "ndcg_at_20", "coverage", "rmse", "mae")
_COMPARED_WITH = 1_000  # newest runs, when looking for what was meant
_LONGEST_GUESS = 200
_LATEST = "latest"
_NAMED = 3  # runs, where a beginning is that of several
_NEWEST_FIRST = sa.select(training_runs).order_by(
    training_runs.c.started_at.desc().nulls_last(), training_runs.c.run_id.desc()
)


@dataclass(frozen=True)
class Run:
    """A training run.

    Attributes:
        row: its columns of `training_runs`.
        now: when it was read, aware.
        iterations: its rows of `iteration_metrics` in order; none where they were not asked for.
    """

    row: Mapping[str, Any]
    now: datetime
    iterations: Sequence[Mapping[str, Any]] = ()

    @property
    def run_id(self) -> str:
        """Its name."""
        return str(self.row["run_id"])

    @property
    def model(self) -> str:
        """The model's name."""
        return str(self.row["model_type"] or "")

    @cached_property
    def status(self) -> str:
        """`running`, `completed`, `failed`, or `lost`: it says running, but its process is gone."""
        status = str(self.row["status"] or "")
        return "lost" if status == "running" and is_lost(self.row, now=self.now) else status

    @property
    def seconds(self) -> float | None:
        """How long it took, or has been running; None where that is not known."""
        if self.row["training_time_seconds"] is not None:
            return float(self.row["training_time_seconds"])
        started = self.row["started_at"]
        seen = self.now if self.status == "running" else self.row["completed_at"] or self.row["heartbeat_at"]
        return None if started is None or seen is None else float((seen - started).total_seconds())

    @property
    def parameters(self) -> dict[str, Any]:
        """The hyper-parameters."""
        return _mapping(self.row["hyperparameters"])

    @property
    def metrics(self) -> dict[str, float]:
        """Every metric by its name, those with a column of their own first."""
        known = [column for column in _METRICS if self.row[column] is not None]
        named = {column.replace("_at_", "@"): float(self.row[column]) for column in known}
        return named | dict(_numbers(_mapping(self.row["extra_metrics"])))

    def series(self, column: str) -> list[float | None]:
        """A column of the iterations, None where it is missing or not finite."""
        return [_finite(row[column]) for row in self.iterations]


@contextmanager
def open_existing(url: str) -> Iterator[Store]:
    """Open a store for reading; one that is not there is not made.

    Raises:
        CommandError: when there is no such file.
        StoreError: when it cannot be opened.
    """
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        parsed = None  # `open_store` says what is wrong with it
    if parsed is not None and parsed.get_backend_name() == "sqlite":
        file = parsed.database or ":memory:"
        if not file.startswith("file:") and not Path(file).is_file():
            raise CommandError(
                f"there is no store at {mask_passwords(file)}: train with store_url, or name another with "
                f"--store or RECWATCH_STORE"
            )
    with open_store(url) as store:
        yield store


def list_runs(
    store: Store, *, model: str | None = None, status: str | None = None, limit: int = 20
) -> list[Run]:
    """Runs, newest first, without their iterations.

    Args:
        store: with the runs.
        model: of this model alone.
        status: in this state alone, `lost` among them.
        limit: at most so many.
    """
    if model is not None and not _can_be_stored(model):
        return []
    query = _NEWEST_FIRST
    if model is not None:
        query = query.where(training_runs.c.model_type == model)
    if status is not None:
        query = query.where(training_runs.c.status == ("running" if status == "lost" else status))
    if status not in ("running", "lost"):  # these two only the process tells apart
        query = query.limit(limit)
    now = datetime.now(UTC)
    runs = [Run(row, now) for row in _read(store, query)]
    return [run for run in runs if status is None or run.status == status][:limit]


def find_run(store: Store, run_id: str) -> Run:
    """A run with its iterations.

    Args:
        store: with the runs.
        run_id: its id, the beginning of it that no other run has, or `latest`. An id that is just that wins.

    Raises:
        CommandError: when there is no such run, which names those whose names come nearest; or when several
            begin like that.
    """
    row = _find_row(store, run_id)
    ordered = sa.select(iteration_metrics).where(iteration_metrics.c.run_id == row["run_id"])
    iterations = _read(store, ordered.order_by(iteration_metrics.c.iteration, iteration_metrics.c.id))
    return Run(row, datetime.now(UTC), iterations)


def _find_row(store: Store, run_id: str) -> dict[str, Any]:
    rows = []
    if run_id and _can_be_stored(run_id):
        rows = _read(store, sa.select(training_runs).where(training_runs.c.run_id == run_id))
        if not rows and run_id == _LATEST:
            rows = _read(store, _NEWEST_FIRST.limit(1))
        if not rows:  # not LIKE, which knows wildcards and, in SQLite, no capitals
            begins = sa.func.substr(training_runs.c.run_id, 1, len(run_id)) == run_id
            rows = _read(store, _NEWEST_FIRST.where(begins).limit(_NAMED + 1))
    if not rows:
        raise CommandError(_unknown(store, run_id))
    if len(rows) > 1:
        names = [row["run_id"] for row in rows[:_NAMED]] + ["others"] * (len(rows) > _NAMED)
        raise CommandError(f"{run_id!r} begins several runs: {', '.join(names)}: write more of it")
    return rows[0]


def _read(store: Store, query: sa.Select[Any]) -> list[dict[str, Any]]:
    with store.transaction() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def _can_be_stored(text: str) -> bool:
    """Whether every database can hold this text: no NUL, which PostgreSQL refuses, nothing but Unicode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _unknown(store: Store, run_id: str) -> str:
    newest = sa.select(training_runs.c.run_id).order_by(training_runs.c.started_at.desc().nulls_last())
    known = [row["run_id"] for row in _read(store, newest.limit(_COMPARED_WITH))]
    shown = f"no run {run_id[:_LONGEST_GUESS]!r}"
    if not known:
        return f"{shown}: the store holds no runs yet"
    nearest = difflib.get_close_matches(run_id[:_LONGEST_GUESS], known, n=3, cutoff=0.5)
    if not nearest:
        return f"{shown}: `recwatch runs` lists those that there are"
    return f"{shown}: did you mean {' or '.join(nearest)}?"


def _mapping(text: str | None) -> dict[str, Any]:
    """A column of JSON; what is damaged is shown as it is."""
    if not text:
        return {}
    try:
        value = json.loads(text)
    except ValueError:
        return {"(damaged)": text}
    return value if isinstance(value, dict) else {"(value)": value}


def _numbers(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Every number of nested mappings, named by its path: `cross_validation.mean.rmse`."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{name}", float(value)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
