from collections.abc import Callable
from typing import Any

import pytest

from recwatch_exporter.config import Check
from recwatch_exporter.process.state import CheckState
from recwatch_exporter.results import Finding
from recwatch_exporter.web.status import Status, statuses

MakeCheck = Callable[..., Check]
MakeFinding = Callable[..., Finding]
MakeState = Callable[..., CheckState]


@pytest.mark.parametrize(
    ("keys", "of_finding", "expected"),
    [
        ({}, {}, [Status.STEADY]),
        ({}, {"detected": True}, [Status.DRIFT]),
        ({}, {"enough_rows": False}, [Status.FEW_ROWS]),
        ({"success": False, "error": "gone"}, {}, [Status.FAILED]),
        ({"success": False, "error": "gone"}, {"detected": True}, [Status.DRIFT, Status.FAILED]),
    ],
)
def test_what_a_run_found(
    *,
    keys: dict[str, Any],
    of_finding: dict[str, Any],
    expected: list[Status],
    check: MakeCheck,
    finding: MakeFinding,
    state: MakeState,
    now: float,
) -> None:
    made = check()
    assert list(statuses(state(made, finding(made, **of_finding), **keys), now)) == expected


def test_before_the_first_run_has_ended(check: MakeCheck, now: float) -> None:
    assert statuses(CheckState(check=check()), now) == (Status.WAITING,)
    failed = CheckState(check=check(), success=False, error="gone")
    assert statuses(failed, now) == (Status.FAILED,)


def test_overdue_after_two_runs_were_missed(
    check: MakeCheck, finding: MakeFinding, state: MakeState, now: float
) -> None:
    made = check(schedule={"every": "1h"})
    in_time, late = (state(made, finding(made), last_success=now - age) for age in (7200, 7201))
    assert statuses(in_time, now) == (Status.STEADY,)
    assert statuses(late, now) == (Status.OVERDUE,)


def test_every_state_has_words() -> None:
    assert all(status.words.name and status.words.meaning for status in Status)
