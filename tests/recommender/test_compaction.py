"""Old batches become fewer, and no reader finds a record twice or not at all."""

import os
import shutil
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from recommender.compaction import compact, main
from recommender.errors import DataError
from recommender.interaction_log import InteractionLog, Record
from recommender.interactions import batches, read_interactions, read_log
from recommender.paths import Home

BEGAN = datetime(2026, 1, 1, 22, tzinfo=UTC)
LATER = datetime(2026, 2, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = BEGAN

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "interactions"


@pytest.fixture
def write(folder: Path) -> Callable[[int], list[int]]:
    """Writes so many batches of one record, half an hour apart; returns their users, oldest first."""

    def write_them(count: int) -> list[int]:
        clock = Clock()
        log = InteractionLog(folder, clock=clock)
        for user_id in range(count):
            log.append(Record(user_id, 10, "click", None, BEGAN, BEGAN))
            log.flush()
            clock.now += timedelta(minutes=30)
        return list(range(count))

    return write_them


def users(folder: Path) -> list[int]:
    found: list[int] = read_log(folder).user_id.tolist()
    return found


def test_each_day_becomes_a_file_and_the_order_stays(folder: Path, write: Callable[[int], list[int]]) -> None:
    written = write(60)  # four of the first day, 48 of the second, eight of the third
    inode = folder.stat().st_ino
    assert compact(folder, LATER) == 57
    assert [len(read_interactions([path])) for path in batches(folder)] == [4, 48, 8]
    assert users(folder) == written
    assert folder.stat().st_ino != inode  # they have changed places
    aside = folder.with_name(".interactions.aside")
    assert (aside.stat().st_ino, len(batches(aside))) == (inode, 60)  # for whoever is just listing it
    assert compact(folder, LATER) == 0
    assert users(folder) == written


def test_what_is_young_is_left_alone(folder: Path, write: Callable[[int], list[int]]) -> None:
    written = write(8)
    young = batches(folder)[3:]
    assert compact(folder, BEGAN + timedelta(minutes=90)) == 2
    assert batches(folder)[1:] == young
    assert users(folder) == written


def test_a_merged_file_has_a_name_of_its_own_each_time(
    folder: Path, write: Callable[[int], list[int]]
) -> None:
    written = write(4)
    listed = {path.name for path in batches(folder)}
    for hour in (1, 2):
        compact(folder, BEGAN + timedelta(hours=hour, minutes=1))
        fresh = {path.name for path in batches(folder)} - listed
        assert len(fresh) == 1
        listed |= fresh
    assert users(folder) == written


def test_a_reader_that_listed_before_fails_and_reads_anew(
    folder: Path, write: Callable[[int], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = write(3)
    listed = batches(folder)
    compact(folder, LATER)
    with pytest.raises(DataError):
        read_interactions(listed)
    looks = iter([listed, batches(folder)])
    monkeypatch.setattr("recommender.interactions.batches", lambda _: next(looks))
    assert users(folder) == written


def test_a_damaged_batch_stops_it_and_nothing_changes(
    folder: Path, write: Callable[[int], list[int]]
) -> None:
    write(4)
    files = batches(folder)
    files[1].write_bytes(b"not parquet")
    with pytest.raises(DataError, match="is not a file of interactions"):
        compact(folder, LATER)
    assert batches(folder) == files
    assert not folder.with_name(".interactions.aside").exists()


def test_what_a_killed_one_left_is_cleared_away(folder: Path, write: Callable[[int], list[int]]) -> None:
    written = write(4)
    left = folder.with_name(".interactions.fresh")
    left.mkdir()
    (left / "20260101T000000000000-1-000000.parquet").write_bytes(b"half of one")
    assert compact(folder, LATER) == 3
    assert users(folder) == written
    assert not left.exists()


def test_what_is_merged_is_on_the_disk_before_it_replaces_what_was(
    folder: Path, write: Callable[[int], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what is not, a power cut leaves empty files."""
    write(4)
    synced: list[tuple[str, bool]] = []
    fsync = os.fsync

    def record(handle: int) -> None:
        fsync(handle)
        synced.append((str(Path(f"/proc/self/fd/{handle}").readlink()), len(batches(folder)) == 1))

    monkeypatch.setattr(os, "fsync", record)
    compact(folder, LATER)
    (merged,) = batches(folder)
    fresh = folder.with_name(".interactions.fresh")
    assert synced == [(str(fresh / merged.name), False), (str(fresh), False), (str(folder.parent), True)]


def test_the_old_files_stay_until_what_replaced_them_has_been_read(
    folder: Path, write: Callable[[int], list[int]]
) -> None:
    write(4)
    compact(folder, LATER)
    aside = folder.with_name(".interactions.aside")
    (merged,) = batches(folder)
    merged.write_bytes(b"")  # as a power cut might leave it
    clock = BEGAN + timedelta(days=1)
    log = InteractionLog(folder, clock=lambda: clock)
    for user_id in (7, 8):
        log.append(Record(user_id, 10, "click", None, BEGAN, BEGAN))
        log.flush()
    with pytest.raises(DataError, match=rf"what was merged last is still in {aside}$"):
        compact(folder, LATER)
    assert users(aside) == [0, 1, 2, 3]
    shutil.copy(batches(aside)[0], merged)
    compact(folder, LATER)
    assert users(folder) == [0, 7, 8]


def test_what_is_no_batch_stays_where_it_is(folder: Path, write: Callable[[int], list[int]]) -> None:
    written = write(4)
    (folder / "NOTE.txt").write_text("these are real")
    compact(folder, LATER)
    assert (folder / "NOTE.txt").read_text() == "these are real"
    assert users(folder) == written


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_merged_log_belongs_to_whom_it_belonged(folder: Path, write: Callable[[int], list[int]]) -> None:
    write(4)
    os.chown(folder, 10_001, 10_002)
    folder.chmod(0o2770)
    compact(folder, LATER)
    for path in (folder, *batches(folder)):
        assert (path.stat().st_uid, path.stat().st_gid) == (10_001, 10_002)
    assert folder.stat().st_mode & 0o7777 == 0o2770


def test_nothing_is_lost_or_doubled_while_others_write_and_read(folder: Path) -> None:
    log = InteractionLog(folder)
    log.append(Record(0, 10, "click", None, BEGAN, BEGAN))
    log.flush()
    done, faults = threading.Event(), list[str]()

    def read_until_done() -> None:
        before = 0
        while not done.is_set():
            try:
                found = users(folder)
            except DataError as error:
                if not isinstance(error.__cause__, FileNotFoundError):
                    faults.append(str(error))
                continue
            if found != list(range(len(found))) or len(found) < before:
                faults.append(f"{len(found)} records after {before}: {found[-5:]}")
            before = len(found)

    readers = [threading.Thread(target=read_until_done) for _ in range(2)]
    for reader in readers:
        reader.start()
    merged = 0
    for user_id in range(1, 120):
        log.append(Record(user_id, 10, "click", None, BEGAN, BEGAN))
        log.flush()
        if user_id % 5 == 0:
            merged += compact(folder, datetime.now(UTC) + timedelta(days=1))
    done.set()
    for reader in readers:
        reader.join()
    assert faults == []
    assert merged > 50
    assert users(folder) == list(range(120))


def test_the_command_says_what_it_did(
    tmp_path: Path, write: Callable[[int], list[int]], capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path)
    assert main(["--home", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("0 files fewer")
    write(4)
    assert main(["--home", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"3 files fewer in {home.interactions}\n"
    batches(home.interactions)[0].write_bytes(b"not parquet")
    write(4)
    assert main(["--home", str(tmp_path)]) == 1
    assert "is as it was" in capsys.readouterr().err


def test_times_and_ratings_are_what_they_were(folder: Path) -> None:
    log = InteractionLog(folder, clock=lambda: BEGAN)
    for rating in (3.5, None):
        event = "click" if rating is None else "rating"
        log.append(Record(1, 10, event, rating, BEGAN, LATER))
        log.flush()
    compact(folder, LATER)
    found = read_log(folder)
    assert found.event.tolist() == ["rating", "click"]
    assert np.array_equal(found.rating, [3.5, np.nan], equal_nan=True)
    assert found.observed_at.tolist() == [LATER.replace(tzinfo=None)] * 2
