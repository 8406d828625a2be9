"""How a run begins and ends, whoever ends it, and that nothing it does reaches what it watches."""

import atexit
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from types import TracebackType
from typing import Literal, Protocol, Self

from prometheus_client import Counter, Gauge

from recwatch.metrics import DroppedWrites
from recwatch.runs.publisher import Kind
from recwatch.runs.texts import describe
from recwatch.runs.unfinished import Unfinished

__all__ = ["STATUSES", "Effects", "Ended", "Metrics", "Run", "guarded"]

Ended = Literal["completed", "failed"]
STATUSES: tuple[Ended, Ended] = ("completed", "failed")
"""How a run may end."""


class Metrics(Protocol):
    """What every kind of run shows; the first label is its name."""

    runs: Counter
    in_progress: Gauge
    last_success: Gauge
    last_failure: Gauge


class Effects(Protocol):
    """What a run does outside its process; no method raises, and none waits longer than a few seconds."""

    @property
    def run_id(self) -> str:
        """The run's name."""

    def start(self) -> None:
        """Write the run's row, publish that it is under way."""

    def end(self, status: Ended, error: str | None) -> None:
        """Write the rest and publish all; may be called again where a signal ended it."""

    def close(self) -> None:
        """Leave everything; waits for nobody."""


@contextmanager
def guarded(on_error: Callable[[Exception], object]) -> Iterator[None]:
    """What goes wrong in the block is told and not raised."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - watching must never break what it watches
        on_error(error)


class Run(ABC):
    """A run from its start to its end; once each.

    Args:
        name: of the model or pipeline; the label of that name.
        kind: of the run.
        metrics: where figures are shown.
        dropped: where mishaps are counted.
        effects: what goes on outside the process.
    """

    def __init__(
        self, name: str, kind: Kind, *, metrics: Metrics, dropped: DroppedWrites, effects: Effects
    ) -> None:
        self.status: Literal["new", "running", "completed", "failed"] = "new"
        self.error: BaseException | None = None
        self._name = name
        self._kind = kind
        self._metrics = metrics
        self._dropped = dropped
        self._effects = effects
        self._process = os.getpid()
        self._started = 0.0

    @property
    def run_id(self) -> str:
        """The run's name; with a suffix from the start on where a training of that name still runs."""
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
        self._started = perf_counter()
        atexit.register(self._abandon)
        try:
            with self.guarded():
                self._metrics.in_progress.labels(self._name).inc()
                for status in STATUSES:
                    self._metrics.runs.labels(self._name, status)
                self._dropped.expect(self._kind.job, "closed", "error", "forked")
            self._tell_start()
            self._effects.start()
        except BaseException as error:  # a signal; no block is entered, so nobody else ends the run
            self.fail(error)
            raise
        return self

    def finish(self) -> None:
        """The run is over and went well; nothing where it is over already."""
        if self.is_open:
            self._end(None)

    def fail(self, error: BaseException | str) -> None:
        """The run is over and failed of this; nothing where it is over already."""
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

    @contextmanager
    def guarded(self, call: str | None = None) -> Iterator[None]:
        """What goes wrong in the block is counted and logged and not raised.

        Args:
            call: the method that it goes wrong in, for the log line.
        """

        def drop(error: Exception) -> None:
            where = error if call is None else f"{call} of {self.run_id}: {describe(error)}"
            self._dropped.drop(self._kind.job, "error", where)

        with guarded(drop):
            yield

    @abstractmethod
    def _tell_start(self) -> None:
        """Log that the run begins, and show what else is known."""

    @abstractmethod
    def _tell_end(self, status: Ended, error: str | None, seconds: float) -> None:
        """Log and count how the run ends."""

    def _end(self, error: BaseException | None) -> None:
        self.error = error
        status: Ended = "completed" if error is None else "failed"
        text = None if error is None else describe(error)
        try:
            with self.guarded():
                self._metrics.in_progress.labels(self._name).dec()
                last = self._metrics.last_success if error is None else self._metrics.last_failure
                last.labels(self._name).set_to_current_time()
            with self.guarded():
                self._tell_end(status, text, perf_counter() - self._started)
        finally:
            self.status = status
            atexit.unregister(self._abandon)
            self._leave(status, text)

    def _leave(self, status: Ended, text: str | None) -> None:
        try:
            self._effects.end(status, text)
        except BaseException:  # a signal while it waited: once more, so that the row does not say `running`
            self._effects.end(status, text)
            raise
        finally:
            self._effects.close()

    def _abandon(self) -> None:
        """Nobody ended the run, and the process ends."""
        self.fail(Unfinished("the process ended and nobody had called finish or fail"))

    def _ignore(self, call: str) -> None:
        """Count a call to a run that is not open here."""
        reason, why = "closed", "is over"
        if self.status == "running":
            reason, why = "forked", "belongs to the parent process"
        elif self.status == "new":
            why = "has not started: use it in a `with` block, or call start"
        with self.guarded():
            self._dropped.drop(self._kind.job, reason, f"{call} of {self.run_id}, which {why}")
