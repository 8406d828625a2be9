"""What became of a rollback, or of a promotion by hand: stored, told and counted together."""

import logging

from recwatch_bridge.messages.notification import Notification
from recwatch_bridge.retraining import rollback_notices as notices
from recwatch_bridge.retraining import rollbacks, watch
from recwatch_bridge.retraining.bookkeeper import Bookkeeper
from recwatch_bridge.retraining.rollbacks import Rollback

_OUTCOMES = {"done": "success", "declined": "declined", "failed": "error"}
"""What is counted, by state; promotions know no `declined`."""

log = logging.getLogger(__name__)


def finish(books: Bookkeeper, rollback: Rollback, state: str, notice: Notification, **values: object) -> bool:
    """End one, with the watch that asked for it, and say so; returns False when somebody else has ended it.

    Args:
        books: where it is stored and told.
        rollback: one that is pending.
        state: `done`, `declined` or `failed`.
        notice: what is told.
        values: are stored with it.
    """
    with books.store.write() as connection:
        if not rollbacks.note(connection, rollback, state=state, finished=books.now(), **values):
            return False
        changed = rollbacks.get(connection, rollback.id)
        books.send_rollback(connection, changed, notice)
        watched = watch.conclude(connection, changed)
    books.wake_sinks()
    if watched is not None:
        books.metrics.watches.labels(rollback.model, watched).inc()
    outcome, counter = _OUTCOMES[state], books.metrics.rollbacks
    if rollback.is_promotion:
        outcome, counter = "success" if state == "done" else "error", books.metrics.promotions
    counter.labels(rollback.model, outcome).inc()
    return True


def reloaded(books: Bookkeeper, rollback: Rollback, error: str | None) -> None:
    """Store how telling the service to load the version ended, and say so where it failed."""
    with books.store.write() as connection:
        if not rollbacks.note(connection, rollback, reload="failed" if error else "done", error=error):
            return
        if error:
            changed = rollbacks.get(connection, rollback.id)
            books.send_rollback(connection, changed, notices.reload_failed(rollback, error))
    books.metrics.reloads.labels(rollback.model, "error" if error else "success").inc()
    if error:
        books.wake_sinks()
        log.error("%s: %s is not loaded: %s", rollback.model, rollback.target, error)
