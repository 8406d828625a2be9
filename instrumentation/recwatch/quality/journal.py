"""What a monitor needs of the place where records are kept."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from recwatch.quality.counting import Counts
from recwatch.quality.experiment import Experiment, Totals
from recwatch.quality.join import Rules
from recwatch.quality.records import Feedback, Prediction
from recwatch.quality.task import Rows, Task
from recwatch.quality.window import Window

__all__ = ["Journal", "Settings", "as_unlabelled"]


class Settings(NamedTuple):
    """What both kinds of journal are told."""

    model: str
    task: Task
    window: Window
    rules: Rules
    experiment: Experiment | None
    capacity: int
    retention: float
    counts: Counts
    clock: Callable[[], float]


class Journal(Protocol):
    """Keeps records, joins them exactly once and counts what became of them.

    `predict` and `label` are called in requests: they neither wait for I/O nor raise for it. All else is
    called by one thread.
    """

    def predict(self, prediction: Prediction) -> bool:
        """A prediction was made; returns whether it was taken."""

    def label(self, feedback: Feedback) -> bool:
        """A label was given; returns whether it was taken."""

    def work(self) -> bool:
        """Write what waits, expire what is over; returns whether nothing waits any more.

        Raises:
            StoreError: when a database cannot be reached; what waits is kept.
        """

    def rows(self) -> Rows:
        """The labelled predictions of the window, oldest first: shape (rows, columns).

        Raises:
            StoreError: when a database cannot be reached.
        """

    def totals(self) -> Totals:
        """What the experiment has counted since it began.

        Raises:
            StoreError: when a database cannot be reached.
        """

    def forked(self) -> None:
        """Begin anew in the child of a fork: what waits to be written is the parent's."""

    def close(self) -> None:
        """Let go of everything; what still waits is given up and counted."""


def as_unlabelled(prediction: Prediction, task: Task, rules: Rules) -> Feedback | None:
    """What a prediction without a label in time counts as, at the moment when it expired.

    None where it does not count.
    """
    if task.unlabelled is None:
        return None
    return Feedback(prediction.prediction_id, prediction.at + rules.expiry, *task.unlabelled)
