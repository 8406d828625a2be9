"""From `pending` to the end of the trainer: started once, watched, stopped when it takes too long."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from recwatch.errors import RegistryError
from recwatch_bridge.errors import ResultError
from recwatch_bridge.retraining import notices, runs
from recwatch_bridge.retraining.bookkeeper import Bookkeeper
from recwatch_bridge.retraining.launchers.base import Ended, Handle, LaunchError, NotStarted
from recwatch_bridge.retraining.plan import ModelPlan
from recwatch_bridge.retraining.result import read_result
from recwatch_bridge.retraining.runs import Reason, Run
from recwatch_bridge.text import one_line
from recwatch_bridge.worker import IDLE

_REASON_LENGTH = 1_000
_UNSENT = "unsent_until"
"""In the handle of a run that is still to be launched: when. `why` says what was in the way."""

log = logging.getLogger(__name__)


class Starting:
    """Starts a model's trainer and sees it to its end.

    Args:
        plan: the model's.
        books: where outcomes are stored.
        leads: tells whether this bridge is still the one that works for the model; asked before each start.
    """

    def __init__(
        self, plan: ModelPlan, books: Bookkeeper, *, leads: Callable[[], bool] = lambda: True
    ) -> None:
        self._plan = plan
        self._books = books
        self._leads = leads

    def start(self, run: Run) -> float:
        """Start the trainer of a run that waited long enough.

        That it is started is stored before it is done: a bridge that dies in between looks for the trainer,
        and starts one only where the launcher is certain that there is none.
        """
        now = self._books.now()
        if now < run.created:
            # The clock was set back: the run waits as long as it was to, counted from now.
            self._books.note(run, created=now, not_before=now + run.not_before - run.created)
            return 0.0
        if run.not_before > now:
            return min(run.not_before - now, IDLE)
        serving, unreadable = None, ""
        try:
            serving = self._plan.registry.current() or ""
        except RegistryError as error:
            unreadable = str(error)
        if not self._leads():
            return IDLE
        with self._books.store.write() as connection:
            if not runs.move(connection, run, "running", now, started=now, serving=serving):
                return 0.0
            started = runs.get(connection, run.id)
            reasons = runs.reasons_of(connection, run.id)
            self._books.send(connection, started, notices.started(started, reasons))
        self._books.wake_sinks()
        self._books.metrics.retrain_in_progress.labels(run.model).set(1)
        log.info("run %s: started: %s", run.id, _told(reasons))
        if unreadable:
            self._books.fail(started, unreadable, no_trainer=True)
            return 0.0
        return self._launch(started, reasons)

    def look(self, run: Run) -> float:
        """See how the trainer fares; launch it where that is still to be done."""
        now = self._books.now()
        if run.started is None or now < run.started:
            # The clock was set back: the timeout counts from now.
            self._books.note(run, started=now)
            run = replace(run, started=now)
        if run.handle is not None and _UNSENT in run.handle:
            return self._launch_later(run, run.handle, now)
        found = self._plan.launcher.look(self._books.order(run), run.handle)
        if isinstance(found, NotStarted):
            return self._launch_again(run, "the bridge was killed before it started the trainer")
        if isinstance(found, Ended):
            self._collect(run, found)
            return 0.0
        changed = {
            name: value
            for name, value in (("handle", found.handle), ("log_url", found.log_url))
            if value is not None and value != getattr(run, name)
        }
        if changed:
            self._books.note(run, **changed)
        if self.is_too_long(run):
            self._stop(run, found.handle)
            return 0.0
        return self._plan.launcher.poll

    def is_too_long(self, run: Run) -> bool:
        """Tell whether a run takes longer than it may."""
        return run.started is not None and self._books.now() - run.started > self._plan.timeout

    def abandon(self, run: Run, why: str) -> None:
        """End a run that takes too long, and whose trainer cannot be looked at."""
        self._stop(run, run.handle or {}, f"; it could not be looked at: {why}")

    def _launch(self, run: Run, reasons: Sequence[Reason]) -> float:
        order = self._books.order(run, one_line(_told(reasons), _REASON_LENGTH))
        try:
            handle = self._plan.launcher.launch(order)
        except LaunchError as error:
            if error.retry_after is None:
                self._books.fail(run, str(error), no_trainer=True)
                return 0.0
            wait = min(max(error.retry_after, self._plan.launcher.poll), self._plan.timeout)
            log.warning("run %s: not started yet, tried again in %g s: %s", run.id, wait, error)
            self._books.note(run, handle={_UNSENT: self._books.now() + wait, "why": str(error)})
            return min(wait, IDLE)
        with self._books.store.write() as connection:
            ours = runs.handled(connection, run, handle)
        if not ours:
            # Another bridge took over meanwhile and ended the run, or started it itself.
            log.warning("run %s: another bridge has taken it over meanwhile, stopping this trainer", run.id)
            left = self._plan.launcher.stop(order, handle)
            if left is not None:
                log.error("run %s: the trainer could not be stopped: %s", run.id, left)
            return 0.0
        return self._plan.launcher.poll

    def _launch_later(self, run: Run, handle: Handle, now: float) -> float:
        """Launch what could not be sent, if it is time."""
        wait = float(handle[_UNSENT]) - now
        # A moment that lies further ahead than the timeout is one from before the clock was set back.
        if 0 < wait <= self._plan.timeout and not self.is_too_long(run):
            return min(wait, IDLE)
        return self._launch_again(run, str(handle["why"]))

    def _launch_again(self, run: Run, why: str) -> float:
        """Launch a trainer that certainly was not started before."""
        if self.is_too_long(run):
            error = f"no trainer was started within {self._plan.timeout:g} s: {why}"
            self._books.fail(run, error, no_trainer=True)
            return 0.0
        if not self._leads():
            return IDLE
        # As before the first time: a bridge that dies now looks for the trainer.
        with self._books.store.write() as connection:
            if not runs.handled(connection, run, None):
                return 0.0  # another bridge was faster
        log.warning("run %s: no trainer was started yet, starting it: %s", run.id, why)
        with self._books.store.read() as connection:
            reasons = runs.reasons_of(connection, run.id)
        return self._launch(replace(run, handle=None), reasons)

    def _stop(self, run: Run, handle: Handle, why: str = "") -> None:
        try:
            error = self._plan.launcher.stop(self._books.order(run), handle)
        except Exception as unforeseen:
            log.exception("run %s: its trainer could not be stopped", run.id)
            error = repr(unforeseen)
        end = "and was stopped" if error is None else f"and could not be stopped: {error}"
        self._books.fail(run, f"the trainer took longer than {self._plan.timeout:g} s {end}{why}")

    def _collect(self, run: Run, ended: Ended) -> None:
        """Take over what a trainer that has ended left behind."""
        if ended.log_url is not None and ended.log_url != run.log_url:
            self._books.note(run, log_url=ended.log_url)
            run = replace(run, log_url=ended.log_url)
        if ended.error is not None:
            self._books.fail(run, one_line(ended.error, _REASON_LENGTH))
            return
        if ended.exit_code:
            self._books.fail(run, f"the trainer ended with exit code {ended.exit_code}")
            return
        try:
            result = read_result(self._books.order(run).result)
        except ResultError as error:
            # After a restart the exit code is not known, and a missing result means that it died.
            gone = "the trainer is gone (found so after a restart of the bridge): "
            self._books.fail(run, f"{gone if ended.exit_code is None else ''}{error}")
            return
        self._books.advance(run, "gating", version=result.version)


def _told(reasons: Sequence[Reason]) -> str:
    return "; ".join(reason.text for reason in reasons if not reason.withdrawn)
