"""What waits or goes on for models that bridge.yml does not name any more: nobody would ever end it."""

import logging
from collections.abc import Collection

from sqlalchemy import Connection, or_, select

from recwatch_bridge.metrics import retrainer
from recwatch_bridge.retraining import (
    notices,
    rollback_ends,
    rollback_notices,
    rollbacks,
    runs,
    watch,
    watch_notices,
)
from recwatch_bridge.retraining.bookkeeper import Bookkeeper
from recwatch_bridge.retraining.rollbacks import Rollback
from recwatch_bridge.retraining.runs import Run
from recwatch_bridge.storage import schema

WHY = "bridge.yml does not name its model any more"
_ENDS = {"pending": "withdrawn", "approving": "refused"}
_RUNS, _ROLLBACKS = schema.runs.c, schema.rollbacks.c
_UNFINISHED_RUN = or_(
    _RUNS.state.in_(schema.ACTIVE_STATES), _RUNS.reload == "pending", _RUNS.watch == watch.PENDING
)
_UNFINISHED_ROLLBACK = or_(_ROLLBACKS.state == rollbacks.PENDING, _ROLLBACKS.reload == rollbacks.PENDING)

log = logging.getLogger(__name__)


def end_leftovers(books: Bookkeeper, models: Collection[str]) -> None:
    """End what waits or goes on for other models, and say so; what another bridge works for stays.

    Args:
        books: where outcomes are stored.
        models: those of the configuration.
    """
    with books.store.read() as connection:
        found = _busy(connection)
    for model in sorted(found - set(models)):
        lead = books.store.lead(retrainer(model))
        if not lead.held():
            continue
        try:
            _end_all(books, model)
        finally:
            lead.release()


def _busy(connection: Connection) -> set[str]:
    """Return the models for which something is still to be done."""
    of_runs = select(_RUNS.model).where(_UNFINISHED_RUN)
    of_rollbacks = select(_ROLLBACKS.model).where(_UNFINISHED_ROLLBACK)
    return set(connection.scalars(of_runs.union(of_rollbacks)))


def _end_all(books: Bookkeeper, model: str) -> None:
    query = select(_RUNS.id).where(_RUNS.model == model, _UNFINISHED_RUN).order_by(_RUNS.number)
    with books.store.read() as connection:
        left = [runs.get(connection, run_id) for run_id in connection.scalars(query).all()]
        asked = rollbacks.unfinished(connection, model)
    for run in left:
        _end_run(books, run)
    for rollback in asked:
        _end_rollback(books, rollback)


def _end_run(books: Bookkeeper, run: Run) -> None:
    if run.reload == "pending":
        if books.tell(run, notices.reload_failed(run, WHY), reload="failed", error=WHY):
            books.metrics.reloads.labels(run.model, "error").inc()
            log.warning("run %s: %s is not loaded: %s", run.id, run.version, WHY)
    elif run.watch == watch.PENDING:
        if books.tell(run, watch_notices.unknown(run, WHY), watch="unknown"):
            books.metrics.watches.labels(run.model, "unknown").inc()
            log.warning("run %s: the watch over %s ended: %s", run.id, run.version, WHY)
    else:
        state = _ENDS.get(run.state, "failed")
        if books.finish(run, state, notices.given_up(run, WHY), error=WHY):
            log.warning("run %s: %s while it was %s: %s", run.id, state, run.state, WHY)


def _end_rollback(books: Bookkeeper, rollback: Rollback) -> None:
    if rollback.reload == rollbacks.PENDING:
        rollback_ends.reloaded(books, rollback, WHY)
        return
    notice = rollback_notices.given_up(rollback, WHY)
    # Where the model is named again, the alert may ask again.
    if rollback_ends.finish(books, rollback, "declined", notice, error=WHY, again=books.now()):
        log.warning("%s: %s: declined: %s", rollback.model, rollback.id, WHY)
