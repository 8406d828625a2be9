"""row_count: whether rows come as many as they always did."""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

import numpy as np
from pydantic import model_validator
from scipy import special

from recwatch_exporter.checks.base import Direction, FloatArray, Options
from recwatch_exporter.checks.fact_type import VolumeType
from recwatch_exporter.data import IntArray
from recwatch_exporter.process.schedule import PositiveDuration
from recwatch_exporter.statistics.dispersion import dispersion
from recwatch_exporter.statistics.seasons import Expected, Volume, expected, tiled

FEWEST_PERIODS = 5
"""Fewer periods of the reference say nothing about how much its counts vary."""

FEWEST_SEASONS = 2
"""Fewer of them do not tell the season from what happened once."""

_HIGHEST_CORRELATION = 0.95
_SLACK = 1e-6


@dataclass(frozen=True)
class RateComparison:
    """How the rates of two windows differ.

    Attributes:
        reference: rows a period in the reference window.
        current: rows a period in the current window.
        change: current / reference - 1: -1 where no row came, 1 where twice as many did; NaN where the
            reference has no rows, or too few such stretches.
        dispersion: variance over mean of counts such as the current window's, 1 for independent rows.
        correlation: of one period's count with the next one's.
        p_value: two-sided.
    """

    reference: float
    current: float
    change: float
    dispersion: float
    correlation: float
    p_value: float


def compare_rates(
    reference: FloatArray,
    current: float,
    periods: float,
    *,
    phases: IntArray | None = None,
    expected: Expected | None = None,
) -> RateComparison:
    """Compare the current window's number of rows with the reference's by period.

    Counts are Poisson but for their variance. The test is the F-test of the quasi-likelihood ratio, F = D /
    dispersion with 1 and `freedom` degrees of freedom, where D = 2 (C ln(c / m) + R ln(r / m)), of totals C
    and R and rates c, r and, of both together, m (McCullagh and Nelder, Generalized Linear Models, 2nd ed.,
    1989, sections 4.5 and 9.2). Rows come in bursts, and days are busy or quiet as a whole: the variance is
    phi * mean + tau * mean^2, estimated from the reference alone (see `dispersion`), and the dispersion is
    that variance over the mean where the mean is that of the current window's periods.

    Where a period's count follows the one before, means vary more than the dispersion says: F is divided by
    the ratio of the variance of a difference of two means of a first-order autoregression to that of
    independent counts, and the degrees of freedom are fewer by (1 - correlation) / (1 + correlation) (Bayley
    and Hammersley, JRSS Supplement 8, 1946); the correlation is corrected for its bias (Kendall; by phases
    Marriott and Pope; both Biometrika 41, 1954) and at least 0.

    Where counts follow the hour or the weekday, each is held against the mean of its own phase, a log-linear
    model with a factor of phases (McCullagh and Nelder, section 6.2) on so many degrees of freedom fewer, and
    the current window against what such a window usually holds.

    Args:
        reference: (periods,) rows of each period, oldest first.
        current: rows of the current window.
        periods: how many periods it covers, more than 0; part of one counts as that part.
        phases: (periods,) at which time of the season each period is; one phase for all by default.
        expected: what a window such as the current one holds by the reference; by default the mean.
    """
    n, total = len(reference), float(reference.sum())
    phases = np.zeros(n, dtype=np.int64) if phases is None else phases
    expected = Expected(total / n * periods, n / periods, total / n) if expected is None else expected
    rate, rate_now = expected.rows / periods, current / periods
    means, strata = _means(reference, phases)
    if total == 0 or not rate > 0 or np.count_nonzero(means) <= strata:
        return RateComparison(
            reference=rate,
            current=rate_now,
            change=math.nan,
            dispersion=math.nan,
            correlation=math.nan,
            p_value=math.nan,
        )
    some = means > 0
    found = dispersion(reference[some], means[some], phases[some])
    spread = np.sqrt(found.variance(means[some]))
    apart = np.divide(reference[some] - means[some], spread, out=np.zeros_like(spread), where=spread > 0)
    ratio, freedom = found.at(expected.typical)
    correlation = _correlation(apart, strata)
    weight = expected.weight
    both = (weight * expected.rows + current) / (weight + 1)
    deviance = 2 * (
        weight * expected.rows * math.log(expected.rows / both)
        + (current and current * math.log(current / both))
    )
    inflated = periods * _variance(periods, correlation)
    # A part of every season: its periods follow one another, those of two seasons do not.
    inflated_mean = inflated if periods < strata else n * _variance(n, correlation)
    inflation = (inflated + inflated_mean / weight) / (1 + 1 / weight)
    statistic = max(0.0, deviance) / (ratio * inflation)
    return RateComparison(
        reference=rate,
        current=rate_now,
        change=rate_now / rate - 1,
        dispersion=ratio,
        correlation=correlation,
        p_value=float(special.fdtrc(1, freedom * (1 - correlation) / (1 + correlation), statistic)),
    )


