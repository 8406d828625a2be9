"""Reference profiles: what checks need of their reference, frozen into one small file.

A profile is an .npz archive: plain arrays, of which nothing is ever executed, and one JSON text that says
what it was made of. It belongs to a model's version: results then do not move when old data is rewritten, and
a check reads the current window alone.
"""

import glob
import json
import os
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from recwatch import __version__
from recwatch.durations import format_duration
from recwatch_exporter.checks.base import Frozen
from recwatch_exporter.config import Check
from recwatch_exporter.errors import SourceError
from recwatch_exporter.sources.locations import Location

FORMAT = 2
_META = "profile"
# What decides over the reference's part of a check; the rest may change freely.
_DECIDING = {
    *("type", "column", "columns", "key", "cluster", "block", "segment_by", "max_segments"),
    *("timestamp", "filter", "seed"),
}


@dataclass(frozen=True, kw_only=True)
class FrozenCheck:
    """What one check needs of its reference.

    Attributes:
        newest: the newest event of the reference window; None where events have no time.
        source_newest: the newest record, by `observed_at`; None likewise.
        segments: the values of `segment_by` that have findings of their own.
        parts: by feature and segment.
        length: how long the reference watched, where its rows are in slots of time; None where they are not.
        slot: how long such a slot is.
    """

    newest: datetime | None = None
    source_newest: datetime | None = None
    segments: tuple[str, ...] = ()
    parts: Mapping[tuple[str, str], Frozen] = field(default_factory=dict)
    length: timedelta | None = None
    slot: timedelta | None = None


