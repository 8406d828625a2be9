"""The two windows of a check, opened for one run."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from recwatch.errors import RegistryError
from recwatch.redaction import mask_passwords
from recwatch.registry import ModelRegistry
from recwatch_exporter.config import Check
from recwatch_exporter.data import Slots
from recwatch_exporter.errors import SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sides import Side
from recwatch_exporter.sources.arrays import ENDINGS, read_arrays, to_table
from recwatch_exporter.sources.connections import Connections, connections
from recwatch_exporter.sources.counting import with_times
from recwatch_exporter.sources.duck import DuckEngine
from recwatch_exporter.sources.engine import Database, FileReader
from recwatch_exporter.sources.files import open_files
from recwatch_exporter.sources.frames import Frame
from recwatch_exporter.sources.locations import Location
from recwatch_exporter.sources.spans import current_span, length_of, reference_span
from recwatch_exporter.sources.view import View, named
from recwatch_exporter.sources.window import Window
from recwatch_exporter.statistics.exposure import base_slot, whole_slots

_OVERFLOW = 4
"""How many times its `memory` a check may write to disk."""


@dataclass(frozen=True)
class Windows:
    """Both sides of a check.

    Attributes:
        reference: None where the check has no reference, or a profile stands in for it.
        current: the current window.
        reference_length: how long it watched, where clusters are permuted and the event's time is known.
        current_length: likewise.
        slot: how long a slot of the reference is that was cut for a profile.
    """

    reference: Window | None
    current: Window
    reference_length: timedelta | None = None
    current_length: timedelta | None = None
    slot: timedelta | None = None


@contextmanager
def open_windows(
    check: Check,
    *,
    now: datetime,
    deadline: Deadline,
    reference_newest: datetime | None = None,
    reference_length: timedelta | None = None,
) -> Iterator[Windows]:
    """Open both windows of a check; nothing is read from them yet but how new their events are.

    Args:
        check: whose.
        now: the clock's time, aware, for windows that follow the clock.
        deadline: ends every query when its time is over.
        reference_newest: the newest event of a reference for which a profile stands in.
        reference_length: how long that reference watched.

    Raises:
        SourceError: when data cannot be read; also from within the block.
        CheckTimeoutError: when the time is over; also from within the block.
    """
    # What a check may take is not DuckDB's alone: vectors, permutations and Python need the rest.
    settings = {
        "memory_limit": f"{check.memory * 3 // 5 // 1024}KiB",
        # DuckDB's own limit is nearly the whole disk, the state file's included.
        "max_temp_directory_size": f"{check.memory * _OVERFLOW // 1024}KiB",
    }
    with connections(deadline, settings) as opened:
        yield cut(check, _open(check, opened, now, reference_newest), reference_length)


def _open(check: Check, opened: Connections, now: datetime, newest_reference: datetime | None) -> Windows:
    if not check.reads_rows:
        return Windows(None, Window("current", None, opened.local))
    side = None if check.reference is None or check.reference.profile is not None else check.reference
    reference = None
    if side is not None:
        reference = _whole("reference", check, side, opened)
        if check.timestamp is not None:
            newest_reference = reference.newest(check.timestamp)
    current = _whole("current", check, check.current, opened)
    if check.timestamp is not None:
        end = now if check.current.follow == "clock" else current.newest(check.timestamp)
        after = current_span(end, check.current.window, newest_reference if check.disjoint else None)
        current = current.narrow(timestamp=check.timestamp, span=after)
        if reference is not None and side is not None:
            before = reference_span(newest_reference, side.window)
            reference = reference.narrow(timestamp=check.timestamp, span=before)
    return Windows(reference, current)


def cut(check: Check, windows: Windows, reference_length: timedelta | None = None) -> Windows:
    """The longer window cut into slots as long as the shorter one: what is exchanged had the same time.

    Args:
        check: whose; only clusters that are no blocks of time are cut.
        windows: as they are.
        reference_length: how long a reference watched for which a profile stands in.
    """
    column, cluster = check.timestamp, check.clusters
    if column is None or cluster is None or cluster.block is not None:
        return windows
    reference, current = windows.reference, windows.current
    before = reference_length if reference is None else _length(reference, column)
    after = _length(current, column)
    windows = replace(windows, reference_length=before, current_length=after)
    if before is None or after is None:
        return windows
    if after > before:
        return replace(windows, current=current.cut(_slots(current, column, after, before)))
    if reference is None:
        return windows
    return replace(windows, reference=reference.cut(_slots(reference, column, before, after)))


def cut_for_profile(check: Check, windows: Windows) -> Windows:
    """The reference cut into short slots, of which longer ones are made when the current window is known."""
    if windows.reference is None or windows.reference_length is None or check.timestamp is None:
        return windows
    window = check.current.window
    seconds, number = base_slot(
        windows.reference_length.total_seconds(), None if window is None else window.total_seconds()
    )
    slot = timedelta(seconds=seconds)
    slots = Slots(check.timestamp, _end(windows.reference, check.timestamp), slot, number)
    return replace(windows, reference=windows.reference.cut(slots), slot=slot)


def _length(window: Window, column: str) -> timedelta | None:
    span = window.span
    oldest = window.oldest(column) if span.after is None else None
    newest = window.newest(column) if span.until is None else None
    return length_of(span, oldest, newest)


def _end(window: Window, column: str) -> datetime:
    end = window.span.until or window.newest(column)
    assert end is not None  # noqa: S101 - it has a length
    return end


def _slots(longer: Window, column: str, length: timedelta, shorter: timedelta) -> Slots:
    number = whole_slots(length / shorter)
    return Slots(column, _end(longer, column), min(shorter, length / number), number)


def _whole(name: str, check: Check, side: Side, opened: Connections) -> Window:
    """A side with its filter, of any time."""
    try:
        view = _view(name, side, opened)
    except SourceError as error:
        raise named(name, error) from error.__cause__
    if view is None and name == "reference":
        raise SourceError(f"{name}: {side.path} matches no file: write one, or correct path")
    if view is not None:
        with view.errors():
            times = (check.timestamp, check.observed_at)
            view = with_times(view, [column for column in times if column is not None])
    return Window(name, view, opened.local).narrow(equal={**check.filter, **side.filter})


def _view(name: str, side: Side, opened: Connections) -> View | None:
    """Where a side's rows are; None where a glob matches no file yet."""
    if side.query is not None or side.table is not None:
        return _of_database(name, side, opened)
    if isinstance(side.path, Frame):
        return View(name, str(side.path), opened.local, opened.local.register(side.path.to_table()))
    if side.path is not None and side.database is not None:
        return _of_engine(name, side.path, opened.database(side.database, side.root))
    if side.path is not None:
        files, root = side.path.files(), side.path.root
    else:
        files, root = (file_of_version(name, side, side.file or ""),), Path("/")
    if not files:
        return None
    if files[0].suffix.lower() in ENDINGS:
        return _of_arrays(name, files, opened)
    return View(name, str(files[0]), opened.local, open_files(opened.local, files, root))