def _means(reference: FloatArray, phases: IntArray) -> tuple[FloatArray, int]:
    """(periods,) the mean of each period's phase, and how many phases have any rows."""
    often = np.bincount(phases)
    sums = np.bincount(phases, weights=reference)
    return (sums / np.maximum(often, 1))[phases], max(1, int(np.count_nonzero(sums)))


def _correlation(apart: FloatArray, strata: int) -> float:
    """Of one period with the next, at least 0."""
    n, squares = len(apart), float(np.square(apart).sum())
    if squares == 0:
        return 0.0
    plain = float(apart[1:] @ apart[:-1]) / squares
    if strata > 1:  # neighbours are about means of their own, so the bias is that of known means
        return min(max(n * plain / (n - 2), 0.0), _HIGHEST_CORRELATION)
    return min(max((n * plain + 1) / (n - 3), 0.0), _HIGHEST_CORRELATION)


def _variance(n: float, correlation: float) -> float:
    """Variance of the mean of n correlated counts of variance 1."""
    if n <= 1:
        return 1 / n  # less than a period varies as it would without the rest of it
    lags = np.arange(1, math.ceil(n))
    return float(1 + 2 * np.sum((1 - lags / n) * correlation**lags)) / n


def compare_volumes(
    reference: Volume, rows: float, start: float, stop: float, *, period: float, season: float
) -> tuple[RateComparison, float]:
    """Compare rows of a stretch of time with the same stretch of other seasons of the reference.

    Args:
        reference: rows over time, `FEWEST_PERIODS` or more.
        rows: of the current window.
        start: of the current window, in seconds since 1970.
        stop: its end.
        period: in which counts vary, in seconds.
        season: after which they do so again, in seconds. Where it is no whole multiple of the period, or the
            reference holds fewer than two before `start`, it is one period: parts of a day are held against
            the same parts of days.

    Returns:
        The comparison, and the season that was used.
    """
    length = stop - start
    earlier = reference.before(start)
    apart = earlier.end - earlier.begin >= FEWEST_PERIODS * period
    if apart:
        reference = earlier  # both may be of one source: what is looked at is no part of what was usual
    whole = abs(season / period - round(season / period)) < _SLACK
    if not (apart and whole) or reference.end - reference.begin < FEWEST_SEASONS * season - _SLACK:
        season = period
    if season == period and length >= period:
        counts, _ = tiled(reference, reference.end, unit=period, every=period, season=period)
        return compare_rates(counts, rows, length / period), season
    usual = expected(reference, start, stop, period=period, season=season)
    if usual.rows == rows == 0 and reference.counts.any():
        return RateComparison(0.0, 0.0, 0.0, math.nan, math.nan, 1.0), season
    # Whole stretches, since parts of one in proportion vary less than rows do.
    step = min(reference.step, period)
    unit = min(max(1, round(length / step)) * step, period)
    last = reference.end - round((reference.end - stop) / step) * step
    counts, phases = tiled(reference, last, unit=unit, every=period, season=season)
    return compare_rates(counts, rows, length / unit, phases=phases, expected=usual), season


class RowCountOptions(Options):
    """How rows are counted."""

    period: PositiveDuration = timedelta(days=1)
    season: PositiveDuration = timedelta(days=7)

    @model_validator(mode="after")
    def _reference_holds_enough(self) -> Self:
        check: Any = self  # the keys of every check are among its attributes
        window = None if check.reference is None else check.reference.window
        if window is not None and window / self.period < FEWEST_PERIODS:
            raise ValueError(
                f"reference.window holds fewer than {FEWEST_PERIODS} periods: make it longer, "
                "or period shorter"
            )
        if "season" not in self.model_fields_set:
            return self
        if self.season % self.period:
            raise ValueError("season is no whole multiple of period: correct one of them")
        if window is not None and window < FEWEST_SEASONS * self.season:
            raise ValueError("reference.window holds fewer than 2 seasons: make it longer, or season shorter")
        return self


ROW_COUNT = VolumeType(
    name="row_count",
    statistic=(
        "rows in the current window over the mean of the same hours and days in other weeks of the "
        "reference; over its mean rate where it holds fewer than two weeks; without timestamp, rows over rows"
    ),
    effect_size="how far the statistic is from 1: 0.5 for half as many rows or half as many again",
    bad=Direction.HIGH,
    null="rows come as they did at that time of the week in the reference, and vary as they did there",
    p_value=(
        "F-test of two overdispersed Poisson rates, by time of the week, allowing for days that are busy as "
        "a whole and for periods that follow the one before; none without timestamp"
    ),
    source=(
        "McCullagh and Nelder, Generalized Linear Models, 2nd ed., 1989, sections 4.5, 6.2 and 9.2; Bayley "
        "and Hammersley, JRSS Supplement 8, 1946"
    ),
    default_threshold=0.5,
    lowest_threshold=0.0,
    highest_threshold=float("inf"),
    options=RowCountOptions,
    undefined=(
        "the reference has no rows, or none at that time of the week, to hold a rate against: take a longer "
        "window, or another source"
    ),
)
