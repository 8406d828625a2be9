"""What a training's figures are in a row of the store. Pure functions."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recwatch.better import better

__all__ = [
    "CrossValidation",
    "as_columns",
    "as_json",
    "cross_validate",
    "improvement",
    "pick",
    "without_columns",
]

_COLUMNS = {
    "recall@10": "recall_at_10",
    "recall@20": "recall_at_20",
    "ndcg@10": "ndcg_at_10",
    "ndcg@20": "ndcg_at_20",
    "coverage": "coverage",
    "rmse": "rmse",
    "mae": "mae",
}
# The first that both sides have is compared.
_COMPARED = ("recall@10", "ndcg@10", "rmse", "mae")


@dataclass(frozen=True)
class CrossValidation:
    """Figures over folds.

    Attributes:
        folds: how many there were.
        mean: of each metric.
        std: of each metric: the population's standard deviation, as numpy's `std()` gives it.
    """

    folds: int
    mean: dict[str, float]
    std: dict[str, float]


def as_columns(metrics: Mapping[str, float], baseline: Mapping[str, float]) -> dict[str, float]:
    """The columns of `training_runs` that these metrics have, whatever their case."""
    lower, base = _lower(metrics), _lower(baseline)
    columns = {column: lower[name] for name, column in _COLUMNS.items() if name in lower}
    if "recall@10" in base:
        columns["baseline_recall_at_10"] = base["recall@10"]
    percent = improvement(metrics, baseline)
    if percent is not None:
        columns["improvement_pct"] = percent
    return columns


def improvement(metrics: Mapping[str, float], baseline: Mapping[str, float]) -> float | None:
    """By how many percent a model is better than its baseline.

    It is compared by the first of recall@10, ndcg@10, RMSE and MAE that both have; a lower RMSE or MAE is
    better. None where they share none, or the baseline's is 0.
    """
    lower, base = _lower(metrics), _lower(baseline)
    for name in _COMPARED:
        if name in lower and name in base:
            more = better(name).sign * (lower[name] - base[name])
            return more / base[name] * 100 if base[name] > 0 else None
    return None


def without_columns(metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics that have no column."""
    return {name: float(value) for name, value in metrics.items() if name.lower() not in _COLUMNS}


def pick(metrics: Mapping[str, float], kind: str) -> float | None:
    """The metric at 10 of a kind, `recall` or `ndcg`; else the first of that kind; None if there is none."""
    names = sorted(
        (name for name in metrics if name.split("@")[0] == kind), key=lambda name: name != f"{kind}@10"
    )
    return float(metrics[names[0]]) if names else None


def cross_validate(results: Mapping[str, Sequence[float]]) -> CrossValidation:
    """Mean and standard deviation over folds.

    Args:
        results: one value a fold for each metric, such as `{"rmse": [0.91, 0.92, 0.90]}`; or what
            `cross_validate` of scikit-surprise or scikit-learn gives: then `test_rmse` becomes `rmse`,
            `train_rmse` stays, and times are left out.

    Raises:
        ValueError: when there is no fold, or metrics differ in their number of folds.
    """
    metrics = _of_a_library(results) or {name: _floats(values) for name, values in results.items()}
    counts = {len(values) for values in metrics.values()}
    if len(counts) != 1 or 0 in counts:
        raise ValueError(f"{sorted(counts)} values a metric: give each metric one value a fold, at least one")
    mean = {name: math.fsum(values) / len(values) for name, values in metrics.items()}
    std = {
        name: math.sqrt(math.fsum((value - mean[name]) ** 2 for value in values) / len(values))
        for name, values in metrics.items()
    }
    return CrossValidation(counts.pop(), mean, std)


def as_json(values: Mapping[str, Any]) -> str | None:
    """JSON that every database reads: what is not a number, such as NaN, becomes null. None for nothing."""
    return json.dumps(_finite(values), default=str) if values else None


def _of_a_library(results: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    if not any(name.startswith("test_") for name in results):
        return {}
    return {
        name.removeprefix("test_"): _floats(values)
        for name, values in results.items()
        if name.startswith(("test_", "train_")) and name != "test_time"
    }


def _floats(values: Sequence[float]) -> list[float]:
    return [float(value) for value in values]


def _lower(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name.lower(): float(value) for name, value in metrics.items()}


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
