import logging
import pickle
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from recwatch import logs, request_id
from recwatch.logs import Rotation


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
        logs.event("Request", user="x\r\n2025 | INFO | forged")
        == r'Request | user="x\r\n2025 | INFO | forged"'
    )
    assert logs.event("Started") == "Started"
    assert (
        logs.event("Evaluation", **{"recall@10": 0.234, "name": "als"})
        == "Evaluation | recall@10=0.234, name=als"
    )


@pytest.mark.parametrize(
    "value",
    [
        *("als_v2_20250116_141500", "artifacts/cf/als/v1", "0.082s", "u-5@example.org", "người", "5%"),
        *("0.912 ± 0.004", "2025-01-15T15:30:15+07:00", "http://127.0.0.1:9091/metrics"),
        *(12345, -1e-05, 1e20, True, None),
    ],
)
def test_a_plain_value_is_written_as_it_is(value: object) -> None:
    assert logs.event("Request", value=value) == f"Request | value={value}"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("3, latency=0.000s, fallback=True", '"3, latency=0.000s, fallback=True"'),
        ("1 | ERROR", '"1 | ERROR"'),
        ('a", user_id="9', r'"a\", user_id=\"9"'),
        ('a\\", user_id=9', r'"a\\\", user_id=9"'),
        ("a=b", '"a=b"'),
        ("no such file", '"no such file"'),
        ("", '""'),
        ({"a": 1}, "\"{'a': 1}\""),
        ("a\u200e\u061c\u200bb\ufeff", r'"a\u200e\u061c\u200bb\ufeff"'),
        ("a\u00a0b", '"a\u00a0b"'),
    ],
)
def test_a_value_that_could_be_taken_for_more_is_quoted(value: object, written: str) -> None:
    assert logs.event("Request", value=value, next=1) == f"Request | value={written}, next=1"


@given(st.lists(st.text(st.sampled_from('ab1 ,=|"\\\n\u200e') | st.characters(), max_size=12), max_size=4))
def test_a_line_can_be_read_back(values: list[str]) -> None:
    line = logs.event("Request", **{f"key{number}": value for number, value in enumerate(values)})
    fields = re.findall(r'(?: \| |, )(key\d)=("(?:[^"\\]|\\.)*"|[^",=| ]+(?: ± \S+)?)', line)
    assert "Request" + "".join(
        f"{', ' if number else ' | '}{key}={value}" for number, (key, value) in enumerate(fields)
    ) == str(line)
    assert [key for key, _ in fields] == [f"key{number}" for number in range(len(values))]


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
    assert lost == [1]


CONTROLS = "\x00\x07\x08\t\n\x0b\x0c\r\x1b\x7f\x85\x9b\u061c\u200e\u2028\u2029\u202e\u2066"


def test_no_control_character_is_written(name: str, tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    logger = logs.configure(name, file=file, console=False)
    logger.info("Hello | user=%s", CONTROLS)
    logger.info(logs.event("Hello", user=CONTROLS))
    text = file.read_bytes().decode()
    assert len(text.splitlines()) == 2
    escaped = r"\x00\x07\x08\t\n\x0b\x0c\r\x1b\x7f\x85\x9b\u061c\u200e\u2028\u2029\u202e\u2066"
    assert text.count(f" | INFO | Hello | user={escaped}\n") == 1
    assert text.count(f' | INFO | Hello | user="{escaped}"\n') == 1


def test_the_lines_of_an_exception_cannot_be_taken_for_records(name: str, tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    logger = logs.configure(name, file=file, console=False)
    forged = "2025-01-15 15:30:15 | INFO | forged\r\x1b[2K"
    try:
        int(f"x\n{forged}")
    except ValueError:
        logger.error("Failed", exc_info=LookupError(forged), stack_info=True)  # noqa: TRY400
        logger.exception("Failed again")
    lines = file.read_text().splitlines()
    assert [line.split(" | ", 2)[2] for line in lines if not line.startswith("    ")] == [
        "Failed",
        "Failed again",
    ]
    assert "    Traceback (most recent call last):" in lines
    assert r"    LookupError: 2025-01-15 15:30:15 | INFO | forged\r\x1b[2K" in lines


def test_a_request_id_is_the_last_field_only_where_one_is_bound(name: str, tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    logger = logs.configure(name, file=file, console=False)
    logger.info(logs.event("Request", user_id=1))
    with request_id.bind("r-1"):
        logger.info(logs.event("Request", user_id=1))
        logger.error("Something failed")
    logger.info("From elsewhere", extra={"request_id": "r-2\n"})
    assert [line.split(" | ", 2)[2] for line in file.read_text().splitlines()] == [
        "Request | user_id=1",
        "Request | user_id=1, request_id=r-1",
        "Something failed | request_id=r-1",
        r'From elsewhere | request_id="r-2\n"',
    ]


def test_passwords_of_urls_are_masked(name: str, tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    logger = logs.configure(name, file=file, console=False)
    error = OSError("redis://me:secret@cache")
    logger.error("No answer of %s", "postgresql://me:secret@host/db", exc_info=error)
    text = file.read_text()
    assert "secret" not in text
    assert "//me:***@host/db" in text
    assert "//me:***@cache" in text


def test_any_text_can_be_written(name: str, tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    logs.configure(name, file=file, console=False).info("người dùng %s", "\ud800")
    assert file.read_text().endswith("| người dùng \\ud800\n")


def test_a_file_is_rotated_as_told(name: str, tmp_path: Path) -> None:
    logger = logs.configure(
        name, file=str(tmp_path / "a.log"), console=False, rotation=Rotation(max_bytes=1, keep=2)
    )
    for number in range(5):
        logger.info("line %d", number)
    assert "line 4" in (tmp_path / "a.log").read_text()
    assert len(list(tmp_path.glob("a.log.*"))) == 2


def test_lost_lines_are_counted_where_told(
    name: str, registry: CollectorRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(name, file=Path("/dev/full"), console=False, registry=registry).info("no room")
    labels = {"target": "log", "reason": "unwritable"}
    assert registry.get_sample_value("recwatch_dropped_writes_total", labels) == 1
    assert "No space left on device" in capsys.readouterr().err


def test_what_cannot_be_set_up_leaves_the_logger_as_it_was(name: str, tmp_path: Path) -> None:
    logger = logs.configure(name, file=tmp_path / "a.log", console=False)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        logs.configure(name, file=tmp_path / "file" / "b.log", console=False)
    logger.info("still here")
    assert "still here" in (tmp_path / "a.log").read_text()
    logs.close(name)
    assert not logger.handlers


def test_an_event_knows_its_fields_also_in_another_process() -> None:
    event = logs.event("Request", user_id=1, error="a\nb")
    assert event == r'Request | user_id=1, error="a\nb"'
    again = pickle.loads(pickle.dumps(event))  # noqa: S301 - our own
    assert (again, again.name, again.fields) == (event, "Request", {"user_id": 1, "error": "a\nb"})
