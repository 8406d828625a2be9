"""What a training's figures are in a row of the store. Pure functions."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recwatch.better import better
from recwatch.runs.texts import showable, shown

__all__ = [
    "CrossValidation",
    "as_columns",
    "as_json",
    "as_number",
    "cross_validate",
    "finite",
    "improvement",
    "named",
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


def as_columns(metrics: Mapping[str, float], baseline: Mapping[str, float]) -> dict[str, float | None]:
    """The columns of `training_runs` that these metrics have, whatever their case; None for NaN."""
    lower, base = _lower(metrics), _lower(baseline)
    columns: dict[str, float | None] = {
        column: finite(lower[name]) for name, column in _COLUMNS.items() if name in lower
    }
    if "recall@10" in base:
        columns["baseline_recall_at_10"] = finite(base["recall@10"])
    percent = improvement(metrics, baseline)
    if percent is not None:
        columns["improvement_pct"] = percent
    return columns


def improvement(metrics: Mapping[str, float], baseline: Mapping[str, float]) -> float | None:
    """By how many percent a model is better than its baseline.

    It is compared by the first of recall@10, ndcg@10, RMSE and MAE that both have; a lower RMSE or MAE is
    better. None where they share none, one is not finite, or the baseline's is not above 0.
    """
    lower, base = _lower(metrics), _lower(baseline)
    for name in _COMPARED:
        if name in lower and name in base:
            more = better(name).sign * (lower[name] - base[name])
            return finite(more / base[name] * 100) if base[name] > 0 else None
    return None


def without_columns(metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics that have no column."""
    return {name: float(value) for name, value in metrics.items() if name.lower() not in _COLUMNS}


def pick(metrics: Mapping[str, float], kind: str) -> float | None:
    """The metric at 10 of a kind, `recall` or `ndcg`, in any case; else the first of it; None without one."""
    lower = _lower(metrics)
    names = sorted(
        (name for name in lower if name.split("@")[0] == kind), key=lambda name: name != f"{kind}@10"
    )
    return finite(lower[names[0]]) if names else None


def named(metrics: Mapping[Any, Any]) -> dict[str, float]:
    """Metrics as names and floats, whatever kind of key and number they were told as.

    Raises:
        ValueError: where a value is no number; names it.
    """
    return {str(name): as_number(str(name), value) for name, value in metrics.items()}


def as_number(name: str, value: Any) -> float:
    """The value of an argument or a metric as a float.

    Raises:
        ValueError: where it is no number; names it.
    """
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}={showable(value)!r:.100} is not a number") from error


def finite(value: float) -> float | None:
    """The number; None where it is NaN or infinite."""
    return value if math.isfinite(value) else None


def cross_validate(results: Mapping[str, Sequence[float]]) -> CrossValidation:
    """Mean and standard deviation over folds.

    Args:
        results: one value a fold for each metric, such as `{"rmse": [0.91, 0.92, 0.90]}`; or what
            `cross_validate` of scikit-surprise or scikit-learn gives: then `test_rmse` becomes `rmse`,
            `train_rmse` stays, and times are left out. A metric `folds` becomes `folds_`.

    Raises:
        ValueError: when there is no fold, or metrics differ in their number of folds.
    """
    results = {"folds_" if name == "folds" else str(name): values for name, values in results.items()}
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
    """JSON that every database reads: what is not a number, such as NaN, becomes null. None for nothing.

    Numbers of numpy become numbers, what JSON does not know its text, and what holds itself `...`.
    """
    return json.dumps(_plain(values)) if values else None


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


def _plain(value: Any, inside: tuple[int, ...] = ()) -> Any:
    if callable(getattr(value, "item", None)) and getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, Mapping | list | tuple):
        if id(value) in inside:
            return "..."
        inside = (*inside, id(value))
        if isinstance(value, Mapping):
            return {shown(key): _plain(inner, inside) for key, inner in value.items()}
        return [_plain(inner, inside) for inner in value]
    if isinstance(value, float):
        return finite(value)
    return value if value is None or isinstance(value, str | int) else shown(value)
