"""Records in the memory of one process: nothing but Python between a request and its join."""

import threading
import time
from collections import deque
from pathlib import Path

from recwatch.quality.agenda import Agenda
from recwatch.quality.experiment import Tally, Totals
from recwatch.quality.join import add_feedback, add_prediction, due, pass_time
from recwatch.quality.journal import Settings, as_unlabelled
from recwatch.quality.records import Feedback, Prediction, Record, Status, Step
from recwatch.quality.state import Kept, State, load_state, save_state
from recwatch.quality.task import Rows
from recwatch.quality.window import Ring

__all__ = ["MemoryJournal"]

# A request waits at most as long as this many take to be looked at.
_AT_ONCE = 500


class MemoryJournal:
    """A dictionary of records, a heap of when each is due, a ring of what was joined.

    A prediction costs a look-up and a push on the heap (O(log n)), a label a look-up and a row of the ring
    (O(1)). Where there is no room, the record that was settled first is forgotten; only where all wait for
    their labels is a new one refused.

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
        self._state = state
        self._begin()
        if state is not None:
            self._load(state)

    def predict(self, prediction: Prediction) -> bool:
        """A prediction was made; returns whether it was taken."""
        key = prediction.prediction_id
        if prediction.features is not None:  # nobody could read them here
            prediction = prediction._replace(features=None)
        with self._lock:
            known = self._look_up(key)
            if known is None and len(self._records) >= self._settings.capacity and not self._make_room():
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
            known = self._look_up(key)
            if known is None and len(self._records) >= self._settings.capacity and not self._make_room():
                return False
            self._take(key, known, add_feedback(known, feedback, self._rules))
        return True

    def work(self) -> bool:
        """Expire what is over, publish what was counted."""
        now = self._settings.clock()
        while self._sweep() or self._expire(now):
            time.sleep(0)  # a request that waits for the lock gets it
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
                tuple(self._task.metrics),
                self._settings.experiment.name if self._settings.experiment else None,
                list(self._records),
                list(self._records.values()),
                self._ring.table(),
                dict(self._tally.totals),
            )
        try:
            save_state(self._state, state)
        except OSError as error:
            self._counts.drop("unavailable", error, writes=0)

    def forked(self) -> None:
        """The child begins anew: what there is, counted or not, is the parent's, and so is the state file."""
        self._lock = threading.Lock()
        self._state = None
        self._counts.clear()
        self._begin()

    def close(self) -> None:
        """Write the state file."""
        self.save()

    def _begin(self) -> None:
        self._records: dict[str, Kept] = {}
        self._due = Agenda()
        self._settled: deque[str] = deque()
        """Ids in the order in which they were settled; some may be forgotten."""
        self._ring = Ring(self._settings.window, len(self._task.columns))
        self._tally = Tally(self._settings.experiment, self._task)

    def _make_room(self) -> bool:
        """Forget the record that was settled first; returns whether there was one."""
        while self._settled:
            key = self._settled.popleft()
            if _is_settled(self._records.get(key)):
                del self._records[key]
                return True
        self._counts.drop("full", f"{self._settings.capacity} records wait for their other half")
        return False

    def _look_up(self, key: str) -> Record | None:
        kept = self._records.get(key)
        return Record("joined", Prediction(key, kept, "")) if isinstance(kept, float) else kept

    def _take(self, key: str, known: Record | None, step: Step) -> None:
        """Keep the outcome of a step. The heap holds an entry for each record that is due then or before."""
        record, events = step
        lag = None
        if record is not known and record is not None:
            prediction, feedback = record.prediction, record.feedback
            if prediction is not None and feedback is not None:
                self._push(prediction, feedback)
                lag = feedback.at - prediction.at
                self._records[key] = float(prediction.at)
                self._settled.append(key)
            else:
                self._records[key] = record
            if known is None or known.status == "early":  # a prediction may be older than its label
                self._due.add(due(record, self._rules), key)
        self._counts.add(events, lag)

    def _push(self, prediction: Prediction, feedback: Feedback) -> None:
        row = self._task.row(prediction, feedback)
        self._ring.push(feedback.at, row)
        self._tally.joined(prediction, row)

    def _sweep(self) -> bool:
        with self._lock:
            return self._due.sweep(self._records.keys(), _AT_ONCE)

    def _expire(self, now: float) -> bool:
        """Take up to a bounded number of due records; returns whether there may be more."""
        with self._lock:
            for _ in range(_AT_ONCE):
                key = self._due.pop(now)
                if key is None:
                    return False
                self._pass_time(key, now)
        return True

    def _pass_time(self, key: str, now: float) -> None:
        known = self._look_up(key)
        if known is None:  # it was forgotten to make room, or had an entry from when its label was early
            return
        record, events = pass_time(known, now, self._rules)
        if record is None:
            del self._records[key]
            while self._settled and self._settled[0] not in self._records:
                self._settled.popleft()
        else:
            if "unlabelled" in events and record.prediction is not None:
                self._settled.append(key)
                self._records[key] = record
                counts_as = as_unlabelled(record.prediction, self._task, self._rules)
                if counts_as is not None:
                    self._push(record.prediction, counts_as)
                    self._records[key] = _slim(record.status, record.prediction)
            self._due.add(due(record, self._rules), key)
        self._counts.add(events)

    def _load(self, path: Path) -> None:
        state = load_state(path, self._settings)
        if state is None:
            return
        self._records = dict(zip(state.ids, state.records, strict=True))
        looked_up = ((key, self._look_up(key)) for key in self._records)
        self._due = Agenda((due(record, self._rules), key) for key, record in looked_up if record is not None)
        self._settled.extend(key for key, kept in self._records.items() if _is_settled(kept))
        self._ring.extend(state.table[-self._settings.window.count :])
        self._tally.totals.update(state.totals)


def _is_settled(kept: Kept | None) -> bool:
    return isinstance(kept, float) or (kept is not None and kept.status == "expired")


def _slim(status: Status, prediction: Prediction) -> Record:
    """What has to be known of an id that is settled: until when it is remembered."""
    if prediction.items:
        prediction = Prediction(prediction.prediction_id, prediction.at, prediction.variant)
    return Record(status, prediction)
