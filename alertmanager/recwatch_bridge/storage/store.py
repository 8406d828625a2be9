"""The bridge's database: durable before an answer is given.

What a caller may see of it:

- `StoreError`, when it is opened: it cannot be used, another version or another bridge has it. Final.
- `StoreBusyError`: others hold it too long, or too much waits. Nothing was stored; trying again helps.
- `sqlalchemy.exc.DatabaseError`: it is full, broken or away. Nothing was stored, except that a
  PostgreSQL that goes away while it commits may have done so: what is tried again must bear that.

The web side answers both of the latter with 503, and Alertmanager tries again.
"""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, func, select

from recwatch.store.engine import using_database
from recwatch_bridge.errors import StoreBusyError
from recwatch_bridge.storage import engine as engines
from recwatch_bridge.storage.claim import Claim
from recwatch_bridge.storage.committing import (
    Committer,
    GroupCommitter,
    PooledCommitter,
    Result,
    Work,
)
from recwatch_bridge.storage.fair_lock import FairLock
from recwatch_bridge.storage.leadership import Lead, LeadSession, SharedLead, SoleLead, lock_key
from recwatch_bridge.storage.migrate import migrate, require_current


class Store:
    """An SQLite file, for one bridge, or a PostgreSQL database, which several bridges may share.

    On SQLite writers take turns, first come, first served (there is one writer anyhow, and waiting on
    SQLite's own lock means polling); readers never wait. A block of `write` must not call `write`,
    `commit` or `submit(...).result()`: it would wait for itself.

    Args:
        url: such as `sqlite:////var/lib/recwatch/bridge.db` or `postgresql+psycopg://recwatch@db/bridge`;
            the folder of a file is made.
        password: of PostgreSQL, read from a file; None where the URL or the server need none.
        lock_timeout: seconds that a transaction waits for others.
        made: whether it must be there already, with this version's tables: who only looks at the database
            of a bridge that runs must not change it under the bridge.

    Raises:
        StoreError: when the database cannot be opened, or was made by another version.
    """

    def __init__(
        self, url: str, password: str | None = None, *, lock_timeout: float = 5.0, made: bool = False
    ) -> None:
        address = engines.complete(url, password)
        self._lock_timeout = lock_timeout
        self._turns = FairLock()
        self._claim: Claim | None = None
        self._sessions: LeadSession | None = None
        self.submitted = 0
        """Works so far. Who can wait looks whether it grows, and leaves the processor to them."""
        self._committer: Committer
        if address.get_backend_name() == "sqlite":
            self._file = Path(address.database or "")
            self._engine = engines.create_sqlite(address, lock_timeout)
            self._committer = GroupCommitter(self.write)
        else:
            self._engine = engines.create_postgresql(address, lock_timeout)
            self._committer = PooledCommitter(self.write)
            self._sessions = LeadSession(engines.create_sessions(address, lock_timeout))
        with using_database(address):
            if made:
                require_current(address)
            else:
                migrate(address)

    @property
    def is_shared(self) -> bool:
        """Whether other bridges may use the database at the same time: it is PostgreSQL."""
        return self._sessions is not None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a write transaction; it commits when the block ends without an exception.

        Raises:
            StoreBusyError: when others take too long.
            sqlalchemy.exc.DatabaseError: when the database fails.
        """
        if self.is_shared:
            with engines.as_busy(), self._engine.begin() as connection:
                yield connection
            return
        if not self._turns.acquire(self._lock_timeout):
            raise StoreBusyError("the database is busy: try again")
        try:
            with (
                engines.as_busy(),
                self._engine.connect().execution_options(recwatch_write=True) as connection,
                connection.begin(),
            ):
                yield connection
        finally:
            self._turns.release()

    def submit(self, work: Work[Result]) -> Future[Result]:
        """Have a piece of work done in a transaction; durable when the future is done.

        On SQLite the works that wait share a transaction: they see each other's rows, and one that fails is
        taken back alone. On PostgreSQL each has its own.

        Args:
            work: gets the connection, in another thread. It may be called more than once, the earlier
                times taken back, and must do nothing but read and write.

        Raises (by the future):
            StoreBusyError, sqlalchemy.exc.DatabaseError: nothing of it was stored.
        """
        self.submitted += 1
        return self._committer.submit(work)

    def commit(self, work: Work[Result]) -> Result:
        """Do what `submit` does, and wait for it.

        Raises:
            StoreBusyError, sqlalchemy.exc.DatabaseError: nothing of it was stored.
        """
        return self.submit(work).result()

    def serial(self, connection: Connection, name: str) -> None:
        """Let one transaction at a time have a name, over all bridges that share the database.

        Waits until no other transaction has it; it is free again when this transaction ends. A transaction
        that needs several takes them in the order of their names, or two could wait for each other.

        Args:
            connection: in a write transaction.
            name: such as `model:als`.
        """
        if self.is_shared:
            connection.execute(select(func.pg_advisory_xact_lock(lock_key("serial", name))))

    def lead(self, name: str) -> Lead:
        """Ask for what one bridge at a time may do, such as `watchdog`; nothing is taken yet.

        On SQLite there is one bridge, which leads.
        """
        return SoleLead() if self._sessions is None else SharedLead(self._sessions, name)

    def claim(self) -> None:
        """Say that this process is the bridge; on SQLite there can be but one, on PostgreSQL several.

        Commands that look at the database of a running bridge do not call it.

        Raises:
            StoreError: when another bridge uses the file.
        """
        if not self.is_shared and self._claim is None:
            self._claim = Claim(self._file)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a read transaction: one consistent picture, never waiting for a writer.

        Raises:
            StoreBusyError: when every connection is in use.
            sqlalchemy.exc.DatabaseError: when the database fails.
        """
        options = (
            {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True} if self.is_shared else {}
        )
        with (
            engines.as_busy(),
            self._engine.connect().execution_options(**options) as connection,
            connection.begin(),
        ):
            yield connection

    def server_time(self) -> float | None:
        """Return the time of PostgreSQL's own clock; None on SQLite, which has this machine's.

        Raises:
            StoreBusyError, sqlalchemy.exc.DatabaseError: when it cannot be asked.
        """
        if not self.is_shared:
            return None
        with self.read() as connection:
            return float(
                connection.execute(select(func.extract("epoch", func.clock_timestamp()))).scalar_one()
            )

    def close(self) -> None:
        """Finish the works that wait, then close every connection and give back leads and claim."""
        self._committer.close()
        if self._sessions is not None:
            self._sessions.close()
        self._engine.dispose()
        if self._claim is not None:
            self._claim.release()
            self._claim = None
