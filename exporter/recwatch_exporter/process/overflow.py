"""Folders in which workers write what does not fit into memory; a killed process's are deleted later."""

import logging
import os
import shutil
import tempfile
import threading
from pathlib import Path

import psutil

from recwatch.logs import event

_LOG = logging.getLogger(__name__)
_PREFIX = "recwatch-exporter-"
_START_TICKS = 22 - 3


class Folders:
    """Makes a folder for each worker, named by this process.

    Args:
        parent: where; it is made where it is missing. None, or one that cannot be written, is the system's
            folder for temporary files.
    """

    def __init__(self, parent: Path | None = None) -> None:
        self._parent = parent
        self._lock = threading.Lock()
        self._swept = False

    def make(self) -> str:
        """A new folder.

        Raises:
            OSError: when none can be made.
        """
        with self._lock:  # held until the first caller has made the parent: the others need it too
            if not self._swept:
                self._find_parent()
                delete_leftovers(self._parent or Path(tempfile.gettempdir()))
                self._swept = True
        return tempfile.mkdtemp(prefix=f"{_PREFIX}{_identity(os.getpid())}-", dir=self._parent)

    def _find_parent(self) -> None:
        if self._parent is None:
            return
        try:
            self._parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._parent):
                pass
        except OSError as error:
            _LOG.warning(event("Overflow goes to the system's folder", instead_of=self._parent, error=error))
            self._parent = None


def delete_leftovers(parent: Path) -> None:
    """Delete the folders whose process is gone; those of other users stay."""
    try:
        found = [path for path in parent.iterdir() if path.name.startswith(_PREFIX)]
    except OSError:
        return
    for path in found:
        pid, _, rest = path.name.removeprefix(_PREFIX).partition("-")
        if not pid.isdecimal() or rest.count("-") != 1 or _is_of(int(pid), rest.partition("-")[0]):
            continue
        try:
            ours = path.lstat().st_uid == os.getuid() and not path.is_symlink()
        except OSError:
            continue
        if ours:
            shutil.rmtree(path, ignore_errors=True)
            _LOG.info(event("Deleted what a process that was killed left behind", folder=path))


def _is_of(pid: int, started: str) -> bool:
    return _identity(pid) == f"{pid}-{started}"


def _identity(pid: int) -> str | None:
    """A process, told from those that had its number before; None when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        # Ticks since the machine started, which no change of the clock moves (proc_pid_stat(5), field 22).
        return f"{pid}-{text.rpartition(')')[2].split()[_START_TICKS]}"
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
    except OSError:
        return None
    try:
        return f"{pid}-{psutil.Process(pid).create_time():.0f}"
    except psutil.Error:
        return None
