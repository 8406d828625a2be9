"""What a command's run leaves in its folder: who started it, what it printed, what it made."""

import json
import logging
import time
from collections.abc import Callable

from recwatch_bridge.errors import ResultError
from recwatch_bridge.retraining.launchers.base import Handle, Order
from recwatch_bridge.retraining.result import read_result

MAX_LOG = 64 * 1024 * 1024
_KEPT = 1024 * 1024
_SOON = 60.0
"""Seconds after a claim."""

log = logging.getLogger(__name__)


class Record:
    """The file `process.json`, which is there before the process is and holds its handle once it runs."""

    def __init__(self, order: Order) -> None:
        self._path = order.folder / "process.json"
        self._log, self._result = order.log, order.result

    def claim(self, handle: Handle) -> bool:
        """Write down that the process is about to be started; False where somebody has done so before.

        Where it cannot be written, it is not there either: the next try would take it for somebody's.

        Raises:
            OSError: when it cannot be written.
        """
        try:
            file = self._path.open("x", encoding="utf-8")
        except FileExistsError:
            return False
        try:
            with file:
                json.dump(handle, file)
        except BaseException:
            self.drop()
            raise
        return True

    def write(self, handle: Handle) -> None:
        """Write the handle of the process down."""
        part = self._path.with_name(f"{self._path.name}.part")
        try:
            part.write_text(json.dumps(handle), encoding="utf-8")
            part.replace(self._path)
        except OSError as error:
            log.warning("%s cannot be written: %s", self._path, error)

    def drop(self) -> None:
        """Take the claim back: nothing was started."""
        self._path.unlink(missing_ok=True)

    def is_of_no_process(self, *, alone: bool) -> bool:
        """Tell whether a claim that names no process was followed by none, where none lives.

        The bridge was killed before it opened the log, or after that and before the process: one that began
        would live so soon afterwards, or have left something.

        Args:
            alone: whether no other bridge could be at it just now.
        """
        try:
            silent = self._log.stat().st_size == 0 and not self._result.exists()
            return alone and silent and time.time() - self._path.stat().st_mtime < _SOON
        except FileNotFoundError:
            return True

    def read(self) -> Handle | None:
        """Return what is known of the process, perhaps nothing; None where none was started, for certain."""
        try:
            found = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def limit_log(order: Order, *, limit: int = MAX_LOG, kept: int = _KEPT) -> None:
    """Cut a log that has grown too long down to its end, in place: the trainer goes on adding to it.

    Lines that it adds at that very moment may be lost.
    """
    try:
        with order.log.open("rb+") as file:
            size = file.seek(0, 2)
            if size <= limit:
                return
            file.seek(size - kept)
            end = file.read(kept)
            file.truncate(0)
        with order.log.open("ab") as file:
            told = f"[the bridge took away {size - kept} bytes before this: a log may have {limit}]\n"
            file.write(told.encode() + end)
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("run %s: its log cannot be cut: %s", order.run_id, error)


class Results:
    """Tells which result files are whole, of processes that nobody here can look at.

    Args:
        rest: seconds for which a file must not have changed.
        monotonic: seconds that only grow.
    """

    def __init__(self, *, rest: float = 10.0, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rest = rest
        self._monotonic = monotonic
        self._seen: dict[str, tuple[tuple[int, int], float]] = {}

    def is_whole(self, order: Order) -> bool:
        """Tell whether a result is there, of use and at rest."""
        try:
            status = order.result.stat()
        except OSError:
            return False
        stamp, now = (status.st_mtime_ns, status.st_size), self._monotonic()
        before, since = self._seen.get(order.run_id, (None, now))
        if before != stamp:
            self._seen[order.run_id] = (stamp, now)
            return False
        if now - since < self._rest:
            return False
        try:
            read_result(order.result)
        except ResultError:
            self._seen[order.run_id] = (stamp, now)
            return False
        del self._seen[order.run_id]
        return True
