"""row_count: whether rows come as many as they always did."""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

import numpy as np
from pydantic import model_validator
from scipy import stats

from recwatch_exporter.checks.base import Direction, FloatArray, Options
from recwatch_exporter.checks.fact_type import VolumeType
from recwatch_exporter.process.schedule import PositiveDuration

FEWEST_PERIODS = 5
"""Fewer periods of the reference say nothing about how much its counts vary."""

_HIGHEST_CORRELATION = 0.95
_LEAST_DISPERSION = 0.05


@dataclass(frozen=True, kw_only=True)
class RateComparison:
    """How the rates of two windows differ.

    Attributes:
        reference: rows a period in the reference window.
        current: rows a period in the current window.
        change: current / reference - 1: -1 where no row came, 1 where twice as many did; NaN where the
            reference has no rows.
        dispersion: variance of the reference's counts over their mean, 1 for independent rows.
        correlation: of one period's count with the next one's.
        p_value: two-sided.
    """

    reference: float
    current: float
    change: float
    dispersion: float
    correlation: float
    p_value: float


def compare_rates(reference: FloatArray, current: float, periods: float) -> RateComparison:
    """Compare the current window's number of rows with the reference's by period.

    Counts are Poisson but for their variance, which is `dispersion` times as large: rows come in bursts. The
    test is the F-test of the quasi-likelihood ratio, F = D / dispersion with 1 and n - 1 degrees of freedom,
    where D = 2 (C ln(c / m) + R ln(r / m)), of totals C and R and rates c, r and, of both together, m
    (McCullagh and Nelder, Generalized Linear Models, 2nd ed., 1989, sections 4.5 and 9.2). The dispersion is
    Pearson's, from the reference alone (Wedderburn, Biometrika 61, 1974), and at least what chance leaves of
    1 in one case of twenty, so that rows that came like clockwork do not make every change significant.

    Where a period's count follows the one before, means vary more than the dispersion says: F is divided by
    the ratio of the variance of a difference of two means of a first-order autoregression to that of
    independent counts, and the degrees of freedom are fewer by (1 - correlation) / (1 + correlation) (Bayley
    and Hammersley, JRSS Supplement 8, 1946); the correlation is corrected for its bias (Kendall, Biometrika
    41, 1954) and at least 0.

    Args:
        reference: (periods,) rows of each period, oldest first, `FEWEST_PERIODS` or more.
        current: rows of the current window.
        periods: how many periods it covers, more than 0; part of one counts as that part.
    """
    n, total = len(reference), float(reference.sum())
    rate, rate_now = total / n, current / periods
    if total == 0:
        return RateComparison(
            reference=0.0,
            current=rate_now,
            change=math.nan,
            dispersion=math.nan,
            correlation=math.nan,
            p_value=math.nan,
        )
    apart = reference - rate
    least = float(stats.chi2.ppf(_LEAST_DISPERSION, n - 1))
    dispersion = max(least, float(np.square(apart).sum()) / rate) / (n - 1)
    correlation = _correlation(apart)
    both = (total + current) / (n + periods)
    deviance = 2 * (total * math.log(rate / both) + (current and current * math.log(rate_now / both)))
    inflation = (_variance(periods, correlation) + _variance(n, correlation)) / (1 / periods + 1 / n)
    statistic = max(0.0, deviance) / (dispersion * inflation)
    return RateComparison(
        reference=rate,
        current=rate_now,
        change=rate_now / rate - 1,
        dispersion=dispersion,
        correlation=correlation,
        p_value=float(stats.f.sf(statistic, 1, (n - 1) * (1 - correlation) / (1 + correlation))),
    )


def _correlation(apart: FloatArray) -> float:
    """Of one period with the next, at least 0."""
    n, squares = len(apart), float(np.square(apart).sum())
    if squares == 0:
        return 0.0
    plain = float(apart[1:] @ apart[:-1]) / squares
    return min(max((n * plain + 1) / (n - 3), 0.0), _HIGHEST_CORRELATION)


def _variance(n: float, correlation: float) -> float:
    """Variance of the mean of n correlated counts of variance 1."""
    if n <= 1:
        return 1 / n  # less than a period varies as it would without the rest of it
    lags = np.arange(1, math.ceil(n))
    return float(1 + 2 * np.sum((1 - lags / n) * correlation**lags)) / n


class RowCountOptions(Options):
    """How rows are counted."""

    period: PositiveDuration = timedelta(days=1)

    @model_validator(mode="after")
    def _reference_holds_enough(self) -> Self:
        check: Any = self  # the keys of every check are among its attributes
        window = None if check.reference is None else check.reference.window
        if window is not None and window / self.period < FEWEST_PERIODS:
            raise ValueError(
                f"reference.window holds fewer than {FEWEST_PERIODS} periods: make it longer, "
                "or period shorter"
            )
        return self


ROW_COUNT = VolumeType(
    name="row_count",
    statistic=(
        "rows a period in the current window over rows a period in the reference; without timestamp, rows "
        "over rows"
    ),
    effect_size="how far the statistic is from 1: 0.5 for half as many rows or half as many again",
    bad=Direction.HIGH,
    null="rows come at the reference's rate and vary from period to period as they did there",
    p_value=(
        "F-test of two overdispersed Poisson rates, allowing for periods that follow the one before; none "
        "without timestamp"
    ),
    source=(
        "McCullagh and Nelder, Generalized Linear Models, 2nd ed., 1989, sections 4.5 and 9.2; Bayley and "
        "Hammersley, JRSS Supplement 8, 1946"
    ),
    default_threshold=0.5,
    lowest_threshold=0.0,
    highest_threshold=float("inf"),
    options=RowCountOptions,
    undefined="the reference has no rows to hold a rate against: take a longer window, or another source",
)
