"""How long requests are kept, and how many bytes of them: the oldest go first, a few at a time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from recwatch.store.engine import using_database
from recwatch.store.store import Store
from recwatch.store.tables import requests

__all__ = ["Retention", "prune"]

_ROWS_AT_ONCE = 1_000
_PAGES_AT_ONCE = 4_000
# PostgreSQL gives deleted rows' space back for new rows, not to the disk: the size on disk does not say when
# to stop deleting. So the rows that are there are counted, by their numbers, which have few gaps and go from
# the oldest on, and weighed: the mean of the newest, and what a row takes in its page and two indexes.
_POSTGRESQL_BYTES = sa.text("""
    SELECT least(
        pg_total_relation_size('requests'),
        (SELECT max(id) - min(id) + 1 FROM requests)
            * (SELECT avg(pg_column_size(newest)) + 60
               FROM (SELECT * FROM requests ORDER BY id DESC LIMIT 1000) AS newest)
    )
""")


@dataclass(frozen=True)
class Retention:
    """What is kept of the table `requests`; its aggregates, a row a minute, are always kept.

    Attributes:
        max_age: older requests are deleted; None keeps every age.
        max_bytes: the oldest requests are deleted until the database is no larger; None keeps every size. Of
            SQLite it is the file's pages in use, its other tables among them, of PostgreSQL the table alone.
    """

    max_age: timedelta | None = timedelta(days=30)
    max_bytes: int | None = 10 * 2**30

    def __post_init__(self) -> None:
        if self.max_age is not None and self.max_age <= timedelta(0):
            raise ValueError("max_age must be above 0; None keeps requests of every age")
        if self.max_bytes is not None and self.max_bytes <= 0:
            raise ValueError("max_bytes must be above 0; None keeps any number of bytes")


def prune(store: Store, retention: Retention, now: datetime, *, batches: int = 20) -> bool:
    """Delete requests that are too old or too many: a bounded number, a short transaction for each batch.

    SQLite's file shrinks by the pages that become free; where it was made without incremental vacuum, they
    are used again instead. PostgreSQL's autovacuum lets the table use the space again, its file need not
    shrink.

    Args:
        store: has the requests.
        retention: what is kept.
        now: aware.
        batches: how many batches of 1,000 rows at most.

    Returns:
        Whether there may be more to delete.

    Raises:
        StoreError: when the database fails; what was deleted until then is deleted.
    """
    more = False
    for _ in range(batches):
        more = _delete_batch(store, retention, now)
        if not more:
            break
    if store.engine.dialect.name == "sqlite":
        _release_pages(store)
    return more


def _delete_batch(store: Store, retention: Retention, now: datetime) -> bool:
    oldest = sa.select(requests.c.id).order_by(requests.c.timestamp, requests.c.id).limit(_ROWS_AT_ONCE)
    with store.transaction() as connection:
        if retention.max_bytes is None or _bytes_used(connection) <= retention.max_bytes:
            if retention.max_age is None:
                return False
            oldest = oldest.where(requests.c.timestamp < now - retention.max_age)
        deleted = connection.execute(sa.delete(requests).where(requests.c.id.in_(oldest))).rowcount
    return deleted == _ROWS_AT_ONCE


def _bytes_used(connection: sa.Connection) -> int:
    if connection.dialect.name != "sqlite":
        return int(connection.execute(_POSTGRESQL_BYTES).scalar() or 0)
    pages, free, size = (
        connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _release_pages(store: Store) -> None:
    with using_database(store.engine.url), store.engine.connect() as connection:
        cursor: Any = connection.connection.cursor()
        try:
            # It frees a page a step: `execute` takes one step where no row comes back, a script takes all.
            cursor.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")
        finally:
            cursor.close()
