"""The table of rollbacks, and of promotions by hand.

pending ──► done        (the version in service changed)
   ├──────► declined    (there was no reason to any more, nothing to go back to, or somebody was faster)
   └──────► failed      (the registry refused it)

What was declined for now only, or has failed, is pending again when its alert is repeated later.

Functions take the connection of a transaction that the caller opened.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, RowMapping, or_, select, tuple_, update

from recwatch_bridge.storage.batches import batches
from recwatch_bridge.storage.columns import encode
from recwatch_bridge.storage.schema import rollbacks
from recwatch_bridge.storage.upsert import insert_new
from recwatch_bridge.text import one_line

PENDING = "pending"
_PROMOTION = "promotion-"
_REASON_LENGTH = 500
"""In one statement; databases have a limit."""
_EPISODE = ("model", "fingerprint", "starts_at")
_KEY = tuple(rollbacks.c[name] for name in _EPISODE)


@dataclass(frozen=True)
class Rollback:
    """A row of the table.

    Attributes:
        trigger: `alert`, `watch` (errors after a promotion) or `manual`.
        reason: in words, for people and the registry's history.
        labels: of the alert that asked, so that Prometheus can be asked whether it still fires.
        serving: the version in service when it was asked for, which nobody may have changed meanwhile; None
            where whoever asked did not look.
        target: the version that was put into service; for a promotion by hand, the one that is to be.
        reload: `pending`, `done` or `failed`; None where there is nothing to tell the service.
        first_notice: by sink, the uid of the first message about it.
        again: from when on a repeat of the alert may ask anew; None where it may not.
    """

    number: int
    id: str
    model: str
    trigger: str
    state: str
    reason: str
    fingerprint: str
    starts_at: str
    labels: dict[str, str]
    serving: str | None
    target: str | None
    created: float
    finished: float | None
    error: str | None
    reload: str | None
    first_notice: dict[str, str]
    again: float | None

    @property
    def is_promotion(self) -> bool:
        """Whether a person asked for a version, rather than for the one before."""
        return self.id.startswith(_PROMOTION)


@dataclass(frozen=True)
class Question:
    """What asks for a rollback; see `create`."""

    model: str
    reason: str
    episode: tuple[str, str] | None = None
    labels: Mapping[str, str] | None = None


def create(
    connection: Connection,
    model: str,
    *,
    trigger: str,
    reason: str,
    episode: tuple[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    serving: str | None = None,
    target: str | None = None,
    now: float,
) -> str | None:
    """Ask for a rollback, or with `target` for the promotion of a published version.

    Args:
        connection: a write transaction.
        model: a name of the configuration; that it is one is the caller's business.
        trigger: `alert`, `watch` or `manual`.
        reason: why, in words.
        episode: what it is asked for once: an alert's fingerprint and start. None makes it one of its own.
        labels: the alert's.
        serving: the version that must be in service then; None leaves that to the registry's history: the one
            that was in service at `now`.
        target: the version to promote; a person's promotion has the trigger `manual`.
        now: seconds since the epoch.

    Returns:
        Its id, or None where this episode has had one that stands. Wake the model's worker afterwards.
    """
    question = Question(model, reason, episode, labels)
    [made] = _ask(connection, [question], trigger, serving=serving, target=target, now=now)
    return made


def create_all(
    connection: Connection, questions: Sequence[Question], *, trigger: str, now: float
) -> list[str | None]:
    """Do what `create` does for several episodes, in a few statements; returns as many ids, or None each.

    Args:
        connection: a write transaction.
        questions: an episode that comes twice has one rollback.
        trigger: as for `create`.
        now: seconds since the epoch.
    """
    return _ask(connection, questions, trigger, now=now) if questions else []


def _ask(
    connection: Connection,
    questions: Sequence[Question],
    trigger: str,
    *,
    serving: str | None = None,
    target: str | None = None,
    now: float,
) -> list[str | None]:
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%S")
    keys, rows = [], {}
    for question in questions:
        identity = f"{'rollback-' if target is None else _PROMOTION}{stamp}-{uuid.uuid4().hex[:8]}"
        fingerprint, starts_at = question.episode or (f"{trigger}:{identity}", "")
        keys.append((question.model, fingerprint, starts_at))
        rows[keys[-1]] = {
            "id": identity,
            "model": question.model,
            "trigger": trigger,
            "state": PENDING,
            "reason": one_line(question.reason, _REASON_LENGTH),
            "fingerprint": fingerprint,
            "starts_at": starts_at,
            "labels": None if question.labels is None else json.dumps(dict(question.labels)),
            "serving": serving,
            "target": target,
            "created": now,
        }
    returned = connection.execute(
        insert_new(connection, rollbacks, _EPISODE, ("id", *_EPISODE)), list(rows.values())
    )
    made = {(row[1], row[2], row[3]): row[0] for row in returned}
    made |= _ask_again(connection, sorted(rows.keys() - made.keys()), now)
    return [made.get(key) for key in keys]


def _ask_again(
    connection: Connection, episodes: Sequence[tuple[str, str, str]], now: float
) -> dict[tuple[str, str, str], str]:
    """Open what episodes had asked for, where a repeat may do that; they ask as of now."""
    may = (
        rollbacks.c.state.in_(("declined", "failed"))
        # What was stored later than now was so before the clock was set back.
        & or_(rollbacks.c.again <= now, rollbacks.c.finished > now)
        & rollbacks.c.again.is_not(None)
    )
    opened = {"state": PENDING, "created": now, "finished": None, "error": None, "again": None}
    query = update(rollbacks).where(may).values(**opened)
    found = {}
    for part in batches(episodes):
        some = tuple_(*_KEY).in_(part)
        for row in connection.execute(query.where(some).returning(rollbacks.c.id, *_KEY)):
            found[row[1], row[2], row[3]] = row[0]
    return found


def get(connection: Connection, identity: str) -> Rollback:
    """Return a rollback by its id."""
    return _rollback(connection.execute(select(rollbacks).where(rollbacks.c.id == identity)).mappings().one())


def unfinished(connection: Connection, model: str) -> list[Rollback]:
    """Return those for which something is still to be done, oldest first: pending, or not yet loaded."""
    query = (
        select(rollbacks)
        .where(rollbacks.c.model == model)
        .where(or_(rollbacks.c.state == PENDING, rollbacks.c.reload == PENDING))
        .order_by(rollbacks.c.number)
    )
    return [_rollback(row) for row in connection.execute(query).mappings()]


def note(connection: Connection, rollback: Rollback, **values: object) -> bool:
    """Store values of one that is as it was read; returns False when somebody has changed it meanwhile."""
    same = (
        (rollbacks.c.id == rollback.id)
        & (rollbacks.c.state == rollback.state)
        & rollbacks.c.reload.is_not_distinct_from(rollback.reload)
    )
    return connection.execute(update(rollbacks).where(same).values(**encode(values))).rowcount == 1


def newest(connection: Connection, limit: int, *, model: str | None = None) -> list[Rollback]:
    """Return the newest, oldest of them first; all models' where none is named."""
    query = select(rollbacks).order_by(rollbacks.c.number.desc()).limit(limit)
    if model is not None:
        query = query.where(rollbacks.c.model == model)
    return [_rollback(row) for row in reversed(connection.execute(query).mappings().all())]


def _rollback(row: RowMapping) -> Rollback:
    decoded = {name: json.loads(row[name]) if row[name] else {} for name in ("labels", "first_notice")}
    return Rollback(**{**row, **decoded})
