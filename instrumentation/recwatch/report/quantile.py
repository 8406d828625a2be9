"""Quantiles of a histogram's buckets, as Prometheus's `histogram_quantile` has them. Pure."""

import math
from collections.abc import Mapping

__all__ = ["quantile"]


def quantile(share: float, buckets: Mapping[float, float]) -> float | None:
    """Return the value below which a share of the observations lies.

    Observations are taken to lie evenly within their bucket, in the lowest one from 0 on; what lies in the
    last bucket is told as the bound below it. So does `bucketQuantile` of Prometheus's promql/quantile.go.

    Args:
        share: from 0 to 1.
        buckets: by upper bound, how many observations are at most so large; infinity among them.

    Returns:
        None without observations, or without two bounds.
    """
    bounds = sorted(buckets)
    if len(bounds) < 2 or not math.isinf(bounds[-1]):  # noqa: PLR2004 - one more than the infinite one
        return None
    counts: list[float] = []
    for bound in bounds:
        # Rounding in sums of many counters can make one fall.
        counts.append(max(buckets[bound], counts[-1] if counts else 0.0))
    if not counts[-1] > 0:
        return None
    rank = share * counts[-1]
    at = next(number for number, count in enumerate(counts) if count >= rank)
    if at == len(bounds) - 1:
        return bounds[-2]
    if at == 0 and bounds[0] <= 0:
        return bounds[0]
    low, below = (bounds[at - 1], counts[at - 1]) if at else (0.0, 0.0)
    inside = counts[at] - below
    return low + (bounds[at] - low) * (rank - below) / inside if inside > 0 else bounds[at]
