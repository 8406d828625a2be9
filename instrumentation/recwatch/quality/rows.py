"""A record as a row of the table `predictions`, and back."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from recwatch.quality.records import Feedback, Item, Prediction, Record

__all__ = ["from_row", "time_of", "to_row"]


def time_of(seconds: float) -> datetime:
    """An aware time from seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def to_row(model: str, key: str, record: Record, sequence: int | None) -> dict[str, Any]:
    """Every column of a record's row.

    Args:
        model: the model's name.
        key: the prediction's id.
        record: what is known.
        sequence: position among the model's joins; None where it has none.
    """
    prediction, feedback = record.prediction, record.feedback
    return {
        "model": model,
        "prediction_id": key,
        "version": prediction and prediction.version,
        "variant": prediction and prediction.variant,
        "timestamp": prediction and time_of(prediction.at),
        "score": prediction and prediction.score,
        "predicted": prediction and prediction.predicted,
        "features": prediction and prediction.features,
        "items": json.dumps(prediction.items) if prediction and prediction.items else None,
        "unit": prediction and prediction.unit,
        "label": feedback and feedback.label,
        "labelled_at": feedback and time_of(feedback.at),
        "taken": json.dumps(feedback.taken) if feedback and feedback.taken else None,
        "status": record.status,
        "sequence": sequence,
    }


def from_row(row: Mapping[str, Any] | sa.RowMapping) -> Record:
    """The record of a row."""
    key, prediction, feedback = row["prediction_id"], None, None
    if row["timestamp"] is not None:
        prediction = Prediction(
            key,
            row["timestamp"].timestamp(),
            row["variant"],
            row["version"],
            row["score"],
            row["predicted"],
            _items(row["items"]),
            row["unit"],
            row["features"],
        )
    if row["labelled_at"] is not None:
        feedback = Feedback(key, row["labelled_at"].timestamp(), row["label"], _items(row["taken"]))
    return Record(row["status"], prediction, feedback)


def _items(text: str | None) -> tuple[Item, ...]:
    return () if text is None else tuple(json.loads(text))
