import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recwatch.testing import wait_until
from recwatch_exporter.process.watcher import PromotionWatcher

SEEN = list[Path]


@pytest.fixture
def seen() -> SEEN:
    return []


@pytest.fixture
def watcher(seen: SEEN) -> Iterator[PromotionWatcher]:
    watcher = PromotionWatcher(seen.append, seconds=0.01, patience=10)
    yield watcher
    watcher.stop()


def test_a_promotion_is_seen_once(
    watcher: PromotionWatcher, seen: SEEN, promote: Callable[..., Path]
) -> None:
    folder, other = promote("als"), promote("other")
    watcher.watch([folder, other])
    assert seen == []

    promote("als")
    wait_until(lambda: seen == [folder])
    promote("other")

    wait_until(lambda: other in seen)
    assert seen == [folder, other]


def test_the_first_promotion_counts(
    watcher: PromotionWatcher, seen: SEEN, promote: Callable[..., Path], tmp_path: Path
) -> None:
    watcher.watch([tmp_path / "artifacts" / "als"])
    folder = promote("als")

    wait_until(lambda: seen == [folder])


def test_a_damaged_file_is_left_to_the_checks(
    watcher: PromotionWatcher, seen: SEEN, promote: Callable[..., Path]
) -> None:
    folder = promote("als")
    watcher.watch([folder])
    (folder / "current").write_bytes(b"\xff\xfe")

    wait_until(lambda: seen == [folder])


def test_folders_that_are_not_watched_any_more(
    watcher: PromotionWatcher, seen: SEEN, promote: Callable[..., Path]
) -> None:
    folder, other = promote("als"), promote("other")
    watcher.watch([folder, other])
    watcher.watch([other])
    promote("als")
    promote("other")

    wait_until(lambda: other in seen)
    assert folder not in seen


def test_a_folder_that_hangs_holds_up_nobody(seen: SEEN, promote: Callable[..., Path]) -> None:
    """Neither its neighbours, nor another configuration, nor the end; its checks run when it answers."""
    hanging, sound = promote("hanging"), promote("sound")
    pipe = hanging / "current"
    pipe.unlink()
    os.mkfifo(pipe)
    watcher = PromotionWatcher(seen.append, seconds=0.01, patience=0.05)

    watcher.watch([hanging, sound])
    promote("sound")
    wait_until(lambda: sound in seen)
    watcher.watch([hanging, sound])
    assert hanging not in seen

    with pipe.open("w", encoding="utf-8") as writer:
        writer.write("v1\n")
    wait_until(lambda: hanging in seen)
    watcher.stop()
    # The next look hangs again: let its thread go.
    os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))
