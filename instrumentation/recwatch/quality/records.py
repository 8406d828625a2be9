"""A prediction, its label, and what is known of both: the records that everything else here is about."""

from typing import Literal, NamedTuple

__all__ = ["Event", "Feedback", "Item", "Prediction", "Record", "Status", "Step"]

Item = int | str
"""The id of something that was recommended."""

Status = Literal["waiting", "early", "joined", "expired"]
"""`waiting` for a label, `early` (the label came first), `joined`, or `expired` without a label in time."""

Event = Literal["prediction", "repeated", "feedback", "duplicate", "expired", "unknown", "unlabelled"]
"""What a step counts.

`prediction`: recorded; `repeated`: its id was known; `feedback`: joined; `duplicate`, `expired`, `unknown`:
a label that was joined with none, and why; `unlabelled`: a prediction that got no label in time.
"""


class Prediction(NamedTuple):
    """What a model said once; `at` in seconds since 1970."""

    prediction_id: str
    at: float
    variant: str
    version: str | None = None
    score: float | None = None
    predicted: float | None = None
    items: tuple[Item, ...] = ()
    unit: int | None = None
    features: str | None = None


class Feedback(NamedTuple):
    """What turned out; `at` in seconds since 1970."""

    prediction_id: str
    at: float
    label: float
    taken: tuple[Item, ...] = ()


class Record(NamedTuple):
    """All that is known of one prediction id: its prediction, its label or both."""

    status: Status
    prediction: Prediction | None = None
    feedback: Feedback | None = None

    @property
    def key(self) -> str:
        """The prediction id."""
        known = self.prediction or self.feedback
        if known is None:
            raise ValueError("a record is empty")
        return known.prediction_id


class Step(NamedTuple):
    """What became of a record: None where it may be forgotten."""

    record: Record | None
    events: tuple[Event, ...] = ()
