from collections.abc import Callable

from prometheus_client import CollectorRegistry

from recwatch.quality.counting import REASONS, Counts


def test_everything_is_there_from_the_start(registry: CollectorRegistry) -> None:
    Counts("reviews", registry)
    names = ("model_predictions_total", "model_feedback_total", "model_predictions_expired_total")
    assert [registry.get_sample_value(name, {"model": "reviews"}) for name in names] == [0.0] * 3
    for reason in REASONS:
        labels = {"target": "quality", "reason": reason}
        assert registry.get_sample_value("recwatch_dropped_writes_total", labels) == 0.0


def test_what_was_noted_is_published_once(
    registry: CollectorRegistry, counted: Callable[[], dict[str, float]], dropped: Callable[[str], float]
) -> None:
    counts = Counts("reviews", registry)
    counts.add(("prediction", "feedback"), 30.0)
    counts.add(("duplicate",))
    counts.add(("repeated",))
    assert counted()["prediction"] == 0
    counts.publish()
    counts.publish()
    assert counted() == {
        "prediction": 1,
        "feedback": 1,
        "unlabelled": 0,
        "duplicate": 1,
        "expired": 0,
        "unknown": 0,
    }
    assert dropped("repeated") == 1
    assert registry.get_sample_value("model_feedback_lag_seconds_count", {"model": "reviews"}) == 1
    bucket = {"model": "reviews", "le": "60.0"}
    assert registry.get_sample_value("model_feedback_lag_seconds_bucket", bucket) == 1


def test_what_was_cleared_is_never_published(
    registry: CollectorRegistry, counted: Callable[[], dict[str, float]]
) -> None:
    counts = Counts("reviews", registry)
    counts.add(("prediction", "feedback"), 30.0)
    counts.clear()
    counts.publish()
    assert set(counted().values()) == {0}
    assert registry.get_sample_value("model_feedback_lag_seconds_count", {"model": "reviews"}) == 0
