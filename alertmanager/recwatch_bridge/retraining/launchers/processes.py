"""What the operating system knows of trainers: whether they live, what of them is left, how they end."""

import logging
import os
import signal

import psutil

RUN_ID = "RECWATCH_RUN_ID"
_SAME_START = 2.0
"""Seconds by which two readings of a process's start may differ; Linux counts them from the boot time."""

log = logging.getLogger(__name__)


def started(pid: int) -> float | None:
    """Return when a process began; None where there is none."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def is_alive(pid: int, begin: float | None, run_id: str) -> bool:
    """Tell whether the very process of a run lives; its number alone may belong to another one by now."""
    try:
        process = psutil.Process(pid)
        same = _has_run_id(process, run_id) or _began_at(process, begin)
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def has_exited(pid: int) -> bool:
    """Tell whether a child has ended, without reaping it."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to a process group; that nobody is there or nobody may be signalled is no error."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return
    except PermissionError:
        log.warning("process group %d: not allowed to send %s", group, number.name)


def find(run_id: str) -> int | None:
    """Look for a session's leader that knows the run id."""
    for process in psutil.process_iter():
        try:
            if _has_run_id(process, run_id) and os.getsid(process.pid) == process.pid:
                return process.pid
        except (psutil.Error, OSError):
            continue
    return None


def end_leftovers(group: int, run_id: str) -> None:
    """Kill what a process that has ended left in its group.

    The group's number may belong to another one by now, so each process has to know the run id.
    """
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and _has_run_id(process, run_id):
                process.kill()
        except (psutil.Error, OSError):
            continue


def _has_run_id(process: psutil.Process, run_id: str) -> bool:
    try:
        return process.environ().get(RUN_ID) == run_id
    except psutil.AccessDenied:
        return False


def _began_at(process: psutil.Process, begin: float | None) -> bool:
    """Compare starts; a clock that was set meanwhile moves what the system says, hence the run id above."""
    return begin is not None and abs(process.create_time() - begin) <= _SAME_START
