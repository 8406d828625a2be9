"""Check types that hold a time against the clock."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from recwatch.errors import RegistryError
from recwatch.registry import Manifest, ModelRegistry
from recwatch_exporter.checks.base import Frozen, Measurement
from recwatch_exporter.checks.freshness import FreshnessOptions, age
from recwatch_exporter.config import Check
from recwatch_exporter.errors import SourceError, StatisticError
from recwatch_exporter.families.base import Run
from recwatch_exporter.sides import Side
from recwatch_exporter.sources.opening import file_of_version, no_version
from recwatch_exporter.sources.window import Window

_AHEAD = timedelta(days=1).total_seconds()


def features(check: Check, current: Window) -> tuple[str, ...]:  # noqa: ARG001 - see `Family`
    """What is looked at: records, model, training_data or file."""
    return (check.label,)


def freeze(check: Check, feature: str, reference: Window, run: Run) -> Frozen:  # noqa: ARG001 - see `Family`
    """Nothing: the clock is the reference."""
    return {}


def measure(
    check: Check,
    feature: str,  # noqa: ARG001 - see `Family`
    frozen: Frozen,  # noqa: ARG001 - see `Family`
    current: Window,
    *,
    run: Run,
    reference: Window | None,  # noqa: ARG001 - see `Family`
) -> Measurement:
    """How old it is now."""
    newest, rows, name = _newest(check, current)
    seconds = age(newest, run.now)
    if seconds < -_AHEAD:
        raise StatisticError(
            f"{name} is dated {newest.isoformat()}, after now: correct the clock or the time that was written"
        )
    return Measurement(
        statistic=seconds,
        effect_size=seconds,
        p_value=None,
        n_reference=0,
        n_current=rows,
        n_compared=rows,
        details={"newest": newest.isoformat(), "of": name},
    )


def _newest(check: Check, current: Window) -> tuple[datetime, int, str]:
    """The newest time, the rows it is of, and what it is the time of."""
    of, side = cast("FreshnessOptions", check).of, check.current
    if of == "records":
        column = check.freshness_column or ""
        newest = current.newest(column)
        if newest is None:
            raise StatisticError(f"current: no record has a {column}: nothing has been written yet")
        return newest, current.rows(), f"the newest {column}"
    if of == "file":
        path, changed = max(((path, _changed(path)) for path in _files(side)), key=lambda item: item[1])
        return changed, 1, path.name
    manifest = _manifest(side)
    newest = manifest.trained_at if of == "model" else manifest.newest_event
    if newest is None:
        raise SourceError(
            f"current: the manifest of {manifest.model} {manifest.version} names no newest_event: let the "
            "trainer write it"
        )
    return newest, 1, f"{manifest.model} {manifest.version}"


def _manifest(side: Side) -> Manifest:
    assert side.artifact is not None  # noqa: S101 - the configuration has checked it
    registry = ModelRegistry(side.artifact.path)
    try:
        version = registry.current()
        if version is None:
            raise SourceError(f"current: {no_version(side.artifact)}")
        return registry.manifest(version)
    except (RegistryError, OSError, UnicodeDecodeError) as error:
        raise SourceError(f"current: {error}") from error


def _files(side: Side) -> tuple[Path, ...]:
    if side.path is None:
        return (file_of_version("current", side, side.file or ""),)
    try:
        files = side.path.files()
    except SourceError as error:
        raise SourceError(f"current: {error}") from None
    if not files:
        raise SourceError(f"current: {side.path} matches no file: write one, or correct path")
    return files


def _changed(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError as error:
        raise SourceError(f"current: {path} cannot be read: {error.strerror}") from error
