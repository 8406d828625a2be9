from collections.abc import Callable

import pytest

from recwatch_exporter.config import Check
from recwatch_exporter.errors import REASONS
from recwatch_exporter.process.state import LONGEST_HISTORY, Point, State
from recwatch_exporter.results import CheckResult, Finding

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


def result(effect: float | None = 0.2, *features: str, failure: tuple[str, str] | None = None) -> CheckResult:
    findings = tuple(
        Finding(
            type="ks",
            feature=feature,
            statistic=effect,
            p_value=None,
            effect_size=effect,
            threshold=0.1,
            detected=effect is not None and effect >= 0.1,
            error="not there" if effect is None else None,
        )
        for feature in features or ("rating",)
    )
    return CheckResult(findings=findings, rows={}, newest={}, enough_rows=True, failure=failure)


def test_the_history_of_a_finding(check: Check) -> None:
    state = State()
    state.configure([check])
    for number in range(LONGEST_HISTORY + 5):
        state.succeeded(check, result(number / 1000), at=float(number), duration=1.0)

    points = state.history("check")["rating", "all"]

    assert len(points) == LONGEST_HISTORY
    assert (points[0].at, points[-1].at) == (5.0, LONGEST_HISTORY + 4.0)
    assert points[-1] == Point(204.0, 0.204, 0.204, None, detected=True)
    assert state.history("other") == {}


def test_findings_that_are_gone_have_no_history(check: Check) -> None:
    state = State()
    state.configure([check])
    state.succeeded(check, result(0.2, "a", "b"), at=1.0, duration=1.0)
    state.succeeded(check, result(0.3, "b", "c"), at=2.0, duration=1.0)

    history = state.history("check")

    assert {key: [point.at for point in points] for key, points in history.items()} == {
        ("b", "all"): [1.0, 2.0],
        ("c", "all"): [2.0],
    }


def test_a_feature_that_could_not_be_measured_makes_no_point(check: Check) -> None:
    state = State()
    state.configure([check])
    state.succeeded(check, result(0.2), at=1.0, duration=1.0)
    state.succeeded(check, result(None), at=2.0, duration=1.0)

    assert [point.at for point in state.history("check")["rating", "all"]] == [1.0]


def test_some_features_failed(check: Check) -> None:
    state = State()
    state.configure([check])
    state.succeeded(check, result(), at=5.0, duration=1.0)
    partly = result(failure=("source", "price: not there"))
    state.succeeded(check, partly, at=7.0, duration=1.0)

    found = state.get("check")

    assert found is not None
    assert (found.result, found.success, found.error) == (partly, False, "price: not there")
    assert (found.last_success, found.last_result, found.failures["source"]) == (5.0, 7.0, 1)


def test_another_type_begins_anew(make_check: Callable[..., Check]) -> None:
    state = State()
    state.configure([make_check()])
    state.succeeded(make_check(), result(), at=5.0, duration=1.0)
    state.failed(make_check(), "source", "gone", duration=1.0)

    state.configure([make_check(type="psi")])

    found = state.get("check")
    assert found is not None
    assert (found.result, found.success, found.last_success) == (None, None, 0.0)
    assert found.failures["source"] == 1, "counters only grow"
    assert state.history("check") == {}


def test_what_was_kept_is_restored(make_check: Callable[..., Check]) -> None:
    before, after = State(), State()
    names = ("a", "b", "c")
    before.configure([make_check(name=name) for name in names])
    for name in names:
        before.succeeded(make_check(name=name), result(), at=5.0, duration=1.0)
    kept = {name: item for name in names if (item := before.kept(name)) is not None}
    after.configure([make_check(name="a"), make_check(name="b", type="psi"), make_check(name="c")])
    after.failed(make_check(name="c"), "source", "gone", duration=1.0)

    after.restore({**kept, "unknown": kept["a"]})

    assert after.get("a") == before.get("a")
    assert after.history("a") == before.history("a")
    for name in ("b", "c"):
        found = after.get(name)
        assert found is not None
        assert found.result is None, "another type, or it has spoken already"
    assert after.get("unknown") is None


@pytest.mark.parametrize(
    ("keys", "taken"),
    [
        ({}, True),
        ({"schedule": {"every": "5m"}, "timeout": "1m", "memory": "1GiB", "models": ["als"]}, True),
        ({"threshold": 0.9}, False),
        ({"column": "price"}, False),
        ({"current": {"path": "other.parquet"}}, False),
    ],
)
def test_what_another_configuration_found_is_not_published_after_a_restart(
    make_check: Callable[..., Check], keys: dict[str, object], *, taken: bool
) -> None:
    before, after = State(), State()
    before.configure([make_check()])
    before.succeeded(make_check(), result(), at=5.0, duration=1.0)
    kept = before.kept("check")
    assert kept is not None

    after.configure([make_check(**keys)])
    after.restore({"check": kept})

    found = after.get("check")
    assert found is not None
    assert (found.result is not None, found.success) == ((True, True) if taken else (False, None))
    assert after.history("check") == before.history("check")


def test_a_failure_does_not_make_a_result_the_changed_configurations(
    make_check: Callable[..., Check],
) -> None:
    state, changed = State(), make_check(threshold=0.9)
    state.configure([make_check()])
    state.succeeded(make_check(), result(), at=5.0, duration=1.0)
    first = state.kept("check")
    state.configure([changed])
    state.failed(changed, "source", "gone", duration=1.0)

    second = state.kept("check")

    assert first is not None
    assert second is not None
    assert first.made_with == second.made_with
