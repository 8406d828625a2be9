"""Join predictions with their labels exactly once, in any order: pure steps from one record to the next.

Whoever keeps the records, a dictionary or a database, takes these steps one after another for an id; that is
all that exactly once needs. A label belongs to its prediction where it was given at most `expiry` seconds
after it.
"""

from typing import NamedTuple

from recwatch.quality.records import Feedback, Prediction, Record, Step

__all__ = ["Rules", "add_feedback", "add_prediction", "due", "pass_time"]


class Rules(NamedTuple):
    """How long what is waited for; in seconds.

    Attributes:
        expiry: a label later than this after its prediction does not count.
        patience: how long a label that came first waits for its prediction.
        grace: how long after `expiry` a prediction is still held open: a label that was given in time may
            be on its way, in another process or in a nightly batch.
        reopens: whether a label that was given in time joins even later, as long as its id is remembered:
            so where a prediction without a label counts as nothing.
    """

    expiry: float
    patience: float
    grace: float = 0.0
    reopens: bool = False


def add_prediction(record: Record | None, prediction: Prediction, rules: Rules) -> Step:
    """A prediction was made; its label may be there already."""
    if record is None:
        return Step(Record("waiting", prediction), ("prediction",))
    if record.prediction is not None or record.feedback is None:
        return Step(record, ("repeated",))
    if record.feedback.at - prediction.at > rules.expiry:
        return Step(Record("waiting", prediction), ("prediction", "expired"))
    return Step(Record("joined", prediction, record.feedback), ("prediction", "feedback"))


def add_feedback(record: Record | None, feedback: Feedback, rules: Rules) -> Step:
    """A label was given; its prediction may be yet to come.

    A label from before its prediction, as skewed clocks say, counts.
    """
    if record is None:
        return Step(Record("early", None, feedback))
    if record.prediction is None or record.status == "joined":
        return Step(record, ("duplicate",))
    is_open = record.status == "waiting" or rules.reopens
    if not is_open or feedback.at - record.prediction.at > rules.expiry:
        return Step(record, ("expired",))
    return Step(Record("joined", record.prediction, feedback), ("feedback",))


def pass_time(record: Record, now: float, rules: Rules) -> Step:
    """What time does to a record: it expires, then it is forgotten."""
    if now <= due(record, rules):
        return Step(record)
    if record.status == "early":
        return Step(None, ("unknown",))
    if record.status == "waiting":
        return Step(Record("expired", record.prediction), ("unlabelled",))
    return Step(None)


def due(record: Record, rules: Rules) -> float:
    """Until when `pass_time` leaves a record as it is, in seconds since 1970.

    An id is remembered for twice the expiry, so that a late or second label is told from an unknown one.
    """
    if record.prediction is None:
        return 0.0 if record.feedback is None else record.feedback.at + rules.patience
    waits = rules.expiry + rules.grace
    return record.prediction.at + (waits if record.status == "waiting" else 2 * waits)
