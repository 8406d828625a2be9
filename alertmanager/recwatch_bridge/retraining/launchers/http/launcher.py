"""The launcher `http`: decides what an answer, or none, means for a run; nothing is started twice."""

import time
from collections.abc import Callable
from typing import TypeVar

from recwatch_bridge.retraining.launchers.base import Ended, Handle, LaunchError, Order, Running
from recwatch_bridge.retraining.launchers.http.client import Client, NoAnswerError, NotSentError
from recwatch_bridge.retraining.launchers.http.exchange import Api, Found, Steps, UnclearError, UnusableError
from recwatch_bridge.retraining.launchers.run_log import RunLog, write_result

_LONGEST_REST = 900.0
_AGAIN = 30.0
"""Seconds until another try to start a run is worth it, where the API was not reached."""
_ATTEMPTS = 3

Result = TypeVar("Result")


class HttpLauncher:
    """Starts, watches and stops runs by an API.

    The request that starts a run is sent once. Where its outcome is unknown, the run is looked up by its id.

    Args:
        api: the kind of API.
        poll: seconds between two looks; asked sooner, `look` answers what it answered before.
        client: sends the requests.
        patience: seconds for which an API may not know a run before it is lost, where nobody knows whether it
            started.
        monotonic: seconds that only grow.
    """

    def __init__(
        self,
        api: Api,
        *,
        poll: float = 5.0,
        client: Client | None = None,
        patience: float = 60.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.poll = poll
        self._api = api
        self._client = client or Client()
        self._patience = patience
        self._monotonic = monotonic
        self._missing_since: dict[str, float] = {}
        self._log = RunLog(lambda: api.secrets)
        self._looked: dict[str, float] = {}
        self._rests_until = 0.0

    def launch(self, order: Order) -> Handle:
        """Send the request that starts the run."""
        try:
            order.folder.mkdir(parents=True, exist_ok=True)
            handle = self._start(order)
        except NoAnswerError as error:
            if error.request.starts and not isinstance(error, NotSentError):
                return self._unknown(order, str(error))
            again = None if isinstance(error, NotSentError) and error.final else _AGAIN
            raise self._not_started(order, f"the API was not reached: {error}", again) from None
        except UnclearError as error:
            return self._unknown(order, str(error))
        except LaunchError as error:
            raise self._not_started(order, str(error), error.retry_after) from None
        except OSError as error:
            raise LaunchError(f"{order.folder} cannot be made: {error.strerror}") from error
        self._log.say(order, "the run was accepted")
        return handle

    def look(self, order: Order, handle: Handle | None) -> Running | Ended:
        """Look at the run; an outage, a limit or a token that ran out changes nothing about it."""
        known = {"unknown": True} if handle is None else handle
        now = self._monotonic()
        if now < self._rests_until or now < self._looked.get(order.run_id, -self.poll) + self.poll:
            return _running(known)
        self._looked[order.run_id] = now
        try:
            found = self._hold(self._api.look(order, known))
        except (NoAnswerError, UnusableError) as error:
            self._log.say(order, f"the API cannot be asked, trying again: {error}")
            self._rest(error)
            return _running(known)
        if found is None:
            return self._missing(order, known)
        self._log.say(order, found.told)
        return self._judge(order, found)

    def stop(self, order: Order, handle: Handle) -> str | None:
        """Tell the run to end, a few times where the API does not answer well."""
        try:
            return self._stop(order, handle)
        finally:
            self._forget(order)

    def _stop(self, order: Order, handle: Handle) -> str | None:
        error = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._pause()
            try:
                refused = self._hold(self._api.stop(order, handle))
            except (NoAnswerError, UnusableError) as problem:
                error = str(problem)
                continue
            self._log.say(order, f"the run cannot be stopped: {refused}" if refused else "the run is stopped")
            return None if refused is None else self._log.plain(refused)
        self._log.say(order, f"the run cannot be stopped: {error}")
        return self._log.plain(f"the API could not be asked to stop it: {error}")

    def _start(self, order: Order) -> Handle:
        """Try again where there was no connection, so that the request never left."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._hold(self._api.start(order))
            except NotSentError as error:
                if error.final:
                    raise
                self._log.say(order, f"the API was not reached, trying again: {error}")
                self._pause()
        return self._hold(self._api.start(order))

    def _pause(self) -> None:
        time.sleep(min(self.poll, 1.0))

    def _hold(self, steps: Steps[Result]) -> Result:
        """Hold a conversation: send what it yields, hand it the answers, return what it comes to."""
        try:
            request = next(steps)
            while True:
                request = steps.send(self._client.send(request))
        except StopIteration as end:
            result: Result = end.value
            return result

    def _not_started(self, order: Order, why: str, again: float | None) -> LaunchError:
        self._log.say(order, f"the run did not start: {why}")
        wait = None if again is None else min(again, _LONGEST_REST)
        return LaunchError(self._log.plain(why), retry_after=wait)

    def _unknown(self, order: Order, why: str) -> Handle:
        self._log.say(order, f"it is not known whether the run started ({why}): it is looked up")
        return {"unknown": True}

    def _missing(self, order: Order, known: Handle) -> Running | Ended:
        # A run that was accepted may take the API long to show; one that was not, it would show at once.
        patience = self._patience * (1 if "unknown" in known else 5)
        if not self._for(order.run_id) >= patience:
            return _running(known)
        self._forget(order)
        self._log.say(order, self._api.lost)
        return Ended(None, error=self._api.lost, log_url=known.get("log_url"))

    def _judge(self, order: Order, found: Found) -> Running | Ended:
        page = found.handle.get("log_url")
        if found.state == "at work":
            self._missing_since.pop(order.run_id, None)
            return Running(found.handle, page)
        error = found.error
        if found.state == "succeeded" and found.result is None and self._for(order.run_id) < self._patience:
            # What a run leaves may show up a little later than its end.
            return Running(found.handle, page)
        if found.result is not None:
            error = write_result(order, found.result)
        self._forget(order)
        if error is None:
            return Ended(0, log_url=page)
        self._log.say(order, error)
        return Ended(None, error=self._log.plain(error), log_url=page)

    def _for(self, run_id: str) -> float:
        """For how long a run, or its result, has been missing; begins anew with each process."""
        now = self._monotonic()
        return now - self._missing_since.setdefault(run_id, now)

    def _forget(self, order: Order) -> None:
        self._missing_since.pop(order.run_id, None)
        self._looked.pop(order.run_id, None)
        self._log.forget(order)

    def _rest(self, error: NoAnswerError | UnusableError) -> None:
        if isinstance(error, UnusableError) and error.retry_after > 0:
            self._rests_until = self._monotonic() + min(error.retry_after, _LONGEST_REST)


def _running(known: Handle) -> Running:
    return Running(known, known.get("log_url"))
