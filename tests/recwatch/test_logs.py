import logging
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from recwatch import logs


@pytest.fixture
def name() -> Iterator[str]:
    name = "test.logs"
    yield name
    logger = logging.getLogger(name)
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.setLevel(logging.NOTSET)


def test_lines_have_the_format(name: str, tmp_path: Path) -> None:
    file = tmp_path / "service" / "recommender.log"
    logger = logs.configure(name, file=file, console=False)
    logger.warning(logs.event("Cold-start", user_id=99999, fallback=True))
    logger.debug("not shown")
    line = file.read_text()
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \| WARNING \| Cold-start \| user_id=99999, fallback=True\n", line
    )


def test_configuring_twice_adds_no_second_handler(name: str, tmp_path: Path) -> None:
    logs.configure(name, file=tmp_path / "a.log")
    logger = logs.configure(name, file=tmp_path / "a.log")
    assert len(logger.handlers) == 2
    logger.info("once")
    assert (tmp_path / "a.log").read_text().count("once") == 1


def test_configuring_anew_replaces_ours_and_leaves_theirs(name: str, tmp_path: Path) -> None:
    theirs = logging.NullHandler()
    logging.getLogger(name).addHandler(theirs)
    logs.configure(name, file=tmp_path / "a.log")
    logger = logs.configure(name, file=tmp_path / "b.log", console=False, level="DEBUG")
    logger.debug("here")
    assert theirs in logger.handlers
    assert len(logger.handlers) == 2
    assert (tmp_path / "a.log").read_text() == ""
    assert "here" in (tmp_path / "b.log").read_text()


def test_no_value_can_forge_a_line() -> None:
    assert (
        logs.event("Request", user="x\r\n2025 | INFO | forged") == r"Request | user=x\r\n2025 | INFO | forged"
    )
    assert logs.event("Started") == "Started"
    assert (
        logs.event("Evaluation", **{"recall@10": 0.234, "name": "als"})
        == "Evaluation | recall@10=0.234, name=als"
    )


def test_a_file_that_is_rotated_away_is_opened_again(name: str, tmp_path: Path) -> None:
    logger = logs.configure(name, file=tmp_path / "a.log", console=False)
    logger.info("before")
    (tmp_path / "a.log").rename(tmp_path / "a.log.1")
    logger.info("after")
    assert "after" in (tmp_path / "a.log").read_text()


def test_what_cannot_be_written_is_reported_not_raised(name: str, tmp_path: Path) -> None:
    lost = []
    folder = tmp_path / "logs"
    handler = logs.file_handler(folder / "a.log", on_error=lambda: lost.append(1))
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    shutil.rmtree(folder)
    logger.warning("no place to go")
    assert lost == [1]


def test_a_full_disk_is_reported_not_raised(name: str) -> None:
    lost = []
    logger = logging.getLogger(name)
    logger.addHandler(logs.file_handler(Path("/dev/full"), on_error=lambda: lost.append(1)))
    logger.warning("no room")
    assert lost == [1]
    logger.handlers[0].close()
    assert lost == [1, 1]
