"""What a monitor found, as JSON can hold it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from recwatch.quality.experiment import Comparison
from recwatch.quality.journal import Settings
from recwatch.quality.judging import Verdict

__all__ = ["Report", "as_status"]


class Report(NamedTuple):
    """One evaluation.

    Attributes:
        at: when.
        samples: labelled predictions in the window.
        verdicts: by metric.
        comparison: of the experiment's arms; None without one.
    """

    at: datetime
    samples: int
    verdicts: Mapping[str, Verdict]
    comparison: Comparison | None


def as_status(settings: Settings, report: Report | None) -> dict[str, Any]:
    """The state of a model's quality.

    Returns:
        `model`, `task`, `window`, `evaluated_at` (None before the first evaluation), `samples`, `metrics`
        (by name: value, samples, baseline, degraded), `degraded` (the names of those that are) and
        `experiment`.
    """
    verdicts = report.verdicts if report else {}
    return {
        "model": settings.model,
        "task": type(settings.task).__name__,
        "window": {"count": settings.window.count, "seconds": settings.window.seconds},
        "evaluated_at": report.at.isoformat() if report else None,
        "samples": report.samples if report else 0,
        "metrics": {name: verdict._asdict() for name, verdict in verdicts.items()},
        "degraded": [name for name, verdict in verdicts.items() if verdict.degraded],
        "experiment": _experiment(settings, report.comparison if report else None),
    }


def _experiment(settings: Settings, comparison: Comparison | None) -> dict[str, Any] | None:
    if settings.experiment is None:
        return None
    arms: dict[str, dict[str, Any]] = {variant: {} for variant in settings.experiment.shares}
    for (variant, metric), arm in (comparison.arms if comparison else {}).items():
        difference = arm.difference._asdict() if arm.difference else None
        arms[variant][metric] = {"value": arm.value, "samples": arm.samples, "difference": difference}
    return {
        "name": settings.experiment.name,
        "control": settings.experiment.control,
        "assigned": comparison.assigned if comparison else {},
        "arms": arms,
        "sample_ratio_p_value": comparison.sample_ratio_p_value if comparison else None,
    }
