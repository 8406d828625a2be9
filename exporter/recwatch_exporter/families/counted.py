"""Counts of both windows over the same values, or over the same cells where there are too many values."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray, Frozen
from recwatch_exporter.checks.count_type import CountType, Exact
from recwatch_exporter.config import Check
from recwatch_exporter.data import Moments, SideCounts
from recwatch_exporter.errors import SourceError, StatisticError
from recwatch_exporter.sources.kinds import Kind
from recwatch_exporter.sources.window import Window
from recwatch_exporter.statistics.counts import Counts, Tally, align
from recwatch_exporter.statistics.grid import POINTS, edges_at, probabilities, representatives
from recwatch_exporter.statistics.moments import mean_and_std

MOST_NUMBERS = 4096
"""Numbers that take more values than this, on either side, are counted by cell."""

_MOST_VALUES = 5_000_000
_WITHIN = (np.arange(16) + 0.5) / 16
_LARGEST_EXACT = 2**53  # float64 holds every whole number up to it
_FEW_VALUES = 50  # numbers that take no more values than this are their own bins


@dataclass(frozen=True)
class Counted:
    """Both windows, ready to be compared.

    Attributes:
        counts: over the same values.
        values: (values,) what each value, or cell, stands for, ascending.
        edges: of the cells; None where every value is counted by itself.
        options: what the type's `compare` takes besides.
        rows: of the reference and of the current window, with a value or without.
        totals: rows of either that have a value and a cluster.
        moments: of the reference and of the current window, where they are more exact than the cells.
    """

    counts: Counts
    values: NDArray[Any]
    edges: FloatArray | None
    options: dict[str, Any]
    rows: tuple[int, int]
    totals: tuple[int, int]
    moments: tuple[Moments, Moments] | None

    def exact(self, feature: str, reference: Window | None, current: Window) -> Exact | None:
        """What is known beyond the cells; None where there are no cells."""
        if self.moments is None:
            return None
        distances = None if reference is None else lambda: reference.distances(current, feature)
        return Exact(reference=self.moments[0], current=self.moments[1], distances=distances)


def freeze_counts(check: Check, feature: str, window: Window) -> Frozen:
    """Counts of each value or cell, by cluster where there are clusters; rows; moments beside cells.

    Raises:
        SourceError: when the data cannot be read or is not what the check asks for.
        StatisticError: when there are rows and not one value, or values beyond number.
    """
    kind = _kind(check)
    counts = _count_values(check, feature, window)
    frozen: dict[str, NDArray[Any]] = {"rows": np.asarray(window.rows())}
    if counts is None:
        points = window.quantiles(feature, probabilities())
        edges = edges_at(points[np.isfinite(points)])
        counts = window.count_cells(feature, edges, check.clusters)
        frozen["edges"] = edges
        if kind.of == "numbers":
            moments = window.moments(feature)
            frozen["moments"] = np.asarray([moments.n, moments.mean, moments.std])
    tally = Tally.of(counts)
    _has_values(check, feature, window.side, int(frozen["rows"]), tally)
    return frozen | tally.frozen()


def count_both(check: Check, feature: str, frozen: Frozen, current: Window) -> Counted:
    """Count the current window as the reference was counted, and bring both together.

    Raises:
        SourceError: when the data cannot be read, or the windows hold values of different kinds.
        StatisticError: when there are rows and not one value, or values beyond number.
    """
    kind = _kind(check)
    before, edges = Tally.thawed(frozen), frozen.get("edges")
    values = before.values.distinct
    few = edges is None and len(values) <= _FEW_VALUES
    after = None if edges is not None else _count_values(check, feature, current)
    moments = _moments(frozen.get("moments"))
    if after is None:
        if edges is None:
            _numbers(feature, values)
            moments = _moments_of(before)
            edges = _edges_of(before)
            before = before.in_cells(edges)
        elif kind.of != "numbers" and _holds_texts(feature, current):
            raise _mixed(feature)  # a type of numbers alone says which texts are none
        after = current.count_cells(feature, edges, check.clusters)
    tally = Tally.of(after)
    rows = (int(frozen["rows"]), current.rows())
    _has_values(check, feature, current.side, rows[1], tally)
    _same_kind(check, feature, before, tally)
    same_clusters(check, before, tally)
    counts = align(before, tally)
    numeric = counts.values.dtype.kind in "iuf"
    return Counted(
        counts=counts,
        values=counts.values if edges is None else _stand_ins(kind, feature, edges, counts, current),
        edges=edges,
        options=_options(check, numeric=numeric, few=few),
        rows=rows,
        totals=(before.total, tally.total),
        moments=None
        if edges is None or kind.of != "numbers" or moments is None
        else (moments, current.moments(feature)),
    )


def _kind(check: Check) -> CountType:
    kind = check.check_type
    assert isinstance(kind, CountType)  # noqa: S101 - the table of families says so
    return kind


def _count_values(check: Check, feature: str, window: Window) -> SideCounts | None:
    """Counts of each value; None where the values are numbers, too many, and cells will do."""
    kind = _kind(check)
    numeric = window.columns.get(feature) in (Kind.INTEGER, Kind.FLOATING)
    amounts = kind.of == "numbers" or (kind.binned and not _categorical(check))
    limit = MOST_NUMBERS if numeric and amounts else _MOST_VALUES
    counts = window.count_values(feature, check.clusters, numeric=kind.of == "numbers", limit=limit)
    if counts is None and limit == _MOST_VALUES:
        raise StatisticError(
            f"{window.side}: column {feature} holds more than {limit:,} different values: "
            "choose a coarser column, such as a category"
        )
    return counts


def _categorical(check: Check) -> bool:
    return bool(getattr(check, "categorical", False))


def _options(check: Check, *, numeric: bool, few: bool) -> dict[str, Any]:
    kind = _kind(check)
    if not kind.binned:
        return {name: getattr(check, name) for name in kind.options.model_fields}
    by_value = few or not numeric or _categorical(check)
    return {"bins": None if by_value else getattr(check, "bins")}  # noqa: B009 - a key of the type's own


def _edges_of(reference: Tally) -> FloatArray:
    """Cells for a current window of too many values: each value of the reference, and what is between."""
    values = reference.values.distinct.astype(np.float64)
    if len(values) > POINTS:
        cumulative = np.cumsum(reference.totals())
        at = np.searchsorted(cumulative, probabilities() * cumulative[-1], side="left")
        values = values[np.minimum(at, len(values) - 1)]
    return edges_at(values if len(values) else np.zeros(1))


def _stand_ins(
    kind: CountType, feature: str, edges: FloatArray, counts: Counts, current: Window
) -> FloatArray:
    """One number for each cell that occurs."""
    below = above = float("nan")
    ends = (counts.values == 0, counts.values == len(edges))
    total = counts.current.sum()
    if kind.amounts and total and any(counts.current[end].any() for end in ends):
        # Beyond the reference's ends: about the mean of the current window's rows there, by their quantiles.
        low, high = (float(counts.current[end].sum()) / total for end in ends)
        found = current.quantiles(feature, np.concatenate([low * _WITHIN, 1 - high * _WITHIN]))
        below, above = (float(half.mean()) for half in np.split(found, 2))
    return np.asarray(representatives(edges, below, above)[counts.values], dtype=np.float64)


def _moments(frozen: NDArray[Any] | None) -> Moments | None:
    return None if frozen is None else Moments(int(frozen[0]), float(frozen[1]), float(frozen[2]))


def _moments_of(tally: Tally) -> Moments:
    mean, std = mean_and_std(tally.values.distinct, tally.totals())
    return Moments(tally.total, float(mean), float(std))


def _has_values(check: Check, feature: str, side: str, rows: int, tally: Tally) -> None:
    if rows >= check.min_rows and tally.total == 0:
        what = "no value" if check.cluster is None else f"no value with a {check.cluster}"
        raise StatisticError(
            f"{side}: column {feature} holds {what} in any of its {rows:,} rows: write values, "
            "or choose another column"
        )


def _holds_texts(feature: str, window: Window) -> bool:
    """Whether a column is one of texts; one without a value is of no type."""
    if window.columns.get(feature) is not Kind.TEXT:
        return False
    found = window.count_values(feature, None, numeric=False, limit=1)
    return found is None or len(found.values) > 0


def _numbers(feature: str, values: NDArray[Any]) -> None:
    if len(values) and values.dtype.kind not in "iuf":
        raise _mixed(feature)


def _same_kind(check: Check, feature: str, before: Tally, after: Tally) -> None:
    first, second = before.values.distinct, after.values.distinct
    _same_type(feature, first, second)
    if _kind(check).of != "numbers":
        _same_numbers(feature, first, second)


def same_clusters(check: Check, before: Tally, after: Tally) -> None:
    """See that a cluster of one window can be found in the other.

    Raises:
        SourceError: when one holds text and the other numbers, or ids too large for the types they have.
    """
    if before.clusters is None or after.clusters is None or check.cluster is None:
        return
    first, second = before.clusters.distinct, after.clusters.distinct
    column = check.timestamp or check.cluster if check.cluster == "block" else check.cluster
    _same_type(column, first, second)
    _same_numbers(column, first, second)


def _same_type(column: str, first: NDArray[Any], second: NDArray[Any]) -> None:
    if len(first) and len(second) and (first.dtype.kind in "OU") != (second.dtype.kind in "OU"):
        raise _mixed(column)


def _same_numbers(column: str, first: NDArray[Any], second: NDArray[Any]) -> None:
    """See that ids keep apart where one window has them as another type than the other."""
    kinds = {first.dtype.kind, second.dtype.kind}
    if not (len(first) and len(second)) or kinds not in ({"i", "f"}, {"u", "f"}, {"i", "u"}):
        return
    if kinds == {"i", "u"}:
        lost = any(side.min() < 0 for side in (first, second))
    else:
        lost = any(max(-float(side.min()), float(side.max())) > _LARGEST_EXACT for side in (first, second))
    if lost:
        raise SourceError(
            f"column {column} is {first.dtype} in the reference and {second.dtype} in the current window, "
            "and holds numbers so large that different ones become the same: write one type"
        )


def _mixed(column: str) -> SourceError:
    return SourceError(
        f"column {column} holds text in one window and numbers in the other: write one of them"
    )
