"""A worker process: calls the functions that it is sent, one after the other, until its parent is gone."""

import ctypes
import importlib
import os
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from time import sleep
from typing import Any, NoReturn

from recwatch_exporter.errors import CheckError, CheckMemoryError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.texts import bounded

_PR_SET_PDEATHSIG = 1
_NICE = 10
"""Scrapes and pages come before checks, which take what is left of the processors."""
_FIRST_TO_GO = "500"
"""Where the system lacks memory it ends a check, not the exporter."""
_LONGEST_ERROR = 2000
INTERRUPT = signal.SIGUSR1
"""Ends a worker after its query: one that runs in a server would go on there. Not SIGTERM, which a service
manager sends to the parent and all its workers at once."""
_OUT_OF_MEMORY = frozenset({"MemoryError", "OutOfMemoryException"})


@dataclass(frozen=True)
class Done:
    """A function's return value; as the first message of a worker, that it is ready."""

    value: Any = None


@dataclass(frozen=True)
class Refused:
    """An error that a function raised on purpose."""

    error: CheckError


@dataclass(frozen=True)
class Broken:
    """An error that nobody thought of."""

    error: str
    trace: str


Answer = Done | Refused | Broken


def main(arguments: Sequence[str]) -> NoReturn:
    """Serve until the other end of the connection is closed.

    Args:
        arguments: the file descriptor of the connection, the parent's process id, and modules to import.
    """
    descriptor, parent = (int(argument) for argument in arguments[:2])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # who ends the exporter has told the parent, which ends us
    signal.pthread_sigmask(signal.SIG_BLOCK, {INTERRUPT})
    threading.Thread(target=_wait_for_interrupt, daemon=True).start()
    _end_with(parent)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO, encoding="ascii")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(_NICE)
    for name in arguments[2:]:
        importlib.import_module(name)  # slow: before the first check, not within it
    serve(Connection(descriptor))
    # Without the interpreter's own end: threads of engines may hang, and nothing is left to be written.
    os._exit(0)


class _Running:
    """The deadline of what this process does now."""

    deadline: Deadline | None = None


_RUNNING = _Running()


@contextmanager
def interruptible(deadline: Deadline) -> Iterator[Deadline]:
    """Cancel a deadline where the parent ends this process within the block."""
    _RUNNING.deadline = deadline
    try:
        yield deadline
    finally:
        _RUNNING.deadline = None


def _wait_for_interrupt() -> None:
    signal.sigwait({INTERRUPT})
    deadline = _RUNNING.deadline
    if deadline is not None:
        deadline.cancel()
    os._exit(1)


def serve(connection: Connection) -> None:
    """Answer what comes until the other end is closed."""
    with suppress(EOFError, OSError):
        connection.send(Done())
        while True:
            function, arguments = connection.recv()
            connection.send(answer(function, arguments))


def answer(function: Any, arguments: Sequence[Any]) -> Answer:
    """Call a function and say how it ended."""
    try:
        return Done(function(*arguments))
    except Exception as error:  # noqa: BLE001 - told to the parent, which counts and logs it
        said = bounded(str(error), _LONGEST_ERROR)
        if any(_says_no_memory(cause) for cause in _causes(error)):
            return Refused(CheckMemoryError(f"found no more memory: read less, or raise memory: {said}"))
        if isinstance(error, CheckError):
            return Refused(type(error)(said))
        return Broken(bounded(repr(error), _LONGEST_ERROR), "".join(traceback.format_exception(error)))


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__


def _says_no_memory(error: BaseException) -> bool:
    return any(kind.__name__ in _OUT_OF_MEMORY for kind in type(error).__mro__)


def _end_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, however that ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os._exit(1)  # it ended before we had asked


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        sleep(1)
    os._exit(1)
