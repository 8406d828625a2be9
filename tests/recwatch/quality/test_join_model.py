"""Both journals beside a slow, obvious model: any order, duplicates, expiry, clocks that go back."""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recwatch.quality import Labelled, Suggestions, Task, Window
from recwatch.quality.database import StoreJournal
from recwatch.quality.journal import Journal, Settings
from recwatch.quality.memory import MemoryJournal
from recwatch.quality.records import Feedback, Prediction
from recwatch.store import open_store

EXPIRY, PATIENCE, COUNT, SECONDS = 20.0, 8.0, 4, 30.0
START = 1_800_000_000.0

# (what, id, step of the clock, how far the event's own time is from the clock's, label)
Operation = tuple[str, int, int, int, int]
Operations = st.lists(
    st.tuples(
        st.sampled_from(["predict", "predict", "label", "label", "work"]),
        st.integers(0, 3),
        st.integers(-6, 14),
        st.integers(-25, 3),
        st.integers(0, 1),
    ),
    max_size=40,
)


class Answered(Suggestions):
    """A suggestion without an answer counts as nothing."""

    unlabelled: ClassVar[Labelled | None] = None


Tasks = st.sampled_from([Suggestions(), Answered()])


@dataclass
class Model:
    """What should happen, in lists that are searched from end to end."""

    forget_after: float
    counts_unlabelled: bool
    predictions: list[dict[str, Any]] = field(default_factory=list)
    early: list[dict[str, Any]] = field(default_factory=list)
    window: list[tuple[float, float, int]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    lags: list[float] = field(default_factory=list)

    def predict(self, key: int, at: float) -> None:
        if any(prediction["key"] == key for prediction in self.predictions):
            self.counts["repeated"] += 1
            return
        prediction = {"key": key, "at": at, "settled": None}
        self.predictions.append(prediction)
        self.counts["prediction"] += 1
        for feedback in [feedback for feedback in self.early if feedback["key"] == key]:
            self.early.remove(feedback)
            self._join(prediction, feedback["at"], feedback["label"])

    def label(self, key: int, at: float, label: int) -> None:
        for prediction in self.predictions:
            if prediction["key"] == key:
                if prediction["settled"] == "joined":
                    self.counts["duplicate"] += 1
                elif prediction["settled"] == "expired" and self.counts_unlabelled:
                    self.counts["expired"] += 1
                else:
                    self._join(prediction, at, label)
                return
        if any(feedback["key"] == key for feedback in self.early):
            self.counts["duplicate"] += 1
        else:
            self.early.append({"key": key, "at": at, "label": label})

    def _join(self, prediction: dict[str, Any], at: float, label: int) -> None:
        if at > prediction["at"] + EXPIRY:
            self.counts["expired"] += 1
            return
        prediction["settled"] = "joined"
        self.counts["feedback"] += 1
        self.lags.append(max(0.0, at - prediction["at"]))
        self.window.append((at, float(label), prediction["key"]))

    def work(self, now: float) -> None:
        for feedback in list(self.early):
            if now > feedback["at"] + PATIENCE:
                self.early.remove(feedback)
                self.counts["unknown"] += 1
        for prediction in sorted(
            self.predictions, key=lambda prediction: (prediction["at"], prediction["key"])
        ):
            if prediction["settled"] is None and now > prediction["at"] + EXPIRY:
                prediction["settled"] = "expired"
                self.counts["unlabelled"] += 1
                if self.counts_unlabelled:
                    self.window.append((prediction["at"] + EXPIRY, 0.0, prediction["key"]))
        for prediction in list(self.predictions):
            if prediction["settled"] and now > prediction["at"] + self.forget_after:
                self.predictions.remove(prediction)

    def rows(self, now: float) -> list[tuple[float, float]]:
        return [(label, float(key)) for at, label, key in self.window[-COUNT:] if at > now - SECONDS]


def compare(
    operations: list[Operation],
    make: Callable[[Settings], Journal],
    make_settings: Callable[..., Settings],
    clock: Any,
    *,
    task: Task,
    forget_after: float,
) -> None:
    clock.now = START
    model = Model(forget_after, task.unlabelled is not None)
    chosen = make_settings(
        task=task,
        window=Window(count=COUNT, seconds=SECONDS),
        expiry=EXPIRY,
        patience=PATIENCE,
        retention=1e9,
    )
    seen = Recorded(chosen)
    journal = make(chosen._replace(counts=seen))  # type: ignore[arg-type]
    for what, key, step, off, label in [*operations, ("work", 0, 0, 0, 0)]:
        clock.now += step
        at = clock.now + off
        if what == "predict":
            journal.predict(Prediction(str(key), at, "default", unit=key))
            model.predict(key, at)
        elif what == "label":
            journal.label(Feedback(str(key), at, float(label)))
            model.label(key, at, label)
        else:
            journal.work()
            model.work(clock.now)
            assert seen.events == model.counts
            assert sorted(seen.lags) == pytest.approx(sorted(model.lags))
            rows = [tuple(row) for row in journal.rows().tolist()]
            # What expires at one stroke is in no particular order.
            assert sorted(rows) == sorted(model.rows(clock.now))
    journal.close()


class Recorded:
    """Counts as they come, to be compared."""

    def __init__(self, chosen: Settings) -> None:
        self.events: Counter[str] = Counter()
        self.lags: list[float] = []
        self.drop = chosen.counts.drop

    def add(self, events: tuple[str, ...], lag: float | None = None) -> None:
        self.events.update(events)
        if lag is not None:
            self.lags.append(max(lag, 0.0))

    def publish(self) -> None:
        return


@settings(max_examples=500)
@given(operations=Operations, task=Tasks)
# A label that came first, too late for a prediction that is older than both.
@example(
    operations=[("label", 1, 0, 0, 0), ("predict", 1, 0, -21, 0), ("work", 0, 0, 0, 0)], task=Suggestions()
)
# One that was given in time and arrives after the expiry, twice.
@example(
    operations=[
        ("predict", 1, 0, 0, 0),
        ("work", 0, 14, 0, 0),
        ("work", 0, 14, 0, 0),
        ("label", 1, 0, -10, 1),
        ("label", 1, 0, -10, 1),
    ],
    task=Answered(),
)
def test_memory_does_what_the_model_does(
    operations: list[Operation], task: Task, make_settings: Any, clock: Any
) -> None:
    compare(operations, MemoryJournal, make_settings, clock, task=task, forget_after=2 * EXPIRY)


class Eager(StoreJournal):
    """Expires at every turn, not every ten seconds."""

    def work(self) -> bool:
        self._expired_at = float("-inf")
        return super().work()


@pytest.fixture(scope="module")
def empty_copy(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """A new database with tables and no rows."""
    empty = tmp_path_factory.mktemp("empty") / "store.db"
    open_store(f"sqlite:///{empty}").close()
    return lambda: Path(shutil.copy(empty, tmp_path_factory.mktemp("store") / "store.db"))


@settings(max_examples=60)
@given(operations=Operations, task=Tasks)
def test_a_store_does_what_the_model_does(
    operations: list[Operation], task: Task, make_settings: Any, clock: Any, empty_copy: Callable[[], Path]
) -> None:
    path = empty_copy()

    def make(chosen: Settings) -> Journal:
        return Eager(chosen, f"sqlite:///{path}")

    # A row that is kept is remembered.
    compare(operations, make, make_settings, clock, task=task, forget_after=float("inf"))
