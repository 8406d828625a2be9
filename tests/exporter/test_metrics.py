from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from recwatch_exporter.config import Check
from recwatch_exporter.metrics import DriftCollector, ReloadStatus, metric_names
from recwatch_exporter.process.state import State
from recwatch_exporter.process.storage import Storage
from recwatch_exporter.results import CheckResult, Finding
from recwatch_exporter.texts import bounded

FINDING = {"check": "check", "type": "ks", "feature": "rating", "segment": "all"}
ROOT = Path(__file__).parents[2]


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
def registry(state: State) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(DriftCollector(state, ReloadStatus(successful=True, succeeded_at=7.0)))
    return registry


def result(*, p_value: float | None = 0.01, statistic: float | None = 0.2) -> CheckResult:
    finding = Finding(
        type="ks",
        feature="rating",
        statistic=statistic,
        p_value=p_value,
        effect_size=statistic,
        threshold=0.1,
        detected=statistic is not None,
    )
    newest = {"current": datetime(2003, 5, 1, tzinfo=UTC)}
    return CheckResult(
        findings=(finding,), rows={"reference": 60, "current": 70}, newest=newest, enough_rows=True
    )


def test_before_the_first_run(
    state: State, registry: CollectorRegistry, make_check: Callable[..., Check]
) -> None:
    state.configure([make_check(models=["als"], min_rows=50)])
    value = registry.get_sample_value

    assert value("drift_threshold", FINDING) == 0.1
    assert value("drift_min_rows", {"check": "check"}) == 50
    assert value("drift_alpha", {"check": "check"}) == 0.05
    assert value("drift_check_interval_seconds", {"check": "check"}) == 3600
    assert value("drift_check_last_success_timestamp_seconds", {"check": "check"}) == 0
    assert value("drift_check_model_info", {"check": "check", "model": "als"}) == 1
    for reason in ("source", "statistic", "timeout", "memory", "crashed", "internal"):
        assert value("drift_check_failures_total", {"check": "check", "reason": reason}) == 0
    assert value("drift_detected", FINDING) is None
    assert value("drift_check_success", {"check": "check"}) is None


def test_after_a_success(state: State, registry: CollectorRegistry, make_check: Callable[..., Check]) -> None:
    check = make_check()
    state.configure([check])
    state.succeeded(check, result(), at=9.0, duration=0.5)
    value = registry.get_sample_value

    found = {
        name: value(f"drift_{name}", FINDING) for name in ("statistic", "p_value", "effect_size", "detected")
    }
    assert found == {"statistic": 0.2, "p_value": 0.01, "effect_size": 0.2, "detected": 1}
    assert value("drift_rows", {"check": "check", "window": "reference"}) == 60
    assert value("drift_rows", {"check": "check", "window": "current"}) == 70
    assert value("drift_source_timestamp_seconds", {"check": "check", "window": "current"}) == 1051747200
    assert value("drift_source_timestamp_seconds", {"check": "check", "window": "reference"}) is None
    assert value("drift_check_success", {"check": "check"}) == 1
    assert value("drift_check_last_success_timestamp_seconds", {"check": "check"}) == 9
    assert value("drift_check_duration_seconds", {"check": "check"}) == 0.5


def test_a_failure_keeps_the_last_values(
    state: State, registry: CollectorRegistry, make_check: Callable[..., Check]
) -> None:
    check = make_check()
    state.configure([check])
    state.succeeded(check, result(), at=9.0, duration=0.5)
    state.failed(check, "timeout", "took too long", duration=60.0)
    value = registry.get_sample_value

    assert value("drift_statistic", FINDING) == 0.2
    assert value("drift_check_success", {"check": "check"}) == 0
    assert value("drift_check_last_success_timestamp_seconds", {"check": "check"}) == 9
    assert value("drift_check_failures_total", {"check": "check", "reason": "timeout"}) == 1


def test_what_is_not_there_has_no_series(
    state: State, registry: CollectorRegistry, make_check: Callable[..., Check]
) -> None:
    check = make_check()
    state.configure([check])
    state.succeeded(check, result(p_value=None, statistic=None), at=9.0, duration=0.5)
    value = registry.get_sample_value

    assert value("drift_statistic", FINDING) is None
    assert value("drift_p_value", FINDING) is None
    assert value("drift_detected", FINDING) == 0


def test_a_check_without_models_can_still_be_joined(
    state: State, registry: CollectorRegistry, make_check: Callable[..., Check]
) -> None:
    state.configure([make_check()])

    assert registry.get_sample_value("drift_check_model_info", {"check": "check", "model": ""}) == 1


