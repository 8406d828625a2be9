"""Suggestions that somebody takes up or not: acceptance and engagement."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from recwatch.better import Better, better
from recwatch.errors import QualityError
from recwatch.quality.records import Feedback, Prediction
from recwatch.quality.task import Labelled, Measured, Predicted, Rows, measured
from recwatch.quality.values import number

__all__ = ["Suggestions"]


@dataclass(frozen=True)
class Suggestions:
    """One suggestion a prediction; its label is 1 where it was taken up, 0 where it was turned down.

    `acceptance_rate` is the share of suggestions that were taken up; one without an answer by its expiry
    was not. `engagement_rate` is the share of active units (`unit=` of a prediction, such as a user) that
    took up at least one suggestion; active are the units that got one in the window.
    """

    columns: ClassVar[tuple[str, ...]] = ("accepted", "unit")
    averaged: ClassVar[tuple[str, ...]] = ("acceptance_rate",)
    unlabelled: ClassVar[Labelled | None] = Labelled(0.0)
    metrics: ClassVar[Mapping[str, Better]] = {
        name: better(name) for name in ("acceptance_rate", "engagement_rate")
    }

    def check_prediction(self, score: object, predicted: object, items: object) -> Predicted:
        """Nothing is needed; a score, a value and the one item that was suggested are kept."""
        if items is not None:
            raise QualityError("a suggestion is one item: leave `items` out, or use the task Ranking")
        return Predicted(
            None if score is None else number(score, "score"),
            None if predicted is None else number(predicted, "predicted"),
        )

    def check_label(self, label: object) -> Labelled:
        """Whether it was taken up."""
        value = number(label, "label")
        if value not in {0.0, 1.0}:
            raise QualityError(f"label must be 1 (taken up) or 0 (turned down); got {label!r:.40}")
        return Labelled(value)

    def row(self, prediction: Prediction, feedback: Feedback) -> tuple[float, ...]:
        """(accepted, unit)."""
        return (feedback.label, math.nan if prediction.unit is None else float(prediction.unit))

    def observe(self, row: tuple[float, ...], metric: str) -> float:  # noqa: ARG002 - there is one
        """1 where it was taken up."""
        return row[0]

    def evaluate(self, rows: Rows) -> dict[str, Measured]:
        """The engagement rate only where units are known."""
        accepted, units = rows.T
        known = ~np.isnan(units)
        active = len(np.unique(units[known]))
        engaged = len(np.unique(units[known & (accepted > 0)]))
        return measured(
            acceptance_rate=(float(np.mean(accepted)) if len(rows) else None, len(rows)),
            engagement_rate=(engaged / active if active else None, active),
        )
