"""A small pool of threads in which checks run: outside the scrape, each never beside itself."""

import logging
import queue
import threading
from collections.abc import Callable
from datetime import timedelta

from recwatch.logs import event
from recwatch_exporter.process.deadline import Deadline

_LOG = logging.getLogger(__name__)
_PATIENCE_SECONDS = 5.0


class Runner:
    """Runs checks by name.

    A check that waits already is not queued again; one that runs is run once more afterwards, so that what
    asked for it (a promotion, say) is never answered with older data.

    Args:
        execute: runs the check of that name within the deadline; must not raise.
        timeout_of: gives a check's timeout; None when there is no such check any more.
        workers: how many checks run at the same time.
    """

    def __init__(
        self,
        execute: Callable[[str, Deadline], None],
        timeout_of: Callable[[str], timedelta | None],
        *,
        workers: int = 2,
    ) -> None:
        self._execute = execute
        self._timeout_of = timeout_of
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting: set[str] = set()
        self._running: dict[str, Deadline] = {}
        self._again: set[str] = set()
        self._stopping = False
        # Daemons: a read that hangs in the kernel must not keep the process from ending.
        self._threads = [
            threading.Thread(target=self._work, name=f"check-{number}", daemon=True)
            for number in range(workers)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def submit(self, name: str) -> None:
        """Run a check as soon as a thread is free."""
        with self._lock:
            if self._stopping or name in self._waiting:
                return
            if name in self._running:
                self._again.add(name)
                return
            self._waiting.add(name)
            self._queue.put(name)

    def stop(self) -> None:
        """Cancel what runs, forget what waits, end the threads."""
        with self._lock:
            self._stopping = True
            running = list(self._running.values())
        for deadline in running:
            deadline.cancel()
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            if thread.is_alive():
                thread.join(_PATIENCE_SECONDS)
                if thread.is_alive():
                    _LOG.warning(event("Left behind while stopping", thread=thread.name))

    def _work(self) -> None:
        while (name := self._queue.get()) is not None:
            deadline = self._take(name)
            if deadline is None:
                continue
            try:
                self._execute(name, deadline)
            except Exception:  # noqa: BLE001 - logged
                # The thread stays, for the checks that follow.
                _LOG.exception("Traceback of what followed check %s", name)
            finally:
                self._release(name)

    def _take(self, name: str) -> Deadline | None:
        timeout = self._timeout_of(name)
        with self._lock:
            self._waiting.discard(name)
            if self._stopping or timeout is None:
                return None
            deadline = self._running[name] = Deadline(timeout)
            return deadline

    def _release(self, name: str) -> None:
        with self._lock:
            del self._running[name]
            again = name in self._again
            self._again.discard(name)
        if again:
            self.submit(name)
