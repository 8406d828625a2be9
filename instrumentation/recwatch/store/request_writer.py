"""Rows of requests into the database: opened when it is needed, opened anew after a failure."""

from collections.abc import Sequence
from datetime import UTC, datetime

from recwatch.errors import StoreError
from recwatch.store.bulk_insert import BulkInsert
from recwatch.store.request_rows import COLUMNS, Row
from recwatch.store.store import Store, open_store
from recwatch.store.tables import requests

__all__ = ["RequestWriter", "oldest_time"]


class RequestWriter:
    """Inserts rows into `requests`, each call in one transaction; for one thread.

    Args:
        url: of the database; it is opened with the first rows.
        timeout: seconds to wait for a locked database.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self._url = url
        self._timeout = timeout
        self._store: Store | None = None
        self._insert: BulkInsert | None = None

    @property
    def store(self) -> Store:
        """The open store.

        Raises:
            StoreError: when it cannot be opened.
        """
        if self._store is None:
            self._store = open_store(self._url, timeout=self._timeout)
            self._insert = None
        return self._store

    def insert(self, rows: Sequence[Row]) -> None:
        """Insert all rows or none.

        Raises:
            StoreError: when the database fails; its reason is `refused` where a row is to blame.
        """
        store = self.store
        if self._insert is None:
            self._insert = BulkInsert(requests, COLUMNS, store.engine.dialect)
        try:
            with store.transaction() as connection:
                self._insert(connection, rows)
        except (OverflowError, TypeError, ValueError) as error:
            raise StoreError(f"a row cannot be bound: {error}", reason="refused") from error
        except StoreError as error:
            # A database that was away, removed or replaced is met by opening it anew.
            if error.reason not in {"locked", "refused"}:
                self.close()
            raise

    def close(self) -> None:
        """Close the connections."""
        if self._store is not None:
            self._store.close()
            self._store = None


def oldest_time(rows: Sequence[Row]) -> datetime:
    """The time, in UTC, of the oldest of rows, of which there is at least one."""
    oldest = min(row[0] for row in rows)
    naive = datetime.fromisoformat(oldest) if isinstance(oldest, str) else oldest
    return naive.replace(tzinfo=UTC)
