"""Retraining: one thread a model takes its run from state to state, each stored before the next."""

import logging
from collections.abc import Sequence
from typing import Protocol

from recwatch_bridge.metrics import retrainer
from recwatch_bridge.retraining import runs
from recwatch_bridge.retraining.bookkeeper import Bookkeeper
from recwatch_bridge.retraining.failing import PATIENCE, Failing, is_trouble_of_the_database
from recwatch_bridge.retraining.judging import Judging
from recwatch_bridge.retraining.plan import ModelPlan
from recwatch_bridge.retraining.promoting import Promoting
from recwatch_bridge.retraining.runs import Run
from recwatch_bridge.retraining.starting import Starting
from recwatch_bridge.worker import IDLE, Worker

__all__ = ["ModelPlan", "RetrainWorker", "Stepper"]

_AT_WORK = ("running", "gating", "promoting")

log = logging.getLogger(__name__)


class Stepper(Protocol):
    """Something else that is done about a model in the same thread: rollbacks, the watch."""

    def step(self) -> float | None:
        """Do one thing; returns seconds to wait before the next step, None where there is nothing to do."""


class RetrainWorker(Worker):
    """Drives the runs of one model.

    Each step reads the run, does one thing and stores the outcome together with the notice of it. A bridge
    that dies between the doing and the storing does the thing again after its restart, so every step can be
    repeated without harm; the start of a trainer, which could not, is stored before it is done, and looked up
    afterwards. Of several bridges on one database one works for a model, the others wait for it to go away.

    A step that fails is tried again; one that goes on failing, and not because of the database, ends its run:
    otherwise the model would never be retrained any more.

    Stopping it leaves a trainer that is at work alone; it is found again after a restart.

    Args:
        plan: the model's.
        books: where outcomes are stored and told.
        before: what comes before a run's step.
        after: what comes after it.
    """

    def __init__(
        self,
        plan: ModelPlan,
        books: Bookkeeper,
        *,
        before: Sequence[Stepper] = (),
        after: Sequence[Stepper] = (),
    ) -> None:
        super().__init__(retrainer(plan.name), books.metrics)
        self._model = plan.name
        self._store = books.store
        self._lead = books.store.lead(self.name)
        self._parts = (
            *(other.step for other in before),
            self._run_step,
            *(other.step for other in after),
        )
        self._books = books
        self._failing = Failing(books.now)
        starting = self._starting = Starting(plan, books, leads=self._lead.held)
        judging = Judging(plan, books)
        promoting = self._promoting = Promoting(plan, books)
        self._steps = {
            "pending": starting.start,
            "running": starting.look,
            "gating": judging.judge,
            "approving": judging.await_answer,
            "promoting": promoting.promote,
            "promoted": promoting.reload,
        }

    def step(self) -> float:
        """Take everything one step further; returns how long to wait before the next step, in seconds."""
        if not self._lead.held():
            self._metrics.retrain_in_progress.labels(self._model).set(0)
            return IDLE
        waits: list[float | None] = []
        failures: list[Exception] = []
        for part in self._parts:
            try:
                waits.append(part())
            except Exception as error:  # noqa: BLE001 - raised below: what fails holds up nothing else
                failures.append(error)
        if len(failures) > 1:
            raise ExceptionGroup(f"{self.name}: several things failed", failures)
        if failures:
            raise failures[0]
        return min((wait for wait in waits if wait is not None), default=IDLE)

    def _run_step(self) -> float | None:
        with self._store.read() as connection:
            run = runs.unfinished(connection, self._model)
        in_progress = run is not None and run.state in _AT_WORK
        self._metrics.retrain_in_progress.labels(self._model).set(in_progress)
        if run is None:
            return None
        try:
            wait = self._steps[run.state](run)
        except Exception as error:
            if not self._is_stuck(run, error):
                raise
            log.exception("run %s: cannot go on: it is ended", run.id)
            self._end(run, error)
            wait = 0.0
        self._failing.over()
        return wait

    def _is_stuck(self, run: Run, error: Exception) -> bool:
        """Tell whether a run whose step failed is to end; a trainer at work has its whole time."""
        if is_trouble_of_the_database(error):
            self._failing.over()
            return False
        return self._starting.is_too_long(run) if run.state == "running" else self._failing.lasts(run)

    def _end(self, run: Run, error: Exception) -> None:
        why = f"{run.state} failed again and again for {PATIENCE:g} s: {error!r}"
        match run.state:
            case "running":
                self._starting.abandon(run, repr(error))
            case "promoted":
                self._promoting.reloaded(run, why)
            case "promoting":
                self._books.fail(run, f"{why}; see whether {run.version} is in service")
            case _:
                self._books.fail(run, why)
