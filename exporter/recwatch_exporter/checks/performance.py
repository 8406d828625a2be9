"""performance: what a quality metric is likely to be now, estimated without labels."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from recwatch_exporter.checks.base import CheckType, Direction, FloatArray, Options

Metric = Literal["accuracy", "precision", "recall", "f1", "roc_auc", "mae", "rmse"]
LOSSES: tuple[Metric, ...] = ("mae", "rmse")
"""Metrics of ratings: the lower the better."""


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """What is expected of the rows of each score.

    Attributes:
        positives: (..., n) rows that are positive: counted, or counts times the calibrated probability.
        negatives: (..., n) rows that are not.
        chosen: (n,) whether a model predicts positive at this score.
    """

    positives: FloatArray
    negatives: FloatArray
    chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]

    @property
    def true_positives(self) -> FloatArray:
        """(...) positive, and predicted so."""
        return _sum(self.positives[..., self.chosen])

    @property
    def false_positives(self) -> FloatArray:
        """(...) negative, but predicted positive."""
        return _sum(self.negatives[..., self.chosen])

    @property
    def false_negatives(self) -> FloatArray:
        """(...) positive, but predicted negative."""
        return _sum(self.positives[..., ~self.chosen])


def accuracy(found: Outcomes) -> FloatArray:
    """(TP + TN) / n."""
    right = found.true_positives + _sum(found.negatives[..., ~found.chosen])
    return _ratio(right, _sum(found.positives) + _sum(found.negatives))


def precision(found: Outcomes) -> FloatArray:
    """TP / (TP + FP); NaN where nothing is predicted positive."""
    return _ratio(found.true_positives, found.true_positives + found.false_positives)


def recall(found: Outcomes) -> FloatArray:
    """TP / (TP + FN); NaN where nothing is positive."""
    return _ratio(found.true_positives, found.true_positives + found.false_negatives)


def f1(found: Outcomes) -> FloatArray:
    """2 TP / (2 TP + FP + FN): the harmonic mean of precision and recall."""
    twice = 2 * found.true_positives
    return _ratio(twice, twice + found.false_positives + found.false_negatives)


def roc_auc(found: Outcomes) -> FloatArray:
    """How often a positive row's score is above a negative one's, ties counted half.

    Scores must be in ascending order (Hanley and McNeil, Radiology 143, 1982).
    """
    below = np.cumsum(found.negatives, axis=-1) - found.negatives
    above = _sum(found.positives * (below + found.negatives / 2))
    return _ratio(above, _sum(found.positives) * _sum(found.negatives))


BINARY = MappingProxyType(
    {"accuracy": accuracy, "precision": precision, "recall": recall, "f1": f1, "roc_auc": roc_auc}
)
"""Metrics of two classes: the higher the better."""


def estimate(
    metric: Metric,
    counts: FloatArray,
    expected: FloatArray,
    chosen: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> FloatArray:
    """Expected value of a metric, given how many rows have which score and what each score means.

    Args:
        metric: which.
        counts: (..., n) rows of each score, scores ascending.
        expected: (n,) of a metric of two classes: the probability of a positive; of `mae` and `rmse`: the
            mean absolute, or squared, error.
        chosen: (n,) whether a model predicts positive at this score.

    Returns:
        (...) NaN where the metric is not defined.
    """
    if metric in BINARY:
        positives = counts * expected
        outcomes = Outcomes(positives=positives, negatives=counts - positives, chosen=chosen)
        return BINARY[metric](outcomes)
    with np.errstate(invalid="ignore", over="ignore"):  # then it is no finite number, which is told
        mean = _ratio(counts @ expected, _sum(counts))
    return np.sqrt(mean) if metric == "rmse" else mean


def _sum(values: FloatArray) -> FloatArray:
    return np.asarray(values.sum(axis=-1), dtype=np.float64)


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(whole > 0, part / whole, np.nan), dtype=np.float64)


class PerformanceOptions(Options):
    """What is estimated."""

    target: str
    metric: Metric = "accuracy"
    positive: bool | int | float | str | None = None
    cut: float = 0.5
    calibration: Literal["isotonic", "platt"] = "isotonic"


@dataclass(frozen=True, kw_only=True)
class EstimateType(CheckType):
    """A type that estimates what cannot be measured yet."""


PERFORMANCE = EstimateType(
    name="performance",
    statistic=(
        "estimated metric in the current window: the one measured in the reference, and what the change of "
        "the scores adds to it by the calibration"
    ),
    effect_size="how much worse that is than the metric measured in the reference, in the metric's own unit",
    bad=Direction.HIGH,
    null="scores are distributed as in the reference; users differ from each other as they always do",
    p_value="share of permutations of the clusters with a loss at least as large, the calibration held fixed",
    source=(
        "confidence-based performance estimation: Kivimäki, Białek, Kuberski and Nurminen, Performance "
        "Estimation in Binary Classification Using Calibrated Confidence, arXiv 2505.05295, 2025"
    ),
    default_threshold=0.05,
    lowest_threshold=0.0,
    highest_threshold=float("inf"),
    columns="one",
    options=PerformanceOptions,
    undefined=(
        "the current window holds no score that the metric needs, such as one at or above cut for precision, "
        "or errors too large to square for rmse: choose another metric, cut or column"
    ),
)
