"""Whether a run that says `running` still does.

Of a run of this machine and this pid namespace the process decides: its pid and when it started. Of any
other, such as one in another container, only its heartbeat does.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from recwatch.training import process

__all__ = ["HEARTBEAT_SECONDS", "LOST_AFTER", "closed", "is_lost", "opened"]

HEARTBEAT_SECONDS = 30.0
LOST_AFTER = timedelta(seconds=20 * HEARTBEAT_SECONDS)
"""Silence after which a run that runs elsewhere is taken for lost: 20 heartbeats, ten minutes."""

# The runs of this process: one that says `running` with our pid and is not among them was never ended.
# Counted, as two may begin under one name until the store has given one of them another.
_open_runs: Counter[str] = Counter()
_lock = threading.Lock()


def opened(run_id: str) -> None:
    """A run of this process begins."""
    with _lock:
        _open_runs[run_id] += 1


def closed(run_id: str) -> None:
    """A run of this process that was opened is over."""
    with _lock:
        _open_runs[run_id] -= 1
        if _open_runs[run_id] <= 0:
            del _open_runs[run_id]


def is_lost(row: Mapping[str, Any], *, now: datetime, lost_after: timedelta = LOST_AFTER) -> bool:
    """Whether a run that says `running` is lost, as far as can be known from here.

    Args:
        row: of `training_runs`.
        now: aware.
        lost_after: how long a run of another machine or container may be silent.
    """
    if row["pid"] is not None:
        owner = process.Process(row["host"] or "", row["pid"], row["process_started_at"])
        alive = process.is_alive(owner)
        if alive and owner == process.current():
            return row["run_id"] not in _open_runs
        if alive is not None:
            return not alive
    last_seen = row["heartbeat_at"] or row["started_at"] or now
    return bool(now - last_seen > lost_after)
