"""An A/B test: what it compares, what it has counted since it began, and what that says."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from recwatch.errors import QualityError
from recwatch.quality.moments import NONE, Moments
from recwatch.quality.records import Prediction
from recwatch.quality.sample_ratio import sample_ratio_p_value
from recwatch.quality.sequential import Difference, difference
from recwatch.quality.task import Task
from recwatch.quality.values import number, text

__all__ = ["ASSIGNED", "Arm", "Comparison", "Experiment", "Tally", "Totals", "compare"]

ASSIGNED = "assigned"
"""Stands for a metric where predictions of an arm are counted."""

Totals = dict[tuple[str, str], Moments]
"""By (variant, metric)."""

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Experiment:
    """A test of one or more arms against a control, from `began` on.

    One prediction is one observation. Where a user gets many, their labels are not independent, and the test
    calls differences too soon: let the user be the prediction then, as `docs/quality.md` shows.

    Attributes:
        name: tells its totals from those of another test; a new test takes a new name.
        shares: what share of the predictions each arm is to get; they sum to 1.
        control: the arm that the others are compared with.
        began: aware; predictions from before do not count.
        metrics: the task's averaged metrics to compare by; all of them where empty. Each arm and metric is
            a test of its own: with several, divide alpha by their number.
        alpha: chance that a test ever finds a difference that is not there.
        min_samples: labelled predictions that each of two arms needs to be compared; of a metric between 0
            and 1, each also needs ten of the rarer outcome. Numbers with a long tail need more.
        sharpest_at: labelled predictions of two arms at which their comparison is to be sharpest.

    Raises:
        QualityError: where a value cannot be used.
    """

    name: str
    shares: Mapping[str, float] = field(hash=False)
    control: str
    began: datetime
    metrics: tuple[str, ...] = ()
    alpha: float = 0.05
    min_samples: int = 100
    sharpest_at: int = 10_000

    def __post_init__(self) -> None:
        text(self.name, "an experiment's name")
        for variant in self.shares:
            text(variant, "a variant")
        values = [number(share, f"the share of {variant}") for variant, share in self.shares.items()]
        if len(values) < 2 or min(values) <= 0 or abs(sum(values) - 1) > _ROUNDING:  # noqa: PLR2004 - two arms
            raise QualityError(
                f"shares must name two arms or more and sum to 1, each above 0; got {self.shares!r}"
            )
        if self.control not in self.shares:
            raise QualityError(f"control must be one of {sorted(self.shares)}; got {self.control!r}")
        if self.began.utcoffset() is None:
            raise QualityError(f"began must be an aware datetime; got {self.began!r}")
        if not 0 < self.alpha < 1:
            raise QualityError(f"alpha must lie between 0 and 1; got {self.alpha!r}")
        if self.min_samples < 2 or self.sharpest_at < 1:  # noqa: PLR2004 - two make a variance
            raise QualityError("min_samples must be at least 2 and sharpest_at at least 1")

    def arm(self, variant: object) -> str:
        """A variant that is one of the arms.

        Raises:
            QualityError: where it is none.
        """
        # What is no text need not be hashable.
        if type(variant) is str and variant in self.shares:
            return variant
        raise QualityError(
            f"variant must be one of {sorted(self.shares)}, the arms of {self.name}; got {variant!r:.40}"
        )

    def metrics_of(self, task: Task) -> tuple[str, ...]:
        """What the arms of a task are compared by.

        Raises:
            QualityError: where the task has no such mean.
        """
        unknown = set(self.metrics) - set(task.averaged)
        if unknown:
            raise QualityError(
                f"arms can be compared by {', '.join(task.averaged)}; not by {sorted(unknown)}"
            )
        return self.metrics or task.averaged


class Tally:
    """Counts what belongs to an experiment; not safe for threads.

    Args:
        experiment: None counts nothing.
        task: says what a row adds to a metric.
    """

    def __init__(self, experiment: Experiment | None, task: Task) -> None:
        self.totals: Totals = {}
        self._task = task
        self._variants = frozenset(experiment.shares if experiment else ())
        self._metrics = experiment.metrics_of(task) if experiment else ()
        self._began = experiment.began.timestamp() if experiment else 0.0

    def predicted(self, prediction: Prediction) -> None:
        """A prediction was recorded."""
        if prediction.variant in self._variants and prediction.at >= self._began:
            self._add(prediction.variant, ASSIGNED, 1.0)

    def joined(self, prediction: Prediction, row: tuple[float, ...]) -> None:
        """A prediction got its label."""
        if prediction.variant in self._variants and prediction.at >= self._began:
            for metric in self._metrics:
                value = self._task.observe(row, metric)
                if not math.isnan(value):
                    self._add(prediction.variant, metric, value)

    def _add(self, variant: str, metric: str, value: float) -> None:
        self.totals[variant, metric] = self.totals.get((variant, metric), NONE).plus(value)


class Arm(NamedTuple):
    """One arm by one metric; `value` is None without samples, `difference` where nothing can be said."""

    value: float | None
    samples: int
    difference: Difference | None


class Comparison(NamedTuple):
    """An experiment as of now."""

    arms: dict[tuple[str, str], Arm]
    """By (variant, metric)."""
    assigned: dict[str, int]
    """Predictions of each arm."""
    sample_ratio_p_value: float | None
    """None before the first prediction."""


def compare(experiment: Experiment, metrics: tuple[str, ...], totals: Totals) -> Comparison:
    """What the totals of an experiment say."""
    arms = {}
    for metric in metrics:
        control = totals.get((experiment.control, metric), NONE)
        for variant in experiment.shares:
            own = totals.get((variant, metric), NONE)
            enough = min(own.samples, control.samples) >= experiment.min_samples
            found = None
            if enough and variant != experiment.control:
                found = difference(own, control, alpha=experiment.alpha, sharpest_at=experiment.sharpest_at)
            arms[variant, metric] = Arm(own.mean if own.samples else None, own.samples, found)
    assigned = {variant: totals.get((variant, ASSIGNED), NONE).samples for variant in experiment.shares}
    ratio = sample_ratio_p_value(list(assigned.values()), list(experiment.shares.values()))
    return Comparison(arms, assigned, ratio if any(assigned.values()) else None)