def write_profile(
    path: Path,
    frozen: Sequence[tuple[Check, FrozenCheck]],
    *,
    version: str | None,
    made_at: datetime,
) -> None:
    """Write a profile, whole or not at all.

    Args:
        path: the file; one that is there is replaced.
        frozen: checks, and what each needs.
        version: the model's version that it belongs to; None where it belongs to none.
        made_at: now, aware.

    Raises:
        OSError: when the file cannot be written.
        TypeError: when an array holds something else than numbers or text.
    """
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    checks = {}
    for check, item in frozen:
        parts = []
        for (feature, segment), part in item.parts.items():
            names = {}
            for name, array in part.items():
                names[name] = f"array{len(arrays)}"
                arrays[names[name]] = _storable(np.asarray(array))
            texts = [name for name, array in part.items() if np.asarray(array).dtype.kind in "OU"]
            parts.append({"feature": feature, "segment": segment, "arrays": names, "texts": texts})
        checks[check.name] = {
            "made_with": _deciding(check),
            "reference": _reference(check),
            "newest": _written(item.newest),
            "source_newest": _written(item.source_newest),
            "segments": item.segments,
            "length": None if item.length is None else item.length.total_seconds(),
            "slot": None if item.slot is None else item.slot.total_seconds(),
            "parts": parts,
        }
    meta = {
        "format": FORMAT,
        "recwatch": __version__,
        "version": version,
        "made_at": made_at.isoformat(),
        "checks": checks,
    }
    arrays[_META] = np.asarray(json.dumps(meta))
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".npz", delete=False) as file:
        temporary = Path(file.name)
        try:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type] # numpy 1.26 knows no allow_pickle
            file.flush()
            os.fsync(file.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def read_profile(path: Path, check: Check, *, version: str | None) -> FrozenCheck:
    """Read what a check needs of its reference.

    Args:
        path: the profile.
        check: whose; a profile that was made for another configuration of it is refused.
        version: the model's version in whose folder the profile lies; None where it lies elsewhere.

    Raises:
        SourceError: when the profile cannot be read, or does not fit the check or the version.
    """
    try:
        # Opened here: numpy leaves a file that is no archive open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            meta = json.loads(str(archive[_META]))
            found = meta["checks"].get(check.name) if meta["format"] == FORMAT else None
            if found is not None:
                _same(path, check, found, of_file=meta["version"], of_folder=version)
                return _restored(archive, found)
    except FileNotFoundError as error:
        raise SourceError(
            f"reference: {path} does not exist: make it by `recwatch-exporter profile`, or correct profile"
        ) from error
    except (
        OSError,
        EOFError,
        ArithmeticError,
        AttributeError,
        LookupError,
        RuntimeError,
        TypeError,
    ) as error:
        raise _unusable(path, error) from error
    except (ValueError, MemoryError, struct.error, zipfile.BadZipFile, zlib.error) as error:
        raise _unusable(path, error) from error
    if meta["format"] != FORMAT:
        raise SourceError(f"reference: {path} is of format {meta['format']}, not {FORMAT}: make it anew")
    raise SourceError(
        f"reference: {path} holds no check {check.name}: it has {', '.join(meta['checks'])}; make it anew, "
        "or give the reference as data"
    )


def _unusable(path: Path, error: BaseException) -> SourceError:
    first = next(iter(str(error).splitlines()), "") or repr(error)
    if isinstance(error, TypeError | AttributeError):  # of numpy's insides, which say nothing to anybody
        first = "it holds something else"
    return SourceError(f"reference: {path} is not a profile: {first}: make it by `recwatch-exporter profile`")


def _restored(archive: Mapping[str, Any], found: Mapping[str, Any]) -> FrozenCheck:
    return FrozenCheck(
        newest=_read(found["newest"]),
        source_newest=_read(found["source_newest"]),
        segments=tuple(found["segments"]),
        length=None if found["length"] is None else timedelta(seconds=found["length"]),
        slot=None if found["slot"] is None else timedelta(seconds=found["slot"]),
        parts={
            (part["feature"], part["segment"]): {
                name: _text_of(archive[stored]) if name in part["texts"] else archive[stored]
                for name, stored in part["arrays"].items()
            }
            for part in found["parts"]
        },
    )


def _storable(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The array as it is written: text as JSON, which takes as much room as there is text."""
    if array.dtype.kind not in "OU":
        return array
    values = array.ravel().tolist()
    if not all(isinstance(value, str) for value in values):
        raise TypeError("holds something else than text among its text")
    text = json.dumps([list(array.shape), values]).encode("ascii")
    return np.frombuffer(text, dtype=np.uint8)


def _text_of(stored: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    shape, values = json.loads(stored.tobytes())
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array.reshape(shape)


def _same(
    path: Path, check: Check, found: Mapping[str, Any], *, of_file: str | None, of_folder: str | None
) -> None:
    if of_folder is not None and of_file != of_folder:
        belongs = "no version" if of_file is None else f"version {of_file}"
        raise SourceError(
            f"reference: {path} belongs to {belongs}, not to version {of_folder}: "
            f"make it anew by `recwatch-exporter profile --version {of_folder}`"
        )
    made_with, now = dict(found["made_with"]), _deciding(check)
    # What stands in for the data may leave its keys out; those that it has are the data's.
    given = {name: value for name, value in _reference(check).items() if value}
    made_with |= {f"reference.{name}": found["reference"][name] for name in given}
    now |= {f"reference.{name}": value for name, value in given.items()}
    changed = [key for key in sorted({*made_with, *now}) if made_with.get(key) != now.get(key)]
    if changed:
        what = "; ".join(f"{key} was {made_with.get(key)!r} and is {now.get(key)!r}" for key in changed)
        raise SourceError(
            f"reference: {path} was made with another configuration of {check.name}: {what}: "
            "make it anew by `recwatch-exporter profile`, or set it back"
        )


def _deciding(check: Check) -> dict[str, Any]:
    own = set(check.check_type.options.model_fields)
    dumped = check.model_dump(mode="json", include=_DECIDING | own)
    return json.loads(json.dumps(dumped))  # type: ignore[no-any-return] # as a file gives it back


def _reference(check: Check) -> dict[str, Any]:
    """What the reference says that may stand beside a profile too."""
    side = check.reference
    if side is None:
        return {"window": None, "filter": {}, "file": None}
    file = None if side.file is None else glob.escape(side.file)
    if file is None and isinstance(side.path, Location):
        file = side.path.pattern  # of a version, if there is one: `freezing.plan` has looked it up
    return {
        "window": None if side.window is None else format_duration(side.window),
        "filter": dict(side.filter),
        "file": file,
    }


def _written(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _read(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
