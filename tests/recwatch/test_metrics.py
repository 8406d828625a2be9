import logging

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.metrics import MetricWrapperBase

from recwatch.metrics import DroppedWrites, HttpMetrics, ServingMetrics, TrainingMetrics

# name: (type, labels); the contract with rules and dashboards.
EXPORTED = {
    "http_requests_total": ("counter", "method route status"),
    "http_request_duration_seconds": ("histogram", "method route"),
    "recwatch_dropped_writes_total": ("counter", "target reason"),
    "recommender_requests_total": ("counter", "model variant outcome"),
    "recommender_request_duration_seconds": ("histogram", "model variant reranked"),
    "recommender_fallbacks_total": ("counter", "model variant method"),
    "recommender_errors_total": ("counter", "model variant error"),
    "recommender_recommendations": ("histogram", "model"),
    "recommender_impressions_total": ("counter", "model variant"),
    "recommender_clicks_total": ("counter", "model variant"),
    "recommender_model_info": ("gauge", "model version"),
    "recommender_model_trained_timestamp_seconds": ("gauge", "model"),
    "recommender_model_reloads_total": ("counter", "model outcome"),
    "training_runs_total": ("counter", "model status"),
    "training_duration_seconds": ("gauge", "model"),
    "training_iteration_duration_seconds": ("histogram", "model"),
    "training_in_progress": ("gauge", "model"),
    "training_loss": ("gauge", "model"),
    "training_metric": ("gauge", "model metric split"),
    "training_baseline_metric": ("gauge", "model metric"),
    "training_last_success_timestamp_seconds": ("gauge", "model"),
    "training_last_failure_timestamp_seconds": ("gauge", "model"),
    "training_data_timestamp_seconds": ("gauge", "model"),
}
SETS = (DroppedWrites, HttpMetrics, ServingMetrics, TrainingMetrics)


def test_names_types_and_labels_are_as_promised(registry: CollectorRegistry) -> None:
    found = {}
    for kind in SETS:
        for metric in vars(kind.of(registry)).values():
            if isinstance(metric, MetricWrapperBase):
                (family,) = metric.collect()
                name = f"{family.name}_total" if family.type == "counter" else family.name
                found[name] = (family.type, " ".join(metric._labelnames))
                assert family.documentation.endswith(".")
    assert found == EXPORTED


@pytest.mark.parametrize("kind", SETS)
def test_a_registry_holds_one_set_of_each(kind: type[HttpMetrics], registry: CollectorRegistry) -> None:
    assert kind.of(registry) is kind.of(registry)
    assert kind.of(registry) is not kind.of(CollectorRegistry())


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
