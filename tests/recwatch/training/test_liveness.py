from datetime import UTC, datetime
from typing import Any

from recwatch.training import process
from recwatch.training.liveness import LOST_AFTER, closed, is_lost, opened

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_of_this_process_only_open_runs_are_alive() -> None:
    here = process.current()
    place = {"host": here.host, "pid": here.pid, "process_started_at": here.started_at}
    row: dict[str, Any] = {"run_id": "twice", "started_at": NOW, "heartbeat_at": NOW, **place}
    assert is_lost(row, now=NOW)
    opened("twice")
    opened("twice")
    closed("twice")
    assert not is_lost(row, now=NOW)
    closed("twice")
    closed("twice")
    assert is_lost(row, now=NOW)


def test_elsewhere_the_heartbeat_decides() -> None:
    row: dict[str, Any] = {"run_id": "x", "pid": None, "started_at": NOW, "heartbeat_at": NOW}
    assert not is_lost(row, now=NOW + LOST_AFTER)
    assert is_lost(row, now=NOW + 1.1 * LOST_AFTER)
