from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from recwatch_exporter.config import Check
from recwatch_exporter.figures import amount, columns, few_rows, threshold
from recwatch_exporter.junit import junit
from recwatch_exporter.process.state import CheckState
from recwatch_exporter.report import table
from recwatch_exporter.results import CheckResult, Finding

MakeCheck = Callable[..., Check]
FRESH: dict[str, Any] = {
    "type": "freshness",
    "column": None,
    "reference": None,
    "timestamp": "timestamp",
    "threshold": "1d",
}


@pytest.fixture
def fresh(make_check: MakeCheck) -> Check:
    return make_check(**FRESH)


@pytest.fixture
def finding() -> Finding:
    return Finding(
        type="ks",
        feature="rows",
        statistic=345_900.3,
        p_value=None,
        effect_size=345_900.3,
        threshold=86_400.0,
        detected=True,
    )


def test_lengths_of_time_are_durations(fresh: Check) -> None:
    assert threshold(fresh) == "1d"
    told = [amount(fresh, value) for value in (345_900.3, 3_700.4, 61.4, 0.25, 0, -90)]
    assert told == ["4d", "1h2m", "1m1s", "250ms", "0s", "-1m30s"]


def test_everything_else_is_a_number(make_check: MakeCheck) -> None:
    assert (amount(make_check(), 0.123456), threshold(make_check(threshold=0.1))) == ("0.1235", "0.1")


def test_no_rows_are_not_few_rows(make_check: MakeCheck, finding: Finding) -> None:
    check = make_check(min_rows=50)
    none = replace(finding, details={"no_rows": ["current: no file matches data/nope*.csv"]})

    assert few_rows(check, finding) == "fewer than 50 rows"
    assert few_rows(check, none) == "no rows (current: no file matches data/nope*.csv)"


def test_columns_that_came_went_or_changed(finding: Finding) -> None:
    details = {
        "gone": ["device"],
        "new": ["dev", "b"],
        "changed": {"rating": {"expected": "floating", "found": "text"}},
    }

    assert columns(finding) == ""
    assert (
        columns(replace(finding, details=details))
        == "gone: device; new: dev, b; changed: rating floating -> text"
    )
    assert columns(replace(finding, details={**details, "gone": [], "new": [], "changed": {}})) == ""


def test_reports_tell_units_and_columns(fresh: Check, finding: Finding) -> None:
    about = replace(finding, details={"gone": ["device"], "new": [], "changed": {}})
    result = CheckResult(findings=(about,), rows={}, newest={}, enough_rows=True)
    state = CheckState(check=fresh, result=result, success=True)

    assert table([state]).splitlines()[1].split()[4:] == [
        *("4d", "4d", ">=", "1d", "-", "-", "-", "DRIFT", "(gone:", "device)")
    ]
    assert (
        'message="drift: statistic 4d, effect_size 4d; drift is an effect size &gt;= 1d; gone: device"'
        in junit([state])
    )
