"""One bridge a database file: a lock that ends with the process that holds it."""

import fcntl
from pathlib import Path

from recwatch.errors import StoreError


class Claim:
    """A lock file beside a database, held until it is released or the process ends, however it ends.

    The database's own file would not do: closing it again would drop the locks that SQLite has on it.

    Args:
        database: path of the database.

    Raises:
        StoreError: when another process holds it, or the lock file cannot be made.
    """

    def __init__(self, database: Path) -> None:
        path = database.with_name(f"{database.name}.lock")
        try:
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise StoreError(
                f"{path}: cannot be written ({error.strerror}): let the bridge write to its folder"
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise StoreError(
                f"another bridge uses {database}: stop it, or use PostgreSQL, which several share",
                reason="locked",
            ) from None

    def release(self) -> None:
        """Let others have it."""
        self._file.close()
