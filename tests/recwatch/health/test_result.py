from typing import Any

import pytest

from recwatch.errors import HealthError
from recwatch.health.result import Measured, Result, failed, judge, timed_out

WHEN: Any = {"seconds": 0.5, "at": 100.0}


@pytest.mark.parametrize(
    ("returned", "result"),
    [
        (None, Result("up", None, "", 0.5, 100.0)),
        (True, Result("up", None, "", 0.5, 100.0)),
        (3, Result("up", 3.0, "", 0.5, 100.0)),
        (0, Result("up", 0.0, "", 0.5, 100.0)),
        (False, Result("down", None, "the check returned False", 0.5, 100.0)),
        (Measured(2.5, "v3\n"), Result("up", 2.5, r"v3\n", 0.5, 100.0)),
        (Measured(None, "v3"), Result("up", None, "v3", 0.5, 100.0)),
    ],
)
def test_what_a_check_returns(returned: object, result: Result) -> None:
    assert judge(returned, **WHEN) == result


@pytest.mark.parametrize("returned", ["ok", float("nan"), float("inf"), [1], Measured(float("nan"))])
def test_what_is_no_number_is_a_fault_of_the_check(returned: object) -> None:
    found = judge(returned, **WHEN)
    assert (found.status, found.value) == ("down", None)
    assert found.message.endswith("return a finite number, True, False or None")


def test_what_a_check_raises() -> None:
    assert failed(HealthError("too old", value=9.0), **WHEN) == Result("down", 9.0, "too old", 0.5, 100.0)
    assert failed(HealthError("odd", value=float("inf")), **WHEN).value is None
    assert failed(KeyError("a"), **WHEN).message == "KeyError: 'a'"
    assert failed(SystemExit(), **WHEN).message == "SystemExit"


class Mute(Exception):  # noqa: N818 - reads as what it is
    def __str__(self) -> str:
        raise RuntimeError("no words")


class MuteHealthError(Mute, HealthError):
    pass


def test_an_error_that_cannot_be_shown_is_a_result_all_the_same() -> None:
    odd = HealthError("queue", value="5")  # type: ignore[arg-type]
    assert failed(odd, **WHEN) == Result("down", None, "queue", 0.5, 100.0)
    assert failed(Mute(), **WHEN).message == "Mute: its message cannot be shown: RuntimeError"
    assert failed(MuteHealthError("queue"), **WHEN).message == "its message cannot be shown: RuntimeError"


def test_a_message_is_one_short_line_without_passwords() -> None:
    text = f"redis://me:secret@cache\n{'x' * 500}"
    for error in (HealthError(text), OSError(text)):
        message = failed(error, **WHEN).message
        assert "secret" not in message
        assert r"//me:***@cache\nxxx" in message
        assert len(message) == 300


def test_a_check_that_is_late() -> None:
    assert timed_out(2.0, seconds=2.5, at=1.0, hangs=False).message == "no answer within 2 s"
    hanging = timed_out(0.5, seconds=42.4, at=1.0, hangs=True)
    assert (hanging.status, hanging.message) == (
        "timeout",
        "no answer within 0.5 s; it has been running for 42 s",
    )
