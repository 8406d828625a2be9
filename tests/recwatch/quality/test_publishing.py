from datetime import UTC, datetime

from prometheus_client import CollectorRegistry

from recwatch.exposition import render
from recwatch.quality import Experiment
from recwatch.quality.experiment import compare
from recwatch.quality.judging import Verdict
from recwatch.quality.publishing import publish, publish_comparison


def test_what_has_no_value_is_absent_and_may_come_back(registry: CollectorRegistry) -> None:
    labels = {"model": "reviews", "metric": "f1"}
    known, absent = Verdict(0.5, 90, 0.8, degraded=True), Verdict(None, 3, 0.8, degraded=None)
    for verdict, value, degraded in (
        (absent, None, None),
        (known, 0.5, 1.0),
        (absent, None, None),
        (known, 0.5, 1.0),
    ):
        publish(registry, "reviews", {"f1": verdict}, 90)
        assert registry.get_sample_value("model_quality", labels) == value
        assert registry.get_sample_value("model_quality_degraded", labels) == degraded
        assert registry.get_sample_value("model_quality_baseline", labels) == 0.8
    assert "NaN" not in render(registry)[0].decode()


def test_arms_without_samples_show_their_number_alone(registry: CollectorRegistry) -> None:
    experiment = Experiment("rerank", {"a": 0.5, "b": 0.5}, "a", datetime(2026, 11, 1, tzinfo=UTC))
    publish_comparison(registry, "reviews", compare(experiment, ("accuracy",), {}))
    assert registry.get_sample_value("model_variant_samples", {"model": "reviews", "variant": "b"}) == 0
    text = render(registry)[0].decode()
    assert "model_variant_quality{" not in text
    assert "model_sample_ratio_p_value{" not in text
