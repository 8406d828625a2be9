from collections.abc import Callable
from pathlib import Path

from recwatch.testing import wait_until
from recwatch_exporter.process.watcher import PromotionWatcher


def test_a_promotion_is_seen_once(promote: Callable[..., Path]) -> None:
    seen: list[Path] = []
    watcher = PromotionWatcher(seen.append)
    folder = promote("als")
    watcher.watch([folder])
    watcher.look()
    assert seen == []

    promote("als")
    watcher.look()
    watcher.look()

    assert seen == [folder]


def test_the_first_promotion_counts(promote: Callable[..., Path], tmp_path: Path) -> None:
    seen: list[Path] = []
    watcher = PromotionWatcher(seen.append)
    watcher.watch([tmp_path / "artifacts" / "als"])
    watcher.look()
    folder = promote("als")
    watcher.look()

    assert seen == [folder]


def test_a_damaged_file_is_left_to_the_checks(promote: Callable[..., Path]) -> None:
    seen: list[Path] = []
    watcher = PromotionWatcher(seen.append)
    folder = promote("als")
    watcher.watch([folder])
    (folder / "current").write_bytes(b"\xff\xfe")
    watcher.look()

    assert seen == [folder]


def test_folders_that_are_not_watched_any_more(promote: Callable[..., Path]) -> None:
    seen: list[Path] = []
    watcher = PromotionWatcher(seen.append)
    watcher.watch([promote("als")])
    watcher.watch([])
    promote("als")
    watcher.look()

    assert seen == []


def test_it_looks_by_itself(promote: Callable[..., Path]) -> None:
    seen: list[Path] = []
    watcher = PromotionWatcher(seen.append, seconds=0.01)
    folder = promote("als")
    watcher.watch([folder])
    watcher.start()
    promote("als")

    wait_until(lambda: seen == [folder])
    watcher.stop()
