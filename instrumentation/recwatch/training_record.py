"""The rows of a training run on their way to the store: written while it can be reached, never in the way."""

import logging
from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any

from recwatch import logs
from recwatch.errors import StoreError
from recwatch.metrics import DroppedWrites

if TYPE_CHECKING:
    from recwatch.store import Store

__all__ = ["REASONS", "TARGET", "RunRecord"]

TARGET = "store"
REASONS = ("locked", "unavailable")

_LOGGER = logging.getLogger("recwatch.training")
_WRITE_EVERY_SECONDS = 1.0
_RETRY_AFTER_SECONDS = 30.0
_LOCK_TIMEOUT_SECONDS = 2.0


class RunRecord:
    """A row of `training_runs` and its rows of `iteration_metrics`.

    Rows are kept until they are written. A store that cannot be reached is tried again later and at the end;
    what it does not take then is dropped and counted.

    Args:
        store_url: the store; None keeps no record.
        dropped: where lost rows are counted.
        run: the first values of the run's row, `run_id` among them.
    """

    def __init__(self, store_url: str | None, dropped: DroppedWrites, run: Mapping[str, Any]) -> None:
        self._url = store_url
        self._dropped = dropped
        self._run = dict(run)
        self._store: Store | None = None
        self._finished: list[dict[str, Any]] = []
        self._newest: dict[str, Any] | None = None  # its validation may still come
        self._next_write = 0.0

    def counts(self, model: str) -> dict[str, int]:
        """How many runs of a model the store knows by status; empty where it cannot be reached."""
        if self._url is None:
            return {}
        try:
            return self._open(self._url).run_counts(model)
        except (StoreError, ImportError) as error:
            self._postpone(error)
            return {}

    def update(self, **values: Any) -> None:
        """Change the run's row; written with the next rows."""
        self._run.update(values)

    def add_iteration(self, row: dict[str, Any]) -> None:
        """Add an iteration and write those before it."""
        if self._newest is not None:
            self._finished.append(self._newest)
        self._newest = row
        self.write()

    def amend_iteration(self, **values: float | None) -> None:
        """Complete the newest iteration with its validation."""
        if self._newest is not None:
            self._newest.update(values)

    def write(self) -> None:
        """Write what is complete, at most once a second, and less often after a failure."""
        if self._url is None or monotonic() < self._next_write:
            return
        try:
            self._save(self._url)
        except (StoreError, ImportError) as error:
            self._postpone(error)
        else:
            self._next_write = monotonic() + _WRITE_EVERY_SECONDS

    def close(self) -> None:
        """Write the rest; what cannot be written now is dropped and counted."""
        if self._newest is not None:
            self._finished.append(self._newest)
            self._newest = None
        if self._url is None:
            return
        try:
            self._save(self._url)
        except (StoreError, ImportError) as error:
            self._dropped.drop(TARGET, _reason(error), error, writes=1 + len(self._finished))
        finally:
            if self._store is not None:
                self._store.close()

    def _open(self, url: str) -> "Store":
        if self._store is None:
            from recwatch.store import open_store  # noqa: PLC0415 - the extra `store` need not be installed

            self._store = open_store(url, timeout=_LOCK_TIMEOUT_SECONDS)
        return self._store

    def _save(self, url: str) -> None:
        self._open(url).save_run(self._run, self._finished)
        self._finished = []

    def _postpone(self, error: Exception) -> None:
        self._next_write = monotonic() + _RETRY_AFTER_SECONDS
        _LOGGER.warning(logs.event("Store not written yet", retry="later and at the end", error=error))


def _reason(error: Exception) -> str:
    return error.reason if isinstance(error, StoreError) else "unavailable"
