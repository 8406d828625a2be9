"""One stack a folder: a file with the number of the process that uses it, locked while it does."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recwatch_local.errors import StackError


@contextmanager
def only_one(pid_file: Path, refusal: str) -> Iterator[None]:
    """Hold the file, with this process's number in it; a process that ends in any way lets go of it.

    Args:
        pid_file: made if it is missing, with its folder.
        refusal: said where another process holds it.

    Raises:
        StackError: when another process holds it.
    """
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    with pid_file.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(refusal) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
