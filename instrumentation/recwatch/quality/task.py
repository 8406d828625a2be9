"""What a kind of model has to say so that its predictions can be judged."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from recwatch.better import Better
from recwatch.quality.records import Feedback, Item, Prediction

__all__ = ["Better", "Labelled", "Measured", "Predicted", "Rows", "Task", "measured"]

Rows = npt.NDArray[np.float64]


class Measured(NamedTuple):
    """A metric's value and how many samples it rests on."""

    value: float
    samples: int


class Predicted(NamedTuple):
    """What a prediction said, checked."""

    score: float | None = None
    predicted: float | None = None
    items: tuple[Item, ...] = ()


class Labelled(NamedTuple):
    """What a label says, checked."""

    label: float
    taken: tuple[Item, ...] = ()


class Task(Protocol):
    """A kind of prediction: what is checked, what a row of the window holds, which metrics come of rows."""

    @property
    def columns(self) -> tuple[str, ...]:
        """What the floats of a row are."""

    @property
    def metrics(self) -> Mapping[str, Better]:
        """Every metric that `evaluate` may give."""

    @property
    def averaged(self) -> tuple[str, ...]:
        """The metrics that are means over predictions, which arms of an A/B test can be compared by."""

    @property
    def unlabelled(self) -> Labelled | None:
        """What a prediction without a label in time counts as; None where it does not count."""

    def check_prediction(self, score: object, predicted: object, items: object) -> Predicted:
        """Check what a model said.

        Raises:
            QualityError: where it cannot be used.
        """

    def check_label(self, label: object) -> Labelled:
        """Check what turned out.

        Raises:
            QualityError: where it cannot be used.
        """

    def row(self, prediction: Prediction, feedback: Feedback) -> tuple[float, ...]:
        """The row of one labelled prediction; NaN for what is not known."""

    def observe(self, row: tuple[float, ...], metric: str) -> float:
        """What one row adds to the mean of one of the `averaged` metrics; NaN where it adds nothing."""

    def evaluate(self, rows: Rows) -> dict[str, Measured]:
        """The metrics of rows, shape (rows, columns); one that is undefined for them is left out."""


def measured(**values: tuple[float | None, int]) -> dict[str, Measured]:
    """Leave out what has no value."""
    return {
        name: Measured(float(value), int(samples))
        for name, (value, samples) in values.items()
        if value is not None and np.isfinite(value)
    }
