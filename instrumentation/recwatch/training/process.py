"""Which process runs a training, and whether it is still there.

A pid alone says little: it is given again to another process, and in a container it means something else. So
a process is known by its pid, by when it started, and by where that pid is one.
"""

import os
import re
import socket
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

__all__ = ["Process", "current", "is_alive"]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = Path("/proc/self/ns/pid")
_LINUX, _PORTABLE = "linux", "psutil"
# Of /proc/<pid>/stat, counted after the name in brackets (proc_pid_stat(5): fields 3 and 22).
_STATE, _START_TICKS = 0, 19
_ENDED_STATES = frozenset("ZX")


@dataclass(frozen=True)
class Process:
    """A process as a row of `training_runs` names it.

    Attributes:
        host: the machine's or container's name; for people, and where there is nothing better.
        pid: its number on that host.
        started_at: `linux/<boot id>/<pid namespace>/<start in clock ticks since the boot>`, or
            `psutil/<unix seconds>`; None where neither can be had.
    """

    host: str
    pid: int
    started_at: str | None


def current() -> Process:
    """This process."""
    pid = os.getpid()
    return Process(socket.gethostname(), pid, _linux_start(pid) or _portable_start(pid))


def is_alive(process: Process) -> bool | None:
    """Whether a process is still there; None where that cannot be known from here.

    Only a process of this machine and this pid namespace can be known: one of another container or another
    machine, or of before the last boot, is None.
    """
    kind, _, start = (process.started_at or "").partition("/")
    if kind == _LINUX:
        return _is_alive_on_linux(process.pid, start)
    if process.host != socket.gethostname():
        return None
    if kind == _PORTABLE:
        return _is_alive_by_psutil(process)
    return _exists(process.pid)


def _linux_start(pid: int) -> str | None:
    place, found = _pid_namespace(), _read_stat(pid)
    return None if place is None or found is None else f"{_LINUX}/{place}/{found[1]}"


def _is_alive_on_linux(pid: int, start: str) -> bool | None:
    place, _, ticks = start.rpartition("/")
    if place != _pid_namespace():
        return None
    found = _read_stat(pid)
    if found is None:
        return _exists(pid)  # /proc may hide the processes of others
    state, ticks_now = found
    return ticks_now == ticks and state not in _ENDED_STATES


def _pid_namespace() -> str | None:
    """Where a pid is one: the kernel since its boot, and the namespace of the container."""
    try:
        boot, link = _BOOT_ID.read_text(encoding="ascii").strip(), str(_PID_NAMESPACE.readlink())
    except OSError:
        return None
    inode = re.search(r"\d+", link)
    return None if inode is None else f"{boot}/{inode.group()}"


def _read_stat(pid: int) -> tuple[str, str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # a name may hold blanks and brackets
    return (fields[_STATE], fields[_START_TICKS]) if len(fields) > _START_TICKS else None


def _portable_start(pid: int) -> str | None:
    try:
        psutil = import_module("psutil")
    except ImportError:
        return None
    try:
        return f"{_PORTABLE}/{psutil.Process(pid).create_time():.3f}"
    except psutil.Error:
        return None


def _is_alive_by_psutil(process: Process) -> bool | None:
    start = _portable_start(process.pid)
    return _exists(process.pid) if start is None else start == process.started_at


def _exists(pid: int) -> bool | None:
    """False where there is no such pid. That there is one proves nothing: it may be another's by now."""
    if os.name != "posix":
        return None  # elsewhere `os.kill` ends the process that it is to ask for
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return None
    return None
