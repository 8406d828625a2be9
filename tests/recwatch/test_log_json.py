import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import structlog

from recwatch import log_json, logs, request_id

NAME = "test.log_json"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    logs.configure(NAME, file=tmp_path / "a.log", console=False, json=True)
    yield tmp_path / "a.log"
    logs.close(NAME)


@pytest.fixture
def logger() -> logging.Logger:
    return logging.getLogger(NAME)


def read(file: Path) -> list[dict[str, Any]]:
    text = file.read_bytes().decode("ascii")
    return [
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
        for line in text.splitlines()
    ]


def test_a_line_has_keys_that_every_line_has(file: Path, logger: logging.Logger) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    logger.warning("Hello %s", "you")
    (line,) = read(file)
    assert before <= datetime.fromisoformat(line.pop("timestamp")) <= datetime.now(UTC)
    assert isinstance(line.pop("pid"), int)
    assert line == {"level": "warning", "logger": NAME, "event": "Hello you"}


def test_fields_become_keys(file: Path, logger: logging.Logger) -> None:
    event = logs.event("Cold-start", user_id=99999, fallback=True, name="als")
    logger.info(event)
    logger.info("%s", event)
    logger.info("Done", extra={"items": 3})
    for line in read(file)[:2]:
        assert (line["event"], line["user_id"], line["fallback"], line["name"]) == (
            "Cold-start",
            99999,
            True,
            "als",
        )
    assert read(file)[2]["items"] == 3


def test_the_request_id_reaches_every_line_of_a_request(file: Path, logger: logging.Logger) -> None:
    with request_id.bind("r-1"):
        logger.info(logs.event("Request", user_id=1))
        logger.error("Failed", exc_info=LookupError("gone"))
    logger.info("From elsewhere", extra={"request_id": "r-2"})
    logger.info("Outside")
    lines = read(file)
    assert [line.get("request_id") for line in lines] == ["r-1", "r-1", "r-2", None]
    assert lines[1]["exception"].endswith("LookupError: gone")
    assert "exc_info" not in lines[1]


def test_a_field_does_not_take_the_place_of_a_key(file: Path, logger: logging.Logger) -> None:
    with request_id.bind("r-1"):
        logger.info(logs.event("Hello", level="forged", timestamp=0, event="forged", request_id="forged"))
    (line,) = read(file)
    assert (line["level"], line["event"], line["request_id"]) == ("info", "Hello", "r-1")
    assert (line["level_"], line["timestamp_"], line["event_"], line["request_id_"]) == (
        "forged",
        0,
        "forged",
        "forged",
    )


def test_no_value_can_forge_a_line(
    file: Path, logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What pytest captures may have to cross to another process, where half a surrogate pair cannot go.
    monkeypatch.setattr(logger, "propagate", False)
    value = '"}\n{"level": "info"\r\x00\x85\u2028\ud800'
    logger.info(logs.event("Request", user_id=value))
    logger.info("%s", value)
    first, second = read(file)
    assert first["user_id"] == second["event"] == value


def test_passwords_of_urls_are_masked(file: Path, logger: logging.Logger) -> None:
    logger.error("No answer of %s", "redis://me:secret@cache", extra={"also": "redis://me:secret@cache"})
    logger.error(logs.event("Failed", error=OSError("redis://me:secret@cache")))
    assert "secret" not in file.read_text()
    assert read(file)[1]["error"] == "redis://me:***@cache"


def test_passwords_of_urls_are_masked_however_deep_they_stand(file: Path, logger: logging.Logger) -> None:
    url = "redis://me:secret@cache"
    deep = {"broker": {url: [url, (url, 1)], "set": {url}, "text": np.str_(url), "error": OSError(url)}}
    own: list[Any] = [url]
    own.append(own)
    logger.info(logs.event("Up", config=deep, hosts=[url], plain=3), extra={"more": {"url": url}})
    logger.info(logs.event("Up", url=url, own=own))
    logger.info(logs.event("Up", url=url, keys={("no", "key"): url}))
    assert "secret" not in file.read_text()
    first, second, third = read(file)
    masked = "redis://me:***@cache"
    inner = {masked: [masked, [masked, 1]], "set": [masked], "text": masked, "error": masked}
    assert first["config"] == {"broker": inner}
    assert (first["hosts"], first["plain"], first["more"]) == ([masked], 3, {"url": masked})
    assert second["url"] == third["url"] == masked


def test_what_json_does_not_know_is_written_as_text(file: Path, logger: logging.Logger) -> None:
    own: list[Any] = []
    own.append(own)
    values = {"nan": float("nan"), "path": Path("a"), "number": np.float32(0.5), "set": {2, 1}, "own": own}
    logger.info(logs.event("Hello", **values))
    logger.info(logs.event("Hello", path=Path("a"), number=np.int64(3), set={2, 1}, scores=[0.5]))
    first, second = read(file)
    assert (first["nan"], first["own"]) == ("nan", "[[...]]")
    assert (second["path"], second["number"], second["set"], second["scores"]) == ("a", 3, [1, 2], [0.5])


@pytest.fixture
def _structlog() -> Iterator[None]:
    log_json.configure_structlog()
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("_structlog")
def test_structlog_s_own_loggers_write_the_same(file: Path, tmp_path: Path) -> None:
    theirs = structlog.stdlib.get_logger(NAME).bind(model="als")
    with request_id.bind("r-1"):
        theirs.info("Request", user_id=1)
        theirs.info("Request of %s", "you")
        theirs.error("Failed", exc_info=LookupError("gone"))
    first, second, third = read(file)
    assert (first["event"], first["user_id"], first["model"], first["request_id"]) == (
        "Request",
        1,
        "als",
        "r-1",
    )
    assert second["event"] == "Request of you"
    assert (third["level"], third["exception"].splitlines()[-1]) == ("error", "LookupError: gone")
    logs.configure(NAME, file=tmp_path / "b.log", console=False)
    theirs.warning("Cold-start", user_id=1)
    assert (tmp_path / "b.log").read_text().endswith("| WARNING | Cold-start | model=als, user_id=1\n")


def test_without_structlog_text_works_and_json_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['structlog'] = None\n"
        "from recwatch import logs\n"
        f"logs.configure(file={str(tmp_path / 'a.log')!r}, console=False).info('text')\n"
        "try:\n    logs.configure(json=True)\nexcept logs.ConfigError as error:\n    print(error)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "JSON logs need structlog: pip install 'recwatch[logs]'\n"
    assert (tmp_path / "a.log").read_text().endswith("| INFO | text\n")


def test_what_other_formatters_leave_behind_is_no_field(file: Path, logger: logging.Logger) -> None:
    theirs = logging.NullHandler()
    theirs.handle = lambda record: bool(logs.formatter().format(record))  # type: ignore[method-assign]
    logger.handlers.insert(0, theirs)
    try:
        logger.info("Hello", extra={"color_message": "\x1b[1mHello"})
    finally:
        logger.removeHandler(theirs)
    assert set(read(file)[0]) == {"timestamp", "level", "logger", "event", "pid"}
