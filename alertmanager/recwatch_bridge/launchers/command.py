"""The launcher `command`: a process group of its own, its output in a file, found again after a restart."""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from recwatch_bridge.launchers.base import Ended, Handle, LaunchError, Order, Running

RUN_ID = "RECWATCH_RUN_ID"
_SAME_START = 2.0
"""Seconds by which two readings of a process's start may differ; Linux counts them from the boot time."""

_POLL = 0.05

log = logging.getLogger(__name__)


class CommandLauncher:
    """Runs a fixed argument list; what an alert says reaches the process as an environment variable only.

    Args:
        argv: program and arguments; a program with a slash is relative to `cwd`.
        cwd: the folder to run in.
        environment: what the process inherits.
        grace: seconds between SIGTERM and SIGKILL.
    """

    def __init__(
        self, argv: Sequence[str], *, cwd: Path, environment: Mapping[str, str], grace: float = 5.0
    ) -> None:
        self._argv = list(argv)
        self._cwd = cwd
        self._environment = dict(environment)
        self._grace = grace
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def launch(self, order: Order) -> Handle:
        """Start the process in a session of its own, so that it outlives the bridge."""
        environment = self._environment | {
            RUN_ID: order.run_id,
            "RECWATCH_MODEL": order.model,
            "RECWATCH_REASON": order.reason,
            "RECWATCH_RESULT": str(order.result),
        }
        try:
            order.folder.mkdir(parents=True, exist_ok=True)
            with order.log.open("ab") as output:
                process = subprocess.Popen(
                    self._argv,
                    cwd=self._cwd,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except (OSError, ValueError) as error:
            raise LaunchError(f"{self._argv[0]} could not be started: {error}") from error
        self._children[order.run_id] = process
        return {"pid": process.pid, "started": _started(process.pid)}

    def look(self, order: Order, handle: Handle | None) -> Running | Ended:
        """See whether the process lives; a child's exit code is known, an adopted process's is not."""
        child = self._children.get(order.run_id)
        if child is not None:
            if not _has_exited(child.pid):
                return Running(handle or {"pid": child.pid, "started": _started(child.pid)})
            del self._children[order.run_id]
            return Ended(_end_group(child))
        if handle is None:
            handle = _find(order.run_id)
        if handle is not None and _is_alive(handle, order.run_id):
            return Running(handle)
        return Ended(None)

    def stop(self, order: Order, handle: Handle) -> None:
        """End the process group: SIGTERM, and SIGKILL for what is left after the grace period."""
        child = self._children.pop(order.run_id, None)
        if child is None and not _is_alive(handle, order.run_id):
            return
        group = int(handle["pid"])
        _signal(group, signal.SIGTERM)
        deadline = time.monotonic() + self._grace
        while time.monotonic() < deadline:
            if _has_exited(group) if child is not None else not _is_alive(handle, order.run_id):
                break
            time.sleep(_POLL)
        else:
            log.warning("run %s: does not end on SIGTERM, killing it", order.run_id)
        if child is None:
            _signal(group, signal.SIGKILL)
        else:
            _end_group(child)


def _end_group(child: subprocess.Popen[bytes]) -> int:
    """Kill what is left of a child's group and return its exit code.

    The child is reaped last: until then nobody else can have its number, so the signal reaches only its own.
    """
    _signal(child.pid, signal.SIGKILL)
    return child.wait()


def _has_exited(pid: int) -> bool:
    """Tell whether a child has ended, without reaping it."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _signal(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return
    except PermissionError:
        log.warning("process group %d: not allowed to send %s", group, number.name)


def _started(pid: int) -> float | None:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def _is_alive(handle: Handle, run_id: str) -> bool:
    """Tell whether the very process of a handle lives; its number alone may belong to another one by now."""
    try:
        process = psutil.Process(int(handle["pid"]))
        same = _has_run_id(process, run_id) or _began_at(process, handle.get("started"))
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _has_run_id(process: psutil.Process, run_id: str) -> bool:
    try:
        return process.environ().get(RUN_ID) == run_id
    except psutil.AccessDenied:
        return False


def _began_at(process: psutil.Process, started: float | None) -> bool:
    """Compare starts; a clock that was set meanwhile moves what the system says, hence the run id above."""
    return started is not None and abs(process.create_time() - started) <= _SAME_START


def _find(run_id: str) -> Handle | None:
    """Look for the process that a bridge started and had no time to write down: it knows its run id."""
    for process in psutil.process_iter():
        try:
            if process.environ().get(RUN_ID) == run_id and os.getsid(process.pid) == process.pid:
                return {"pid": process.pid, "started": process.create_time()}
        except (psutil.Error, OSError):
            continue
    return None
