"""A person's answer about a candidate that passed the gate: given once, and only while it is asked for.

An answer is stored with the run, which stays `approving` until its worker acts on it: `approved_by` for a
yes, `error` for a no; the words of a yes stand beside the gate's decision. The first
answer counts; whoever comes later, or when the time is over, is told so.
"""

from typing import Literal

from sqlalchemy import Connection, update

from recwatch_bridge.clock import Clock, lasting, wall
from recwatch_bridge.retraining import runs as table
from recwatch_bridge.retraining.runs import Run
from recwatch_bridge.storage.schema import runs
from recwatch_bridge.storage.store import Store
from recwatch_bridge.text import one_line

_NAME_LENGTH = 100
_REASON_LENGTH = 500
_NOBODY = "nobody approved"

Answer = Literal["approved", "rejected", "expired"]


def decide(
    store: Store, run_id: str, *, approve: bool, by: str, reason: str = "", clock: Clock = wall
) -> bool:
    """Store a person's answer; wake the model's worker afterwards.

    Args:
        store: the database.
        run_id: the run, which may be unknown.
        approve: whether the candidate is to be promoted.
        by: who says so: a name, never a secret.
        reason: why, in their words; may be empty.
        clock: gives now.

    Returns:
        Whether the answer counts. It does not where the run does not wait for one: it is unknown, was
        answered before, or nobody answered in time.

    Raises:
        StoreBusyError, sqlalchemy.exc.DatabaseError: nothing was stored.
    """
    name = one_line(by, _NAME_LENGTH) or "somebody"
    told = one_line(reason, _REASON_LENGTH)

    def work(connection: Connection) -> bool:
        if not approve:
            error = f"rejected by {name}: {told}" if told else f"rejected by {name}"
            return _settle(connection, run_id, error=error, before=clock())
        settled = _settle(connection, run_id, approved_by=name, before=clock())
        if settled and told:
            run = table.get(connection, run_id)
            table.note(connection, run, gate={**(run.gate or {}), "approved_because": told})
        return settled

    return store.commit(work)


def expire(connection: Connection, run: Run, within: float | None) -> bool:
    """Store that nobody answered in time, unless somebody did meanwhile; returns whether that is so.

    Args:
        connection: a write transaction.
        run: one that is `approving`.
        within: how long it waited, in seconds, if that is known.
    """
    error = f"{_NOBODY} in time" if within is None else f"{_NOBODY} within {lasting(within)}"
    return _settle(connection, run.id, error=error)


def answer(run: Run) -> Answer | None:
    """Return how a run that is `approving` was answered; None while it waits."""
    if run.approved_by is not None:
        return "approved"
    if run.error is None:
        return None
    return "expired" if run.error.startswith(_NOBODY) else "rejected"


def why_not(run: Run) -> str:
    """Say why an answer about a run did not count."""
    given = answer(run)
    if run.state == "approving" and given is None:
        return "the time to answer was over"
    if given == "approved":
        return f"it was approved by {run.approved_by} before"
    if given is not None and run.state in ("approving", "refused"):
        return str(run.error)
    return f"it is {run.state}"


def _settle(connection: Connection, run_id: str, *, before: float | None = None, **values: str) -> bool:
    """Store an answer where none is yet; with `before`, only while there is still time then."""
    query = (
        update(runs)
        .where(runs.c.id == run_id, runs.c.state == "approving")
        .where(runs.c.approved_by.is_(None), runs.c.error.is_(None))
    )
    if before is not None:
        query = query.where(runs.c.approve_until > before)
    return connection.execute(query.values(**values)).rowcount == 1
