"""Records predictions and labels as told, line by line, and says what its counters say."""

import json
import sys

from prometheus_client import CollectorRegistry

from recwatch.exposition import render
from recwatch.quality import Classification, QualityMonitor

registry = CollectorRegistry()
monitor = QualityMonitor(
    "reviews",
    task=Classification(),
    store=sys.argv[1],
    interval=3_600,
    min_samples=1,
    strict=True,
    registry=registry,
)


def value(name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, {"model": "reviews", **labels})


for line in sys.stdin:
    what, first, last = line.split()
    ids = [f"p{number}" for number in range(int(first), int(last))]
    answer: object = None
    if what == "predict":
        answer = sum(monitor.record_prediction(key, score=0.9) for key in ids) == len(ids)
    elif what == "label":
        answer = sum(monitor.record_feedback(key, 1) for key in ids) == len(ids)
    elif what == "flush":
        answer = monitor.flush(60)
    elif what == "render":
        answer = render(registry)[0].decode()
    elif what == "counts":
        answer = {
            "prediction": value("model_predictions_total"),
            "feedback": value("model_feedback_total"),
            "duplicate": value("model_feedback_unmatched_total", reason="duplicate"),
            "lags": value("model_feedback_lag_seconds_count"),
            "samples": value("model_quality_samples"),
            "accuracy": value("model_quality", metric="accuracy"),
        }
    sys.stdout.write(f"{json.dumps(answer)}\n")
    sys.stdout.flush()
