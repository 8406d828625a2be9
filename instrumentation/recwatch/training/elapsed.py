"""How long a run took, to the millisecond: whole numbers add up alike in every database and every order."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

__all__ = ["as_ms", "elapsed_ms"]


def as_ms(seconds: float) -> int:
    """Seconds as whole milliseconds, 0 or more."""
    return max(0, round(seconds * 1000))


def elapsed_ms(row: Mapping[str, Any], until: datetime | None = None) -> int:
    """What a run took, earlier runs of its id included.

    Args:
        row: of `training_runs`; while it says `running`, its `elapsed_ms` is that of the earlier runs.
        until: when a run that said `running` was last seen, aware; None where it is over.
    """
    before: int = row["elapsed_ms"] or 0
    if until is None or row["started_at"] is None:
        return before
    took: timedelta = until - row["started_at"]
    return before + max(0, took // timedelta(milliseconds=1))
