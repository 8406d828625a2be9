"""What a training's figures look like in a log line and in a row of the store."""

from collections.abc import Mapping

from recwatch.logs import event

__all__ = ["as_columns", "early_stopping_line", "iteration_line", "metrics_line", "number", "pick"]

_COLUMNS = {
    "recall@10": "recall_at_10",
    "recall@20": "recall_at_20",
    "ndcg@10": "ndcg_at_10",
    "ndcg@20": "ndcg_at_20",
    "coverage": "coverage",
}
_LONG = 1000.0
_SHORT_SECONDS = 0.1


def number(value: float) -> str:
    """Five significant digits, without an exponent for the large: `125.34`, `0.523`, `1600000.00`."""
    return f"{value:.2f}" if abs(value) >= _LONG else f"{value:.5g}"


def iteration_line(
    unit: str, count: int, total: int, *, loss: float | None, seconds: float, details: Mapping[str, object]
) -> str:
    """`Iteration 1/15 | loss=125.34, time=1.2s`, or `Epoch 1/50 | avg_loss=0.523, samples=9, time=2.5s`."""
    fields: dict[str, object] = {}
    if loss is not None:
        fields["avg_loss" if unit == "epoch" else "loss"] = number(loss)
    fields.update(
        {key: number(value) if isinstance(value, float) else value for key, value in details.items()}
    )
    fields["time"] = f"{seconds:.3f}s" if seconds < _SHORT_SECONDS else f"{seconds:.1f}s"
    return event(f"{unit.capitalize()} {count}/{total}", **fields)


def metrics_line(name: str, metrics: Mapping[str, float]) -> str:
    """`Evaluation | recall@10=0.234, ndcg@10=0.189`."""
    return event(name, **{key: number(value) for key, value in metrics.items()})


def early_stopping_line(unit: str, best: int, metrics: Mapping[str, float]) -> str:
    """`Early stopping | best_epoch=35, best_ndcg@10=0.192`."""
    figures = {f"best_{key}": number(value) for key, value in metrics.items()}
    return event("Early stopping", **{f"best_{unit}": best, **figures})


def as_columns(metrics: Mapping[str, float], baseline: Mapping[str, float]) -> dict[str, float | None]:
    """The columns of `training_runs` that hold these metrics, and how much better recall@10 is in percent."""
    columns: dict[str, float | None] = {
        column: float(metrics[name]) for name, column in _COLUMNS.items() if name in metrics
    }
    if "recall@10" in baseline:
        base = float(baseline["recall@10"])
        columns["baseline_recall_at_10"] = base
        if "recall@10" in metrics and base > 0:
            columns["improvement_pct"] = (float(metrics["recall@10"]) - base) / base * 100
    return columns


def pick(metrics: Mapping[str, float], kind: str) -> float | None:
    """The metric at 10 of a kind, `recall` or `ndcg`; else the first of that kind; None if there is none."""
    names = sorted(
        (name for name in metrics if name.split("@")[0] == kind), key=lambda name: name != f"{kind}@10"
    )
    return float(metrics[names[0]]) if names else None
