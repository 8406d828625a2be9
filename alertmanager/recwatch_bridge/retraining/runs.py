"""The table of runs. Functions take the connection of a transaction that the caller opened."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, func, insert, or_, select, update

from recwatch_bridge.retraining.policy import DAY, FINAL_STATES, Past, check_transition
from recwatch_bridge.storage.columns import encode
from recwatch_bridge.storage.schema import ACTIVE_STATES, reasons, runs

_MODEL_IN_ID = 38
"""Characters of a model's name in the id of a run, so that it fits its column."""


@dataclass(frozen=True)
class Reason:
    """Why a run is; `episode` is the alert's fingerprint and start."""

    episode: tuple[str, str]
    text: str
    withdrawn: bool = False


@dataclass(frozen=True)
class Run:
    """A row of the table.

    `serving` is the version that was in service when the run began: empty where there was none, None where
    that is not known (it has not begun, or an older bridge began it). `no_trainer`: it has ended, and
    certainly started no trainer.
    """

    number: int
    id: str
    model: str
    trigger: str
    state: str
    created: float
    not_before: float
    started: float | None
    finished: float | None
    handle: dict[str, Any] | None
    version: str | None
    gate: dict[str, Any] | None
    error: str | None
    reload: str | None
    serving: str | None
    log_url: str | None
    approved_by: str | None
    approve_until: float | None
    watch: str | None
    watch_until: float | None
    no_trainer: bool | None
    first_notice: dict[str, str]


def create(connection: Connection, model: str, trigger: str, *, not_before: float, now: float) -> str:
    """Add a pending run and return its id, such as `als-20261121T031500-1f3b5c7d`."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%S")
    run_id = f"{model[:_MODEL_IN_ID]}-{stamp}-{uuid.uuid4().hex[:8]}"
    connection.execute(
        insert(runs).values(
            id=run_id, model=model, trigger=trigger, state="pending", created=now, not_before=not_before
        )
    )
    return run_id


def join(connection: Connection, run_id: str, reason: Reason, now: float) -> bool:
    """Add a reason to a run; returns whether it is new. One that was withdrawn counts again."""
    key = (
        (reasons.c.run_id == run_id)
        & (reasons.c.fingerprint == reason.episode[0])
        & (reasons.c.starts_at == reason.episode[1])
    )
    if connection.execute(select(reasons.c.joined).where(key)).first() is not None:
        connection.execute(update(reasons).where(key).values(withdrawn=False))
        return False
    connection.execute(
        insert(reasons).values(
            run_id=run_id,
            fingerprint=reason.episode[0],
            starts_at=reason.episode[1],
            text=reason.text,
            joined=now,
            withdrawn=False,
        )
    )
    return True


def reasons_of(connection: Connection, run_id: str) -> list[Reason]:
    """Return a run's reasons, first come first."""
    query = select(reasons).where(reasons.c.run_id == run_id).order_by(reasons.c.joined, reasons.c.text)
    return [
        Reason((row["fingerprint"], row["starts_at"]), row["text"], row["withdrawn"])
        for row in connection.execute(query).mappings()
    ]


def get(connection: Connection, run_id: str) -> Run:
    """Return a run by its id."""
    return _run(connection.execute(select(runs).where(runs.c.id == run_id)).mappings().one())


def find(connection: Connection, run_id: str) -> Run | None:
    """Return a run by its id, or None where there is none (any more)."""
    row = connection.execute(select(runs).where(runs.c.id == run_id)).mappings().first()
    return None if row is None else _run(row)


def active(connection: Connection, model: str) -> Run | None:
    """Return the model's run that waits or goes on."""
    query = select(runs).where(runs.c.model == model, runs.c.state.in_(ACTIVE_STATES))
    row = connection.execute(query).mappings().first()
    return None if row is None else _run(row)


def hold(connection: Connection, model: str) -> None:
    """Let nobody else move the model's run that waits or goes on until this transaction ends."""
    query = select(runs.c.id).where(runs.c.model == model, runs.c.state.in_(ACTIVE_STATES))
    connection.execute(query.with_for_update()).all()


def all_active(connection: Connection) -> list[Run]:
    """Return every model's run that waits or goes on."""
    query = select(runs).where(runs.c.state.in_(ACTIVE_STATES)).order_by(runs.c.number)
    return [_run(row) for row in connection.execute(query).mappings()]


def unfinished(connection: Connection, model: str) -> Run | None:
    """Return the run for which something is still to be done: active, or promoted and not yet loaded."""
    query = (
        select(runs)
        .where(runs.c.model == model)
        .where(or_(runs.c.state.in_(ACTIVE_STATES), runs.c.reload == "pending"))
        .order_by(runs.c.number)
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else _run(row)


def past(connection: Connection, model: str, now: float) -> Past:
    """Return what the policy needs to know of a model's runs; those that started no trainer do not count."""
    began = select(runs.c.started).where(runs.c.model == model, runs.c.started > now - DAY, _counts())
    ended = select(func.max(runs.c.finished)).where(runs.c.model == model, _counts())
    return Past(
        active=active(connection, model) is not None,
        last_finished=connection.scalar(ended),
        starts=tuple(row[0] for row in connection.execute(began)),
    )


def rebase(connection: Connection, model: str, now: float) -> None:
    """Let what lies in the future, because the clock was set back since, have been just now."""
    for column in (runs.c.started, runs.c.finished):
        connection.execute(update(runs).where(runs.c.model == model, column > now).values({column: now}))


def move(connection: Connection, run: Run, state: str, now: float, **values: object) -> bool:
    """Move a run forward; returns False when somebody else has moved it meanwhile.

    Raises:
        TransitionError: when the state does not follow the run's.
    """
    check_transition(run.state, state)
    if state in FINAL_STATES:
        values["finished"] = now
    return note(connection, run, state=state, **values)


def note(connection: Connection, run: Run, **values: object) -> bool:
    """Store values of a run that is still in the state in which it was read; JSON columns take plain data."""
    same = (runs.c.id == run.id) & (runs.c.state == run.state)
    return connection.execute(update(runs).where(same).values(**encode(values))).rowcount == 1


def handled(connection: Connection, run: Run, handle: dict[str, Any] | None) -> bool:
    """Store a trainer's handle; returns False when another bridge ended the run or stored one."""
    before = encode({"handle": run.handle})["handle"]
    same = (runs.c.id == run.id) & (runs.c.state == run.state) & runs.c.handle.is_not_distinct_from(before)
    values = encode({"handle": handle})
    return connection.execute(update(runs).where(same).values(**values)).rowcount == 1


def newest(
    connection: Connection, limit: int, *, model: str | None = None
) -> list[tuple[Run, Sequence[Reason]]]:
    """Return the newest runs with their reasons, oldest of them first; all models' where none is named."""
    query = select(runs).order_by(runs.c.number.desc()).limit(limit)
    if model is not None:
        query = query.where(runs.c.model == model)
    rows = connection.execute(query).mappings().all()
    found = [_run(row) for row in reversed(rows)]
    return [(run, reasons_of(connection, run.id)) for run in found]


def _counts() -> ColumnElement[bool]:
    return runs.c.started.is_not(None) & runs.c.no_trainer.is_not(True)


def _run(row: RowMapping) -> Run:
    decoded = {
        name: json.loads(row[name]) if row[name] else None for name in ("handle", "gate", "first_notice")
    }
    return Run(**{**row, **decoded, "first_notice": decoded["first_notice"] or {}})
