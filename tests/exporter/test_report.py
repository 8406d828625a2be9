from collections.abc import Callable
from dataclasses import replace

import pytest

from recwatch_exporter.config import Check
from recwatch_exporter.process.state import CheckState
from recwatch_exporter.report import Verdict, describe, table, verdict
from recwatch_exporter.results import CheckResult, Finding


@pytest.fixture
def quiet(make_check: Callable[..., Check]) -> CheckState:
    finding = Finding(
        type="ks",
        feature="rating",
        statistic=0.05,
        p_value=0.5,
        effect_size=0.05,
        threshold=0.1,
        detected=False,
        n_reference=100,
        n_current=7000,
    )
    result = CheckResult(
        findings=(finding,), rows={"reference": 100, "current": 7000}, newest={}, enough_rows=True
    )
    return CheckState(check=make_check(name="quiet"), result=result, success=True, last_success=1.5)


@pytest.fixture
def drifted(quiet: CheckState) -> CheckState:
    assert quiet.result is not None
    finding = replace(quiet.result.findings[0], detected=True, statistic=0.25, effect_size=0.25)
    return replace(quiet, result=replace(quiet.result, findings=(finding,)))


@pytest.fixture
def few(quiet: CheckState) -> CheckState:
    assert quiet.result is not None
    finding = replace(quiet.result.findings[0], enough_rows=False)
    return replace(quiet, result=replace(quiet.result, findings=(finding,), enough_rows=False))


@pytest.fixture
def failed(make_check: Callable[..., Check]) -> CheckState:
    return CheckState(check=make_check(name="broken"), success=False, error="reference: gone")


def test_the_verdict(quiet: CheckState, drifted: CheckState, few: CheckState, failed: CheckState) -> None:
    assert verdict([quiet]) is Verdict.NO_DRIFT
    assert verdict([quiet, drifted]) is Verdict.DRIFT
    assert verdict([quiet, failed]) is Verdict.CANNOT_TELL
    assert verdict([quiet, few]) is Verdict.CANNOT_TELL
    assert verdict([failed, drifted, few]) is Verdict.DRIFT


def test_a_finding_says_why_it_cannot_tell(few: CheckState) -> None:
    assert few.result is not None
    reason = "6 clusters allow no p-value below 0.1"
    finding = replace(few.result.findings[0], details={"cannot_tell": reason})
    state = replace(few, result=replace(few.result, findings=(finding,)))

    assert reason in table([state])
    assert describe(state)[0]["details"]["cannot_tell"] == reason
    assert verdict([state]) is Verdict.CANNOT_TELL


def test_vectors_that_could_not_be_compared_stand_beside_the_result(quiet: CheckState) -> None:
    assert quiet.result is not None
    for left_out, shown in ((250, "no drift, 250 left out"), ({"current": 250}, "no drift"), (0, "no drift")):
        finding = replace(quiet.result.findings[0], details={"left_out": left_out})
        state = replace(quiet, result=replace(quiet.result, findings=(finding,)))

        assert table([state]).rstrip().endswith(f" {shown}")


def test_what_a_name_holds_cannot_break_a_line(quiet: CheckState) -> None:
    assert quiet.result is not None
    finding = replace(quiet.result.findings[0], feature="a\nb\x1b[31m")

    text = table([replace(quiet, result=replace(quiet.result, findings=(finding,)))])

    assert len(text.splitlines()) == 2
    assert "\x1b" not in text


def test_the_table_is_aligned(
    quiet: CheckState, drifted: CheckState, few: CheckState, failed: CheckState
) -> None:
    text = table([quiet, drifted, few, failed]).replace("fewer than 1 rows", "too few")

    assert text.splitlines() == [
        "CHECK   TYPE  FEATURE  SEGMENT  STATISTIC  EFFECT  DRIFT IF  P-VALUE  REFERENCE  CURRENT  RESULT",
        "quiet   ks    rating   all           0.05    0.05    >= 0.1      0.5        100     7000  no drift",
        "quiet   ks    rating   all           0.25    0.25    >= 0.1      0.5        100     7000  DRIFT",
        "quiet   ks    rating   all           0.05    0.05    >= 0.1      0.5        100     7000  too few",
        "broken  ks    rating   all              -       -    >= 0.1        -          -        -  failed",
        "",
        "broken: reference: gone",
    ]


def test_a_check_as_json(quiet: CheckState, failed: CheckState) -> None:
    (row,) = describe(quiet)
    assert row["check"] == "quiet"
    assert row["last_success"] == "1970-01-01T00:00:01.500000+00:00"
    assert (row["statistic"], row["n_reference"], row["n_current"], row["error"]) == (0.05, 100, 7000, None)

    (row,) = describe(failed)
    assert (row["statistic"], row["detected"], row["error"]) == (None, None, "reference: gone")
    assert list(row) == list(describe(quiet)[0])


def test_a_feature_that_failed_does_not_blame_its_neighbours(quiet: CheckState) -> None:
    assert quiet.result is not None
    found = quiet.result.findings[0]
    broken = replace(
        found, feature="price", statistic=None, effect_size=None, p_value=None, error="not there"
    )
    result = replace(quiet.result, findings=(found, broken), failure=("source", "price: not there"))

    partly = replace(quiet, result=result, success=False, error="price: not there")
    assert [row["error"] for row in describe(partly)] == [None, "not there"]
    assert verdict([partly]) is Verdict.CANNOT_TELL
    assert [line.split()[-1] for line in table([partly]).splitlines()[1:3]] == ["drift", "failed"]

    later = replace(partly, error="reference: gone")
    assert [row["error"] for row in describe(later)] == ["reference: gone", "not there"]
