"""The launcher `command`: a process group of its own, its output in a file, found again after a restart."""

import errno
import logging
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from recwatch_bridge.retraining.launchers import processes
from recwatch_bridge.retraining.launchers.base import (
    Ended,
    Handle,
    LaunchError,
    NotStarted,
    Order,
    Running,
)
from recwatch_bridge.retraining.launchers.processes import RUN_ID
from recwatch_bridge.retraining.launchers.traces import Record, Results, limit_log

_AGAIN = 30.0
_SHORTAGES = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.ETXTBSY)
"""What passes: no process, memory, file or space is free, or the program is being replaced."""
_OTHER = "begun by another bridge"
_POLL = 0.05
_KILLED = 5.0
"""Seconds that the system may take to end what was killed."""

log = logging.getLogger(__name__)


class CommandLauncher:
    """Runs a fixed argument list; what an alert says reaches the process as an environment variable only.

    Args:
        argv: program and arguments; a program with a slash is relative to `cwd`.
        cwd: the folder to run in.
        environment: what the process inherits.
        grace: seconds between SIGTERM and SIGKILL.
        shared: whether bridges on several machines share the work: then a handle names its machine, and a
            process on another one is taken to be running until its result is there.
        host: this machine's name.
        monotonic: seconds that only grow.
    """

    poll = 0.2

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        grace: float = 5.0,
        shared: bool = False,
        host: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._argv = list(argv)
        self._cwd = cwd
        self._environment = dict(environment)
        self._grace = grace
        self._host = (host or socket.gethostname()) if shared else None
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._results = Results(monotonic=monotonic)

    def launch(self, order: Order) -> Handle:
        """Start the process in a session of its own, so that it outlives the bridge."""
        environment = self._environment | {
            RUN_ID: order.run_id,
            "RECWATCH_MODEL": order.model,
            "RECWATCH_REASON": order.reason,
            "RECWATCH_RESULT": str(order.result),
        }
        record = Record(order)
        try:
            order.folder.mkdir(parents=True, exist_ok=True)
            if not record.claim(self._here()):
                # Another bridge started the process, or died just before: `look` finds out.
                return {_OTHER: True}
            try:
                process = self._start(order, environment)
            except BaseException:
                record.drop()
                raise
        except (OSError, ValueError) as error:
            shortage = isinstance(error, OSError) and error.errno in _SHORTAGES
            told = f"{self._argv[0]} could not be started: {error}"
            raise LaunchError(told, retry_after=_AGAIN if shortage else None) from error
        self._children[order.run_id] = process
        handle = self._handle(process.pid)
        record.write(handle)
        return handle

    def look(self, order: Order, handle: Handle | None) -> Running | Ended | NotStarted:
        """See whether the process lives; a child's exit code is known, an adopted process's is not."""
        child = self._children.get(order.run_id)
        if child is not None:
            limit_log(order)
            if not processes.has_exited(child.pid):
                return Running(handle or self._handle(child.pid))
            del self._children[order.run_id]
            # Reaped last: until then nobody else can have its number, so the signal reaches only its own.
            processes.signal_group(child.pid, signal.SIGKILL)
            return Ended(child.wait())
        recorded = Record(order).read()
        if handle is None and recorded is None:
            return NotStarted()
        known = _merged(recorded, handle)
        if self._elsewhere(known) is not None:
            return Ended(None) if self._results.is_whole(order) else Running(known)
        limit_log(order)
        known = self._complete(order, known)
        if _is_alive(known, order.run_id):
            return Running(known)
        return self._gone(order, recorded, known)

    def stop(self, order: Order, handle: Handle) -> str | None:
        """End the process group: SIGTERM, and SIGKILL for what is left after the grace period.

        A process that another bridge had started first is that bridge's to stop, until it was looked at.
        """
        if _OTHER in handle:
            return None
        known = _merged(Record(order).read(), handle)
        elsewhere = self._elsewhere(known)
        if elsewhere is not None:
            return f"it runs on {elsewhere}: stop it there"
        child = self._children.get(order.run_id)
        known = self._complete(order, known)
        if child is None and not _is_alive(known, order.run_id):
            if "pid" in known:
                processes.end_leftovers(int(known["pid"]), order.run_id)
            return None
        group = int(known["pid"]) if child is None else child.pid

        def is_over() -> bool:
            return processes.has_exited(group) if child is not None else not _is_alive(known, order.run_id)

        processes.signal_group(group, signal.SIGTERM)
        if not _await(is_over, self._grace):
            log.warning("run %s: does not end on SIGTERM, killing it", order.run_id)
        # A child is reaped last: until then nobody else can have its number.
        processes.signal_group(group, signal.SIGKILL)
        if not _await(is_over, _KILLED):
            return f"process {group} goes on: the bridge may not signal it, stop it by hand"
        if child is not None:
            self._children.pop(order.run_id).wait()
        return None

    def _start(self, order: Order, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with order.log.open("ab") as output:
            return subprocess.Popen(
                self._argv,
                cwd=self._cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _gone(self, order: Order, recorded: Handle | None, known: Handle) -> Ended | NotStarted:
        """See what to make of a process that a bridge on this machine was to start, and that is not there."""
        if "pid" in known:
            processes.end_leftovers(int(known["pid"]), order.run_id)
        elif recorded == self._here() and Record(order).is_of_no_process(alone=self._host is None):
            Record(order).drop()
            return NotStarted()
        return Ended(None)

    def _here(self) -> Handle:
        return {} if self._host is None else {"host": self._host}

    def _handle(self, pid: int) -> Handle:
        return {"pid": pid, "started": processes.started(pid), **self._here()}

    def _complete(self, order: Order, known: Handle) -> Handle:
        """Look for the process that a bridge started and had no time to write down."""
        if "pid" in known:
            return known
        pid = processes.find(order.run_id)
        return known if pid is None else self._handle(pid)

    def _elsewhere(self, known: Handle) -> str | None:
        """Return the other machine that a run was started on; None where it is this one or nobody knows."""
        host = known.get("host")
        return str(host) if self._host is not None and host and host != self._host else None


def _await(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(_POLL)
    return True


def _merged(recorded: Handle | None, handle: Handle | None) -> Handle:
    known = (recorded or {}) | (handle or {})
    known.pop(_OTHER, None)
    return known


def _is_alive(known: Handle, run_id: str) -> bool:
    return "pid" in known and processes.is_alive(int(known["pid"]), known.get("started"), run_id)
