from collections.abc import Callable

import pytest

from recwatch_exporter.config import Check
from recwatch_exporter.errors import REASONS
from recwatch_exporter.process.state import State
from recwatch_exporter.results import CheckResult

RESULT = CheckResult(findings=(), rows={}, newest={}, enough_rows=True)


@pytest.fixture
def check(make_check: Callable[..., Check]) -> Check:
    return make_check()


def test_a_failure_keeps_the_last_result(check: Check) -> None:
    state = State()
    state.configure([check])
    state.succeeded(check, RESULT, at=5.0, duration=1.0)
    state.failed(check, "source", "gone", duration=2.0)

    found = state.get("check")

    assert found is not None
    assert (found.result, found.success, found.error, found.last_success) == (RESULT, False, "gone", 5.0)
    assert found.failures == {**dict.fromkeys(REASONS, 0), "source": 1}


def test_a_success_clears_the_error_and_keeps_the_count(check: Check) -> None:
    state = State()
    state.configure([check])
    state.failed(check, "source", "gone", duration=2.0)
    state.succeeded(check, RESULT, at=5.0, duration=1.0)

    found = state.get("check")

    assert found is not None
    assert (found.success, found.error, found.failures["source"]) == (True, None, 1)


def test_a_new_configuration_names_what_is_new_or_changed(make_check: Callable[..., Check]) -> None:
    state = State()
    first, second = make_check(name="a"), make_check(name="b")
    assert state.configure([first, second]) == ["a", "b"]
    state.succeeded(first, RESULT, at=5.0, duration=1.0)

    changed = make_check(name="a", threshold=0.5)
    assert state.configure([changed, second]) == ["a"]

    found = state.get("a")
    assert found is not None
    assert found.result == RESULT, "the last values stay until the changed check has run"
    assert state.configure([second]) == []
    assert [item.check.name for item in state.all()] == ["b"]


def test_a_run_that_began_before_a_change_says_nothing(make_check: Callable[..., Check]) -> None:
    state = State()
    old, new = make_check(), make_check(threshold=0.5)
    state.configure([old])
    state.configure([new])
    state.succeeded(old, RESULT, at=5.0, duration=1.0)
    state.failed(old, "source", "gone", duration=1.0)
    state.failed(make_check(name="other"), "source", "gone", duration=1.0)

    found = state.get("check")
    assert found is not None
    assert found.success is None
