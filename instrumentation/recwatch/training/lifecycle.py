"""What a training shows and logs of its beginning and its end."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from time import perf_counter
from typing import Any, Concatenate, ParamSpec, TypeVar

from recwatch import logs
from recwatch.metrics import DroppedWrites, TrainingMetrics
from recwatch.runs.run import Ended, Run
from recwatch.runs.unfinished import Unfinished
from recwatch.training.effects import Effects
from recwatch.training.log import RunLog
from recwatch.training.publisher import TRAINING

__all__ = ["Lifecycle", "Unfinished", "watching"]

Arguments = ParamSpec("Arguments")
Training = TypeVar("Training", bound="Lifecycle")


def watching(
    method: Callable[Concatenate[Training, Arguments], None],
) -> Callable[Concatenate[Training, Arguments], None]:
    """Whatever goes wrong in the method, or where it is called, is counted and logged and not raised."""

    @wraps(method)
    def watch(run: Training, /, *arguments: Arguments.args, **options: Arguments.kwargs) -> None:
        if run.is_open:
            with run.guarded(method.__name__):
                method(run, *arguments, **options)
        else:
            run._ignore(method.__name__)  # noqa: SLF001 - a decorator of the class's own methods

    return watch


class Lifecycle(Run):
    """A training from its start to its end.

    Args:
        model: the model's name.
        parameters: for the log line.
        data_timestamp: the newest record of the training data, aware.
        metrics: where figures are shown.
        dropped: where mishaps are counted.
        log: where lines are written.
        effects: what goes on outside the process.
    """

    _metrics: TrainingMetrics
    _effects: Effects

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
        super().__init__(model, TRAINING, metrics=metrics, dropped=dropped, effects=effects)
        self.model = model
        self._parameters = parameters
        self._data_timestamp = data_timestamp
        self._log = log
        self._last_round = 0.0
        self._fit_seconds: float | None = None
        self._more_to_come = self._said_completed = False

    def _tell_start(self) -> None:
        self._last_round = self._started
        with self.guarded():
            self._metrics.seconds.labels(self.model)
            self._metrics.loss_not_finite.labels(self.model).set(0)
            if self._data_timestamp is not None:
                self._metrics.data.labels(self.model).set(self._data_timestamp.timestamp())
        with self.guarded():
            self._log.open()
            self._log.info(logs.event("Training started", **self._parameters))

    def _tell_end(self, status: Ended, error: str | None, seconds: float) -> None:
        if self._fit_seconds is None:
            self._fit_seconds = seconds
        if error is None:
            self._fitted(over=True)
        else:
            self._log.error(logs.event("Training failed", error=error, total_time=f"{seconds:.1f}s"))
        self._effects.count_end(status, seconds)
        if error is None:
            self._metrics.duration.labels(self.model).set(seconds)
        self._effects.update(training_time_seconds=self._fit_seconds)

    def _leave(self, status: Ended, text: str | None) -> None:
        try:
            super()._leave(status, text)
        finally:
            with self.guarded():
                self._log.close()

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
