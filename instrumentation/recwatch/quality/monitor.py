"""How good is a model, once its labels are known? `QualityMonitor` is what a service talks to."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from prometheus_client import REGISTRY, CollectorRegistry

from recwatch.errors import QualityError, StoreError
from recwatch.quality.counting import Counts
from recwatch.quality.experiment import Experiment, compare
from recwatch.quality.join import Rules
from recwatch.quality.journal import Journal, Settings
from recwatch.quality.judging import check_baseline, judge
from recwatch.quality.memory import MemoryJournal
from recwatch.quality.publishing import publish, publish_comparison
from recwatch.quality.records import Feedback, Item, Prediction
from recwatch.quality.status import Report, as_status
from recwatch.quality.task import Task
from recwatch.quality.ticker import Ticker
from recwatch.quality.values import code, features_json, item, moment, number, text
from recwatch.quality.window import Window

__all__ = ["QualityMonitor"]

_DAY = 86_400.0
_SAVE_EVERY_SECONDS = 60.0
_RECORDS_IN_MEMORY = 1_000_000
_WRITES_THAT_WAIT = 100_000
_VARIANTS_REMEMBERED = 100
# How long another process may hold back a label that was given in time: it queues, or its database restarts.
_GRACE_SECONDS = 60.0
_Seconds = float | timedelta


class QualityMonitor:
    """Records predictions now and their labels later, joins them exactly once, and judges the model by them.

    Without `store`, everything is in the memory of this process. With it, all processes that use the same
    model name on one database share predictions, window and experiment. `record_prediction` and
    `record_feedback` never wait for I/O and never raise (but see `strict`): what cannot be taken is counted
    in `recwatch_dropped_writes_total`, target `quality`, and logged.

    Args:
        model: the model's name; one monitor a model.
        task: `Classification()`, `Regression()`, `Ranking()`, `Suggestions()` or one of your own.
        window: which labelled predictions are judged.
        baseline: by metric, such as {"f1": 0.83}.
        drop: how much worse than its baseline a metric may be, as a share of it.
        min_samples: a metric that rests on fewer is absent.
        store: URL of a database, such as `sqlite:///data/store.db`.
        state: without a store, a file that carries everything over a restart; written every minute and on
            close.
        expiry: how long after its prediction a label counts; seconds or a timedelta. A late or second label
            is told from an unknown one for as long again.
        patience: how long a label that came first waits for its prediction.
        grace: how long after `expiry` a label that was given in time may still arrive, where a prediction
            without one counts as something (`Ranking`, `Suggestions`); by default a minute with a store, 0
            without. With other tasks it may arrive as long as the id is remembered.
        retention: how long settled rows are kept in the store; at least twice the expiry.
        experiment: an A/B test over the predictions' variants.
        capacity: predictions in memory (1,000,000 by default; where there are more, what was settled first
            is forgotten), or writes that wait for the store (100,000).
        interval: seconds between writes; what a killed process loses at most.
        refresh: seconds between evaluations.
        strict: raise `QualityError` for what cannot be used, in scripts and tests.
        registry: where metrics are kept.
        clock: seconds since 1970.

    Raises:
        QualityError: where a setting cannot be used.
        StoreError: where the store's URL cannot be used.
    """

    def __init__(
        self,
        model: str,
        *,
        task: Task,
        window: Window | None = None,
        baseline: Mapping[str, float] | None = None,
        drop: float = 0.05,
        min_samples: int = 30,
        store: str | None = None,
        state: Path | str | None = None,
        expiry: _Seconds = 7 * _DAY,
        patience: _Seconds = 3_600.0,
        grace: _Seconds | None = None,
        retention: _Seconds = 30 * _DAY,
        experiment: Experiment | None = None,
        capacity: int | None = None,
        interval: float = 1.0,
        refresh: float = 10.0,
        strict: bool = False,
        registry: CollectorRegistry = REGISTRY,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if store is not None and state is not None:
            raise QualityError("a store keeps everything itself: leave `state` out")
        if capacity is None:
            capacity = _RECORDS_IN_MEMORY if store is None else _WRITES_THAT_WAIT
        for value, name in ((drop, "drop"), (interval, "interval"), (refresh, "refresh")):
            number(value, name)
        if drop < 0 or min_samples < 1 or capacity < 1 or interval <= 0 or refresh <= 0:
            raise QualityError("drop must be 0 or more; min_samples, capacity, interval and refresh above 0")
        if grace is None:
            grace = 0.0 if store is None else _GRACE_SECONDS
        rules = Rules(
            _seconds(expiry, "expiry"),
            _seconds(patience, "patience"),
            _seconds(grace, "grace", zero=True),
            task.unlabelled is None,
        )
        keep = max(_seconds(retention, "retention"), 2 * (rules.expiry + rules.grace))
        window = window or Window()
        counts = Counts(text(model, "model"), registry)
        self.model = model
        self._settings = Settings(model, task, window, rules, experiment, capacity, keep, counts, clock)
        self._baseline = check_baseline(baseline or {}, task)
        self._drop, self._min_samples = drop, min_samples
        self._compared = experiment.metrics_of(task) if experiment else ()
        self._refresh_every, self._strict, self._registry = refresh, strict, registry
        self._report: Report | None = None
        self._variants: set[str] = set()
        self._refresh_at = self._save_at = float("-inf")
        self._written = True
        self._journal = _journal(self._settings, store, None if state is None else Path(state))
        self._ticker = Ticker(self._work, interval, self._journal.forked, self._hurry)

    def record_prediction(
        self,
        prediction_id: str,
        *,
        score: float | None = None,
        predicted: float | None = None,
        items: object = None,
        variant: str = "default",
        version: str | None = None,
        unit: Item | None = None,
        features: Mapping[str, object] | None = None,
        timestamp: datetime | None = None,
    ) -> bool:
        """A model said something whose label will be known later.

        Args:
            prediction_id: unique for this model; never a label of a metric.
            score: such as a probability.
            predicted: the class or number; a classification takes it from the score by default.
            items: of a ranking: the item ids that were shown, best first.
            variant: the arm; from an experiment's beginning on, one of its arms.
            version: the model's.
            unit: who was asked, such as a user's id; only a hash of it is kept.
            features: what the model was given, kept as JSON in the store.
            timestamp: aware; now by default.

        Returns:
            Whether it was taken.

        Raises:
            QualityError: where a value cannot be used, if `strict`.
        """
        try:
            if not self._ticker.ready and not self._ready():
                return False
            said = self._settings.task.check_prediction(score, predicted, items)
            at = moment(timestamp, self._settings.clock(), "timestamp")
            prediction = Prediction(
                text(prediction_id, "prediction_id"),
                at,
                self._variant(variant, at),
                None if version is None else text(version, "version"),
                *said,
                None if unit is None else code(item(unit, "unit")),
                None if features is None else features_json(features),
            )
            return self._journal.predict(prediction)
        except QualityError as error:
            self._refuse(error)
        except Exception as error:  # noqa: BLE001 - watching must never break the service
            self._settings.counts.drop("error", error)
        return False

    def record_feedback(
        self, prediction_id: str, label: object, *, labelled_at: datetime | None = None
    ) -> bool:
        """A label became known; its prediction may be recorded before or after. The first label counts.

        Args:
            prediction_id: of the prediction.
            label: as the task takes it: 0 or 1, a number, or the item ids that were taken.
            labelled_at: aware; now by default.

        Returns:
            Whether it was taken; what became of it is counted once it is joined.

        Raises:
            QualityError: where a value cannot be used, if `strict`.
        """
        try:
            if not self._ticker.ready and not self._ready():
                return False
            said = self._settings.task.check_label(label)
            at = moment(labelled_at, self._settings.clock(), "labelled_at")
            return self._journal.label(Feedback(text(prediction_id, "prediction_id"), at, *said))
        except QualityError as error:
            self._refuse(error)
        except Exception as error:  # noqa: BLE001 - watching must never break the service
            self._settings.counts.drop("error", error)
        return False

    def status(self) -> dict[str, Any]:
        """What was found at the last evaluation, for a JSON endpoint; costs nothing."""
        return as_status(self._settings, self._report)

    def flush(self, timeout: float = 5.0) -> bool:
        """Write what waits and evaluate now.

        Args:
            timeout: seconds to wait at most.

        Returns:
            Whether everything was written in time.
        """
        self._hurry()
        return self._ticker.nudge(timeout) and self._written

    def close(self, timeout: float = 5.0) -> bool:
        """Write what waits and take no more. Done at exit, too; a second call does nothing.

        Args:
            timeout: seconds to wait at most.

        Returns:
            Whether everything was written in time.
        """
        return self._ticker.close(timeout) and self._written

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _hurry(self) -> None:
        """See that the next turn evaluates and writes the state file, whether it is time or not."""
        self._refresh_at = self._save_at = float("-inf")

    def _variant(self, variant: str, at: float) -> str:
        experiment = self._settings.experiment
        if experiment is not None and at >= experiment.began.timestamp():
            return experiment.arm(variant)
        if type(variant) is str and variant in self._variants:
            return variant
        checked = text(variant, "variant")
        if len(self._variants) < _VARIANTS_REMEMBERED:
            self._variants.add(checked)
        return checked

    def _ready(self) -> bool:
        self._ticker.start()
        if self._ticker.closing:
            self._settings.counts.drop("closed", "the monitor is closed")
            return False
        return True

    def _refuse(self, error: QualityError) -> None:
        self._settings.counts.drop("invalid", error)
        if self._strict:
            raise error

    def _work(self, last: bool) -> None:  # noqa: FBT001 - called by the ticker alone
        """One turn of the monitor's thread."""
        self._guarded(self._write)
        if last or time.monotonic() >= self._refresh_at:
            self._refresh_at = time.monotonic() + self._refresh_every
            self._guarded(self._evaluate)
        if last:
            self._guarded(self._journal.close)
        elif isinstance(self._journal, MemoryJournal) and time.monotonic() >= self._save_at:
            self._save_at = time.monotonic() + _SAVE_EVERY_SECONDS
            self._guarded(self._journal.save)

    def _write(self) -> None:
        self._written = False
        self._written = self._journal.work()

    def _evaluate(self) -> None:
        rows = self._journal.rows()
        task = self._settings.task
        verdicts = judge(
            task.evaluate(rows), task, self._baseline, drop=self._drop, min_samples=self._min_samples
        )
        publish(self._registry, self.model, verdicts, len(rows))
        comparison = None
        if self._settings.experiment is not None:
            comparison = compare(self._settings.experiment, self._compared, self._journal.totals())
            publish_comparison(self._registry, self.model, comparison)
        at = datetime.fromtimestamp(self._settings.clock(), UTC)
        self._report = Report(at, len(rows), verdicts, comparison)

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except StoreError as error:
            self._settings.counts.drop(error.reason, error, writes=0)
        except Exception as error:  # noqa: BLE001 - the thread goes on
            self._settings.counts.drop("error", error, writes=0)


def _journal(settings: Settings, store: str | None, state: Path | None) -> Journal:
    if store is None:
        return MemoryJournal(settings, state)
    # Imported here: without a store, SQLAlchemy is not needed.
    from recwatch.quality.database import StoreJournal  # noqa: PLC0415

    return StoreJournal(settings, store)


def _seconds(value: _Seconds, name: str, *, zero: bool = False) -> float:
    seconds = value.total_seconds() if isinstance(value, timedelta) else number(value, name)
    if seconds < 0 or (seconds == 0 and not zero):
        raise QualityError(f"{name} must be {'0 or more' if zero else 'above 0'}; got {value!r}")
    return seconds
