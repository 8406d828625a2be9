"""Carrying out pieces of work in transactions: many in one on SQLite, one in one on PostgreSQL."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError, DBAPIError

from recwatch_bridge.errors import StoreBusyError

MOST_WAITING = 1_000
"""Works that may wait; the next is refused at once, so that its sender comes back later."""
BATCH = 200
"""Most works that share a transaction, so that others get their turn."""
THREADS = 8
"""Transactions at once on PostgreSQL, which groups the commits of those that come together."""
ATTEMPTS = 5
"""Of a work whose transaction PostgreSQL cancelled in favour of another."""

_CANCELLED = {"40001", "40P01"}
"""SQLSTATE: serialization_failure, deadlock_detected."""

Result = TypeVar("Result")
Work = Callable[[Connection], Result]
Transaction = Callable[[], AbstractContextManager[Connection]]


class Committer(Protocol):
    """Carries out works; see `Store.submit`."""

    def submit(self, work: Work[Result]) -> Future[Result]:
        """Take a work in; the future is done when it is durable, or was refused."""

    def close(self) -> None:
        """Refuse what comes from now on, and finish what waits."""


@dataclass(frozen=True)
class _Job:
    work: Work[Any]
    future: Future[Any]


@dataclass(frozen=True)
class _Outcome:
    result: Any = None
    failure: BaseException | None = None


class GroupCommitter:
    """Lets the works that wait share one transaction, so that a sync to the disk pays for all of them.

    One thread does them one after another. Where one fails, all are done again, each within a savepoint, so
    that it is taken back alone.

    Args:
        transaction: opens a transaction that commits when its block ends without an exception.
        most_waiting: works beyond these are refused.
    """

    def __init__(self, transaction: Transaction, *, most_waiting: int = MOST_WAITING) -> None:
        self._transaction = transaction
        self._most_waiting = most_waiting
        self._waiting: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, work: Work[Result]) -> Future[Result]:
        """Take a work in; the future is done when it is durable, or was refused."""
        future: Future[Result] = Future()
        with self._changed:
            refusal = self._refusal()
            if refusal is None:
                self._waiting.append(_Job(work, future))
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="commit", daemon=True)
                    self._thread.start()
                self._changed.notify()
        if refusal is not None:
            future.set_exception(refusal)
        return future

    def close(self) -> None:
        """Refuse what comes from now on, and finish what waits."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _refusal(self) -> StoreBusyError | None:
        if self._closed:
            return _stopping()
        return _overloaded() if len(self._waiting) >= self._most_waiting else None

    def _run(self) -> None:
        while self._wait():
            self._commit()

    def _wait(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return bool(self._waiting)

    def _take(self) -> list[_Job]:
        with self._changed:
            jobs = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        return [job for job in jobs if job.future.set_running_or_notify_cancel()]

    def _commit(self) -> None:
        jobs: list[_Job] = []
        try:
            with self._transaction() as connection:
                # Only now, so that what came while others wrote is in it.
                jobs = self._take()
                outcomes = [_Outcome(job.work(connection)) for job in jobs]
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits; the thread must go on
            if len(jobs) > 1:
                self._commit_one_by_one(jobs)
            else:
                _settle(jobs or self._take(), repeat(_Outcome(failure=error)))
        else:
            _settle(jobs, outcomes)

    def _commit_one_by_one(self, jobs: Sequence[_Job]) -> None:
        """Do again what was taken back because one of them failed; savepoints cost, so only now."""
        try:
            with self._transaction() as connection:
                outcomes = [_attempt(connection, job.work) for job in jobs]
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits; the thread must go on
            _settle(jobs, repeat(_Outcome(failure=error)))
        else:
            _settle(jobs, outcomes)


def _attempt(connection: Connection, work: Work[Any]) -> _Outcome:
    connection.exec_driver_sql("SAVEPOINT work")
    try:
        outcome = _Outcome(work(connection))
    except BaseException as error:  # noqa: BLE001 - handed to whoever waits for this work
        try:
            connection.exec_driver_sql("ROLLBACK TO work")
        except DatabaseError:
            # A full disk, say: SQLite has taken back the whole transaction, and with it the works before.
            raise error from None
        outcome = _Outcome(failure=error)
    connection.exec_driver_sql("RELEASE work")
    return outcome


def _settle(jobs: Iterable[_Job], outcomes: Iterable[_Outcome]) -> None:
    for job, outcome in zip(jobs, outcomes, strict=False):
        if outcome.failure is None:
            job.future.set_result(outcome.result)
        else:
            job.future.set_exception(outcome.failure)


class PooledCommitter:
    """Carries out each work in a transaction of its own, a few at a time.

    A work whose transaction the database cancelled in favour of another's is done again from the start.

    Args:
        transaction: opens a transaction that commits when its block ends without an exception.
        most_waiting: works beyond these are refused.
    """

    def __init__(self, transaction: Transaction, *, most_waiting: int = MOST_WAITING) -> None:
        self._transaction = transaction
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="commit")
        self._room = threading.BoundedSemaphore(most_waiting)
        self._pauses = random.Random()  # noqa: S311 - spreads repeats, keeps no secret

    def submit(self, work: Work[Result]) -> Future[Result]:
        """Take a work in; the future is done when it is durable, or was refused."""
        if not self._room.acquire(blocking=False):
            return _refused(_overloaded())
        try:
            future = self._threads.submit(self._carry_out, work)
        except RuntimeError:
            self._room.release()
            return _refused(_stopping())
        future.add_done_callback(lambda _: self._room.release())
        return future

    def close(self) -> None:
        """Refuse what comes from now on, and finish what waits."""
        self._threads.shutdown()

    def _carry_out(self, work: Work[Result]) -> Result:
        for attempt in range(1, ATTEMPTS):
            try:
                return self._once(work)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in _CANCELLED:
                    raise
            time.sleep(self._pauses.uniform(0, 0.01 * 2**attempt))
        return self._once(work)

    def _once(self, work: Work[Result]) -> Result:
        with self._transaction() as connection:
            return work(connection)


def _refused(error: StoreBusyError) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(error)
    return future


def _overloaded() -> StoreBusyError:
    return StoreBusyError("too much waits for the database: try again")


def _stopping() -> StoreBusyError:
    return StoreBusyError("the bridge is stopping: try again")
