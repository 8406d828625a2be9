"""Processes in which checks run: each may be killed at any moment without loss to the exporter."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

from recwatch.errors import RecwatchError
from recwatch.logs import event
from recwatch_exporter.errors import CheckCrashedError, CheckMemoryError, CheckTimeoutError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.process.memory import format_size, private_bytes
from recwatch_exporter.process.overflow import Folders
from recwatch_exporter.process.worker import INTERRUPT, Answer, Broken, Refused

_LOG = logging.getLogger(__name__)
_GRACE = timedelta(seconds=1)
"""How long a check may take to end by itself when its time is over: what it says then is more exact."""
_START = timedelta(minutes=1)
_STDERR = 2
_LOOK_SECONDS = 0.1
_PATIENCE_SECONDS = 2.0
_GENTLE_SECONDS = 1.0
_MOST_CALLS = 100
_MOST_STUCK = 8
_MOST_LEFT_OVER = 256 << 20


class WorkerError(RecwatchError):
    """A mistake of ours in a worker; `trace` is its traceback."""

    def __init__(self, message: str, trace: str) -> None:
        super().__init__(message)
        self.trace = trace


class WorkerPool:
    """Runs functions in worker processes, as many at once as there are callers.

    A worker is kept for the next call. It is replaced after a hundred, when it holds on to memory, and when
    it had to be killed. Workers end with this process, even where that is killed.

    Args:
        modules: what a worker imports before it says that it is ready.
        folder: where workers write what does not fit into memory; the system's folder by default. What an
            exporter that was killed left there is deleted before the first call.
    """

    def __init__(self, *modules: str, folder: Path | None = None) -> None:
        self._modules = modules
        self._folders = Folders(folder)
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._stuck: list[_Worker] = []
        self._closed = False

    def call(self, function: Callable[..., Any], *arguments: Any, deadline: Deadline, memory: int) -> Any:
        """Call a function of a module in a worker.

        Args:
            function: found by its module and name.
            arguments: for it; sent by pickle, as is what it returns.
            deadline: begun anew when the worker is ready; the worker is killed a second after it has passed.
            memory: the bytes that the worker may take for itself before it is killed.

        Raises:
            CheckError: as the function raised it.
            CheckTimeoutError: when the time is over.
            CheckMemoryError: when it took too much memory.
            CheckCrashedError: when the worker ended by itself, or none could be started.
            CheckCancelledError: when the deadline was cancelled.
            WorkerError: for whatever else the function raised.
        """
        worker = self._take(deadline)
        try:
            deadline.restart(grace=_GRACE)
            found = worker.call(function, arguments, deadline=deadline, memory=memory)
        except BaseException:
            self._end(worker, gently=True)
            raise
        self._give_back(worker)
        if isinstance(found, Refused):
            raise found.error
        if isinstance(found, Broken):
            raise WorkerError(found.error, found.trace)
        return found.value

    def close(self) -> None:
        """End every worker that is idle; one that is busy ends after its call, or with its deadline."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            self._end(worker)

    def _take(self, deadline: Deadline) -> "_Worker":
        with self._lock:
            self._stuck = [other for other in self._stuck if not other.end(patience=0.0)]
            while self._idle:
                worker = self._idle.pop()
                if worker.alive and worker.has_folder():
                    return worker
                worker.end()
            if len(self._stuck) >= _MOST_STUCK:
                raise CheckCrashedError(
                    f"{len(self._stuck)} workers hang in the kernel and cannot be killed: see what they "
                    "read, such as a file system that is gone; nothing is run before they end"
                )
        deadline.restart(grace=_START)
        deadline.check()
        try:
            worker = _Worker(self._modules, self._folders.make())
        except OSError as error:
            raise CheckCrashedError(
                f"no worker process could be started: {error}: see what is full"
            ) from error
        try:
            worker.wait_until_ready(deadline)
        except BaseException:
            self._end(worker)
            raise
        return worker

    def _give_back(self, worker: "_Worker") -> None:
        if worker.fit:
            with self._lock:
                if not self._closed:
                    self._idle.append(worker)
                    return
        self._end(worker)

    def _end(self, worker: "_Worker", *, gently: bool = False) -> None:
        if gently:
            worker.interrupt()
        if not worker.end(patience=_PATIENCE_SECONDS):
            # It hangs in the kernel, as on a file system that is gone; it ends when the kernel lets go.
            _LOG.warning(event("Left a worker behind that cannot be killed", pid=worker.pid))
            with self._lock:
                self._stuck.append(worker)


