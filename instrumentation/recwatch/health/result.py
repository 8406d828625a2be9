"""What a check found, and the judgement of what it returned or raised."""

import math
import numbers
from dataclasses import dataclass
from typing import Any, Literal

from recwatch.errors import HealthError
from recwatch.logs import one_line
from recwatch.redaction import mask_passwords

__all__ = ["Measured", "Result", "Status", "failed", "judge", "timed_out"]

Status = Literal["up", "down", "timeout", "unknown"]

_LONGEST_MESSAGE = 300


@dataclass(frozen=True)
class Measured:
    """What a check that passed returns where a number alone does not say enough.

    Attributes:
        value: in the check's unit.
        message: for people, such as the version in service.
    """

    value: float | None
    message: str = ""


@dataclass(frozen=True)
class Result:
    """What a check found.

    Attributes:
        status: `up`, `down`, `timeout`, or `unknown` before the first run is over.
        value: what it measured, in the check's unit; None where it measured nothing.
        message: for people, on one line, without passwords.
        seconds: how long it took.
        at: when that was known, in seconds since 1970.
    """

    status: Status = "unknown"
    value: float | None = None
    message: str = ""
    seconds: float | None = None
    at: float | None = None


def judge(returned: object, *, seconds: float, at: float) -> Result:
    """The result of a check that returned.

    A number is its value; None and True say that it passed, False that it failed.
    """
    message: str = ""
    value: Any = returned
    if isinstance(returned, Measured):
        message, value = returned.message, returned.value
    if value is None or value is True:
        return Result("up", None, _safe(message), seconds, at)
    if value is False:
        return Result("down", None, "the check returned False", seconds, at)
    if not isinstance(value, numbers.Real) or not math.isfinite(value):
        found = _safe(f"the check returned {value!r}: return a finite number, True, False or None")
        return Result("down", None, found, seconds, at)
    return Result("up", float(value), _safe(message), seconds, at)


def failed(error: BaseException, *, seconds: float, at: float) -> Result:
    """The result of a check that raised, whatever that was."""
    name = type(error).__name__
    try:
        text = str(error)
    except Exception as fault:  # noqa: BLE001 - an error of somebody else's making; the result says so
        text = f"its message cannot be shown: {type(fault).__name__}"
    if isinstance(error, HealthError):
        return Result("down", _finite(error.value), _safe(text), seconds, at)
    return Result("down", None, _safe(f"{name}: {text}" if text else name), seconds, at)


def timed_out(timeout: float, *, seconds: float, at: float, hangs: bool) -> Result:
    """The result of a check that did not answer in time.

    Args:
        timeout: what it was given, in seconds.
        seconds: how long it has taken.
        at: now, in seconds since 1970.
        hangs: whether it still runs.
    """
    more = f"; it has been running for {seconds:.0f} s" if hangs else ""
    return Result("timeout", None, f"no answer within {timeout:g} s{more}", seconds, at)


def _finite(value: object) -> float | None:
    """A finite number; None for anything else."""
    return float(value) if isinstance(value, numbers.Real) and math.isfinite(value) else None


def _safe(text: str) -> str:
    # Masked before it is cut: without its @, a password is not known as one.
    return one_line(mask_passwords(text))[:_LONGEST_MESSAGE]