def test_a_check_that_is_gone_leaves_nothing(
    state: State, registry: CollectorRegistry, make_check: Callable[..., Check]
) -> None:
    state.configure([make_check()])
    state.configure([])

    assert b'check="check"' not in generate_latest(registry)
    assert registry.get_sample_value("drift_exporter_config_last_reload_successful") == 1
    assert registry.get_sample_value("drift_exporter_config_last_reload_success_timestamp_seconds") == 7


def test_every_metric_is_listed_and_documented(
    state: State, registry: CollectorRegistry, make_check: Callable[..., Check]
) -> None:
    check = make_check()
    state.configure([check])
    state.succeeded(check, replace(result(), drifted_share=0.5), at=9.0, duration=0.5)
    doc = (ROOT / "docs/exporter.md").read_text(encoding="utf-8")

    exported = {
        sample.name: tuple(sample.labels) for family in registry.collect() for sample in family.samples
    }

    assert exported == metric_names()
    for name, labels in metric_names().items():
        assert f"| `{name}` | {', '.join(labels)} |".replace("|  |", "| |") in doc


def finding(feature: str, **keys: Any) -> Finding:
    return replace(result().findings[0], feature=feature, **keys)


def test_some_features_failed(
    state: State, registry: CollectorRegistry, make_check: Callable[..., Check]
) -> None:
    check = make_check()
    state.configure([check])
    state.succeeded(check, result(), at=9.0, duration=0.5)
    broken = finding("price", statistic=None, effect_size=None, p_value=None, error="not there")
    partly = replace(
        result(),
        findings=(finding("rating"), broken),
        failure=("source", "price: not there"),
        drifted_share=1.0,
    )
    state.succeeded(check, partly, at=11.0, duration=0.5)
    value = registry.get_sample_value

    assert value("drift_check_success", {"check": "check"}) == 0
    assert value("drift_check_last_success_timestamp_seconds", {"check": "check"}) == 9
    assert value("drift_check_failures_total", {"check": "check", "reason": "source"}) == 1
    assert value("drift_detected", FINDING) == 1
    assert value("drift_detected", {**FINDING, "feature": "price"}) is None
    assert value("drift_features_detected_ratio", {"check": "check"}) == 1


def test_a_finding_that_is_gone_takes_its_series_with_it(
    state: State, registry: CollectorRegistry, make_check: Callable[..., Check]
) -> None:
    check = make_check()
    state.configure([check])
    both = (finding("rating"), finding("rating", segment="de"))
    state.succeeded(check, replace(result(), findings=both), at=9.0, duration=0.5)
    assert registry.get_sample_value("drift_detected", {**FINDING, "segment": "de"}) == 1

    state.succeeded(check, result(), at=10.0, duration=0.5)

    assert registry.get_sample_value("drift_detected", {**FINDING, "segment": "de"}) is None
    assert set(state.history("check")) == {("rating", "all")}


def test_a_check_without_a_reference(
    state: State, registry: CollectorRegistry, make_check: Callable[..., Check]
) -> None:
    check = make_check()
    state.configure([check])
    state.succeeded(check, replace(result(), rows={"current": 70}), at=9.0, duration=0.5)

    assert registry.get_sample_value("drift_rows", {"check": "check", "window": "current"}) == 70
    assert registry.get_sample_value("drift_rows", {"check": "check", "window": "reference"}) is None


@pytest.mark.parametrize("text", ["", "short", "x" * 128, "ü" * 128])
def test_short_labels_stay(text: str) -> None:
    assert bounded(text) == text


def test_long_labels_are_cut_and_stay_two() -> None:
    first, second = bounded("x" * 128 + "a"), bounded("x" * 128 + "b")

    assert len(first) == len(second) == 128
    assert first != second


def test_labels_that_are_no_text() -> None:
    assert bounded("a\ud800") == "a?"


def test_two_findings_of_one_name_make_one_series(
    state: State, registry: CollectorRegistry, make_check: Callable[..., Check]
) -> None:
    check = make_check()
    state.configure([check])
    both = (finding("a\ud800"), finding("a\ud801"))
    state.succeeded(check, replace(result(), findings=both), at=9.0, duration=0.5)

    assert generate_latest(registry).count(b"drift_detected{") == 1


def test_failures_of_the_state_file_are_counted(state: State, tmp_path: Path) -> None:
    storage = Storage(tmp_path / "state.sqlite3")
    storage.failures["save"] = 3
    registry = CollectorRegistry()
    registry.register(DriftCollector(state, ReloadStatus(), storage))

    assert registry.get_sample_value("drift_exporter_storage_failures_total", {"operation": "save"}) == 3
    assert registry.get_sample_value("drift_exporter_storage_failures_total", {"operation": "load"}) == 0


def test_names_cannot_be_registered_twice(state: State, registry: CollectorRegistry) -> None:
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        registry.register(DriftCollector(state, ReloadStatus()))