class _Worker:
    """One process, at this end of the connection."""

    def __init__(self, modules: Sequence[str], folder: str) -> None:
        self._folder = folder
        self._connection, theirs = Pipe()
        self._calls = 0
        self._baseline = 0
        command = [sys.executable, "-P", "-m", "recwatch_exporter.process"]
        try:
            self._process = subprocess.Popen(
                [*command, str(theirs.fileno()), str(os.getpid()), *modules],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=_STDERR,  # what a library prints is no answer
                # What an engine writes to disk in its need goes with the worker.
                env={**os.environ, "TMPDIR": self._folder},
                # A group of its own: what it starts is killed with it, and Ctrl-C is for the parent alone.
                start_new_session=True,
            )
        except BaseException:
            self._connection.close()
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        finally:
            theirs.close()
        self.pid = self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can be called."""
        return self._process.poll() is None

    def has_folder(self) -> bool:
        """Whether it has a folder to write to; one that a cleaner of /tmp has deleted is made again."""
        try:
            Path(self._folder).mkdir(mode=0o700, exist_ok=True)
        except OSError:
            return False
        return True

    @property
    def fit(self) -> bool:
        """Whether it can be called again without harm to the next check."""
        return self._calls < _MOST_CALLS and private_bytes(self.pid) < self._baseline + _MOST_LEFT_OVER

    def wait_until_ready(self, deadline: Deadline) -> None:
        """Wait for its first word."""
        try:
            with deadline.interrupting(self.kill):
                self._connection.recv()
        except (EOFError, OSError):
            try:
                deadline.check()
            except CheckTimeoutError:
                raise CheckCrashedError(
                    "a worker process was not ready after a minute: see the load"
                ) from None
            raise CheckCrashedError(f"a worker process did not start: {self._last_words()}") from None
        self._baseline = private_bytes(self.pid)

    def call(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], *, deadline: Deadline, memory: int
    ) -> Answer:
        """Send a call and wait for the answer."""
        self._calls += 1
        try:
            with deadline.interrupting(lambda: self._stop_call(deadline)):
                self._connection.send((function, arguments))
                while not self._connection.poll(_LOOK_SECONDS):
                    deadline.check()
                    self._check_memory(memory)
                found: Answer = self._connection.recv()
        except (EOFError, OSError):
            deadline.check()  # who was killed for that reason ends like this
            raise CheckCrashedError(f"its worker process ended: {self._last_words()}") from None
        return found

    def _stop_call(self, deadline: Deadline) -> None:
        """Called where the time is over, which the check had a second to see, or the exporter stops."""
        if deadline.cancelled:
            self._signal_interrupt()
        else:
            self.kill()

    def _signal_interrupt(self) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, INTERRUPT)

    def interrupt(self) -> None:
        """Let it end its query, with which a server would go on, before it is killed; in a second."""
        self._signal_interrupt()
        with suppress(OSError):
            self._connection.poll(_GENTLE_SECONDS)

    def kill(self) -> None:
        """Kill it and what it has started; returns at once."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def end(self, patience: float = _PATIENCE_SECONDS) -> bool:
        """Kill it and wait for its end; False when that does not come."""
        self.kill()
        with suppress(OSError):
            self._connection.close()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            return False
        shutil.rmtree(self._folder, ignore_errors=True)
        return True

    def _check_memory(self, memory: int) -> None:
        taken = private_bytes(self.pid)
        if taken > memory:
            raise CheckMemoryError(
                f"took more than its memory of {format_size(memory)} ({taken / 2**30:.1f} GiB): "
                "read less, or raise memory"
            )

    def _last_words(self) -> str:
        try:
            code = self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            return "it does not answer any more: see the log"
        if code == -signal.SIGKILL:
            return "it was killed (SIGKILL): by somebody, or by the system for want of memory; see its log"
        if code < 0:
            return f"{signal.Signals(-code).name}, a fault in a library: see the log, and report it"
        return f"exit code {code}: see the log"
