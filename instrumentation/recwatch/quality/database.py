"""Records in a database that several processes share: a bounded queue, batches, one transaction a batch."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

import sqlalchemy as sa

from recwatch.errors import StoreError
from recwatch.quality.experiment import Totals
from recwatch.quality.journal import Settings
from recwatch.quality.records import Feedback, Prediction
from recwatch.quality.settling import Settled, expire, read_joined, read_sequence, read_totals, settle
from recwatch.quality.task import Rows
from recwatch.quality.window import Ring
from recwatch.store.engine import create_store_engine, parse_url, using_database
from recwatch.store.forks import in_database
from recwatch.store.migrate import upgrade

__all__ = ["StoreJournal"]

_BATCH = 5_000
_EXPIRE_EVERY_SECONDS = 10.0


class StoreJournal:
    """Appends to a queue in requests; joins in the database, in the monitor's thread.

    A batch that fails stays and is tried again at the next turn, in its order, while the queue takes what
    comes, up to its capacity. Whoever's transaction did the join counts it. Every process reads the window
    and the totals of the experiment from the database, so that all show the same.

    Args:
        settings: of the monitor.
        url: of the database.
        timeout: seconds that SQLite waits for a lock.

    Raises:
        StoreError: when the URL cannot be used.
    """

    def __init__(self, settings: Settings, url: str, *, timeout: float = 5.0) -> None:
        parse_url(url)
        self._settings = settings
        self._url = url
        self._timeout = timeout
        self._queue: deque[Prediction | Feedback] = deque()
        self._engine: sa.Engine | None = None
        self._again = 0
        """How many of the queue's first entries were in a batch that may have been committed."""
        self._ring = self._new_ring()
        self._read_to = 0
        self._expired_at = float("-inf")
        self._parents: list[sa.Engine] = []
        """Engines of a parent process, kept because even closing their connections here would disturb it."""

    def predict(self, prediction: Prediction) -> bool:
        """Append; where too many wait, drop, count and return False."""
        return self._append(prediction)

    def label(self, feedback: Feedback) -> bool:
        """Append; where too many wait, drop, count and return False."""
        return self._append(feedback)

    def work(self) -> bool:
        """Join what waits; every ten seconds expire what is over."""
        waiting = len(self._queue)
        while waiting > 0:
            waiting -= self._settle_batch(min(waiting, _BATCH))
        now = self._settings.clock()
        if abs(now - self._expired_at) >= _EXPIRE_EVERY_SECONDS:
            self._expire(now)
            self._expired_at = now
        return not self._queue

    def rows(self) -> Rows:
        """The window of all processes; reads what was joined since the last call."""
        with self._transaction() as connection:
            newest = read_sequence(connection, self._settings.model)
            if newest < self._read_to:  # the database was restored from a copy
                self._ring, self._read_to = self._new_ring(), 0
            after = max(self._read_to, newest - self._settings.window.count)
            for prediction, feedback in read_joined(connection, self._settings, after=after, up_to=newest):
                self._ring.push(feedback.at, self._settings.task.row(prediction, feedback))
            self._read_to = newest
        return self._ring.rows(self._settings.clock())

    def totals(self) -> Totals:
        """What the experiment has counted in all processes."""
        experiment = self._settings.experiment
        if experiment is None:
            return {}
        with self._transaction() as connection:
            return read_totals(connection, self._settings.model, experiment.name)

    def forked(self) -> None:
        """What waits is the parent's to write, and so are its connections."""
        self._queue = deque()
        self._again = 0
        self._settings.counts.clear()
        if self._engine is not None:
            self._parents.append(self._engine)
            self._engine = None

    def close(self) -> None:
        """Close the connections; what still waits is dropped and counted."""
        if self._queue:
            self._settings.counts.drop("closed", "the store could not be written", writes=len(self._queue))
            self._queue.clear()
        if self._engine is not None:
            with in_database(self._engine.url):
                self._engine.dispose()
            self._engine = None

    def _append(self, entry: Prediction | Feedback) -> bool:
        if len(self._queue) < self._settings.capacity:
            self._queue.append(entry)
            return True
        self._settings.counts.drop("full", f"{self._settings.capacity} writes wait for the store")
        return False

    def _settle_batch(self, most: int) -> int:
        """Join up to so many entries; returns how many are done with."""
        batch = list(islice(self._queue, most))
        again, self._again = self._again, max(self._again, len(batch))
        try:
            with self._transaction() as connection:
                settled = settle(connection, self._settings, batch, again=again)
        except Exception as error:
            if not _is_final(error):
                raise
            self._again = again  # refused, so not committed
            if len(batch) > 1:  # one that cannot be written must not cost the others
                return self._settle_batch(1)
            self._settings.counts.drop("error", error)
            self._done(1)
            return 1
        self._done(len(batch))
        self._count(settled)
        return len(batch)

    def _expire(self, now: float) -> None:
        more = True
        while more:
            with self._transaction() as connection:
                settled, more = expire(connection, self._settings, now)
            self._count(settled)

    def _count(self, settled: Settled) -> None:
        for event in settled.events:
            self._settings.counts.add((event,))
        for lag in settled.lags:
            self._settings.counts.add((), lag)
        self._settings.counts.publish()

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        with using_database(sa.make_url(self._url)), self._connect().begin() as connection:
            yield connection

    def _done(self, entries: int) -> None:
        for _ in range(entries):
            self._queue.popleft()
        self._again = max(0, self._again - entries)

    def _connect(self) -> sa.Engine:
        if self._engine is None:
            engine = create_store_engine(self._url, timeout=self._timeout)
            try:
                upgrade(engine)
            except (StoreError, sa.exc.SQLAlchemyError):
                engine.dispose()
                raise
            self._engine = engine
        return self._engine

    def _new_ring(self) -> Ring:
        return Ring(self._settings.window, len(self._settings.task.columns))


def _is_final(error: Exception) -> bool:
    """Whether no further attempt can mend it. A server that restarts or a lock is not final."""
    if isinstance(error, StoreError):
        return isinstance(error.__cause__, sa.exc.DataError | sa.exc.IntegrityError)
    return True
