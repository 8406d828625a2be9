"""A thread for what may hang, so that a run never waits for it longer than it wants to."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

__all__ = ["Worker"]

_INTERVAL_SECONDS = 1.0


class Worker:
    """A daemon thread that does one job after another; it keeps no process alive.

    Args:
        name: of the thread.
        on_error: called in the thread with what a job raised.
        tick: a job that is done about every second as well, where there is no other.
    """

    def __init__(
        self, name: str, on_error: Callable[[Exception], object], *, tick: Callable[[], object] | None = None
    ) -> None:
        self._on_error = on_error
        self._tick = tick
        self._jobs: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Begin.

        Raises:
            RuntimeError: when the system gives no thread.
        """
        self._thread.start()

    def submit(self, job: Callable[[], object]) -> None:
        """Have a job done, and do not wait."""
        self._jobs.put(job)

    def call(self, job: Callable[[], object], timeout: float) -> bool:
        """Have a job done, and wait at most so many seconds; whether it is over. It goes on in any case."""
        if not self._thread.is_alive():
            return False
        done = threading.Event()

        def tell() -> None:
            try:
                job()
            finally:
                done.set()

        self._jobs.put(tell)
        return done.wait(timeout)

    def close(self) -> None:
        """End after the jobs that there are; does not wait."""
        self._jobs.put(None)

    def _work(self) -> None:
        wait = None if self._tick is None else _INTERVAL_SECONDS
        while True:
            try:
                job = self._jobs.get(timeout=wait)
            except Empty:
                job = self._tick
            if job is None:
                return
            try:
                job()
            except Exception as error:  # noqa: BLE001 - counted and logged by `on_error`; the thread goes on
                self._on_error(error)
