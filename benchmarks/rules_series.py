"""Every metric of docs/metrics.md as a scrape, of models that are well: what is good rises, what is bad is 0.

An alert that fires costs the queries of its annotations as well; here none is to, as on most days.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

METRICS = Path(__file__).parents[1] / "docs" / "metrics.md"
BOUNDS = (
    "0.005",
    "0.01",
    "0.025",
    "0.05",
    "0.1",
    "0.15",
    "0.2",
    "0.3",
    "0.5",
    "1.0",
    "2.5",
    "5.0",
    "10.0",
    "+Inf",
)
CHECK_TYPES = ("ks", "psi", "spearman", "embedding", "classifier", "row_count")
# What a label may say, but for `model` and `check`, which are as many as asked for. Others get one value.
VALUES: Mapping[str, Sequence[str]] = {
    "variant": ("control", "rerank"),
    "outcome": ("success", "error"),
    "reranked": ("false", "true"),
    "status": ("completed", "failed", "200", "500"),
    "metric": ("ndcg@10", "ctr", "rmse"),
    "split": ("validation", "test"),
    "window": ("reference", "current"),
    "sink": ("email", "slack"),
    "slo": ("availability", "latency"),
}
# Gauges that are well at another value than a half.
WELL = {
    r"drift_(detected|effect_size)|bridge_(dead_letters|outbox_pending)": 0.0,
    r"model_variant_difference.*|.*_degraded|.*_silent|.*_in_progress": 0.0,
    r"health_check_up|drift_check_success|.*_successful|.*_info|training_loss_finite|drift_alpha": 1.0,
    r"drift_(rows|min_rows|check_interval_seconds)|model_(quality|variant)_samples": 10_000.0,
    r"training_baseline_metric|model_quality_baseline": 0.5,
}
_BAD = re.compile(
    "error|fail|dropped|dead|refused|unmatched|expired|fallback|ignored|truncated|rollback|repeated|500|"
    "reloads|promotions"
)
JOBS = {"training": "pushgateway", "pipeline": "pushgateway", "drift": "drift-exporter", "bridge": "bridge"}
_LABEL = re.compile(r"\w+")
_ROW = re.compile(r"\| `(\w+)` \| (counter|gauge|histogram) \| [^|]* \| ([^|]*) \|")


@dataclass(frozen=True)
class Metric:
    """A row of docs/metrics.md."""

    name: str
    kind: str
    labels: tuple[str, ...]

    @property
    def job(self) -> str:
        """Which part exports it."""
        return JOBS.get(self.name.partition("_")[0], "recommender")


def metrics(text: str) -> list[Metric]:
    """The tables of docs/metrics.md."""
    return [Metric(name, kind, tuple(_LABEL.findall(labels))) for name, kind, labels in _ROW.findall(text)]


def exposition(wanted: Sequence[Metric], models: Sequence[str], now: float) -> str:
    """Return the text of a scrape; counters have grown by one a second since 1970 modulo a year."""
    lines: list[str] = []
    for metric in wanted:
        lines.append(f"# TYPE {metric.name.removesuffix('_total')} {metric.kind}")
        for labels in _label_sets(metric, models):
            lines += _samples(metric, labels, now)
    return "\n".join(lines) + "\n# EOF\n"


def _label_sets(metric: Metric, models: Sequence[str]) -> Iterator[str]:
    by_name = {**dict.fromkeys(metric.labels, ("other",)), **VALUES, "model": tuple(models)}
    if "check" not in metric.labels:
        for values in product(*(by_name[label] for label in metric.labels)):
            yield ",".join(f'{label}="{value}"' for label, value in zip(metric.labels, values, strict=True))
        return
    # A check has one type and speaks for one model.
    rest = [label for label in metric.labels if label not in {"check", "type", "model"}]
    for model, kind in product(models, CHECK_TYPES):
        own = {"check": f"{model}_{kind}", "type": kind, "model": model}
        for values in product(*(by_name[label] for label in rest)):
            told = {**own, **dict(zip(rest, values, strict=True))}
            yield ",".join(f'{label}="{told[label]}"' for label in metric.labels)


def _samples(metric: Metric, labels: str, now: float) -> Iterator[str]:
    count = 0 if _BAD.search(f"{metric.name} {labels}") else int(now % (365 * 86400))
    comma = "," if labels else ""
    if metric.kind == "counter":
        yield f"{metric.name}{{{labels}}} {count}"
    elif metric.kind == "gauge":
        yield f"{metric.name}{{{labels}}} {_well(metric.name, now)}"
    else:
        for bound in BOUNDS:
            yield f'{metric.name}_bucket{{{labels}{comma}le="{bound}"}} {count}'
        # Ten items a list, two milliseconds for anything else.
        each = 10 if metric.name == "recommender_recommendations" else 0.002
        yield f"{metric.name}_sum{{{labels}}} {count * each:.3f}"
        yield f"{metric.name}_count{{{labels}}} {count}"


def _well(name: str, now: float) -> float:
    """A value at which nothing is wrong."""
    if name.endswith("last_failure_timestamp_seconds"):
        return 0.0
    if name.endswith("timestamp_seconds"):
        return now - 60
    return next((value for pattern, value in WELL.items() if re.fullmatch(pattern, name)), 0.5)


def scrape(job: str, models: Sequence[str]) -> str:
    """What a target of this job answers now."""
    wanted = [metric for metric in metrics(METRICS.read_text(encoding="utf-8")) if metric.job == job]
    return exposition(wanted, models, time.time())
