"""The launcher `celery`: decides what was found of a task, or that nothing was, means for a run."""

import time
from collections.abc import Callable

from recwatch_bridge.retraining.launchers.base import Ended, Handle, LaunchError, Order, Running
from recwatch_bridge.retraining.launchers.celery.broker import ERRORS, Broker, NotSentError
from recwatch_bridge.retraining.launchers.celery.record import Outcome, read_record
from recwatch_bridge.retraining.launchers.run_log import RunLog, write_result

_LOST = "the task is in no queue, with no worker and without a result: the broker or its worker lost it"
_AGAIN = 30.0
"""Seconds until another try to send a task is worth it, where the broker was not reached."""
_SIGNALS = ("SIGTERM", "SIGKILL")

_UNUSABLE = (*ERRORS, NotSentError)


class CeleryLauncher:
    """Sends a task whose id is the run's, and waits for its result.

    A task is sent once. Where nobody knows whether it was, it is looked up by its id.

    Args:
        broker: sends, searches, revokes.
        secrets: that no text may repeat.
        poll: seconds between two looks; asked sooner, `look` answers what it answered before.
        search_every: seconds between two searches for a task that has no result yet.
        patience: seconds for which a task may be found nowhere before it is lost.
        grace: seconds that a task has to end on SIGTERM, and then on SIGKILL.
        monotonic: seconds that only grow.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        secrets: tuple[str, ...] = (),
        poll: float = 1.0,
        search_every: float = 15.0,
        patience: float = 60.0,
        grace: float = 5.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.poll = poll
        self._broker = broker
        self._search_every = search_every
        self._patience = patience
        self._grace = grace
        self._monotonic = monotonic
        self._log = RunLog(lambda: secrets)
        self._looked: dict[str, float] = {}
        self._searched: dict[str, float] = {}
        self._missing_since: dict[str, float] = {}

    def launch(self, order: Order) -> Handle:
        """Send the task."""
        try:
            order.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LaunchError(f"{order.folder} cannot be made: {error.strerror}") from error
        arguments = {"run_id": order.run_id, "model": order.model, "reason": order.reason}
        try:
            self._broker.send(order.run_id, arguments)
        except NotSentError as error:
            told = f"the broker was not reached: {error}"
            self._log.say(order, f"the task was not sent: {told}")
            again = None if error.refused else _AGAIN
            raise LaunchError(self._log.plain(told), retry_after=again) from None
        except ERRORS as error:
            why = f"it is not known whether the task was sent ({error}): it is looked up"
            self._log.say(order, why)
            return {"unknown": True}
        self._log.say(order, "the task was sent")
        return {"sent": True}

    def look(self, order: Order, handle: Handle | None) -> Running | Ended:
        """Look for the result, and from time to time for the task; an outage changes nothing about it."""
        known = {"unknown": True} if handle is None else handle
        now = self._monotonic()
        if now < self._looked.get(order.run_id, -self.poll) + self.poll:
            return Running(known)
        self._looked[order.run_id] = now
        try:
            outcome = read_record(self._broker.record(order.run_id))
            if outcome is None and self._is_missing(order):
                # Its result may have come since.
                outcome = read_record(self._broker.record(order.run_id)) or Outcome(error=_LOST)
        except _UNUSABLE as error:
            self._log.say(order, f"the broker cannot be asked, trying again: {error}")
            return Running(known)
        return Running(known) if outcome is None else self._end(order, outcome)

    def stop(self, order: Order, handle: Handle) -> str | None:  # noqa: ARG002 - the run id is enough
        """Take the task out of the queue, or have its worker end it."""
        try:
            return self._stop(order)
        finally:
            self._forget(order)

    def _stop(self, order: Order) -> str | None:
        silent = 0
        try:
            self._broker.withdraw(order.run_id)
            for signal in _SIGNALS:
                silent = self._broker.revoke(order.run_id, signal)
                if self._is_gone(order):
                    self._log.say(order, "the task is stopped")
                    return None
        except _UNUSABLE as error:
            return self._log.plain(f"the broker could not be asked to stop it: {error}")
        if silent:
            return f"{silent} worker(s) did not answer: stop the task there"
        return "its worker did not end the task: stop it there"

    def _is_missing(self, order: Order) -> bool:
        """Search when it is time to; tells whether the task has been found nowhere for long enough."""
        now = self._monotonic()
        if now - self._searched.get(order.run_id, -self._search_every) < self._search_every:
            return False
        self._searched[order.run_id] = now
        found = self._broker.search(order.run_id)
        if found.place is not None or found.silent:
            self._missing_since.pop(order.run_id, None)
            self._log.say(order, f"the task is {found.place or 'perhaps with a worker that does not answer'}")
            return False
        return now - self._missing_since.setdefault(order.run_id, now) >= self._patience

    def _is_gone(self, order: Order) -> bool:
        """Wait until the task is nowhere: that it is revoked is written down by workers that have it not."""
        end = time.monotonic() + self._grace
        while True:
            found = self._broker.search(order.run_id)
            if found.place is None and not found.silent:
                return True
            if time.monotonic() > end:
                return False
            time.sleep(0.1)

    def _end(self, order: Order, outcome: Outcome) -> Ended:
        error = outcome.error
        if outcome.result is not None:
            error = write_result(order, outcome.result)
        self._log.say(order, error or "the task succeeded")
        if outcome.traceback:
            self._log.detail(order, outcome.traceback)
        self._forget(order)
        return Ended(0) if error is None else Ended(None, error=self._log.plain(error))

    def _forget(self, order: Order) -> None:
        for known in (self._looked, self._searched, self._missing_since):
            known.pop(order.run_id, None)
        self._log.forget(order)
