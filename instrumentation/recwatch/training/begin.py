"""The first row of a run, whose `run_id` may be in the table already."""

import logging
import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from recwatch import logs
from recwatch.errors import StoreError
from recwatch.training import liveness

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from recwatch.store import Store

__all__ = ["begin"]

_LOGGER = logging.getLogger("recwatch.training")


def begin(store: "Store", row: Mapping[str, Any]) -> str:
    """Write the row of a run that begins; one transaction.

    A run of that id that is over, or lost, begins anew: its iterations go and its columns are cleared. One
    that still runs keeps its rows, and the id of the run that begins gets a suffix.

    Args:
        store: with the runs.
        row: columns of `training_runs`, `run_id` among them.

    Returns:
        The `run_id` that it has in the table.

    Raises:
        StoreError: when the row cannot be written.
    """
    try:
        return _write(store, row)
    except StoreError as error:
        if error.reason != "refused":
            raise
    # Another process wrote a row of this id in between; now it is seen.
    return _write(store, row)


def _write(store: "Store", row: Mapping[str, Any]) -> str:
    import sqlalchemy as sa  # noqa: PLC0415 - the extra `store` need not be installed

    from recwatch.store import training_runs  # noqa: PLC0415

    run_id: str = row["run_id"]
    with ExitStack() as on_failure:
        with store.transaction() as connection:
            query = sa.select(training_runs).where(training_runs.c.run_id == run_id).with_for_update()
            row_there = connection.execute(query).mappings().first()
            found = None if row_there is None else dict(row_there)
            name = f"{run_id}_{secrets.token_hex(3)}" if found and _still_runs(found) else run_id
            # Before anybody else sees the row, lest it be taken for one that this process has forgotten.
            liveness.opened(name)
            on_failure.callback(liveness.closed, name)
            if found is None or name != run_id:
                connection.execute(sa.insert(training_runs).values({**row, "run_id": name}))
            else:
                _begin_anew(connection, found, row)
        on_failure.pop_all()
    if name != run_id:
        _LOGGER.warning(logs.event("Run renamed", run_id=name, reason=f"{run_id} is still running"))
    elif found is not None:
        _LOGGER.info(logs.event("Run begins anew", run_id=run_id, was=found["status"]))
    return name


def _begin_anew(connection: "Connection", found: Mapping[str, Any], row: Mapping[str, Any]) -> None:
    import sqlalchemy as sa  # noqa: PLC0415

    from recwatch.store import iteration_metrics, training_runs  # noqa: PLC0415

    columns = training_runs.c
    # SQLite takes its lock here: another process may have begun the same run since it was read.
    unchanged = (columns.run_id == found["run_id"]) & sa.and_(
        *(
            columns[name].is_not_distinct_from(found[name])
            for name in ("status", "started_at", "heartbeat_at")
        )
    )
    cleared = dict.fromkeys(columns.keys())
    if not connection.execute(sa.update(training_runs).where(unchanged).values({**cleared, **row})).rowcount:
        raise StoreError(f"another process has just begun {found['run_id']}: try again", reason="refused")
    connection.execute(sa.delete(iteration_metrics).where(iteration_metrics.c.run_id == found["run_id"]))


def _still_runs(row: Mapping[str, Any]) -> bool:
    return row["status"] == "running" and not liveness.is_lost(row, now=datetime.now(UTC))
