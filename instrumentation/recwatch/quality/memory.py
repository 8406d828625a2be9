"""Records in the memory of one process: nothing but Python between a request and its join."""

import heapq
import threading
from pathlib import Path

from recwatch.quality.experiment import Tally, Totals
from recwatch.quality.join import add_feedback, add_prediction, due, pass_time
from recwatch.quality.journal import Settings, as_unlabelled
from recwatch.quality.records import Feedback, Prediction, Record, Status, Step
from recwatch.quality.state import State, load_state, save_state
from recwatch.quality.task import Rows
from recwatch.quality.window import Ring

__all__ = ["MemoryJournal"]

# A request waits at most as long as this many take to be looked at.
_EXPIRE_AT_ONCE = 500


class MemoryJournal:
    """A dictionary of records, a heap of when each is due, a ring of what was joined.

    A prediction costs a look-up and a push on the heap (O(log n)), a label a look-up and a row of the ring
    (O(1)).

    Args:
        settings: of the monitor.
        state: a file that carries everything over a restart; None for none.
    """

    def __init__(self, settings: Settings, state: Path | None = None) -> None:
        self._settings = settings
        self._rules = settings.rules
        self._task = settings.task
        self._counts = settings.counts
        self._lock = threading.Lock()
        self._records: dict[str, Record] = {}
        self._due: list[tuple[float, str]] = []
        self._ring = Ring(settings.window, len(settings.task.columns))
        self._tally = Tally(settings.experiment, settings.task)
        self._state = state
        if state is not None:
            self._load(state)

    def predict(self, prediction: Prediction) -> bool:
        """A prediction was made; returns whether it was taken."""
        key = prediction.prediction_id
        if prediction.features is not None:  # nobody could read them here
            prediction = prediction._replace(features=None)
        with self._lock:
            known = self._records.get(key)
            if known is None and self._is_full():
                return False
            step = add_prediction(known, prediction, self._rules)
            self._take(key, known, step)
            if step.events[0] == "prediction":
                self._tally.predicted(prediction)
        return True

    def label(self, feedback: Feedback) -> bool:
        """A label was given; returns whether it was taken."""
        key = feedback.prediction_id
        with self._lock:
            known = self._records.get(key)
            if known is None and self._is_full():
                return False
            self._take(key, known, add_feedback(known, feedback, self._rules))
        return True

    def work(self) -> bool:
        """Expire what is over, publish what was counted."""
        now = self._settings.clock()
        while self._expire(now):
            pass
        with self._lock:
            self._counts.publish()
        return True

    def rows(self) -> Rows:
        """The labelled predictions of the window."""
        with self._lock:
            return self._ring.rows(self._settings.clock())

    def totals(self) -> Totals:
        """What the experiment has counted."""
        with self._lock:
            return dict(self._tally.totals)

    def save(self) -> None:
        """Write the state file, if there is one, in one step: it is the old or the new one, never half."""
        if self._state is None:
            return
        with self._lock:
            state = State(
                self._settings.model,
                self._task.columns,
                self._settings.experiment.name if self._settings.experiment else None,
                tuple(self._records.items()),
                self._ring.table(),
                dict(self._tally.totals),
            )
        try:
            save_state(self._state, state)
        except OSError as error:
            self._counts.drop("unavailable", error, writes=0)

    def forked(self) -> None:
        """The child goes on with a copy; the state file stays the parent's."""
        self._lock = threading.Lock()
        self._state = None

    def close(self) -> None:
        """Write the state file."""
        self.save()

    def _is_full(self) -> bool:
        if len(self._records) < self._settings.capacity:
            return False
        self._counts.drop("full", f"{self._settings.capacity} records are kept")
        return True

    def _take(self, key: str, known: Record | None, step: Step) -> None:
        """Keep the outcome of a step. The heap holds an entry for each record that is due then or before."""
        record, events = step
        lag = None
        if record is not known and record is not None:
            prediction, feedback = record.prediction, record.feedback
            if prediction is not None and feedback is not None:
                self._push(prediction, feedback)
                lag = feedback.at - prediction.at
                record = _slim(record.status, prediction)
            self._records[key] = record
            if known is None or known.status == "early":  # a prediction may be older than its label
                heapq.heappush(self._due, (due(record, self._rules), key))
        self._counts.add(events, lag)

    def _push(self, prediction: Prediction, feedback: Feedback) -> None:
        row = self._task.row(prediction, feedback)
        self._ring.push(feedback.at, row)
        self._tally.joined(prediction, row)

    def _expire(self, now: float) -> bool:
        """Take up to a bounded number of due records; returns whether there may be more."""
        with self._lock:
            for _ in range(_EXPIRE_AT_ONCE):
                if not self._due or self._due[0][0] >= now:
                    return False
                _, key = heapq.heappop(self._due)
                self._pass_time(key, now)
        return True

    def _pass_time(self, key: str, now: float) -> None:
        known = self._records.get(key)
        if known is None:  # an entry from when its label was early
            return
        record, events = pass_time(known, now, self._rules)
        if record is None:
            del self._records[key]
        else:
            if "unlabelled" in events and record.prediction is not None:
                counts_as = as_unlabelled(record.prediction, self._task, self._rules)
                if counts_as is not None:
                    self._push(record.prediction, counts_as)
                record = _slim(record.status, record.prediction)
            self._records[key] = record
            heapq.heappush(self._due, (due(record, self._rules), key))
        self._counts.add(events)

    def _load(self, path: Path) -> None:
        state = load_state(path, self._settings)
        if state is None:
            return
        self._records = dict(state.records)
        self._due = [(due(record, self._rules), key) for key, record in state.records]
        heapq.heapify(self._due)
        self._ring.extend(state.table[-self._settings.window.count :])
        self._tally.totals.update(state.totals)


def _slim(status: Status, prediction: Prediction) -> Record:
    """What has to be known of an id that is settled: until when it is remembered."""
    if prediction.items:
        prediction = Prediction(prediction.prediction_id, prediction.at, prediction.variant)
    return Record(status, prediction)
