"""The tests that one would take without a thought for users or time: scipy's, on plain rows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from benchmarks.calibration import arrivals
from benchmarks.calibration.memory import Column


@dataclass(frozen=True)
class PlainTest:
    """A test that takes every row for independent.

    Attributes:
        name: what it is called where it comes from.
        p_value: of the reference's and the current window's column.
    """

    name: str
    p_value: Callable[[Column, Column], float]


def _ks(reference: Column, current: Column) -> float:
    return float(stats.ks_2samp(reference.values, current.values).pvalue)


def _welch(reference: Column, current: Column) -> float:
    return float(stats.ttest_ind(reference.values, current.values, equal_var=False).pvalue)


def _chi2(reference: Column, current: Column) -> float:
    sides = [np.unique(side.values, return_counts=True) for side in (reference, current)]
    values = np.unique(np.concatenate([found for found, _ in sides]))
    counts = np.zeros((2, len(values)))
    for row, (found, number) in zip(counts, sides, strict=True):
        row[np.searchsorted(values, found)] = number
    return float(stats.chi2_contingency(counts).pvalue)


def _poisson(reference: Column, current: Column) -> float:
    """Of two numbers of events in 56 and in 7 days, given their sum."""
    share = arrivals.CURRENT_DAYS / (arrivals.REFERENCE_DAYS + arrivals.CURRENT_DAYS)
    number = len(current.codes)
    return float(stats.binomtest(number, number + len(reference.codes), share).pvalue)


KS = PlainTest("scipy.stats.ks_2samp", _ks)
WELCH = PlainTest("scipy.stats.ttest_ind", _welch)
POISSON = PlainTest("scipy.stats.binomtest", _poisson)
CHI2 = PlainTest("scipy.stats.chi2_contingency", _chi2)
