"""One transaction that joins a batch of predictions and labels exactly once, whatever other processes do.

It begins by taking the model's row of `prediction_sequences`: processes join one after another, each sees
what the one before it committed, and the positions of joins become visible in their order. So a plain read,
the pure steps of `recwatch.quality.join` and a write are enough, on SQLite and on PostgreSQL alike.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from recwatch.quality.experiment import Tally, Totals
from recwatch.quality.join import Rules, add_feedback, add_prediction, pass_time
from recwatch.quality.journal import Settings, as_unlabelled
from recwatch.quality.moments import Moments
from recwatch.quality.records import Event, Feedback, Prediction, Record, Step
from recwatch.quality.rows import from_row, time_of, to_row
from recwatch.store.tables import prediction_sequences, predictions, variant_totals

__all__ = ["Settled", "expire", "read_joined", "read_sequence", "read_totals", "settle"]

_IDS_AT_ONCE = 500
_EXPIRE_AT_ONCE = 2_000
_SAME_TIME_SECONDS = 1e-5


class Settled(NamedTuple):
    """What a transaction did, to be counted once it is committed."""

    events: list[Event]
    lags: list[float]


class _Batch:
    """The steps of one transaction, taken in memory between its reads and its writes."""

    def __init__(self, settings: Settings, records: dict[str, Record], sequence: int) -> None:
        self.records: dict[str, Record | None] = dict(records)
        self.sequence = sequence
        self.changed: dict[str, int | None] = {}
        self.events: list[Event] = []
        self.lags: list[float] = []
        self.tally = Tally(settings.experiment, settings.task)
        self._settings = settings

    def take(self, entry: Prediction | Feedback, *, again: bool) -> None:
        known = self.records.get(entry.prediction_id)
        if again and known is not None and _is_known(known, entry):
            # The commit before this attempt did arrive, its answer did not: count what it did.
            counted: Event = "prediction" if isinstance(entry, Prediction) else "feedback"
            self.events += [counted] if known.status != "early" else []
            return
        rules = self._settings.rules
        if isinstance(entry, Prediction):
            step = add_prediction(known, entry, rules)
            if step.events[0] == "prediction":
                self.tally.predicted(entry)
        else:
            step = add_feedback(known, entry, rules)
        self._keep(entry.prediction_id, known, step)

    def pass_time(self, key: str, now: float) -> None:
        known = self.records[key]
        if known is not None:
            self._keep(key, known, pass_time(known, now, self._settings.rules))

    def _keep(self, key: str, known: Record | None, step: Step) -> None:
        self.events += step.events
        if step.record is known:
            return
        self.records[key] = step.record
        self.changed[key] = None
        if step.record is None or step.record.prediction is None:
            return
        prediction, feedback = step.record.prediction, step.record.feedback
        if step.record.status == "expired":
            feedback = as_unlabelled(prediction, self._settings.task, self._settings.rules)
        elif feedback is not None:
            self.lags.append(feedback.at - prediction.at)
        if feedback is not None:
            self.sequence += 1
            self.changed[key] = self.sequence
            self.tally.joined(prediction, self._settings.task.row(prediction, feedback))


def settle(
    connection: sa.Connection,
    settings: Settings,
    entries: Sequence[Prediction | Feedback],
    *,
    again: int = 0,
) -> Settled:
    """Join a batch.

    Args:
        connection: in a transaction that has done nothing yet.
        settings: of the monitor.
        entries: in the order in which they came.
        again: how many of the first entries were tried before and may have been committed.
    """
    held = _hold(connection, settings.model)
    batch = _Batch(
        settings, _load(connection, settings.model, {entry.prediction_id for entry in entries}), held
    )
    for place, entry in enumerate(entries):
        batch.take(entry, again=place < again)
    return _commit(connection, settings, batch, held)


def expire(connection: sa.Connection, settings: Settings, now: float) -> tuple[Settled, bool]:
    """Settle what got no label in time, give up labels without a prediction, delete what is no longer needed.

    Args:
        connection: in a transaction that has done nothing yet.
        settings: of the monitor.
        now: seconds since 1970.

    Returns:
        What was done, and whether there is more than one transaction takes.
    """
    held = _hold(connection, settings.model)
    due = _load_due(connection, settings.model, settings.rules, now)
    batch = _Batch(settings, due, held)
    for key in due:
        batch.pass_time(key, now)
    _forget(connection, settings, now, held)
    return _commit(connection, settings, batch, held), len(due) >= _EXPIRE_AT_ONCE


def read_sequence(connection: sa.Connection, model: str) -> int:
    """The position of the newest join; 0 before the first."""
    query = sa.select(prediction_sequences.c.sequence).where(prediction_sequences.c.model == model)
    return int(connection.execute(query).scalar() or 0)


def read_joined(
    connection: sa.Connection, settings: Settings, *, after: int, up_to: int
) -> Iterator[tuple[Prediction, Feedback]]:
    """What was joined after one position and up to another, in order."""
    query = (
        sa.select(predictions)
        .where(predictions.c.model == settings.model)
        .where(predictions.c.sequence > after, predictions.c.sequence <= up_to)
        .order_by(predictions.c.sequence)
    )
    for row in connection.execute(query).mappings():
        _, prediction, feedback = from_row(row)
        if prediction is not None:
            feedback = feedback or as_unlabelled(prediction, settings.task, settings.rules)
            if feedback is not None:
                yield prediction, feedback


def read_totals(connection: sa.Connection, model: str, experiment: str) -> Totals:
    """What an experiment has counted since it began, in all processes."""
    table = variant_totals.c
    query = sa.select(table.variant, table.metric, table.observations, table.mean, table.squares)
    query = query.where(table.model == model, table.experiment == experiment)
    return {(row[0], row[1]): Moments(row[2], row[3], row[4]) for row in connection.execute(query)}


def _hold(connection: sa.Connection, model: str) -> int:
    """Take the model's row until the transaction ends; returns the position of the newest join."""
    _upsert(connection, prediction_sequences, [{"model": model, "sequence": 0}], replace=False)
    query = sa.select(prediction_sequences.c.sequence).where(prediction_sequences.c.model == model)
    return int(connection.execute(query.with_for_update()).scalar_one())


