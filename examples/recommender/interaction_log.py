"""The interaction log: what users did, appended in batches that readers see whole or not at all."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from recommender.compaction import writing
from recommender.interactions import Interactions, write_interactions
from recommender.times import now, to_datetime64


@dataclass(frozen=True)
class Record:
    """One thing that a user did.

    Attributes:
        user_id: who.
        item_id: with which film.
        event: `rating` or `click`.
        rating: stars; None for a click.
        timestamp: when it happened, aware.
        observed_at: when the service was told, aware.
    """

    user_id: int
    item_id: int
    event: str
    rating: float | None
    timestamp: datetime
    observed_at: datetime


@dataclass
class InteractionLog:
    """Collects records and writes each batch as a Parquet file. Safe to use from several threads.

    A record is in memory until the next `flush`: whoever owns the log calls it now and then and at the end.
    Where batches cannot be written for long, the oldest records give way to new ones.

    Attributes:
        folder: where the batches go; made when the first is written.
        clock: gives the time that a batch is named by, aware.
        capacity: so many records wait at most.
        dropped: called with the number of records that gave way.
    """

    folder: Path
    clock: Callable[[], datetime] = now
    capacity: int = 100_000
    dropped: Callable[[int], object] = lambda _: None
    _waiting: list[Record] = field(default_factory=list)
    _number: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _writing: threading.Lock = field(default_factory=threading.Lock)

    def append(self, record: Record) -> None:
        """Take a record into the next batch."""
        with self._lock:
            self._waiting.append(record)
            self._make_room()

    @property
    def waiting(self) -> int:
        """Records that are in no file and in no flush under way."""
        with self._lock:
            return len(self._waiting)

    def flush(self) -> Path | None:
        """Write what is waiting as one file; None when nothing was.

        Raises:
            OSError: when it could not be written; the records wait for the next flush.
        """
        with self._writing:
            with self._lock:
                batch, self._waiting = self._waiting, []
            if not batch:
                return None
            # Named by time, so that names sort by age; by process and number, so that no two are the same.
            name = f"{self.clock().astimezone(UTC):%Y%m%dT%H%M%S%f}-{os.getpid()}-{self._number:06d}.parquet"
            path = self.folder / name
            try:
                with writing(self.folder):
                    write_interactions(path, to_interactions(batch))
            except BaseException:
                with self._lock:
                    self._waiting[:0] = batch
                    self._make_room()
                raise
            self._number += 1
            return path

    def _make_room(self) -> None:
        excess = len(self._waiting) - self.capacity
        if excess > 0:
            del self._waiting[:excess]
            self.dropped(excess)


def to_interactions(records: list[Record]) -> Interactions:
    """Records as columns."""
    return Interactions(
        user_id=np.array([record.user_id for record in records], dtype=np.int64),
        item_id=np.array([record.item_id for record in records], dtype=np.int64),
        rating=np.array([np.nan if record.rating is None else record.rating for record in records]),
        event=np.array([record.event for record in records], dtype=np.str_),
        timestamp=np.array([to_datetime64(record.timestamp) for record in records]),
        observed_at=np.array([to_datetime64(record.observed_at) for record in records]),
    )
