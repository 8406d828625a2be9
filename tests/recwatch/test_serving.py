import asyncio
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry

from recwatch.serving import RecommenderMetrics

TRAINED = datetime(2026, 11, 21, 3, 15, tzinfo=UTC)


class ClientDisconnect(Exception):  # noqa: N818 - Starlette's name
    pass


@pytest.fixture
def metrics(registry: CollectorRegistry) -> RecommenderMetrics:
    return RecommenderMetrics("als", registry=registry)


def outcomes(registry: CollectorRegistry) -> dict[str, float | None]:
    labels = {"model": "als", "variant": "default"}
    return {
        outcome: registry.get_sample_value("recommender_requests_total", {**labels, "outcome": outcome})
        for outcome in ("success", "error", "cancelled")
    }


@pytest.mark.usefixtures("metrics")
def test_what_can_happen_is_exported_at_zero(registry: CollectorRegistry) -> None:
    assert outcomes(registry) == {"success": 0, "error": 0, "cancelled": 0}
    default = {"model": "als", "variant": "default"}
    for name, labels in [
        ("recommender_fallbacks_total", {**default, "method": "popularity"}),
        ("recommender_request_duration_seconds_count", {**default, "reranked": "false"}),
        ("recommender_request_duration_seconds_count", {**default, "reranked": "true"}),
        ("recommender_impressions_total", default),
        ("recommender_clicks_total", default),
        ("recommender_model_reloads_total", {"model": "als", "outcome": "error"}),
        ("recommender_recommendations_count", {"model": "als"}),
        ("recwatch_dropped_writes_total", {"target": "metrics", "reason": "error"}),
    ]:
        assert registry.get_sample_value(name, labels) == 0, name


def test_a_request_that_goes_well(metrics: RecommenderMetrics, registry: CollectorRegistry) -> None:
    with metrics.request() as request:
        request.returned([1, 2, 3])
        request.rerank()
    assert outcomes(registry) == {"success": 1, "error": 0, "cancelled": 0}
    labels = {"model": "als", "variant": "default", "reranked": "true"}
    assert registry.get_sample_value("recommender_request_duration_seconds_count", labels) == 1
    assert registry.get_sample_value("recommender_recommendations_sum", {"model": "als"}) == 3


def test_a_fallback_is_counted_once_a_request(
    metrics: RecommenderMetrics, registry: CollectorRegistry
) -> None:
    with metrics.request() as request:
        request.fallback("popularity")
        request.fallback("popularity")
    labels = {"model": "als", "variant": "default", "method": "popularity"}
    assert registry.get_sample_value("recommender_fallbacks_total", labels) == 1


def test_an_error_is_counted_and_raised(metrics: RecommenderMetrics, registry: CollectorRegistry) -> None:
    with pytest.raises(KeyError), metrics.request():
        raise KeyError(17)
    assert outcomes(registry) == {"success": 0, "error": 1, "cancelled": 0}
    labels = {"model": "als", "variant": "default", "error": "KeyError"}
    assert registry.get_sample_value("recommender_errors_total", labels) == 1


@pytest.mark.parametrize(
    "error", [asyncio.CancelledError, ClientDisconnect, KeyboardInterrupt, GeneratorExit]
)
def test_a_cancellation_is_no_error(
    metrics: RecommenderMetrics, registry: CollectorRegistry, error: type[BaseException]
) -> None:
    with pytest.raises(error), metrics.request():
        raise error
    assert outcomes(registry) == {"success": 0, "error": 0, "cancelled": 1}


def test_classes_of_errors_without_end_make_no_series_without_end(
    metrics: RecommenderMetrics, registry: CollectorRegistry
) -> None:
    for number in range(60):
        kind = type(f"Error{number}", (Exception,), {})
        with pytest.raises(kind), metrics.request():
            raise kind
    labels = {"model": "als", "variant": "default", "error": "other"}
    assert registry.get_sample_value("recommender_errors_total", labels) == 10


def test_a_mistake_in_watching_breaks_no_request(
    metrics: RecommenderMetrics, registry: CollectorRegistry
) -> None:
    with metrics.request() as request:
        request.returned(item for item in [1, 2])  # type: ignore[arg-type]
    assert outcomes(registry)["success"] == 1
    labels = {"target": "metrics", "reason": "error"}
    assert registry.get_sample_value("recwatch_dropped_writes_total", labels) == 1


def test_impressions_clicks_and_reloads(metrics: RecommenderMetrics, registry: CollectorRegistry) -> None:
    metrics.impressions(10)
    metrics.clicks()
    metrics.reload("error")
    labels = {"model": "als", "variant": "default"}
    assert registry.get_sample_value("recommender_impressions_total", labels) == 10
    assert registry.get_sample_value("recommender_clicks_total", labels) == 1
    assert (
        registry.get_sample_value("recommender_model_reloads_total", {"model": "als", "outcome": "error"})
        == 1
    )


def info(registry: CollectorRegistry) -> dict[tuple[str, str], float]:
    return {
        (sample.labels["model"], sample.labels["version"]): sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "recommender_model_info"
    }


def test_only_the_version_in_service_is_shown(
    metrics: RecommenderMetrics, registry: CollectorRegistry
) -> None:
    metrics.model_loaded("v1", TRAINED)
    metrics.model_loaded("v1", TRAINED)
    assert info(registry) == {("als", "v1"): 1}
    metrics.model_loaded("v2", TRAINED)
    assert info(registry) == {("als", "v2"): 1}
    trained = registry.get_sample_value("recommender_model_trained_timestamp_seconds", {"model": "als"})
    assert trained == TRAINED.timestamp()


def test_two_arms_may_serve_two_versions(registry: CollectorRegistry) -> None:
    control = RecommenderMetrics("als", variant="control", registry=registry)
    candidate = RecommenderMetrics("als", variant="candidate", registry=registry)
    control.model_loaded("v1", TRAINED)
    candidate.model_loaded("v1", TRAINED)
    candidate.model_loaded("v2", TRAINED)
    assert info(registry) == {("als", "v1"): 1, ("als", "v2"): 1}
    control.model_loaded("v2", TRAINED)
    assert info(registry) == {("als", "v2"): 1}
