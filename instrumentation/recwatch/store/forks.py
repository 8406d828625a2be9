"""A process is forked only while no other thread is inside SQLite.

SQLite guards its memory by a lock of the whole process (https://www.sqlite.org/threadsafe.html). A child that
is forked while another thread holds it has the lock, and no thread that gives it back: its first use of any
database waits for ever. So a fork waits for other threads' transactions, and new ones wait for the fork.
"""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import sqlalchemy as sa

from recwatch.logs import event

__all__ = ["GATE", "ForkGate", "in_database"]

_LOGGER = logging.getLogger("recwatch.store")
MOST_SECONDS = 2.0
"""How long a fork is held up at most. What takes longer mostly waits for a process, without SQLite's lock."""


class ForkGate:
    """Knows which threads are inside, and holds up a fork until the others are out.

    A thread that forks is held up by nobody, also where it is inside, and where what runs for its fork (a
    handler of the log, of a signal) comes inside.

    Args:
        most: seconds that a fork waits; then it goes on, with a warning in the log.
    """

    def __init__(self, most: float = MOST_SECONDS) -> None:
        self._most = most
        self._changed = threading.Condition()
        self._inside: dict[int, int] = {}
        self._forking: set[int] = set()
        os.register_at_fork(
            before=self._before, after_in_parent=self._after_in_parent, after_in_child=self._after_in_child
        )

    @property
    def held(self) -> bool:
        """Whether a fork is under way."""
        return bool(self._forking)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Be inside for the block; may be entered again by the thread that is inside."""
        me = threading.get_ident()
        with self._changed:
            if me not in self._inside:
                self._changed.wait_for(lambda: not self._forking or me in self._forking)
            self._inside[me] = self._inside.get(me, 0) + 1
        try:
            yield
        finally:
            with self._changed:
                self._inside[me] -= 1
                if not self._inside[me]:
                    del self._inside[me]
                if self._forking:
                    self._changed.notify_all()

    def _before(self) -> None:
        with self._changed:
            self._forking.add(threading.get_ident())
            self._changed.notify_all()
            out = self._changed.wait_for(lambda: self._inside.keys() <= self._forking, self._most)
        if not out:
            _LOGGER.warning(event("Forked during a transaction", waited=f"{self._most:g}s"))

    def _after_in_parent(self) -> None:
        with self._changed:
            self._forking.discard(threading.get_ident())
            self._changed.notify_all()

    def _after_in_child(self) -> None:
        """Forget the threads that are not there, and a lock that one of them may hold."""
        me = threading.get_ident()
        self._changed = threading.Condition()
        self._inside = {thread: depth for thread, depth in self._inside.items() if thread == me}
        self._forking = set()


GATE = ForkGate()


def in_database(url: sa.URL) -> AbstractContextManager[None]:
    """Use a database for the block, where the process may fork meanwhile: a service, a trainer."""
    return GATE.inside() if url.get_backend_name() == "sqlite" else nullcontext()
