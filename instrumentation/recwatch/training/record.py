"""The rows of a training run on their way to the store: kept until they are written, never in the way.

The training adds to the record; a thread of its own writes it, every second where there are rows, and every
30 seconds in any case: that is the heartbeat.
"""

import logging
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

from recwatch import logs
from recwatch.errors import StoreError
from recwatch.metrics import DroppedWrites
from recwatch.runs.texts import storable
from recwatch.training import liveness
from recwatch.training.begin import begin

if TYPE_CHECKING:
    from recwatch.store import Store

__all__ = ["REASONS", "TARGET", "RunRecord"]

TARGET = "store"
REASONS = ("full", "locked", "refused", "timeout", "unavailable")

_LOGGER = logging.getLogger("recwatch.training")
_RETRY_AFTER_SECONDS = 30.0
_LOCK_TIMEOUT_SECONDS = 2.0


class RunRecord:
    """A row of `training_runs` and its rows of `iteration_metrics`.

    A store that cannot be reached is tried again later and at the end; what it does not take then is dropped
    and counted. `update`, `add_iteration` and `amend_iteration` touch memory alone; one other thread calls
    `write`, `write_rest` and `close`.

    Args:
        store_url: the store.
        dropped: where lost rows are counted.
        run: the first values of the run's row, `run_id` among them.
        capacity: rows of iterations that are kept while the store cannot be reached.
    """

    def __init__(
        self, store_url: str, dropped: DroppedWrites, run: Mapping[str, Any], *, capacity: int = 100_000
    ) -> None:
        self._url = store_url
        self._dropped = dropped
        self._capacity = capacity
        self._store: Store | None = None
        self._lock = threading.Lock()
        self._run = _storable(run)
        self._has_begun = False
        self._earlier_ms = 0  # of runs of this id before
        self._finished: list[dict[str, Any]] = []
        self._newest: dict[str, Any] | None = None  # its validation may still come
        self._written_at = self._retry_at = float("-inf")
        self._written_status: str | None = None

    @property
    def run_id(self) -> str:
        """The run's name in the table; not the one it was given where that is taken."""
        name: str = self._run["run_id"]
        return name

    @property
    def pending(self) -> int:
        """Rows that wait to be written, the run's own among them."""
        return 1 + len(self._finished) + (self._newest is not None)

    @property
    def written_status(self) -> str | None:
        """The run's status as the store has it."""
        return self._written_status

    def update(self, **values: Any) -> None:
        """Change the run's row; written with the next rows."""
        with self._lock:
            self._run.update(_storable(values))

    def add_iteration(self, row: dict[str, Any]) -> None:
        """Add an iteration; the one before it is complete."""
        with self._lock:
            before, self._newest = self._newest, row
            if before is None:
                return
            if len(self._finished) < self._capacity:
                self._finished.append(before)
                return
        self._dropped.drop(TARGET, "full", f"{self._capacity} rows wait for the store")

    def amend_iteration(self, **values: float | None) -> None:
        """Complete the newest iteration with its validation."""
        with self._lock:
            if self._newest is not None:
                self._newest.update(values)

    @property
    def store(self) -> "Store | None":
        """The store; None until it was reached once."""
        return self._store

    def write(self) -> None:
        """Write where rows wait or the heartbeat is due; less often after a failure."""
        now = monotonic()
        if now < self._retry_at or not (
            self._finished or now - self._written_at >= liveness.HEARTBEAT_SECONDS
        ):
            return
        try:
            self._save()
        except (StoreError, ImportError) as error:
            self._postpone(error)

    def write_rest(self) -> None:
        """Write all there is; what cannot be written now is dropped and counted."""
        with self._lock:
            if self._newest is not None:
                self._finished.append(self._newest)
                self._newest = None
        try:
            self._save()
        except Exception as error:  # noqa: BLE001 - counted and logged: nothing is tried after this
            self._dropped.drop(TARGET, _reason(error), error, writes=self.pending)

    def close(self) -> None:
        """Leave the store; the run is over."""
        if self._has_begun:
            liveness.closed(self.run_id)
        if self._store is not None:
            self._store.close()

    def _open(self) -> "Store":
        if self._store is None:
            from recwatch.store import open_store  # noqa: PLC0415 - the extra `store` need not be installed

            self._store = open_store(self._url, timeout=_LOCK_TIMEOUT_SECONDS)
        return self._store

    def _save(self) -> None:
        store = self._open()
        with self._lock:
            rows, self._finished = self._finished, []
            run = {**self._run, "heartbeat_at": datetime.now(UTC)}
        try:
            if not self._has_begun:
                begun = begin(store, run)
                run["run_id"] = self._run["run_id"] = begun.run_id
                self._earlier_ms = begun.earlier_ms
                self._has_begun = True
            if "elapsed_ms" in run:
                run["elapsed_ms"] += self._earlier_ms
            store.save_run(run, rows)
        except BaseException:
            with self._lock:
                self._finished = rows + self._finished
            raise
        self._written_at = monotonic()
        self._written_status = run["status"]

    def _postpone(self, error: Exception) -> None:
        self._retry_at = monotonic() + _RETRY_AFTER_SECONDS
        _LOGGER.warning(logs.event("Store not written yet", retry="later and at the end", error=error))


def _storable(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: storable(value) if isinstance(value, str) else value for key, value in values.items()}


def _reason(error: Exception) -> str:
    return error.reason if isinstance(error, StoreError) else "unavailable"
