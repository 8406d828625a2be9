from collections.abc import Callable
from typing import Any

import pytest

from recwatch_exporter.checks.base import Measurement
from recwatch_exporter.config import Check
from recwatch_exporter.errors import CheckError, SourceError, StatisticError
from recwatch_exporter.results import ALL, CheckResult, Measured
from recwatch_exporter.results import judge as judge_all

MakeCheck = Callable[..., Check]


def measured(effect: float, p_value: float | None, rows: int = 100, **keys: Any) -> Measurement:
    plain = {"n_reference": rows, "n_current": rows, "n_compared": rows}
    return Measurement(statistic=effect, effect_size=effect, p_value=p_value, **{**plain, **keys})


def judge(check: Check, measurement: Measurement) -> CheckResult:
    return judge_all(check, [Measured("rating", ALL, measurement)], {})


@pytest.mark.parametrize(
    ("effect", "p_value", "rows", "detected"),
    [
        (0.1, 0.05, 50, True),
        (0.09, 0.001, 50, False),
        (0.9, 0.06, 50, False),
        (0.9, 0.001, 49, False),
    ],
)
def test_effect_and_significance_and_rows(
    make_check: MakeCheck, effect: float, p_value: float, rows: int, *, detected: bool
) -> None:
    check = make_check(threshold=0.1, alpha=0.05, min_rows=50)

    (finding,) = judge(check, measured(effect, p_value, rows)).findings

    assert finding.detected is detected
    assert (finding.statistic, finding.p_value, finding.threshold) == (effect, p_value, 0.1)


@pytest.mark.parametrize(("effect", "detected"), [(0.79, True), (0.8, False)])
def test_low_is_bad_for_a_correlation(make_check: MakeCheck, effect: float, *, detected: bool) -> None:
    check = make_check(type="spearman", threshold=0.8)

    assert judge(check, measured(effect, 0.01)).findings[0].detected is detected


def test_without_a_p_value_the_threshold_decides(make_check: MakeCheck) -> None:
    check = make_check(type="embedding", key="item_id", threshold=0.95)

    assert judge(check, measured(0.9, None)).findings[0].detected
    assert not judge(check, measured(0.96, None)).findings[0].detected


@pytest.mark.parametrize(("possible", "told"), [(128, False), (200, True)])
def test_so_few_permutations_that_no_finding_of_ten_is_significant(
    make_check: MakeCheck, possible: int, *, told: bool
) -> None:
    """Of 128 permutations the smallest p-value is 1 / 128: corrected for ten findings it is above 0.05."""
    check = make_check(column=None, columns=[f"f{i}" for i in range(10)], alpha=0.05)
    details = {"different_permutations": possible}
    found = [
        Measured(
            f"f{i}", ALL, measured(0.9 if i == 0 else 0.0, 1 / possible if i == 0 else 0.5, details=details)
        )
        for i in range(10)
    ]

    first = judge_all(check, found, {}).findings[0]

    assert first.detected is first.enough_rows is told
    assert ("no p-value of 10 findings is below 0.078" in str(first.cannot_tell)) is not told


@pytest.mark.parametrize("few", ["n_reference", "n_current", "n_compared"])
def test_each_row_count_must_do(make_check: MakeCheck, few: str) -> None:
    result = judge(make_check(min_rows=50), measured(0.9, 0.001, **{few: 49}))

    assert not result.findings[0].detected
    assert not result.enough_rows


def test_an_undefined_statistic_of_few_rows_is_left_out(make_check: MakeCheck) -> None:
    result = judge(make_check(min_rows=50), measured(float("nan"), None, 0))

    assert result.findings[0].statistic is None
    assert result.findings[0].effect_size is None
    assert not result.findings[0].detected


def test_an_undefined_statistic_of_many_rows_is_a_failure(make_check: MakeCheck) -> None:
    with pytest.raises(StatisticError, match=r"^ks is not defined on rating: .*, or choose another column$"):
        judge(make_check(min_rows=50), measured(float("nan"), None))


def several(check: Check, *found: tuple[str, str, Measurement | CheckError]) -> CheckResult:
    return judge_all(check, [Measured(*item) for item in found], {})


def test_several_p_values_are_corrected_for_their_number(make_check: MakeCheck) -> None:
    check = make_check(column=None, columns=["a", "b"], alpha=0.05)

    result = several(check, ("a", ALL, measured(0.5, 0.03)), ("b", ALL, measured(0.5, 0.04)))
    alone = several(check, ("a", ALL, measured(0.5, 0.03)), ("b", ALL, measured(0.5, 0.6)))

    assert [finding.p_value for finding in result.findings] == [0.04, 0.04]
    assert [finding.details["p_value_uncorrected"] for finding in result.findings] == [0.03, 0.04]
    assert result.drifted_share == 1.0
    assert alone.findings[0].p_value == 0.06
    assert alone.drifted_share == 0.0


