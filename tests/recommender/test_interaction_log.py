import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from recommender.interaction_log import InteractionLog, Record
from recommender.interactions import batches, read_interactions

EVENT_TIME = datetime(2003, 5, 16, 12, tzinfo=UTC)


def record(user_id: int = 1, *, rating: float | None = 3.5) -> Record:
    event = "click" if rating is None else "rating"
    return Record(user_id, 10, event, rating, EVENT_TIME, datetime(2026, 1, 1, tzinfo=UTC))


def test_a_batch_holds_what_was_appended(tmp_path: Path) -> None:
    log = InteractionLog(tmp_path / "interactions")
    log.append(record())
    log.append(record(2, rating=None))
    path = log.flush()
    assert path is not None
    found = read_interactions([path])
    assert found.user_id.tolist() == [1, 2]
    assert found.event.tolist() == ["rating", "click"]
    assert found.timestamp[0] == np.datetime64("2003-05-16T12:00:00", "us")
    assert found.observed_at[0] == np.datetime64("2026-01-01", "us")
    assert log.waiting == 0


def test_nothing_waiting_writes_nothing(tmp_path: Path) -> None:
    assert InteractionLog(tmp_path / "interactions").flush() is None
    assert not (tmp_path / "interactions").exists()


def test_times_of_other_zones_are_written_in_utc(tmp_path: Path) -> None:
    log = InteractionLog(tmp_path)
    east = EVENT_TIME.astimezone(timezone(timedelta(hours=7)))
    log.append(Record(1, 10, "rating", 3.5, east, east))
    log.flush()
    assert read_interactions(batches(tmp_path)).timestamp[0] == np.datetime64("2003-05-16T12:00:00", "us")


def test_batches_sort_by_age(tmp_path: Path, ticking_clock: Callable[[], datetime]) -> None:
    log = InteractionLog(tmp_path, clock=ticking_clock)
    for user_id in range(12):
        log.append(record(user_id))
        log.flush()
    assert read_interactions(batches(tmp_path)).user_id.tolist() == list(range(12))


def test_batches_of_one_moment_do_not_overwrite_each_other(tmp_path: Path) -> None:
    log = InteractionLog(tmp_path, clock=lambda: EVENT_TIME)
    for user_id in range(3):
        log.append(record(user_id))
        log.flush()
    assert len(batches(tmp_path)) == 3


def test_what_could_not_be_written_waits(tmp_path: Path) -> None:
    folder = tmp_path / "interactions"
    folder.write_text("a file where a folder belongs")
    log = InteractionLog(folder)
    log.append(record())
    with pytest.raises(OSError, match="interactions"):
        log.flush()
    assert log.waiting == 1
    folder.unlink()
    assert log.flush() is not None
    assert log.waiting == 0


def test_the_oldest_give_way_when_nothing_can_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "interactions"
    folder.write_text("a file where a folder belongs")
    dropped: list[int] = []
    log = InteractionLog(folder, capacity=3, dropped=dropped.append)
    for user_id in range(5):
        log.append(record(user_id))
        with pytest.raises(OSError, match="interactions"):
            log.flush()
    folder.unlink()
    log.flush()
    assert dropped == [1, 1]
    assert read_interactions(batches(folder)).user_id.tolist() == [2, 3, 4]


def test_nothing_is_lost_or_doubled_under_concurrent_writers_and_readers(tmp_path: Path) -> None:
    log = InteractionLog(tmp_path)
    done = threading.Event()
    seen: list[int] = []

    def flush_until_done() -> None:
        while not done.is_set():
            log.flush()
            seen.append(len(read_interactions(batches(tmp_path))))

    flushers = [threading.Thread(target=flush_until_done) for _ in range(2)]

    def append_from(first: int) -> None:
        for user_id in range(first, first + 200):
            log.append(record(user_id))

    writers = [threading.Thread(target=append_from, args=[first]) for first in (0, 200, 400)]
    for thread in [*flushers, *writers]:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in flushers:
        thread.join()
    log.flush()
    assert sorted(read_interactions(batches(tmp_path)).user_id.tolist()) == list(range(600))
    assert seen
