"""Retraining: one thread a model takes its run from state to state, each stored before the next."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from recwatch.errors import PromotionConflictError, RegistryError
from recwatch.registry import ANY_VERSION, ModelRegistry
from recwatch_bridge import gate, notices, runs
from recwatch_bridge.clock import Clock
from recwatch_bridge.errors import ResultError
from recwatch_bridge.launchers.base import Ended, Launcher, LaunchError, Order
from recwatch_bridge.metrics import BridgeMetrics, retrainer
from recwatch_bridge.notification import Notification
from recwatch_bridge.reload import Reloader
from recwatch_bridge.result import read_result
from recwatch_bridge.runs import Run
from recwatch_bridge.store import Store
from recwatch_bridge.text import one_line
from recwatch_bridge.worker import IDLE, Worker

_POLL = 0.2
"""Seconds between two looks at a trainer."""
_REASON_LENGTH = 1_000
_RELOAD_ATTEMPTS = 5

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelPlan:
    """What bridge.yml says of a model, ready to use.

    Attributes:
        name: the model's.
        launcher: starts its trainer.
        registry: its versions.
        rules: of its gate, by metric.
        min_samples: of its gate.
        timeout: seconds that a run may take.
        reloader: tells its service, or None.
        reload_backoff: seconds before the second reload call; doubled each time.
    """

    name: str
    launcher: Launcher
    registry: ModelRegistry
    rules: dict[str, gate.Rule]
    min_samples: int
    timeout: float
    reloader: Reloader | None = None
    reload_backoff: float = 1.0


class RetrainWorker(Worker):
    """Drives the runs of one model.

    Each step reads the run, does one thing and stores the outcome together with the notice of it. A bridge
    that dies between the doing and the storing does the thing again after its restart, so every step can be
    repeated without harm; the start of a trainer, which could not, is stored before it is done, and looked up
    afterwards.

    Stopping it leaves a trainer that is at work alone; it is found again after a restart.

    Args:
        plan: the model's.
        store: the database.
        folder: where runs keep their files, each in a folder of its own.
        sinks: who is told of each step.
        metrics: where it counts.
        clock: gives now.
        wake_sinks: called after a transaction that left notices in the outbox.
    """

    def __init__(
        self,
        plan: ModelPlan,
        store: Store,
        *,
        folder: Path,
        sinks: Sequence[str],
        metrics: BridgeMetrics,
        clock: Clock,
        wake_sinks: Callable[[], None],
    ) -> None:
        super().__init__(retrainer(plan.name), metrics)
        self._plan = plan
        self._store = store
        self._folder = folder
        self._sinks = sinks
        self._clock = clock
        self._wake_sinks = wake_sinks

    def step(self) -> float:
        """Take the model's run one step further; returns seconds to wait before the next step."""
        with self._store.read() as connection:
            run = runs.unfinished(connection, self._plan.name)
        in_progress = run is not None and run.state in ("running", "gating", "promoting")
        self._metrics.retrain_in_progress.labels(self._plan.name).set(in_progress)
        if run is None:
            return IDLE
        steps = {
            "pending": self._start,
            "running": self._watch,
            "gating": self._judge,
            "promoting": self._promote,
            "promoted": self._reload,
        }
        return steps[run.state](run)

    def _order(self, run: Run, reason: str = "") -> Order:
        return Order(run.id, run.model, reason, self._folder / run.id)

    def _start(self, run: Run) -> float:
        now = self._clock()
        if run.not_before > now:
            return min(run.not_before - now, IDLE)
        serving, unreadable = None, ""
        try:
            serving = self._plan.registry.current() or ""
        except RegistryError as error:
            unreadable = str(error)
        with self._store.write() as connection:
            reasons = runs.reasons_of(connection, run.id)
            if not runs.move(connection, run, "running", now, started=now, serving=serving):
                return 0.0
            started = runs.get(connection, run.id)
            notices.send(connection, started, notices.started(started, reasons), self._sinks, now)
        self._wake_sinks()
        self._metrics.retrain_in_progress.labels(run.model).set(1)
        told = "; ".join(reason.text for reason in reasons if not reason.withdrawn)
        log.info("run %s: started: %s", run.id, told)
        if unreadable:
            self._fail(started, unreadable)
            return 0.0
        try:
            handle = self._plan.launcher.launch(self._order(run, one_line(told, _REASON_LENGTH)))
        except LaunchError as error:
            self._fail(started, str(error))
            return 0.0
        with self._store.write() as connection:
            runs.note(connection, started, handle=handle)
        return _POLL

    def _watch(self, run: Run) -> float:
        order = self._order(run)
        found = self._plan.launcher.look(order, run.handle)
        if isinstance(found, Ended):
            self._collect(run, order, found.exit_code)
            return 0.0
        if run.handle is None:
            with self._store.write() as connection:
                runs.note(connection, run, handle=found.handle)
        if run.started is not None and self._clock() - run.started > self._plan.timeout:
            self._plan.launcher.stop(order, found.handle)
            self._fail(run, f"the trainer took longer than {self._plan.timeout:g} s and was stopped")
            return 0.0
        return _POLL

    def _collect(self, run: Run, order: Order, exit_code: int | None) -> None:
        """Take over what a trainer that has ended left behind."""
        if exit_code:
            self._fail(run, f"the trainer ended with exit code {exit_code}")
            return
        try:
            result = read_result(order.result)
        except ResultError as error:
            # After a restart the exit code is not known, and a missing result means that it died.
            died = (
                "the trainer is gone (found so after a restart of the bridge): " if exit_code is None else ""
            )
            self._fail(run, f"{died}{error}")
            return
        with self._store.write() as connection:
            runs.move(connection, run, "gating", self._clock(), version=result.version)

    def _judge(self, run: Run) -> float:
        try:
            result = read_result(self._order(run).result)
            self._plan.registry.manifest(result.version)
            in_service = self._plan.registry.current()
        except (ResultError, RegistryError) as error:
            self._fail(run, str(error))
            return 0.0
        decision = gate.evaluate(
            self._plan.rules,
            result,
            min_samples=self._plan.min_samples,
            in_service=None if in_service == result.version else in_service,
        )
        if decision.passed:
            with self._store.write() as connection:
                runs.move(connection, run, "promoting", self._clock(), gate=decision.to_dict())
            log.info("run %s: %s passed the gate: %s", run.id, result.version, decision.summary)
            return 0.0
        notice = notices.refused(run, result.version, f"Gate: {decision.summary}", in_service)
        self._finish(run, "refused", notice, gate=decision.to_dict())
        log.warning("run %s: %s refused: %s", run.id, result.version, decision.summary)
        return 0.0

    def _promote(self, run: Run) -> float:
        version = str(run.version)
        decision = str((run.gate or {}).get("summary", ""))
        expected = ANY_VERSION if run.serving is None else run.serving or None
        try:
            # No conflict where the bridge died between promoting the candidate and recording that.
            done = self._plan.registry.promote(version, reason=f"run {run.id}: {decision}", expected=expected)
        except PromotionConflictError as conflict:
            self._supersede(run, version, conflict.found)
            return 0.0
        except (RegistryError, OSError) as error:
            self._metrics.promotions.labels(run.model, "error").inc()
            self._fail(run, f"{version} could not be promoted: {error}")
            return 0.0
        self._metrics.promotions.labels(run.model, "success").inc()
        notice = notices.promoted(run, version, done.previous, decision)
        reload = None if self._plan.reloader is None else "pending"
        self._finish(run, "promoted", notice, reload=reload)
        log.info("run %s: %s promoted", run.id, version)
        return 0.0

    def _supersede(self, run: Run, version: str, in_service: str | None) -> None:
        """Refuse a candidate that was compared with a version that is not in service any more."""
        why = (
            f"the version in service changed while the candidate was made ({run.serving or 'none'}, now "
            f"{in_service or 'none'}): the comparison no longer holds"
        )
        self._finish(
            run, "refused", notices.refused(run, version, why[:1].upper() + why[1:], in_service), error=why
        )
        log.warning("run %s: %s refused: %s", run.id, version, why)

    def _reload(self, run: Run) -> float:
        error = self._call_service()
        if error is None and self._stopped.is_set():
            return 0.0
        self._metrics.reloads.labels(run.model, "error" if error else "success").inc()
        with self._store.write() as connection:
            runs.note(connection, run, reload="failed" if error else "done", error=error)
            if error:
                notices.send(connection, run, notices.reload_failed(run, error), self._sinks, self._clock())
        if error:
            log.error("run %s: %s is promoted but not loaded: %s", run.id, run.version, error)
            self._wake_sinks()
        return 0.0

    def _call_service(self) -> str | None:
        """Call until it works or the attempts are used up; returns the last error."""
        error: str | None = None
        for attempt in range(_RELOAD_ATTEMPTS if self._plan.reloader else 0):
            if attempt and self._stopped.wait(self._plan.reload_backoff * 2.0 ** (attempt - 1)):
                return None
            error = self._plan.reloader.call() if self._plan.reloader else None
            if error is None:
                return None
            log.warning("%s: the service did not reload: %s", self._plan.name, error)
        return error

    def _fail(self, run: Run, error: str) -> None:
        log.error("run %s: failed: %s", run.id, error)
        self._finish(run, "failed", notices.failed(run, error, self._order(run).log), error=error)

    def _finish(self, run: Run, state: str, notice: Notification, **values: object) -> None:
        now = self._clock()
        with self._store.write() as connection:
            if not runs.move(connection, run, state, now, **values):
                return
            notices.send(connection, runs.get(connection, run.id), notice, self._sinks, now)
        self._wake_sinks()
        self._metrics.retrains.labels(run.model, run.trigger, state).inc()
        self._metrics.retrain_in_progress.labels(run.model).set(0)
        if run.started is not None:
            self._metrics.retrain_duration.labels(run.model).observe(max(0.0, now - run.started))