def _load(connection: sa.Connection, model: str, ids: Iterable[str]) -> dict[str, Record]:
    wanted, found = sorted(ids), {}
    for first in range(0, len(wanted), _IDS_AT_ONCE):
        query = sa.select(predictions).where(
            predictions.c.model == model,
            predictions.c.prediction_id.in_(wanted[first : first + _IDS_AT_ONCE]),
        )
        for row in connection.execute(query).mappings():
            found[row["prediction_id"]] = from_row(row)
    return found


def _load_due(connection: sa.Connection, model: str, rules: Rules, now: float) -> dict[str, Record]:
    table = predictions.c
    waited = time_of(max(0.0, now - rules.expiry - rules.grace))
    early = time_of(max(0.0, now - rules.patience))
    due = sa.or_(
        sa.and_(table.status == "waiting", table.timestamp < waited),
        sa.and_(table.status == "early", table.labelled_at < early),
    )
    query = sa.select(predictions).where(table.model == model, due).limit(_EXPIRE_AT_ONCE)
    return {row["prediction_id"]: from_row(row) for row in connection.execute(query).mappings()}


def _forget(connection: sa.Connection, settings: Settings, now: float, newest: int) -> None:
    """Delete settled rows that no late label can need; the window's stay, for the next start."""
    table = predictions.c
    before = time_of(max(0.0, now - settings.retention))
    connection.execute(
        sa.delete(predictions).where(
            table.model == settings.model,
            table.status.in_(("joined", "expired")),
            table.timestamp < before,
            sa.or_(table.sequence.is_(None), table.sequence <= newest - settings.window.count),
        )
    )


def _commit(connection: sa.Connection, settings: Settings, batch: _Batch, held: int) -> Settled:
    _write(connection, settings.model, batch)
    if batch.sequence != held:
        connection.execute(
            sa.update(prediction_sequences)
            .where(prediction_sequences.c.model == settings.model)
            .values(sequence=batch.sequence)
        )
    if settings.experiment is not None:
        _add_totals(connection, settings.model, settings.experiment.name, batch.tally.totals)
    return Settled(batch.events, batch.lags)


def _write(connection: sa.Connection, model: str, batch: _Batch) -> None:
    gone, rows = [], []
    for key, sequence in batch.changed.items():
        record = batch.records[key]
        if record is None:
            gone.append(key)
        else:
            rows.append(to_row(model, key, record, sequence))
    for first in range(0, len(gone), _IDS_AT_ONCE):
        ids = gone[first : first + _IDS_AT_ONCE]
        connection.execute(
            sa.delete(predictions).where(predictions.c.model == model, predictions.c.prediction_id.in_(ids))
        )
    if rows:
        _upsert(connection, predictions, rows)


def _add_totals(connection: sa.Connection, model: str, experiment: str, more: Totals) -> None:
    if not more:
        return
    known = read_totals(connection, model, experiment)
    rows = []
    for (variant, metric), moments in more.items():
        total = known.get((variant, metric), Moments()).merge(moments)
        keys = {"model": model, "experiment": experiment, "variant": variant, "metric": metric}
        rows.append({**keys, "observations": total.samples, "mean": total.mean, "squares": total.squares})
    _upsert(connection, variant_totals, rows)


def _upsert(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], *, replace: bool = True
) -> None:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    if replace:
        rest = {
            column.name: statement.excluded[column.name]
            for column in table.columns
            if column.name not in keys
        }
        statement = statement.on_conflict_do_update(index_elements=keys, set_=rest)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=keys)
    connection.execute(statement, list(rows))


def _is_known(record: Record, entry: Prediction | Feedback) -> bool:
    known = record.prediction if isinstance(entry, Prediction) else record.feedback
    # A database keeps microseconds.
    return known is not None and abs(known.at - entry.at) < _SAME_TIME_SECONDS and known[2:] == entry[2:]
