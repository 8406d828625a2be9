import gc
import logging
import weakref

import pytest
from prometheus_client import CollectorRegistry, Counter

from recwatch.metrics import (
    DroppedWrites,
    HealthMetrics,
    HttpMetrics,
    PipelineMetrics,
    QualityMetrics,
    ServingMetrics,
    TrainingMetrics,
)
from recwatch.serving import RecommenderMetrics

SETS = (
    DroppedWrites,
    HttpMetrics,
    ServingMetrics,
    TrainingMetrics,
    PipelineMetrics,
    QualityMetrics,
    HealthMetrics,
)


# That names, types and labels are as promised, tests/contract/test_metrics.py shows against docs/metrics.md.
@pytest.mark.parametrize("kind", SETS)
def test_every_metric_says_what_it_means(kind: type[HttpMetrics], registry: CollectorRegistry) -> None:
    metrics = [metric for metric in vars(kind.of(registry)).values() if hasattr(metric, "describe")]
    assert metrics
    assert all(family.documentation.endswith(".") for metric in metrics for family in metric.collect())


@pytest.mark.parametrize("kind", SETS)
def test_a_registry_holds_one_set_of_each(kind: type[HttpMetrics], registry: CollectorRegistry) -> None:
    assert kind.of(registry) is kind.of(registry)
    assert kind.of(registry) is not kind.of(CollectorRegistry())


def test_a_registry_that_nobody_holds_takes_its_sets_with_it() -> None:
    registry = CollectorRegistry()
    for kind in SETS:
        kind.of(registry)
    with RecommenderMetrics("als", registry=registry).request():
        pass
    gone = weakref.ref(registry)
    del registry
    gc.collect()
    assert gone() is None


def test_a_name_that_other_code_has_taken_costs_a_counted_drop(
    registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    theirs = Counter("http_requests_total", "Of another library.", registry=registry)
    HttpMetrics.of(registry).requests.labels("GET", "/", "200").inc()
    assert (
        registry.get_sample_value(
            "recwatch_dropped_writes_total", {"target": "registry", "reason": "duplicate"}
        )
        == 1
    )
    theirs.inc(5)
    assert registry.get_sample_value("http_requests_total") == 5
    assert "http_requests" in caplog.text


def test_even_the_count_of_drops_may_be_taken(
    registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    Counter("recwatch_dropped_writes_total", "Of another library.", registry=registry)
    DroppedWrites.of(registry).drop("store", "locked", "busy")
    assert "Metric not exported | name=recwatch_dropped_writes_total" in caplog.text


def test_expected_reasons_start_at_zero(registry: CollectorRegistry) -> None:
    DroppedWrites.of(registry).expect("store", "locked")
    labels = {"target": "store", "reason": "locked"}
    assert registry.get_sample_value("recwatch_dropped_writes_total", labels) == 0


def test_every_drop_is_counted_but_not_every_one_is_logged(
    registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    dropped = DroppedWrites.of(registry)
    with caplog.at_level(logging.WARNING):
        for _ in range(10):
            dropped.drop("store", "locked", OSError("busy"), writes=3)
    labels = {"target": "store", "reason": "locked"}
    assert registry.get_sample_value("recwatch_dropped_writes_total", labels) == 30
    assert len(caplog.records) == 1
    assert caplog.messages == ["Write dropped | target=store, reason=locked, writes=3, error=OSError('busy')"]
