import logging
from pathlib import Path

from prometheus_client import CollectorRegistry

from recwatch.metrics import DroppedWrites
from recwatch.training.log import RunLog


def lost(registry: CollectorRegistry) -> float | None:
    labels = {"target": "log", "reason": "unwritable"}
    return registry.get_sample_value("recwatch_dropped_writes_total", labels)


def test_lines_go_to_the_file_while_it_is_open(registry: CollectorRegistry, tmp_path: Path) -> None:
    log = RunLog("als", tmp_path / "cf", DroppedWrites.of(registry))
    log.info("before")
    log.open()
    log.info("100 % done")
    log.error("failed")
    log.close()
    log.info("after")
    lines = (tmp_path / "cf" / "als.log").read_text().splitlines()
    assert [line.split(" | ", 1)[1] for line in lines] == ["INFO | 100 % done", "ERROR | failed"]
    assert lost(registry) == 0


def test_without_a_folder_there_is_no_file(registry: CollectorRegistry, tmp_path: Path) -> None:
    log = RunLog("als", None, DroppedWrites.of(registry))
    log.open()
    log.info("to the logger alone")
    log.close()
    assert list(tmp_path.iterdir()) == []
    assert lost(registry) is None


def test_a_full_disk_costs_a_count(registry: CollectorRegistry, tmp_path: Path) -> None:
    (tmp_path / "als.log").symlink_to("/dev/full")
    log = RunLog("als", tmp_path, DroppedWrites.of(registry))
    log.open()
    log.info("no room")
    log.close()
    assert (lost(registry) or 0) >= 1
    assert logging.getLogger("recwatch.training.als").handlers == []
