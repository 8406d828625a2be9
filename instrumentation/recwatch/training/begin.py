"""The first row of a run, whose `run_id` may be in the table already."""

import logging
import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from recwatch import logs
from recwatch.errors import StoreError
from recwatch.training import liveness
from recwatch.training.elapsed import elapsed_ms

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from recwatch.store import Store

__all__ = ["Begun", "begin"]

_LOGGER = logging.getLogger("recwatch.training")


class Begun(NamedTuple):
    """How a run stands in the table.

    Attributes:
        run_id: its name there.
        earlier_ms: what earlier runs of that name took, in milliseconds.
    """

    run_id: str
    earlier_ms: int


def begin(store: "Store", row: Mapping[str, Any]) -> Begun:
    """Write the row of a run that begins; one transaction.

    A run of that id that is over, or lost, begins anew: its iterations go and its columns are cleared, but
    for the time that it took. One that still runs keeps its rows, and the id of the run that begins gets a
    suffix.

    Args:
        store: with the runs.
        row: columns of `training_runs`, `run_id` among them.

    Returns:
        The `run_id` that it has in the table, and what is carried over.

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


def _write(store: "Store", row: Mapping[str, Any]) -> Begun:
    import sqlalchemy as sa  # noqa: PLC0415 - the extra `store` need not be installed

    from recwatch.store import training_runs  # noqa: PLC0415

    run_id: str = row["run_id"]
    earlier_ms = 0
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
                earlier_ms = _begin_anew(connection, found, row)
        on_failure.pop_all()
    if name != run_id:
        _LOGGER.warning(logs.event("Run renamed", run_id=name, reason=f"{run_id} is still running"))
    elif found is not None:
        _LOGGER.info(logs.event("Run begins anew", run_id=run_id, was=found["status"]))
    return Begun(name, earlier_ms)


def _begin_anew(connection: "Connection", found: Mapping[str, Any], row: Mapping[str, Any]) -> int:
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
    last_seen = found["heartbeat_at"] or found["started_at"] if found["status"] == "running" else None
    earlier_ms = elapsed_ms(found, last_seen)
    begun = {**dict.fromkeys(columns.keys()), **row, "elapsed_ms": earlier_ms}
    if not connection.execute(sa.update(training_runs).where(unchanged).values(begun)).rowcount:
        raise StoreError(f"another process has just begun {found['run_id']}: try again", reason="refused")
    connection.execute(sa.delete(iteration_metrics).where(iteration_metrics.c.run_id == found["run_id"]))
    return earlier_ms


def _still_runs(row: Mapping[str, Any]) -> bool:
    return row["status"] == "running" and not liveness.is_lost(row, now=datetime.now(UTC))