def _of_arrays(name: str, files: Sequence[Path], opened: Connections) -> View:
    if len(files) > 1:
        raise SourceError(f"{files[0]} and {len(files) - 1} more files of arrays: name one file")
    arrays = read_arrays(files[0])
    return View(name, str(files[0]), opened.local, opened.local.register(to_table(arrays)), arrays)


def _of_database(name: str, side: Side, opened: Connections) -> View:
    engine = opened.local if side.database is None else opened.database(side.database, side.root)
    place = "query" if side.table is None else f"table {side.table}"
    if side.database is not None:
        place += f" of {mask_passwords(side.database)}"
    if side.table is not None:
        return View(name, place, engine, engine.table(side.table))
    if isinstance(engine, DuckEngine):
        engine.search(side.root)
    return View(name, place, engine, engine.query(side.query or ""))


def _of_engine(name: str, path: Location, engine: Database) -> View:
    if not isinstance(engine, FileReader):
        raise SourceError(f"{path} is not read by {engine.name}: remove database, or give table or query")
    return View(name, str(path), engine, engine.read(str(path)))


def no_version(folder: Location) -> str:
    """Why a folder of versions has none in service, and what to do."""
    if not folder.path.is_dir():
        return f"{folder} does not exist: publish a version there, or correct artifact"
    return f"no version in service in {folder}: promote one"


def file_of_version(name: str, side: Side, file: str) -> Path:
    """A file of the version in service.

    Raises:
        SourceError: when there is no such version, or no such file in it.
    """
    assert side.artifact is not None  # noqa: S101 - the configuration has checked it
    registry = ModelRegistry(side.artifact.path)
    try:
        version = registry.current()
        if version is None:
            raise SourceError(f"{name}: {no_version(side.artifact)}")
        path = registry.path(version) / file
    except (RegistryError, OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{name}: {error}") from error
    if not path.is_file():
        raise SourceError(f"{name}: {path} does not exist: publish a version that holds it, or correct file")
    return path
