"""Write what was found to the gauges; what has no value is absent, never 0 or NaN."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Gauge

from recwatch.exposition import forget
from recwatch.metrics import QualityMetrics
from recwatch.quality.experiment import Comparison
from recwatch.quality.judging import Verdict

__all__ = ["publish", "publish_comparison"]


def publish(registry: CollectorRegistry, model: str, verdicts: Mapping[str, Verdict], samples: int) -> None:
    """Set the gauges of one model.

    Args:
        registry: where they are kept.
        model: the model's name.
        verdicts: by metric.
        samples: labelled predictions in the window.
    """
    metrics = QualityMetrics.of(registry)
    metrics.samples.labels(model).set(samples)
    for name, verdict in verdicts.items():
        _show(metrics.quality, verdict.value, model, name)
        _show(metrics.baseline, verdict.baseline, model, name)
        _show(metrics.degraded, verdict.degraded, model, name)


def publish_comparison(registry: CollectorRegistry, model: str, comparison: Comparison) -> None:
    """Set the gauges of the arms of one model's experiment."""
    metrics = QualityMetrics.of(registry)
    most: dict[str, int] = {}
    for (variant, metric), arm in comparison.arms.items():
        labels = (model, variant, metric)
        found = arm.difference
        _show(metrics.variant_quality, arm.value, *labels)
        _show(metrics.difference, found and found.value, *labels)
        _show(metrics.difference_low, found and found.low, *labels)
        _show(metrics.difference_high, found and found.high, *labels)
        _show(metrics.p_value, found and found.p_value, *labels)
        most[variant] = max(most.get(variant, 0), arm.samples)
    for variant, samples in most.items():
        metrics.variant_samples.labels(model, variant).set(samples)
    _show(metrics.sample_ratio_p_value, comparison.sample_ratio_p_value, model)


def _show(gauge: Gauge, value: float | None, *labels: str) -> None:
    if value is None:
        forget(gauge, *labels)
    else:
        gauge.labels(*labels).set(value)
