"""Files of a registry: changed whole or not at all, also when the process is killed or the power fails."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

from recwatch.errors import RegistryError

__all__ = ["claim", "delete", "flush_to_disk", "is_claimed", "locked", "set_aside", "sweep", "write_beside"]

_RETRY_SECONDS = 0.01


@contextmanager
def locked(path: Path, *, timeout: float) -> Iterator[None]:
    """Hold an exclusive lock; the system releases it when the process ends, however it ends.

    Args:
        path: the lock's file; made, and its folder too, where it is missing.
        timeout: seconds to wait for whoever holds it.

    Raises:
        RegistryError: when it is still held by then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        deadline = monotonic() + timeout
        while not _try_lock(lock.fileno()):
            if monotonic() > deadline:
                raise RegistryError(
                    f"{path} has been held for {timeout:g} s: end the process that holds it"
                ) from TimeoutError()
            sleep(_RETRY_SECONDS)
        try:
            yield
        finally:
            # Closing alone would not do: a process that was forked meanwhile shares the open file.
            fcntl.flock(lock, fcntl.LOCK_UN)


def claim(folder: Path) -> int:
    """Mark a folder as being worked on for as long as the returned descriptor is open."""
    descriptor = os.open(folder, os.O_RDONLY)
    with suppress(OSError):  # NFS locks no folders; nobody can delete an unfinished one there either
        _try_lock(descriptor)
    return descriptor


def is_claimed(folder: Path) -> bool:
    """Whether a live process works on a folder; True as well where that cannot be told."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return True
    try:
        return not _try_lock(descriptor)
    except OSError:
        return True
    finally:
        os.close(descriptor)


def write_beside(path: Path, text: str) -> Path:
    """Write a temporary file, flushed to disk, that can take the place of `path` by a rename.

    Its name is a dot, the name of `path`, a hyphen and something random.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name.removeprefix('.')}-", dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(0o644)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return partial


def flush_to_disk(path: Path) -> None:
    """Make a file's content, or a folder's entries, survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def delete(path: Path) -> bool:
    """Delete a file, a link (never what it leads to) or a whole folder; whether nothing is left of it."""
    if path.is_symlink() or path.is_file():
        with suppress(OSError):
            path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)
    return not os.path.lexists(path)


def set_aside(version: Path) -> Path:
    """Take a version's folder away by one rename; the hidden folder that holds it now, to be deleted."""
    aside = Path(tempfile.mkdtemp(prefix=f".prune-{version.name}-", dir=version.parent))
    version.rename(aside / version.name)
    return aside


def sweep(folder: Path) -> None:
    """Delete what killed processes left behind in a model's folder.

    For whoever holds the lock: then nobody else writes such files now, and a folder of a publication that
    nobody has claimed is nobody's.
    """
    for pattern in (".current-*", ".history*-*", ".publish-*", ".prune-*"):
        for path in folder.glob(pattern):
            if not path.is_dir() or not is_claimed(path):
                delete(path)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
