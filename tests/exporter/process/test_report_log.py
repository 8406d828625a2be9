import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from recwatch_exporter.config import Check
from recwatch_exporter.process.report_log import log_result
from recwatch_exporter.results import CheckResult, Finding


@pytest.fixture
def finding() -> Finding:
    return Finding(
        type="chi2",
        feature="device",
        statistic=18_190.0,
        p_value=0.001,
        effect_size=0.6,
        threshold=0.1,
        detected=True,
        n_current=7,
    )


@pytest.fixture
def lines(make_check: Callable[..., Check], caplog: pytest.LogCaptureFixture) -> Callable[[Finding], str]:
    def log(finding: Finding) -> str:
        result = CheckResult(findings=(finding,), rows={}, newest={}, enough_rows=True)
        with caplog.at_level(logging.INFO):
            log_result(make_check(), result, 0.5)
        return caplog.text

    return log


def test_the_effect_stands_beside_its_threshold(lines: Callable[[Finding], str], finding: Finding) -> None:
    assert "statistic=1.819e+04, p_value=0.001, effect_size=0.6, threshold=0.1, detected=True" in lines(
        finding
    )


def test_why_nothing_can_be_told(lines: Callable[[Finding], str], finding: Finding) -> None:
    few = replace(finding, enough_rows=False, details={"no_rows": ["current: no file matches x*.csv"]})

    assert "undecided=" in lines(few)
    assert "no rows (current: no file matches x*.csv)" in lines(few)


def test_columns_are_named(lines: Callable[[Finding], str], finding: Finding) -> None:
    assert "gone: device" in lines(replace(finding, details={"gone": ["device"], "changed": {}}))


def test_what_failed_is_a_warning(lines: Callable[[Finding], str], finding: Finding) -> None:
    text = lines(replace(finding, error="not there"))

    assert "WARNING" in text
    assert "Check failed in part" in text


@pytest.mark.parametrize(("detected", "below"), [(True, 0), (False, 1), (False, 0)])
def test_the_worst_ids_are_named_once(
    lines: Callable[[Finding], str], finding: Finding, *, detected: bool, below: int
) -> None:
    worst = [{"id": "ü b", "cosine": 0.123456}, {"id": 1, "cosine": 1.0}]

    text = lines(replace(finding, detected=detected, details={"below": below, "worst": worst}))

    assert text.count("ü b 0.1235, 1 1") == (1 if detected or below else 0)
    assert len(text.splitlines()) == 1
