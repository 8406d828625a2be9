import logging
from pathlib import Path

import pytest
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


def texts(file: Path) -> list[str]:
    return [line.split(" | ", 2)[2] for line in file.read_text().splitlines()]


def test_each_line_is_in_its_own_file_once(registry: CollectorRegistry, tmp_path: Path) -> None:
    names = {"als": "als", "als again": "als", "als.v2": "als.v2", "..": "..", "../als": "..%2Fals"}
    written = {
        name: RunLog(name.removesuffix(" again"), tmp_path / "logs", DroppedWrites.of(registry))
        for name in names
    }
    for log in written.values():
        log.open()
    for name, log in written.items():
        line = f"of {name}"
        log.info(line)
        log.close()
    for name, file in names.items():
        expected = [f"of {other}" for other, its in names.items() if its == file]
        assert texts(tmp_path / "logs" / f"{file}.log") == expected, name
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


def test_a_logger_that_is_listened_to_has_every_line_once(
    registry: CollectorRegistry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = RunLog("als.v2", tmp_path, DroppedWrites.of(registry))
    log.open()
    log.info("heard")
    log.close()
    assert [(record.name, record.getMessage()) for record in caplog.records] == [
        ("recwatch.training.als%2Ev2", "heard")
    ]
