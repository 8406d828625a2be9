"""Metrics of a service that runs as several processes, such as gunicorn's or uvicorn's workers.

Where `PROMETHEUS_MULTIPROC_DIR` names a folder, prometheus_client keeps each process's metrics in files
there, and whichever worker is scraped answers for all. It keeps the files of processes that have ended for
ever; here they are folded into one file a kind, so that counts stay and the folder does not grow.

The folder belongs to one machine, or one container: whether a process lives is asked by its id.
"""

import logging
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.registry import Collector

from recwatch.errors import ConfigError
from recwatch.worker_files import Kind, Values, WorkerFile, families, merge, read, worker_files, write

__all__ = ["WorkerMetrics", "clear", "fold", "folder"]

_LOGGER = logging.getLogger("recwatch.multiprocess")
_LOCK = "recwatch.lock"
_ARCHIVE = "ended-"
_UNFINISHED = ".unfinished"
# A gauge of the mode `all` shows every process, also those that ended: the last so many of them.
_MOST_ENDED = 100


def folder() -> Path | None:
    """The folder that the processes share, None where there is one process.

    Raises:
        ConfigError: the variable is set to nothing.
    """
    path = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if path == "":  # prometheus_client writes its files into the working directory then
        raise ConfigError("PROMETHEUS_MULTIPROC_DIR is set, but empty: unset it, or set it to a folder")
    return None if path is None else Path(path)


class WorkerMetrics(Collector):
    """Collects what all processes that share a folder have counted, also those that have ended.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def collect(self) -> Iterable[Metric]:
        """Read every file once.

        Raises:
            OSError: when the folder cannot be read.
        """
        if any(not _lives(file) for file in worker_files(self._path)):
            fold(self._path)
        with _locked(self._path, exclusive=False):
            if not self._path.is_dir():
                raise FileNotFoundError(f"PROMETHEUS_MULTIPROC_DIR names no folder: {self._path}; make it")
            return families(_readable([*worker_files(self._path), *_archived(self._path)]))


def fold(path: Path) -> None:
    """Put the files of processes that have ended into one file a kind; live gauges of theirs go.

    At every moment, also when it is killed midway, each count is in one place that a scrape reads. Where
    another process is at it, or at a scrape, nothing is done: the next scrape does it.

    Args:
        path: the folder.
    """
    try:
        with _locked(path, exclusive=True) as locked:
            if locked:
                _fold(path)
    except OSError as error:  # a full disk: the files stay, and stay right
        _LOGGER.warning("Files of ended workers stay | folder=%s, error=%r", path, error)


def clear(path: Path) -> None:
    """Make a folder ready for a new start: what an earlier run left goes, what living processes write stays.

    Where other processes still live, such as those of a server that is being replaced, their counts and those
    of their ended siblings are kept. The folder is made if it is missing.

    Args:
        path: the folder.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with _locked(path, exclusive=True) as locked:
            if not locked:
                return
            files = worker_files(path)
            if any(_lives(file) and file.process != str(os.getpid()) for file in files):
                _fold(path)
                return
            for file in files:
                if not _lives(file):
                    file.path.unlink()
            for archive in path.glob(f"{_ARCHIVE}*"):
                shutil.rmtree(archive)
    except OSError as error:
        _LOGGER.warning("Files of an earlier run stay | folder=%s, error=%r", path, error)


# What ended processes counted is in the folder `ended-<n>`, the one with the highest n. A file gets there by
# being renamed, and the files in there become one by writing `ended-<n+1>` beside it, which is renamed into
# place whole. Each of these steps is atomic, so that a kill at any point leaves every count in one place.


def _fold(path: Path) -> None:
    archives = _archives(path)
    for leftover in (*path.glob(f"*{_UNFINISHED}"), *archives[:-1]):
        shutil.rmtree(leftover)
    ended = [file for file in worker_files(path) if not _lives(file)]
    if not ended:
        return
    number = int(archives[-1].name.removeprefix(_ARCHIVE)) if archives else 0
    current = path / f"{_ARCHIVE}{number}"
    current.mkdir(exist_ok=True)
    for file in ended:
        if file.kind.live:
            file.path.unlink()
        else:
            # An id that is given again must not write over the file of its first owner.
            file.path.rename(current / f"{file.path.stem}-{file.path.stat().st_mtime_ns}.db")
    unfinished = path / f"{_ARCHIVE}{number + 1}{_UNFINISHED}"
    unfinished.mkdir()
    _write_folded(worker_files(current), unfinished)
    unfinished.rename(path / f"{_ARCHIVE}{number + 1}")
    shutil.rmtree(current)


def _write_folded(files: list[WorkerFile], target: Path) -> None:
    totals: dict[Kind, Values] = {}
    for file in files:
        if not file.kind.by_process:
            for _, _, values in _readable([file]):
                merge(file.kind, totals.setdefault(file.kind, {}), values)
    for kind, values in totals.items():
        write(target / f"{kind.stem}_ended.db", values)
    by_process = [file for file in files if file.kind.by_process]
    by_process.sort(key=lambda file: file.path.stat().st_mtime_ns)
    for file in by_process[-_MOST_ENDED:]:
        shutil.copy2(file.path, target / file.path.name)


def _archives(path: Path) -> list[Path]:
    """The folders of ended processes; the last one counts, others are about to go."""
    found = [place for place in path.glob(f"{_ARCHIVE}*") if place.name.removeprefix(_ARCHIVE).isdigit()]
    return sorted(found, key=lambda place: int(place.name.removeprefix(_ARCHIVE)))


def _archived(path: Path) -> list[WorkerFile]:
    archives = _archives(path)
    return worker_files(archives[-1]) if archives else []


def _readable(files: Iterable[WorkerFile]) -> Iterator[tuple[Kind, str, Values]]:
    for file in files:
        try:
            yield file.kind, file.process, read(file.path)
        except FileNotFoundError:  # prometheus_client's own mark_process_dead knows of no lock
            continue
        except ValueError as error:
            _LOGGER.warning("Worker file not read | %s", error)


def _lives(file: WorkerFile) -> bool:
    """Whether the process that writes a file is there. A name that is no process id is taken to be."""
    try:
        os.kill(int(file.process), 0)
    except ProcessLookupError:
        return False
    except (ValueError, OverflowError, PermissionError):
        return True
    return True


@contextmanager
def _locked(path: Path, *, exclusive: bool) -> Iterator[bool]:
    """Hold the folder's lock: many may read at once, one alone may fold. Yields whether it is held.

    Who folds never waits: it may be the server's master. A folder that cannot be written is read unlocked.
    """
    import fcntl  # noqa: PLC0415 - Windows has none, and the base is imported there too

    try:
        file = (path / _LOCK).open("a")
    except OSError:
        if exclusive:
            raise
        yield False
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB if exclusive else fcntl.LOCK_SH)
        except BlockingIOError:
            yield False
        else:
            yield True
