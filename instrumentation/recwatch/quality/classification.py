"""Yes or no: accuracy, precision, recall, F1 and AUC."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from recwatch.better import Better, better
from recwatch.errors import QualityError
from recwatch.quality.records import Feedback, Prediction
from recwatch.quality.task import Labelled, Measured, Predicted, Rows, measured
from recwatch.quality.values import number

__all__ = ["Classification", "Confusion", "auc", "confusion"]

_LABELS = (Labelled(0.0), Labelled(1.0))
Floats = npt.NDArray[np.float64]


class Confusion(NamedTuple):
    """How many predictions were right and wrong, by what was predicted."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int


def confusion(predicted: Floats, labels: Floats) -> Confusion:
    """Count the four outcomes.

    Args:
        predicted: 0 or 1, shape (n,).
        labels: 0 or 1, shape (n,).
    """
    said, was = predicted > 0, labels > 0
    both, either = int(np.sum(said & was)), int(np.sum(said | was))
    said_so, was_so = int(np.sum(said)), int(np.sum(was))
    return Confusion(both, said_so - both, was_so - both, len(labels) - either)


def auc(scores: Floats, labels: Floats) -> float | None:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counting half.

    From the rank sum of the positives, with mid-ranks for ties (Hanley and McNeil 1982, "The meaning and use
    of the area under a receiver operating characteristic curve", Radiology 143, section "Wilcoxon").

    Args:
        scores: shape (n,), any scale.
        labels: 0 or 1, shape (n,).

    Returns:
        Between 0 and 1; None where one of the classes is missing.
    """
    positive = labels > 0
    positives = int(np.sum(positive))
    negatives = len(labels) - positives
    if not positives or not negatives:
        return None
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[places]
    wins = float(np.sum(ranks[positive])) - positives * (positives + 1) / 2
    return wins / (positives * negatives)


@dataclass(frozen=True)
class Classification:
    """Two classes, 0 and 1.

    `accuracy` is the share of right predictions, `precision` the share of positives among those predicted,
    `recall` the share predicted among the positives, `f1` their harmonic mean 2TP / (2TP + FP + FN)
    (van Rijsbergen 1979, "Information Retrieval", chapter 7, with beta 1), `auc` see `auc`.

    Attributes:
        threshold: a score this high is predicted positive, where the prediction does not say.
    """

    threshold: float = 0.5
    columns: ClassVar[tuple[str, ...]] = ("score", "predicted", "label")
    averaged: ClassVar[tuple[str, ...]] = ("accuracy",)
    unlabelled: ClassVar[Labelled | None] = None
    metrics: ClassVar[Mapping[str, Better]] = {
        name: better(name) for name in ("accuracy", "precision", "recall", "f1", "auc")
    }

    def __post_init__(self) -> None:
        number(self.threshold, "threshold")

    def check_prediction(self, score: object, predicted: object, items: object) -> Predicted:
        """A score, a class, or both."""
        if items is not None:
            raise QualityError("a classification has a score or a class, no items: leave `items` out")
        value = None if score is None else number(score, "score")
        if predicted is not None:
            return Predicted(value, _class(predicted, "predicted"))
        if value is None:
            raise QualityError("a classification needs a score or a class: pass `score` or `predicted`")
        return Predicted(value, float(value >= self.threshold))

    def check_label(self, label: object) -> Labelled:
        """The true class."""
        if type(label) is int and 0 <= label <= 1:
            return _LABELS[label]
        return Labelled(_class(label, "label"))

    def row(self, prediction: Prediction, feedback: Feedback) -> tuple[float, ...]:
        """(score, predicted, label)."""
        score, predicted = prediction.score, prediction.predicted
        return (
            math.nan if score is None else score,
            math.nan if predicted is None else predicted,
            feedback.label,
        )

    def observe(self, row: tuple[float, ...], metric: str) -> float:  # noqa: ARG002 - there is one
        """1 where it was right."""
        return float(row[1] == row[2])

    def evaluate(self, rows: Rows) -> dict[str, Measured]:
        """What is undefined (precision without a predicted positive, AUC of one class) is left out."""
        scores, predicted, labels = rows.T
        tp, fp, fn, tn = confusion(predicted, labels)
        scored = ~np.isnan(scores)
        scarcer = int(min(np.sum(labels[scored] > 0), np.sum(labels[scored] == 0)))
        return measured(
            accuracy=(_share(tp + tn, len(labels)), len(labels)),
            precision=(_share(tp, tp + fp), tp + fp),
            recall=(_share(tp, tp + fn), tp + fn),
            f1=(_share(2 * tp, 2 * tp + fp + fn), tp + fp + fn),
            auc=(auc(scores[scored], labels[scored]), scarcer),
        )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _class(value: object, name: str) -> float:
    result = number(value, name)
    if result not in {0.0, 1.0}:
        raise QualityError(f"{name} must be 0 or 1; got {value!r:.40}")
    return result
