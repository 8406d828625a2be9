"""What a training's figures look like in a log line. Pure functions."""

from collections.abc import Mapping
from typing import Literal

from recwatch.logs import event
from recwatch.training.figures import CrossValidation

__all__ = [
    "Unit",
    "cross_validation_line",
    "early_stopping_line",
    "iteration_line",
    "metrics_line",
    "number",
    "unit_of",
]

Unit = Literal["iteration", "epoch"]

_EPOCHS = ("epochs", "n_epochs")  # the latter is scikit-surprise's
_LONG = 1000.0
_SHORT_SECONDS = 0.1
_SMALL = 0.1


def unit_of(parameters: Mapping[str, object]) -> Unit:
    """What a round is called, by the hyper-parameters: `epoch` where there are `epochs` or `n_epochs`."""
    return "epoch" if any(name in parameters for name in _EPOCHS) else "iteration"


def number(value: float) -> str:
    """Five significant digits, without an exponent for the large: `125.34`, `0.523`, `1600000.00`."""
    return f"{value:.2f}" if abs(value) >= _LONG else f"{value:.5g}"


def iteration_line(
    unit: str,
    count: int,
    total: int | None,
    *,
    loss: float | None,
    seconds: float,
    details: Mapping[str, object],
) -> str:
    """`Iteration 1/15 | loss=125.34, time=1.2s`, or `Epoch 1/50 | avg_loss=0.523, samples=9, time=2.5s`."""
    fields: dict[str, object] = {}
    if loss is not None:
        fields["avg_loss" if unit == "epoch" else "loss"] = number(loss)
    fields.update(
        {key: number(value) if isinstance(value, float) else value for key, value in details.items()}
    )
    fields["time"] = f"{seconds:.3f}s" if seconds < _SHORT_SECONDS else f"{seconds:.1f}s"
    of_total = "" if total is None else f"/{total}"
    return event(f"{unit.capitalize()} {count}{of_total}", **fields)


def metrics_line(name: str, metrics: Mapping[str, float]) -> str:
    """`Evaluation | recall@10=0.234, ndcg@10=0.189`."""
    return event(name, **{key: number(value) for key, value in metrics.items()})


def cross_validation_line(result: CrossValidation) -> str:
    """`Cross-validation | folds=4, rmse=0.912 ± 0.004, mae=0.703 ± 0.002`."""
    spreads = {name: _spread(mean, result.std[name]) for name, mean in result.mean.items()}
    return event("Cross-validation", **{"folds": result.folds, **spreads})


def early_stopping_line(unit: str, best: int, metrics: Mapping[str, float]) -> str:
    """`Early stopping | best_epoch=35, best_ndcg@10=0.192`."""
    figures = {f"best_{key}": number(value) for key, value in metrics.items()}
    return event("Early stopping", **{f"best_{unit}": best, **figures})


def _spread(mean: float, std: float) -> str:
    if abs(mean) < _SMALL:
        return f"{number(mean)} ± {number(std)}"
    return f"{mean:.3f} ± {std:.3f}"
