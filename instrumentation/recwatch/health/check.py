"""One check: when it runs, in a thread of its own, one run at a time, and what is known of it."""

import asyncio
import inspect
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from recwatch.health.result import Result, failed, judge, timed_out

__all__ = ["Check", "Run"]


@dataclass
class Run:
    """A run under way.

    Attributes:
        started: on the monotonic clock.
        reported: when it was last reported as hanging, likewise; None while it is in time.
    """

    started: float
    reported: float | None = None


class Check:
    """A check with its settings, its last result and the run under way, if any.

    A run that hangs keeps its place: no other begins until it is over, so a check has one thread at most.

    Args:
        name: the label `check`.
        call: returns or raises what `recwatch.health.result` judges; or returns an awaitable that does.
        timeout: seconds after which a run is reported as timed out.
        critical: whether the service is not ready while it fails.
        every: seconds between the starts of two runs.
        unit: of the value.
        report: called with each result, one at a time.
        wake: called when a run is over.
    """

    def __init__(
        self,
        name: str,
        call: Callable[[], Any],
        *,
        timeout: float,
        critical: bool,
        every: float,
        unit: str | None,
        report: Callable[[str, Result], None],
        wake: Callable[[], None],
    ) -> None:
        self.name = name
        self.timeout = timeout
        self.critical = critical
        self.every = every
        self.unit = unit
        self._call = call
        self._report = report
        self._wake = wake
        self.reset()

    def reset(self) -> None:
        """Begin anew, as in the child of a fork, where threads are gone and locks may be held for ever."""
        self.result = Result()
        self._lock = threading.Lock()
        self._run: Run | None = None
        self._due = 0.0

    def step(self, now: float) -> float:
        """Start a run that is due, report one that hangs.

        Args:
            now: on the monotonic clock.

        Returns:
            When to come again at the latest.
        """
        with self._lock:
            run = self._run
            if run is None:
                if now < self._due:
                    return self._due
                self._start(now)
                return now + self.timeout
            if now < run.started + self.timeout:
                return run.started + self.timeout
            if run.reported is None or now >= run.reported + self.every:
                run.reported = now
                self._found(timed_out(self.timeout, seconds=now - run.started, at=time.time(), hangs=True))
            return run.reported + self.every

    def _start(self, now: float) -> None:
        self._run = run = Run(now)
        self._due = now + self.every
        thread = threading.Thread(
            target=self._execute, args=(run,), name=f"recwatch-health-{self.name}", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:  # no thread can be had now
            self._run = None
            self._found(failed(error, seconds=0.0, at=time.time()))

    def _execute(self, run: Run) -> None:
        result = Result("down", None, "what the check answered cannot be judged", None, time.time())
        try:
            result = self._answer(run)
        finally:
            self._over(run, result)

    def _answer(self, run: Run) -> Result:
        try:
            returned = self._call()
            expired = False
            if inspect.isawaitable(returned):
                returned, expired = asyncio.run(_await(returned, self.timeout))
            seconds = time.monotonic() - run.started
            if expired:
                return timed_out(self.timeout, seconds=seconds, at=time.time(), hangs=False)
            return judge(returned, seconds=seconds, at=time.time())
        except BaseException as error:  # noqa: BLE001 - also SystemExit: whatever it is, it is the check's answer
            return failed(error, seconds=time.monotonic() - run.started, at=time.time())

    def _over(self, run: Run, result: Result) -> None:
        with self._lock:
            if self._run is not run:  # of before a fork
                return
            self._run = None
            # Who is late has been reported as such, and is asked anew when due.
            if run.reported is None:
                self._found(result)
        self._wake()

    def _found(self, result: Result) -> None:
        self.result = result
        self._report(self.name, result)


async def _await(awaitable: Awaitable[Any], seconds: float) -> tuple[Any, bool]:
    """What an awaitable returns, and whether it was cut off instead."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await awaitable, False
    except TimeoutError:
        if limit.expired():
            return None, True
        raise
