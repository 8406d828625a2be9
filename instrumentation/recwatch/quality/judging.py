"""Hold metrics against a baseline: is it worse by more than is tolerated?"""

from collections.abc import Mapping
from typing import NamedTuple

from recwatch.errors import QualityError
from recwatch.quality.task import Better, Measured, Task
from recwatch.quality.values import number

__all__ = ["Verdict", "check_baseline", "is_degraded", "judge"]


class Verdict(NamedTuple):
    """A metric as of now.

    Attributes:
        value: None where it is undefined or rests on too few samples.
        samples: what it rests on.
        baseline: None where none was given.
        degraded: None without a value or a baseline, and where no direction is bad.
    """

    value: float | None
    samples: int
    baseline: float | None
    degraded: bool | None


def is_degraded(value: float, baseline: float, better: Better, drop: float) -> bool | None:
    """Whether a metric is worse than its baseline by more than a share of the baseline's size.

    Args:
        value: of the metric.
        baseline: what it is held against.
        better: which values are good; None is returned for NEITHER.
        drop: such as 0.05: a precision of 0.80 is degraded below 0.76, an error of 0.80 above 0.84.
    """
    if better is Better.NEITHER:
        return None
    tolerated = drop * abs(baseline)
    # Decimal fractions are not exact in binary: 5 % below 0.8 is not yet worse than 0.76.
    rounding = 1e-12 * max(1.0, abs(baseline))
    worse = baseline - value if better is Better.HIGHER else value - baseline
    return worse > tolerated + rounding


def judge(
    found: Mapping[str, Measured], task: Task, baseline: Mapping[str, float], *, drop: float, min_samples: int
) -> dict[str, Verdict]:
    """Every metric of a task, whether it has a value or not.

    Args:
        found: what `task.evaluate` gave.
        task: says which metrics there are.
        baseline: by metric.
        drop: see `is_degraded`.
        min_samples: a metric that rests on fewer has no value.
    """
    verdicts = {}
    for name, better in task.metrics.items():
        value, samples = found.get(name, Measured(0.0, 0))
        held = baseline.get(name)
        enough = name in found and samples >= min_samples
        degraded = is_degraded(value, held, better, drop) if enough and held is not None else None
        verdicts[name] = Verdict(value if enough else None, samples, held, degraded)
    return verdicts


def check_baseline(baseline: Mapping[str, float], task: Task) -> dict[str, float]:
    """The baseline as floats.

    Raises:
        QualityError: where it names a metric that the task does not have, or holds no number.
    """
    unknown = set(baseline) - set(task.metrics)
    if unknown:
        raise QualityError(f"baseline names {sorted(unknown)}; the metrics are {', '.join(task.metrics)}")
    return {name: number(value, f"the baseline of {name}") for name, value in baseline.items()}
