"""One run of one check: open the windows, freeze the reference, measure every feature and segment, judge."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from recwatch.durations import format_duration
from recwatch.redaction import mask_passwords, mask_secrets
from recwatch_exporter.checks.base import CANNOT_TELL, Frozen, Measurement
from recwatch_exporter.config import Check
from recwatch_exporter.errors import CheckError, SourceError, StatisticError
from recwatch_exporter.families.base import Run
from recwatch_exporter.families.table import family_of
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.profile import FrozenCheck, read_profile
from recwatch_exporter.results import ALL, CheckResult, Measured, judge
from recwatch_exporter.sides import Side
from recwatch_exporter.sources.opening import Windows, cut_for_profile, file_of_version, open_windows
from recwatch_exporter.sources.window import Window
from recwatch_exporter.statistics.exposure import at_length, fits, without_slots

Failed = TypeVar("Failed", bound=CheckError)


def run_check(check: Check, *, now: datetime, deadline: Deadline) -> CheckResult:
    """Run a check once.

    Args:
        check: what to do.
        now: the clock's time, aware, for windows that follow the clock.
        deadline: ends the run when its time is over.

    Raises:
        CheckError: when the check cannot say anything; the message says what to do.
    """
    with _without_secrets(check):
        return _run(check, now, deadline)


def _run(check: Check, now: datetime, deadline: Deadline) -> CheckResult:
    profile = _profile(check)
    newest = None if profile is None else profile.newest
    length = None if profile is None else profile.length
    with open_windows(
        check, now=now, deadline=deadline, reference_newest=newest, reference_length=length
    ) as windows:
        run = Run(now=now, deadline=deadline)
        segments = _segments(check, windows) if profile is None else profile.segments
        measured = [
            Measured(
                feature,
                segment_label(value),
                _measure(check, feature, value, windows, run=run, profile=profile),
            )
            for value in _whole_and(segments)
            for feature in family_of(check.check_type).features(check, windows.current)
        ]
        times = _newest(check, windows, profile)
        measured = [_with_absence(check, windows, item) for item in measured]
    return judge(check, measured, times)


def freeze_check(check: Check, *, now: datetime, deadline: Deadline) -> FrozenCheck:
    """What a check needs of its reference, for a profile.

    Args:
        check: whose; its reference must be data, not a profile.
        now: the clock's time, aware.
        deadline: ends it when its time is over.

    Raises:
        CheckError: when the reference cannot be read, or the check's type needs the data itself.
    """
    family = family_of(check.check_type)
    if not check.check_type.profiled:
        raise SourceError(
            f"reference: {check.type} compares vector by vector, so nothing smaller than the data can be "
            "frozen: give artifact with file, which the model's version keeps, and leave this check out"
        )
    run = Run(now=now, deadline=deadline)
    with _without_secrets(check), open_windows(check, now=now, deadline=deadline) as opened:
        windows = cut_for_profile(check, opened)
        reference = windows.reference
        if reference is None:
            raise SourceError("reference: nothing to freeze: give path, query or artifact with file")
        segments = _segments(check, windows)
        return FrozenCheck(
            newest=None if check.timestamp is None else reference.newest(check.timestamp),
            source_newest=_newest_record(check, reference),
            length=windows.reference_length,
            slot=windows.slot,
            segments=segments,
            parts={
                (feature, segment_label(value)): family.freeze(
                    check, feature, _part(check, reference, value), run
                )
                for value in _whole_and(segments)
                for feature in family.features(check, windows.current)
            },
        )


@contextmanager
def _without_secrets(check: Check) -> Iterator[None]:
    """What is secret in the URLs of a check stands in no message: drivers repeat what they got."""
    try:
        yield
    except CheckError as error:
        raise _masked(check, error) from error.__cause__


def _masked(check: Check, error: Failed) -> Failed:
    said = mask_passwords(str(error))
    for side in (check.reference, check.current):
        if side is not None and side.database is not None:
            said = mask_secrets(said, side.database)
    return error if said == str(error) else type(error)(said)


def _profile(check: Check) -> FrozenCheck | None:
    side = check.reference
    if side is None or side.profile is None:
        return None
    if side.artifact is not None:
        path = file_of_version("reference", side, side.profile.pattern)
        return read_profile(path, check, version=path.relative_to(side.artifact.path).parts[0])
    return read_profile(side.profile.path, check, version=None)


def _segments(check: Check, windows: Windows) -> tuple[str, ...]:
    """The most frequent values of `segment_by` in the reference, or in the current window without one."""
    if check.segment_by is None:
        return ()
    window = windows.reference or windows.current
    return window.most_frequent(check.segment_by, check.max_segments)


def segment_label(value: str | None) -> str:
    """The label of a segment: its value, and `all` for every row (None).

    A value that is `all` itself is written in quotes, and so is one that is `all` in quotes already: no two
    values share a label.
    """
    if value is None:
        return ALL
    return f'"{value}"' if value.strip('"') == ALL else value


def _whole_and(segments: Sequence[str]) -> tuple[str | None, ...]:
    return (None, *segments)


def _part(check: Check, window: Window, value: str | None) -> Window:
    if value is None or check.segment_by is None:
        return window
    return window.segment(check.segment_by, value)


def _measure(
    check: Check, feature: str, value: str | None, windows: Windows, *, run: Run, profile: FrozenCheck | None
) -> Measurement | SourceError | StatisticError:
    family = family_of(check.check_type)
    reference = None if windows.reference is None else _part(check, windows.reference, value)
    try:
        frozen: Frozen = {}
        if profile is not None:
            frozen = _of_profile(profile, feature, segment_label(value), windows)
        elif reference is not None:
            frozen = family.freeze(check, feature, reference, run)
        current = _part(check, windows.current, value)
        found = family.measure(check, feature, frozen, current, run=run, reference=reference)
        return found if profile is None else _doubted(found, profile, windows)
    except (SourceError, StatisticError) as error:
        return _masked(check, error)  # the neighbours are measured all the same
    except ArithmeticError as error:
        return StatisticError(
            f"{check.type} is not defined on {feature}: it holds numbers too large or too small to compute "
            f"with ({error}): leave them out by filter, or scale the column"
        )


def _with_absence(check: Check, windows: Windows, item: Measured) -> Measured:
    """The same, with why a window has no rows, if one has none: a typo in a glob looks like a quiet day."""
    found = item.outcome
    if not isinstance(found, Measurement) or item.segment != ALL or not check.reads_rows:
        return item
    sides = [
        (check.reference, windows.reference, found.n_reference),
        (check.current, windows.current, found.n_current),
    ]
    said = [
        f"{window.side}: {_absence(check, side, window)}"
        for side, window, rows in sides
        if side is not None and window is not None and rows == 0
    ]
    return replace(item, outcome=replace(found, details={**found.details, "no_rows": said})) if said else item


def _absence(check: Check, side: Side, window: Window) -> str:
    if not window.columns:
        return f"no file matches {side.path}"
    filtered = "filter" if {**check.filter, **side.filter} else ""
    limits = " and ".join(filter(None, (filtered, "window" if side.window else "")))
    return f"no row passes {limits}" if limits else "there are no rows"


def _doubted(found: Measurement, profile: FrozenCheck, windows: Windows) -> Measurement:
    """What was measured, and that it tells nothing where slots of the profile make up no such window."""
    slots = _slots_of_current(profile, windows)
    if slots is None or fits(slots):
        return found
    doubt = (
        f"the profile is cut into slots of {_told(profile.slot)}, which do not make up a current window of "
        f"{_told(windows.current_length)}: make the profile anew with that current.window, or keep the "
        "reference as data"
    )
    return replace(found, details={**found.details, CANNOT_TELL: doubt})


def _told(length: timedelta | None) -> str:
    return format_duration(timedelta(seconds=round(length.total_seconds()))) if length else "no time"


def _slots_of_current(profile: FrozenCheck, windows: Windows) -> float | None:
    """How many slots of the profile are as long as the current window; None where it is not cut by them."""
    if profile.length is None or profile.slot is None or windows.current_length is None:
        return None
    if windows.current_length > profile.length:
        return None  # the current window is cut instead
    return windows.current_length / profile.slot


def _of_profile(profile: FrozenCheck, feature: str, segment: str, windows: Windows) -> Frozen:
    try:
        frozen = profile.parts[feature, segment]
    except KeyError:
        raise SourceError(f"reference: the profile holds no {feature}: make it anew") from None
    slots = _slots_of_current(profile, windows)
    return without_slots(frozen) if slots is None else at_length(frozen, slots)


def _newest(check: Check, windows: Windows, profile: FrozenCheck | None) -> dict[str, datetime]:
    found = {"current": _newest_record(check, windows.current)}
    if profile is not None:
        found["reference"] = profile.source_newest
    elif windows.reference is not None:
        found["reference"] = _newest_record(check, windows.reference)
    return {side: newest for side, newest in found.items() if newest is not None}


def _newest_record(check: Check, window: Window) -> datetime | None:
    column = check.freshness_column
    return None if column is None else window.newest(column)
