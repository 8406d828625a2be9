"""What a count type has to say beside its figures: both windows in bins, what changed most."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray
from recwatch_exporter.checks.count_type import CountType
from recwatch_exporter.families.counted import Counted
from recwatch_exporter.statistics.binning import in_bins, quantile_bins
from recwatch_exporter.statistics.labels import label, range_labels

_MOST_BINS = 40
_HISTOGRAM_BINS = 20
_MOST_ITEMS = 20  # of popularity: the head is what one looks at
_MOST_CONTRIBUTIONS = 5
_MOST_MOVED = 5


def describe(kind: CountType, counted: Counted) -> dict[str, Any]:
    """Details of a comparison, all of it small."""
    counts = counted.counts
    details: dict[str, Any] = {}
    labels, reference, current = _bins(counted)
    if kind.contributions is not None and counts.reference.any() and counts.current.any():
        details["contributions"] = _contributions(kind, labels, reference, current)
    if kind.of == "items":
        details |= _moved(counted)
        labels, reference, current = _head(labels, reference, current, _MOST_ITEMS)
    elif counted.options.get("bins") is None or len(labels) > _MOST_BINS:
        amounts = kind.of == "numbers" or counted.options.get("bins") is not None
        if amounts and len(labels) > _MOST_BINS:
            labels, reference, current = _histogram(counted)
        else:
            labels, reference, current = _head(labels, reference, current, _MOST_BINS)
    details["bins"] = {
        "labels": labels,
        "reference": _shares(reference).tolist(),
        "current": _shares(current).tolist(),
    }
    return details


def _shares(counts: FloatArray) -> FloatArray:
    total = counts.sum()
    return counts / total if total else counts


def _bins(counted: Counted) -> tuple[list[str], FloatArray, FloatArray]:
    """The bins that were compared: values, or quantile bins of the reference."""
    counts, bins = counted.counts, counted.options.get("bins")
    if bins is None or len(counts.values) == 0:
        return _labels(counted.values), counts.reference, counts.current
    bin_of = quantile_bins(counts.reference, bins)
    used = np.unique(bin_of)
    # A bin's upper end is its last value that the reference holds.
    seen = np.where(counts.reference > 0, np.arange(len(bin_of)), -1)
    ends = [_upper_end(counted, int(seen[bin_of == number].max())) for number in used[:-1]]
    reference, current = (in_bins(side, bin_of, bins)[used] for side in (counts.reference, counts.current))
    return range_labels(ends), reference, current


def _upper_end(counted: Counted, position: int) -> float:
    if counted.edges is None:
        return float(counted.values[position])
    # The cell holds what is below its upper edge, which stands just above a point of the grid.
    cell = min(int(counted.counts.values[position]), len(counted.edges) - 1)
    return float(np.nextafter(counted.edges[cell], -np.inf))


def _labels(values: NDArray[Any]) -> list[str]:
    return [label(value) for value in values] if len(values) <= _MOST_BINS else list(map(str, values))


def _contributions(
    kind: CountType, labels: list[str], reference: FloatArray, current: FloatArray
) -> list[dict[str, Any]]:
    assert kind.contributions is not None  # noqa: S101 - asked before
    found = kind.contributions(reference, current)
    shares = _shares(reference), _shares(current)
    most = np.argsort(-found, kind="stable")[:_MOST_CONTRIBUTIONS]
    return [
        {
            "bin": label(labels[place]),
            "reference": float(shares[0][place]),
            "current": float(shares[1][place]),
            "contribution": float(found[place]),
        }
        for place in most
        if found[place] > 0
    ]


def _moved(counted: Counted) -> dict[str, Any]:
    """The items whose share rose and fell most."""
    shares = _shares(counted.counts.reference), _shares(counted.counts.current)
    change = shares[1] - shares[0]
    order = np.argsort(change, kind="stable")

    def told(places: NDArray[np.int64]) -> list[dict[str, Any]]:
        return [
            {
                "id": label(counted.values[place]),
                "reference": float(shares[0][place]),
                "current": float(shares[1][place]),
            }
            for place in places
        ]

    rose = [place for place in order[::-1][:_MOST_MOVED] if change[place] > 0]
    fell = [place for place in order[:_MOST_MOVED] if change[place] < 0]
    return {"rose": told(np.asarray(rose, dtype=np.int64)), "fell": told(np.asarray(fell, dtype=np.int64))}


def _head(
    labels: list[str], reference: FloatArray, current: FloatArray, most: int
) -> tuple[list[str], FloatArray, FloatArray]:
    """The most frequent values of both windows taken together, the rest as `other`."""
    if len(labels) <= most:
        return [label(name) for name in labels], reference, current
    weight = _shares(reference) + _shares(current)
    order = np.argsort(-weight, kind="stable")
    chosen, rest = order[: most - 1], order[most - 1 :]
    return (
        [*(label(labels[place]) for place in chosen), "other"],
        np.append(reference[chosen], reference[rest].sum()),
        np.append(current[chosen], current[rest].sum()),
    )


def _histogram(counted: Counted) -> tuple[list[str], FloatArray, FloatArray]:
    """Numbers in bins of equal width, the outermost hundredth on both ends in the first and the last."""
    counts, values = counted.counts, counted.values.astype(np.float64)
    cumulative = np.cumsum(counts.reference + counts.current)
    low, high = values[np.searchsorted(cumulative, cumulative[-1] * np.asarray([0.01, 0.99]))]
    ends = np.unique(np.linspace(low, high, _HISTOGRAM_BINS - 1))
    bin_of = np.searchsorted(ends, values, side="left")
    sides = (in_bins(side, bin_of, len(ends) + 1) for side in (counts.reference, counts.current))
    return range_labels(ends.tolist()), next(sides), next(sides)
