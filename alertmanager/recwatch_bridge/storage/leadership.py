"""Who of several bridges does what only one may do: session locks of PostgreSQL, by name."""

import logging
import threading
from hashlib import sha256
from typing import Protocol

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DBAPIError

log = logging.getLogger(__name__)


def lock_key(kind: str, name: str) -> int:
    """Return the 64-bit number, signed, by which PostgreSQL knows a lock of ours.

    Args:
        kind: what the name is of: a lead and a transaction in turn may have the same name.
        name: of the lock.
    """
    named = f"recwatch_bridge {kind} {name}"
    return int.from_bytes(sha256(named.encode()).digest()[:8], "big", signed=True)


class Lead(Protocol):
    """The right to do what a name stands for, which one bridge at a time has.

    It can be lost at any moment, with the connection to the database: so what is done by it is still
    written with a look at what others may have written.
    """

    def held(self) -> bool:
        """Tell whether this bridge has it now; takes it if nobody has."""

    def release(self) -> None:
        """Let another bridge have it."""


class SoleLead:
    """Held always: by the only bridge there is."""

    def held(self) -> bool:
        """Return True."""
        return True

    def release(self) -> None:
        """Do nothing: there is nobody to have it."""


class LeadSession:
    """The connection whose session holds this bridge's leads; the server frees them when it ends.

    Args:
        engine: makes connections that are in no transaction and that nobody else uses.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._mutex = threading.Lock()
        self._connection: Connection | None = None
        self._number = 0

    def hold(self, name: str, since: int | None) -> int | None:
        """Have a lead, or take it if it is free.

        Args:
            name: of the lead.
            since: what this function returned the last time; None at first.

        Returns:
            The number of the session that has it, None when this bridge does not.
        """
        with self._mutex:
            try:
                connection = self._connect()
                if since == self._number:
                    connection.scalar(select(1))
                    return since
                taken = connection.scalar(select(func.pg_try_advisory_lock(lock_key("lead", name))))
            except DBAPIError as error:
                self._drop()
                log.warning(
                    "%s: this bridge does not lead, the database cannot be asked: %s", name, error.orig
                )
                return None
            return self._number if taken else None

    def release(self, name: str, since: int | None) -> None:
        """Give a lead back."""
        with self._mutex:
            if self._connection is None or since != self._number:
                return
            try:
                self._connection.scalar(select(func.pg_advisory_unlock(lock_key("lead", name))))
            except DBAPIError as error:
                self._drop()
                log.info("%s: the lead ended with its connection: %s", name, error.orig)

    def close(self) -> None:
        """Give every lead back."""
        with self._mutex:
            self._drop()
        self._engine.dispose()

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
            self._number += 1
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None


class SharedLead:
    """A lead that several bridges on one PostgreSQL database want."""

    def __init__(self, session: LeadSession, name: str) -> None:
        self._session = session
        self._name = name
        self._since: int | None = None

    def held(self) -> bool:
        """Tell whether this bridge has it now; takes it if nobody has."""
        self._since = self._session.hold(self._name, self._since)
        return self._since is not None

    def release(self) -> None:
        """Let another bridge have it."""
        self._session.release(self._name, self._since)
        self._since = None
