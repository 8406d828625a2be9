"""Alerts that are over take back the runs that they asked for, while these still wait."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from recwatch_bridge.accepting.payload import Alert
from recwatch_bridge.retraining import reasons, runs
from recwatch_bridge.storage.store import Store


def withdraw(
    store: Store, connection: Connection, resolved: Sequence[Alert], models: Collection[str], now: float
) -> tuple[str, ...]:
    """Take resolved alerts back from runs that wait; returns the models whose run has no reason left.

    Args:
        store: the database.
        connection: of a write transaction on it.
        resolved: alerts that are over.
        models: those that may be retrained.
        now: seconds since the epoch.
    """
    withdrawn = []
    for model in sorted({alert.labels.get("model", "") for alert in resolved} & set(models)):
        store.serial(connection, f"model:{model}")
        run = runs.active(connection, model)
        if run is None or run.state != "pending":
            continue
        over = [alert.episode for alert in resolved if alert.labels.get("model") == model]
        if reasons.withdraw(connection, run.id, over) and runs.move(
            connection, run, "withdrawn", now, error="every alert was resolved before the run began"
        ):
            withdrawn.append(model)
    return tuple(withdrawn)
