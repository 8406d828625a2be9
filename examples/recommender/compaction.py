"""Merge old batches of the interaction log, a file a day, so that its files do not grow without end.

`python -m recommender.compaction` does it once; the service does it every day.

No reader finds a record twice or not at all: a folder beside the log's is filled with the same records in
fewer files, and the two change places in one step. A reader that has listed the files before and opens them
afterwards finds some of them gone, which is an error to try again after, never other numbers. The old folder
stays aside, so that whoever is just listing it lists all of it; the next time it goes, once all that replaced
it has been read.
"""

import argparse
import ctypes
import errno
import fcntl
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

from recommender.errors import RecommenderError
from recommender.interactions import aside, batches, read_interactions, write_interactions
from recommender.paths import Home
from recommender.times import now
from recwatch.registry_files import flush_to_disk

MERGED_AFTER = timedelta(days=1)
"""Batches that are younger are left alone."""

_DAY = slice(0, len("20261121"))
_EXCHANGE = 2  # RENAME_EXCHANGE of renameat2(2)
_AT_FDCWD = -100


def compact(folder: Path, before: datetime) -> int:
    """Merge the batches of each day into one.

    Args:
        folder: of the log.
        before: batches named by this time or later are left alone, aware.

    Returns:
        How many files there are fewer.

    Raises:
        DataError: when a batch is damaged; nothing changes then.
        OSError: when there is no room, or the system cannot exchange two folders; nothing changes then.
    """
    if not folder.is_dir():
        return 0
    limit = f"{before.astimezone(UTC):%Y%m%dT%H%M%S%f}"
    with _alone(folder):
        files = batches(folder)
        days = [list(day) for _, day in groupby(files, key=lambda path: path.name[_DAY])]
        mergeable = [[path for path in day if path.name < limit] for day in days]
        if all(len(day) < 2 for day in mergeable):  # noqa: PLR2004 - one is as few as there can be
            return 0
        fresh = folder.with_name(f".{folder.name}.fresh")
        shutil.rmtree(fresh, ignore_errors=True)  # of one that was killed
        try:
            _fill(fresh, folder, mergeable)
            fewer = len(files) - len(batches(fresh))
            _put_in_place(fresh, folder)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
    return fewer


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Nothing is merged while a batch is written."""
    with _locked(folder, fcntl.LOCK_SH):
        yield


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with _locked(folder, fcntl.LOCK_EX):
        yield


@contextmanager
def _locked(folder: Path, kind: int) -> Iterator[None]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f".{folder.name}.lock").open("a") as lock:
        fcntl.flock(lock, kind)
        yield


def _fill(fresh: Path, folder: Path, mergeable: Sequence[Sequence[Path]]) -> None:
    """Make a folder with the same records in fewer files, as safe on the disk as those of the log."""
    fresh.mkdir()
    shutil.copymode(folder, fresh)
    owner = folder.stat()
    for day in mergeable:
        _merge(day, fresh, owner)
    os.chown(fresh, owner.st_uid, owner.st_gid)  # root may do this for a service that is somebody else
    merged = {path for day in mergeable for path in day}
    for path in folder.iterdir():
        if path not in merged and path.is_file() and not path.name.startswith("."):
            os.link(path, fresh / path.name)
    flush_to_disk(fresh)


def _merge(day: Sequence[Path], target: Path, owner: os.stat_result) -> None:
    records = read_interactions(day)  # one file too: what it was merged of goes when all is well
    if len(day) == 1:
        os.link(day[0], target / day[0].name)
    elif day:
        # A name that sorts by age, and that nobody has listed yet: a batch's own would be read twice by a
        # reader that has opened the others before.
        path = target / f"{day[0].stem}-{len(day)}.parquet"
        write_interactions(path, records)
        os.chown(path, owner.st_uid, owner.st_gid)
        flush_to_disk(path)


def _put_in_place(fresh: Path, folder: Path) -> None:
    """Let the new folder change places with the log's; at each step one of the two has all records."""
    kept = aside(folder)
    if kept.exists():
        shutil.rmtree(kept)
    fresh.rename(kept)
    _exchange(kept, folder)
    flush_to_disk(folder.parent)


def _exchange(one: Path, other: Path) -> None:
    """Let two folders change places in one step (renameat2(2); Linux, glibc 2.28)."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        raise OSError(errno.ENOSYS, "this system cannot exchange two folders in one step", str(other))
    if call(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(other))


def main(arguments: Sequence[str] | None = None) -> int:
    """Merge the batches that are older than a day."""
    parser = argparse.ArgumentParser(
        prog="python -m recommender.compaction", description="Merge old batches of the interaction log."
    )
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("RECWATCH_HOME") or "."))
    folder = Home(parser.parse_args(arguments).home).interactions
    try:
        fewer = compact(folder, now() - MERGED_AFTER)
    except (OSError, RecommenderError) as error:
        sys.stderr.write(f"{folder} is as it was: {error}\n")
        return 1
    sys.stdout.write(f"{fewer} files fewer in {folder}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
