"""A number predicted, a number observed: errors, agreement and correlation."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from recwatch.better import Better, better
from recwatch.errors import QualityError
from recwatch.quality.records import Feedback, Prediction
from recwatch.quality.task import Labelled, Measured, Predicted, Rows, measured
from recwatch.quality.values import number

__all__ = ["Regression", "correlation"]

Floats = npt.NDArray[np.float64]
_METRICS = ("mae", "rmse", "within_tolerance", "correlation", "predicted_mean", "actual_mean", "bias")


def correlation(predicted: Floats, actual: Floats) -> float | None:
    """Pearson's product-moment correlation (Pearson 1895, Proceedings of the Royal Society 58).

    Args:
        predicted: shape (n,).
        actual: shape (n,).

    Returns:
        Between -1 and 1; None where one side does not vary.
    """
    if len(actual) < 2 or np.ptp(predicted) == 0 or np.ptp(actual) == 0:  # noqa: PLR2004 - two points vary
        return None
    sides = []
    for side in (predicted, actual):
        centred = side / np.abs(side).max()
        centred = centred - centred.mean()
        length = math.sqrt(float(centred @ centred))
        if length == 0:
            return None
        sides.append(centred / length)
    return float(np.clip(sides[0] @ sides[1], -1.0, 1.0))


@dataclass(frozen=True)
class Regression:
    """A number, such as a rating.

    `mae` is the mean absolute error, `rmse` the root of the mean squared error, `within_tolerance` the
    share of predictions at most `tolerance` off, `correlation` see `correlation`; `predicted_mean`,
    `actual_mean` and their difference `bias` are reported and never called degraded.

    Attributes:
        tolerance: how far off still counts as right, in the label's unit.
    """

    tolerance: float = 0.5
    columns: ClassVar[tuple[str, ...]] = ("predicted", "label")
    averaged: ClassVar[tuple[str, ...]] = ("mae", "mse", "within_tolerance")
    unlabelled: ClassVar[Labelled | None] = None
    metrics: ClassVar[Mapping[str, Better]] = {name: better(name) for name in _METRICS}

    def __post_init__(self) -> None:
        if number(self.tolerance, "tolerance") < 0:
            raise QualityError(f"tolerance must be 0 or more; got {self.tolerance!r}")

    def check_prediction(self, score: object, predicted: object, items: object) -> Predicted:
        """A number: `predicted`, or `score` where that is what the caller calls it."""
        if items is not None:
            raise QualityError("a regression predicts a number, no items: leave `items` out")
        if predicted is None and score is None:
            raise QualityError("a regression needs a number: pass `predicted`")
        value = None if score is None else number(score, "score")
        return Predicted(value, value if predicted is None else number(predicted, "predicted"))

    def check_label(self, label: object) -> Labelled:
        """The number that was observed."""
        return Labelled(number(label, "label"))

    def row(self, prediction: Prediction, feedback: Feedback) -> tuple[float, ...]:
        """(predicted, label)."""
        return (math.nan if prediction.predicted is None else prediction.predicted, feedback.label)

    def observe(self, row: tuple[float, ...], metric: str) -> float:
        """The absolute error, its square, or 1 where it is tolerable."""
        error = abs(row[0] - row[1])
        if metric == "within_tolerance":
            return float(error <= self.tolerance)
        return error if metric == "mae" else error * error

    def evaluate(self, rows: Rows) -> dict[str, Measured]:
        """Every metric; correlation only where both sides vary."""
        predicted, actual = rows.T
        samples = len(rows)
        if not samples:
            return {}
        error = np.abs(predicted - actual)
        with np.errstate(over="ignore"):
            rmse = math.sqrt(float(np.mean(error**2)))
        return measured(
            mae=(float(np.mean(error)), samples),
            rmse=(rmse, samples),
            within_tolerance=(float(np.mean(error <= self.tolerance)), samples),
            correlation=(correlation(predicted, actual), samples),
            predicted_mean=(float(np.mean(predicted)), samples),
            actual_mean=(float(np.mean(actual)), samples),
            bias=(float(np.mean(predicted - actual)), samples),
        )
