"""A thread that does something every interval, after a fork and up to the end of the interpreter."""

import threading
from collections.abc import Callable

from recwatch.lifetime import keep

__all__ = ["Ticker"]


class Ticker:
    """Calls `work` every interval in a daemon thread, and once more when it is closed.

    The thread starts with `start` and again with the first `start` after a fork.

    Args:
        work: must not raise; told whether it is the last call.
        interval: seconds.
        forked: called in the child of a fork, before anything else runs there.
        ending: called before a turn that may be the last one, because the application ends.
    """

    def __init__(
        self,
        work: Callable[[bool], None],
        interval: float,
        forked: Callable[[], None],
        ending: Callable[[], None],
    ) -> None:
        self._work = work
        self._interval = interval
        self._on_fork = forked
        self._on_ending = ending
        self._turn = threading.Condition()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._asked = 0
        self._answered = 0
        self.ready = False
        """Whether the thread runs and will go on; cheap to look at."""
        self.closing = False
        keep(
            self,
            after_fork=Ticker.forget_thread,
            flush=Ticker.flush,
            at_exit=Ticker.close,
        )

    def start(self) -> None:
        """See that the thread runs; where none can be had now, the next call tries again."""
        with self._turn:
            if self._thread is not None or self.closing:
                return
            thread = threading.Thread(target=self._run, name="recwatch-quality", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no thread can be had, or the interpreter ends
                return
            self._thread = thread
            self.ready = True

    def nudge(self, timeout: float) -> bool:
        """Wait for one whole call of `work` that begins from now on.

        Returns:
            Whether it ended within `timeout` seconds.
        """
        self.start()
        with self._turn:
            if self._thread is None:
                return False
            self._asked += 1
            mine = self._asked
        self._wake.set()
        with self._turn:
            return self._turn.wait_for(lambda: self._answered >= mine, timeout)

    def flush(self, timeout: float) -> bool:
        """Take a turn that may be the last one, if the thread runs: the process may end without another.

        Returns:
            Whether it ended within `timeout` seconds.
        """
        if not self.ready:
            return True
        self._on_ending()
        return self.nudge(timeout)

    def close(self, timeout: float) -> bool:
        """Call `work` a last time and end. A second call only waits.

        Returns:
            Whether the thread ended within `timeout` seconds.
        """
        with self._turn:
            first, self.closing, self.ready = not self.closing, True, False
            thread = self._thread
        if thread is None:
            if first:
                self._work(True)  # noqa: FBT003 - the only argument
            return True
        self._wake.set()
        thread.join(timeout)
        return not thread.is_alive()

    def forget_thread(self) -> None:
        """Begin anew in the child of a fork, which has neither the thread nor those who held its locks."""
        self._turn = threading.Condition()
        self._wake = threading.Event()
        self._thread = None
        self.ready = False
        self._asked = self._answered = 0
        self._on_fork()

    def _run(self) -> None:
        while not self.closing:
            self._wake.wait(self._interval)
            self._wake.clear()
            if not self.closing:
                self._call(last=False)
        self._call(last=True)

    def _call(self, *, last: bool) -> None:
        asked = self._asked
        self._work(last)
        with self._turn:
            self._answered = asked
            self._turn.notify_all()
