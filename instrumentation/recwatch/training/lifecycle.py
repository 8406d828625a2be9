"""How a run begins and ends, whoever ends it, and that nothing it does reaches the training."""

import atexit
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from time import perf_counter
from types import TracebackType
from typing import Any, Concatenate, Literal, ParamSpec, Self, TypeVar

from recwatch import logs
from recwatch.metrics import DroppedWrites, TrainingMetrics
from recwatch.redaction import mask_passwords
from recwatch.training.effects import Effects
from recwatch.training.log import RunLog
from recwatch.training.texts import shown

__all__ = ["Lifecycle", "Unfinished", "watching"]

_ERROR_LENGTH = 2000

Arguments = ParamSpec("Arguments")
Run = TypeVar("Run", bound="Lifecycle")


class Unfinished(Exception):  # noqa: N818 - reads as what happened
    """What a run failed of that nobody had ended when its process did."""


def watching(
    method: Callable[Concatenate[Run, Arguments], None],
) -> Callable[Concatenate[Run, Arguments], None]:
    """Whatever goes wrong in the method, or where it is called, is counted and logged and not raised."""

    @wraps(method)
    def watch(run: Run, /, *arguments: Arguments.args, **options: Arguments.kwargs) -> None:
        if run.is_open:
            with run.guarded(method.__name__):
                method(run, *arguments, **options)
        else:
            run._ignore(method.__name__)  # noqa: SLF001 - a decorator of the class's own methods

    return watch


class Lifecycle:
    """A run from its start to its end; once each.

    Args:
        model: the model's name.
        parameters: for the log line.
        data_timestamp: the newest record of the training data, aware.
        metrics: where figures are shown.
        dropped: where mishaps are counted.
        log: where lines are written.
        effects: what goes on outside the process.
    """

    def __init__(
        self,
        model: str,
        *,
        parameters: Mapping[str, Any],
        data_timestamp: datetime | None,
        metrics: TrainingMetrics,
        dropped: DroppedWrites,
        log: RunLog,
        effects: Effects,
    ) -> None:
        self.model = model
        self.status: Literal["new", "running", "completed", "failed"] = "new"
        self.error: BaseException | None = None
        self._parameters = parameters
        self._data_timestamp = data_timestamp
        self._metrics = metrics
        self._dropped = dropped
        self._log = log
        self._effects = effects
        self._process = os.getpid()
        self._started = self._last_round = 0.0
        self._fit_seconds: float | None = None
        self._more_to_come = self._said_completed = False

    @property
    def run_id(self) -> str:
        """The run's name; with a suffix from the start on where one of that name still runs."""
        return self._effects.run_id

    @property
    def is_open(self) -> bool:
        """Whether the run has begun, in this process, and not ended."""
        return self.status == "running" and self._process == os.getpid()

    def start(self) -> Self:
        """Begin; once. A process that ends without `finish` or `fail` leaves a failed run."""
        if self.status != "new":
            return self
        self.status = "running"
        self._process = os.getpid()
        self._started = self._last_round = perf_counter()
        atexit.register(self._abandon)
        try:
            with self.guarded():
                self._metrics.in_progress.labels(self.model).inc()
                for status in ("completed", "failed"):
                    self._metrics.runs.labels(self.model, status)
                self._dropped.expect("training", "closed", "error", "forked")
                if self._data_timestamp is not None:
                    self._metrics.data.labels(self.model).set(self._data_timestamp.timestamp())
            with self.guarded():
                self._log.open()
                self._log.info(logs.event("Training started", **self._parameters))
            self._effects.start()
        except BaseException as error:  # a signal; no block is entered, so nobody else ends the run
            self.fail(error)
            raise
        return self

    def finish(self) -> None:
        """The training is over and went well; nothing where the run is over already."""
        if self.is_open:
            self._end(None)

    def fail(self, error: BaseException | str) -> None:
        """The training is over and failed of this; nothing where the run is over already."""
        if self.is_open:
            self._end(error if isinstance(error, BaseException) else RuntimeError(error))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.finish()
        else:
            self.fail(error)

    def _end(self, error: BaseException | None) -> None:
        self.error = error
        status: Literal["completed", "failed"] = "completed" if error is None else "failed"
        try:
            with self.guarded():
                self._tell_end(status, error)
        finally:
            self.status = status
            atexit.unregister(self._abandon)
            self._leave(status)

    def _tell_end(self, status: str, error: BaseException | None) -> None:
        if error is None:
            self._fitted(over=True)
        total = perf_counter() - self._started
        text = None if error is None else _describe(error)
        if text is not None:
            self._log.error(logs.event("Training failed", error=text, total_time=f"{total:.1f}s"))
        self._count_end(status, total)
        seconds = total if self._fit_seconds is None else self._fit_seconds
        self._effects.update(error=text, training_time_seconds=seconds)

    def _leave(self, status: str) -> None:
        try:
            self._effects.end(status)
        except BaseException:  # a signal while it waited: once more, so that the row does not say `running`
            self._effects.end(status)
            raise
        finally:
            self._effects.close()
            with self.guarded():
                self._log.close()

    def _count_end(self, status: str, seconds: float) -> None:
        self._metrics.in_progress.labels(self.model).dec()
        self._effects.count_end(status)
        if status == "completed":
            self._metrics.duration.labels(self.model).set(seconds)
            self._metrics.last_success.labels(self.model).set_to_current_time()
        else:
            self._metrics.last_failure.labels(self.model).set_to_current_time()

    def _abandon(self) -> None:
        """Nobody ended the run, and the process ends."""
        self.fail(Unfinished("the process ended and nobody had called finish or fail"))

    def _round_over(self, number: float, total: int | None) -> None:
        self._more_to_come = total is None or number < total
        if not self._said_completed:
            self._fit_seconds = None  # what was measured in between was not the end

    def _fitted(self, *, over: bool) -> None:
        """Fitting is over as far as one knows; it is said once, when that is certain."""
        if self._fit_seconds is None:
            self._fit_seconds = perf_counter() - self._started
        if over and not self._said_completed:
            self._said_completed = True
            self._log.info(logs.event("Training completed", total_time=f"{self._fit_seconds:.1f}s"))

    def _ignore(self, call: str) -> None:
        reason, why = "closed", "is over"
        if self.status == "running":
            reason, why = "forked", "belongs to the parent process"
        elif self.status == "new":
            why = "has not started: use it in a `with` block, or begin it with start_run"
        with self.guarded():
            self._dropped.drop("training", reason, f"{call} of {self.run_id}, which {why}")

    @contextmanager
    def guarded(self, call: str | None = None) -> Iterator[None]:
        """What goes wrong in the block is counted and logged and not raised.

        Args:
            call: the method that it goes wrong in, for the log line.
        """
        try:
            yield
        except Exception as error:  # noqa: BLE001 - watching must never break a training
            where = error if call is None else f"{call} of {self.run_id}: {_describe(error)}"
            self._dropped.drop("training", "error", where)


def _describe(error: BaseException) -> str:
    name, text = type(error).__name__, shown(error)
    return mask_passwords(f"{name}: {text}" if text else name)[:_ERROR_LENGTH]
