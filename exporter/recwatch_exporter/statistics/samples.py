"""Distances of two samples of numbers, exact, at about the cost of sorting both."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Sorted = NDArray[Any]

_STEPS = (
    2048,
    256,
    32,
    4,
    1,
)  # how far apart the points are at which a distance is looked at, coarse to fine
_AT_ONCE = 1_000_000  # numbers of one side at a time, so that memory stays that of the two sorted samples


def sorted_samples(first: ArrayLike, second: ArrayLike, *, threads: int = 1) -> tuple[Sorted, Sorted]:
    """Both samples in ascending order, as floats of the wider of their types.

    Args:
        first: (n,) numbers.
        second: (m,) numbers.
        threads: 2 sorts both at once.
    """
    samples = [np.ravel(np.asarray(sample)) for sample in (first, second)]
    kind = np.result_type(*samples, np.float32)
    samples = [sample.astype(kind, copy=False) for sample in samples]
    if threads == 1:
        return np.sort(samples[0]), np.sort(samples[1])
    with ThreadPoolExecutor(2) as pool:  # numpy sorts without holding the interpreter's lock
        one, other = pool.map(np.sort, samples)
    return one, other


def ks_of_sorted(first: Sorted, second: Sorted) -> float:
    """Greatest distance of the two empirical distribution functions, ties included.

    D = max over i of max((i + 1) / n - F(a_i), F(a_i-) - i / n), where a is one sample in ascending order,
    F the other's distribution function and F(x-) its limit from the left. All three rise with i, so that
    between two points the distance is bounded by their ends: only where the bound exceeds the greatest
    distance known so far are more points looked at. Nearly all are never touched.

    Args:
        first: (n,) ascending.
        second: (m,) ascending.

    Returns:
        D in 0..1; NaN where a sample is empty or holds NaN.
    """
    a, b = (first, second) if len(first) <= len(second) else (second, first)
    n, m = len(a), len(b)
    if n == 0 or np.isnan(a[-1]) or np.isnan(b[-1]):
        return float("nan")
    best = 0.0
    low, high = np.array([0]), np.array([n - 1])
    for step in _STEPS:
        at = _spread(low, high, step)
        left, right = np.searchsorted(b, a[at], side="left"), np.searchsorted(b, a[at], side="right")
        above, below = (at + 1) / n - right / m, left / m - at / n
        best = max(best, float(above.max()), float(below.max()))
        apart = at[1:] - at[:-1]
        within = (apart > 1) & (apart <= step)  # not from one stretch to the next: what lies there is settled
        bound = np.maximum(at[1:] / n - right[:-1] / m, left[1:] / m - (at[:-1] + 1) / n)
        wanted = within & (bound > best)
        low, high = at[:-1][wanted], at[1:][wanted]
        if not len(low):
            break
    return best


def _spread(low: NDArray[np.int64], high: NDArray[np.int64], step: int) -> NDArray[np.int64]:
    """Every `step`-th index from each `low` to its `high`, both ends included, ascending, each once.

    The stretches are ascending and meet at most at their ends.
    """
    inner = -((low - high) // step)  # how many from `low` on, below `high`
    starts = np.repeat(low, inner)
    offsets = np.arange(len(starts)) - np.repeat(np.cumsum(inner) - inner, inner)
    return np.unique(np.concatenate([starts + offsets * step, high]))


def wasserstein_of_sorted(first: Sorted, second: Sorted) -> float:
    """Wasserstein-1 distance of the two empirical distributions: the area between their quantile functions.

    W = integral over u in 0..1 of |A(u) - B(u)| du (Vallender, Calculation of the Wasserstein distance
    between probability distributions on the line, 1974). Both quantile functions are constant between
    multiples of 1/n and of 1/m, which are merged as whole numbers, a stretch at a time.

    Args:
        first: (n,) ascending.
        second: (m,) ascending.

    Returns:
        The distance, in the unit of the numbers; NaN where a sample is empty or holds NaN.
    """
    n, m = len(first), len(second)
    if n == 0 or m == 0 or np.isnan(first[-1]) or np.isnan(second[-1]):
        return float("nan")
    total = 0.0
    for start in range(0, n, _AT_ONCE):
        stop = min(start + _AT_ONCE, n)
        total += _area(first, second, start, stop)
    return total / n / m


def _area(first: Sorted, second: Sorted, start: int, stop: int) -> float:
    """The area over u from start/n to stop/n, times n m."""
    n, m = len(first), len(second)
    if n == m:
        difference = first[start:stop].astype(np.float64) - second[start:stop]
        return float(np.abs(difference).sum()) * n
    of_first = np.arange(start, stop) * m  # u n m, where the quantile function of `first` jumps
    of_second = np.arange(-(-start * m // n), -(-stop * m // n)) * n
    jumps = np.concatenate([of_first, of_second])
    jumps.sort(kind="stable")  # two ascending runs: merged
    widths = np.diff(jumps, append=stop * m)
    a = first[jumps // m].astype(np.float64)
    b = second[jumps // n].astype(np.float64)
    return float(np.dot(np.abs(a - b), widths.astype(np.float64)))
