"""What a column may hold: as drift.yml says, or as the reference shows."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import Frozen
from recwatch_exporter.checks.range import Bound, RangeOptions, cells
from recwatch_exporter.config import Check
from recwatch_exporter.data import SideCounts
from recwatch_exporter.errors import SourceError, StatisticError
from recwatch_exporter.sources.kinds import Kind
from recwatch_exporter.sources.window import Window
from recwatch_exporter.statistics.hashing import short_texts
from recwatch_exporter.statistics.labels import label

_MOST_VALUES = 100_000
_NAMED = 10


def learn(check: Check, feature: str, reference: Window) -> dict[str, NDArray[Any]]:
    """The reference's least and greatest value of a column of numbers, or the values of any other.

    Nothing where drift.yml says what may be.

    Raises:
        StatisticError: when the reference holds no value at all.
    """
    options = cast("RangeOptions", check)
    if options.bounded or options.values:
        return {}
    found: dict[str, NDArray[Any]] = {}
    if reference.columns.get(feature) in (Kind.INTEGER, Kind.FLOATING):
        facts = reference.facts((feature,)).columns[feature]
        if facts.minimum is not None and facts.maximum is not None:
            found = {"low": np.asarray(float(facts.minimum)), "high": np.asarray(float(facts.maximum))}
    else:
        values = _counted(feature, reference).values
        found = {"values": short_texts(values)} if len(values) else {}
    if not found:
        raise StatisticError(
            f"reference: {feature} holds no value to take limits from: give low and high, or values"
        )
    return found


def count_outside(
    check: Check, feature: str, window: Window, frozen: Frozen
) -> tuple[int, int, dict[str, Any]]:
    """Rows that have a value, those of them that lie outside, and details.

    Args:
        check: of the type `range`.
        feature: the column.
        window: whose.
        frozen: what `learn` gave; of no use where drift.yml says what may be.
    """
    options = cast("RangeOptions", check)
    if options.values or "values" in frozen:
        allowed: Sequence[Bound] = options.values or frozen["values"].tolist()
        return _among(_counted(feature, window), allowed)
    low, high = options.low, options.high
    if not options.bounded:
        low, high = float(frozen["low"]), float(frozen["high"])
    edges, inside = cells(low, high)
    counts = window.count_cells(feature, edges, None)
    found = np.bincount(counts.values.astype(np.int64), weights=counts.counts, minlength=len(edges) + 1)
    below, above = int(found[:inside].sum()), int(found[inside + 1 :].sum())
    return int(found.sum()), below + above, {"low": low, "high": high, "below": below, "above": above}


def _among(counts: SideCounts, allowed: Sequence[Bound]) -> tuple[int, int, dict[str, Any]]:
    if counts.values.dtype.kind in "iuf":
        numbers = [float(value) for value in allowed if _is_number(value)]
        known = np.isin(counts.values.astype(np.float64), numbers)
    else:
        names = np.asarray([_text(value) for value in allowed], dtype=object)
        known = np.isin(short_texts(counts.values), short_texts(names))
    order = np.argsort(-counts.counts[~known], kind="stable")[:_NAMED]
    unknown = [
        {"value": label(str(value)), "rows": int(rows)}
        for value, rows in zip(counts.values[~known][order], counts.counts[~known][order], strict=True)
    ]
    wrong = int(counts.counts[~known].sum())
    return counts.total, wrong, {"unknown": unknown, "allowed": len(allowed)}


def _counted(feature: str, window: Window) -> SideCounts:
    counts = window.count_values(feature, None, numeric=False, limit=_MOST_VALUES)
    if counts is None:
        raise SourceError(
            f"{window.side}: {feature} has more than {_MOST_VALUES} different values, too many to name "
            "those that may be: for numbers give low and high"
        )
    return counts


def _is_number(value: Bound) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _text(value: Bound) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