def test_one_p_value_is_left_as_it_is(make_check: MakeCheck) -> None:
    result = judge(make_check(), measured(0.5, 0.03))

    assert result.findings[0].p_value == 0.03
    assert "p_value_uncorrected" not in result.findings[0].details
    assert result.drifted_share is None


def test_a_feature_that_fails_does_not_lose_its_neighbours(make_check: MakeCheck) -> None:
    check = make_check(column=None, columns=["a", "b", "c"])

    result = several(
        check,
        ("a", ALL, measured(0.5, 0.001)),
        ("b", ALL, SourceError("current: no column b")),
        ("c", ALL, measured(float("nan"), None)),
    )

    good, missing, undefined = result.findings
    assert good.detected
    assert missing.error == "current: no column b"
    assert undefined.error is not None
    assert undefined.error.startswith("ks is not defined on c: ")
    assert result.failure is not None
    assert result.failure[0] == "source"
    assert result.failure[1].startswith("b: current: no column b; c: ks is not defined on c: ")
    assert result.drifted_share == 1.0
    assert result.rows == {"reference": 100, "current": 100}


def test_when_every_feature_fails_the_check_fails(make_check: MakeCheck) -> None:
    check = make_check(column=None, columns=["a", "b"])

    with pytest.raises(SourceError, match=r"^a: gone; b: gone$"):
        several(check, ("a", ALL, SourceError("gone")), ("b", ALL, SourceError("gone")))


def test_a_segment_that_says_nothing_leaves_the_whole_alone(make_check: MakeCheck) -> None:
    check = make_check(segment_by="country", min_rows=50)

    result = several(
        check,
        ("rating", ALL, measured(0.5, 0.001)),
        ("rating", "de", measured(0.9, 0.001, rows=60)),
        ("rating", "fr", measured(0.9, 0.001, rows=10)),
        ("rating", "it", StatisticError("no rows")),
    )

    assert [(finding.segment, finding.detected) for finding in result.findings] == [
        (ALL, True),
        ("de", True),
        ("fr", False),
        ("it", False),
    ]
    assert result.findings[2].details == {}
    assert result.findings[3].error == "no rows"
    assert result.enough_rows
    assert result.failure is None
    assert result.rows == {"reference": 100, "current": 100}
    assert result.drifted_share is None


def test_findings_of_a_few_rows_do_not_make_others_significant(make_check: MakeCheck) -> None:
    check = make_check(segment_by="country", alpha=0.05, min_rows=50)
    tiny = [("rating", f"tiny{number}", measured(0.9, 0.001, rows=10)) for number in range(8)]

    result = several(
        check, ("rating", ALL, measured(0.5, 0.2)), ("rating", "de", measured(0.5, 0.045)), *tiny
    )

    assert [finding.p_value for finding in result.findings] == [0.2, 0.09, *[0.001] * 8]
    assert not any(finding.detected for finding in result.findings)


def test_findings_of_a_few_rows_do_not_hide_others(make_check: MakeCheck) -> None:
    check = make_check(segment_by="country", alpha=0.05, min_rows=50)
    tiny = [("rating", f"tiny{number}", measured(0.9, 0.9, rows=10)) for number in range(8)]

    result = several(
        check, ("rating", ALL, measured(0.5, 0.02)), ("rating", "de", measured(0.5, 0.02)), *tiny
    )

    assert [finding.detected for finding in result.findings] == [True, True, *[False] * 8]


def test_the_drifted_share_is_of_columns_that_can_be_judged(make_check: MakeCheck) -> None:
    check = make_check(column=None, columns=["a", "b", "c"], min_rows=50)
    few = measured(0.9, 0.001, rows=10)

    one = several(check, ("a", ALL, measured(0.5, 0.001)), ("b", ALL, few), ("c", ALL, few))
    none = several(check, ("a", ALL, few), ("b", ALL, few), ("c", ALL, few))

    assert one.drifted_share == 1.0
    assert none.drifted_share == 0.0


@pytest.mark.parametrize("kind", ["performance", "missing", "mmd"])
def test_each_type_says_what_an_undefined_figure_means(make_check: MakeCheck, kind: str) -> None:
    keys = {"target": "label"} if kind == "performance" else {}
    check = make_check(type=kind, min_rows=50, **keys)

    with pytest.raises(StatisticError) as caught:
        judge(check, measured(float("nan"), None))

    assert str(caught.value) == f"{kind} is not defined on rating: {check.check_type.undefined}"
    assert "equally frequent" not in str(caught.value)


def test_names_that_are_values_of_data_are_bounded(make_check: MakeCheck) -> None:
    found = several(
        make_check(),
        *((segment, segment, measured(0.5, 0.01)) for segment in ("x" * 10**6, "x" * 10**6 + "y")),
    )

    assert {len(finding.segment) for finding in found.findings} == {128}
    assert len({finding.segment for finding in found.findings}) == 2
