"""Runs whose process is gone: found by the next run with the same store, and marked as failed.

`kill -9`, the kernel's out-of-memory killer and a power cut leave a row that says `running`.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from prometheus_client import REGISTRY, CollectorRegistry

from recwatch import logs
from recwatch.metrics import TrainingMetrics
from recwatch.training.elapsed import elapsed_ms
from recwatch.training.liveness import LOST_AFTER, is_lost
from recwatch.training.publisher import publish_counts

if TYPE_CHECKING:
    from recwatch.store import Store

__all__ = ["LostRun", "recover_lost_runs"]

_LOGGER = logging.getLogger("recwatch.training")


@dataclass(frozen=True)
class LostRun:
    """A run that said `running` while its process was gone; it is `failed` now.

    Attributes:
        run_id: its name.
        model: what it trained.
        last_seen: its last sign of life, aware; now also its `completed_at`.
        error: what its column `error` says now.
    """

    run_id: str
    model: str
    last_seen: datetime
    error: str


def recover_lost_runs(
    store: "Store",
    *,
    lost_after: timedelta = LOST_AFTER,
    push: str | None = None,
    registry: CollectorRegistry = REGISTRY,
) -> list[LostRun]:
    """Mark every run as failed whose process is gone; each start of a run with a store does this too.

    Several processes may do it at once: each lost run is found by one of them.

    Args:
        store: with the runs.
        lost_after: how long a run of another machine or container may be silent; ten minutes by default.
            Clocks of the machines should differ by less.
        push: where the runs' metrics were pushed to, as `TrainingRun` takes it. `training_in_progress` and
            `training_runs_total` of their models are put right there, even if they are never trained again.
        registry: where the failures are counted.

    Returns:
        The runs that were lost.

    Raises:
        StoreError: when the store cannot be reached.
    """
    lost = _mark(store, lost_after)
    metrics = TrainingMetrics.of(registry)
    for run in lost:
        metrics.runs.labels(run.model, "failed").inc()
    for model, failed_at in {run.model: run.last_seen for run in lost}.items():
        known = registry.get_sample_value("training_last_failure_timestamp_seconds", {"model": model})
        metrics.last_failure.labels(model).set(max(known or 0.0, failed_at.timestamp()))
        if push is not None:
            publish_counts(
                push,
                model,
                store.run_counts(model),
                elapsed_ms=store.elapsed_ms(model),
                failed_at=failed_at,
                registry=registry,
            )
    return lost


def _mark(store: "Store", lost_after: timedelta) -> list[LostRun]:
    import sqlalchemy as sa  # noqa: PLC0415 - the extra `store` need not be installed

    from recwatch.store import training_runs as table  # noqa: PLC0415

    now = datetime.now(UTC)
    columns = (table.c.run_id, table.c.model_type, table.c.started_at, table.c.heartbeat_at)
    identity = (table.c.host, table.c.pid, table.c.process_started_at, table.c.elapsed_ms)
    with store.transaction() as connection:
        query = sa.select(*columns, *identity).where(table.c.status == "running")
        rows: list[Mapping[str, Any]] = [dict(row) for row in connection.execute(query).mappings()]
    lost = []
    for row in rows:
        if not is_lost(row, now=now, lost_after=lost_after):
            continue
        last_seen = row["heartbeat_at"] or row["started_at"] or now
        error = _explain(row, last_seen)
        # Only if it gave no sign of life in between, and nobody else found it.
        unchanged = (
            (table.c.run_id == row["run_id"])
            & (table.c.status == "running")
            & table.c.heartbeat_at.is_not_distinct_from(row["heartbeat_at"])
        )
        values = {
            "status": "failed",
            "completed_at": last_seen,
            "error": error,
            "elapsed_ms": elapsed_ms(row, last_seen),
        }
        with store.transaction() as connection:
            found = connection.execute(sa.update(table).where(unchanged).values(**values))
        if found.rowcount:
            run = LostRun(row["run_id"], row["model_type"] or "", last_seen, error)
            _LOGGER.warning(logs.event("Training lost", run_id=run.run_id, model=run.model, error=error))
            lost.append(run)
    return sorted(lost, key=lambda run: run.last_seen)


def _explain(row: Mapping[str, Any], last_seen: datetime) -> str:
    who = f"process {row['pid']} on {row['host']}" if row["pid"] is not None else "its process"
    return (
        f"lost: {who} ended without a word, or could not say so; last seen {last_seen:%Y-%m-%d %H:%M:%S} UTC"
    )
