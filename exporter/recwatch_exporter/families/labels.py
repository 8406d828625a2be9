"""What a score means, learned from the labels of the reference."""

from dataclasses import dataclass
from typing import cast

import numpy as np

from recwatch_exporter.checks.base import FloatArray
from recwatch_exporter.checks.performance import BINARY, Outcomes, PerformanceOptions
from recwatch_exporter.config import Check
from recwatch_exporter.data import SideCounts, joined
from recwatch_exporter.errors import SourceError, StatisticError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.window import Window
from recwatch_exporter.statistics.calibration import isotonic, platt

MOST_SCORES = 1_000
"""So many different scores are counted each by itself; more are counted in cells."""

_CELLS = 100
_CELLS_OF_LOSSES = 32
_TRUTHS = ({"0", "1"}, {"0.0", "1.0"}, {"false", "true"})


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What the reference shows.

    Attributes:
        counts: how often each score occurs (in each cluster).
        scores: (n,) ascending.
        expected: (n,) what each means: the probability of a positive, or the mean error.
        edges: of the cells in which scores are counted; none where each is counted by itself.
        measured: the metric, by the labels.
        labelled: rows that have a label.
    """

    counts: SideCounts
    scores: FloatArray
    expected: FloatArray
    edges: FloatArray
    measured: float
    labelled: int


def probabilities(check: Check, feature: str, reference: Window, deadline: Deadline) -> Learned:
    """How likely a positive is at each score, by calibration.

    Raises:
        SourceError: when the label does not hold two values, or not the positive one.
        StatisticError: when the metric is not defined on the reference.
    """
    options = cast("PerformanceOptions", check)
    negative, positive = _two_values(check, reference)
    deadline.check()
    windows = [reference.segment(options.target, value) for value in (negative, positive)]
    sides = [
        window.count_values(feature, check.clusters, numeric=True, limit=MOST_SCORES) for window in windows
    ]
    edges = np.empty(0)
    found = [side for side in sides if side is not None]
    if len(found) < len(sides) or len(_scores(found)) > MOST_SCORES:
        edges = _edges(reference, feature, _CELLS, options.cut)
        found = [in_middles(window.count_cells(feature, edges, check.clusters), edges) for window in windows]
    scores = _scores(found)
    counted = [_per_score(scores, side) for side in found]
    if not all(side.any() for side in counted):
        raise StatisticError(
            f"reference: {feature} has no values where {options.target} is {negative} or {positive}: give a "
            "reference with scores and labels of both"
        )
    fit = platt if options.calibration == "platt" else isotonic
    outcomes = Outcomes(positives=counted[1], negatives=counted[0], chosen=scores >= options.cut)
    measured = float(BINARY[options.metric](outcomes))
    if not np.isfinite(measured):
        raise StatisticError(
            f"reference: {options.metric} is not defined: no {feature} is at or above cut {options.cut:g}"
        )
    rows = counted[0] + counted[1]
    return Learned(
        counts=_together(found),
        scores=scores,
        expected=fit(scores, counted[1], rows),
        edges=edges,
        measured=measured,
        labelled=int(rows.sum()),
    )


def losses(check: Check, feature: str, reference: Window, deadline: Deadline) -> Learned:
    """How large the error is at each score: its mean, or its square's, over cells of about equal size.

    Raises:
        SourceError: when label or score are no numbers.
        StatisticError: when no row has both.
    """
    options = cast("PerformanceOptions", check)
    edges = _edges(reference, feature, _CELLS_OF_LOSSES, None)
    rows = reference.numbers((feature, options.target), None)
    total, known = np.zeros(len(edges) + 1), np.zeros(len(edges) + 1)
    for batch in deadline.guard(rows.batches()):
        score, label = batch.values.T
        with np.errstate(over="ignore"):  # then the metric is no finite number, which is told
            error = np.abs(label - score) ** (1 if options.metric == "mae" else 2)
        cell = np.searchsorted(edges, score, side="right")
        total += np.bincount(cell, weights=error, minlength=len(total))
        known += np.bincount(cell, minlength=len(total))
    labelled = int(known.sum())
    if not labelled:
        raise StatisticError(
            f"reference: no row has both {feature} and {options.target}: give one with labels"
        )
    seen = known > 0
    middles = _middles(edges)
    measured = float(total.sum() / labelled)
    return Learned(
        counts=in_middles(reference.count_cells(feature, edges, check.clusters), edges),
        scores=middles[seen],
        expected=total[seen] / known[seen],
        edges=edges,
        measured=measured**0.5 if options.metric == "rmse" else measured,
        labelled=labelled,
    )


def in_middles(counts: SideCounts, edges: FloatArray) -> SideCounts:
    """Counts by cell as counts by the score in the middle of the cell."""
    middles = _middles(edges)[counts.values.astype(np.int64)]
    return SideCounts(middles, counts.counts, counts.clusters, counts.slots)


def _two_values(check: Check, reference: Window) -> tuple[str, str]:
    """The label's other value, and the positive one, as text."""
    options = cast("PerformanceOptions", check)
    counts = reference.count_values(options.target, None, numeric=False, limit=MOST_SCORES)
    number = f"more than {MOST_SCORES}" if counts is None else str(len(counts.values))
    if counts is None or len(counts.values) != len(("negative", "positive")):
        raise SourceError(
            f"reference: {options.target} has {number} values, but {options.metric} needs two: give "
            "a label that is right or wrong; mae and rmse take any number"
        )
    values = {str(value): value for value in counts.values.tolist()}
    if options.positive is None:
        if set(values) not in _TRUTHS:
            raise SourceError(
                f"reference: {options.target} is {' or '.join(sorted(values))}: say which is positive"
            )
        positive = max(values)
    else:
        same = [text for text, value in values.items() if _same(value, options.positive)]
        if not same:
            raise SourceError(
                f"reference: {options.target} is {' or '.join(sorted(values))}, never {options.positive}: "
                "correct positive"
            )
        positive = same[0]
    return next(text for text in values if text != positive), positive


def _same(value: object, wanted: object) -> bool:
    if isinstance(wanted, bool):
        return str(value) in {str(wanted).lower(), str(int(wanted)), str(float(wanted))}
    return value == wanted or str(value) == str(wanted)


def _edges(reference: Window, feature: str, cells: int, cut: float | None) -> FloatArray:
    edges = reference.quantiles(feature, np.linspace(0, 1, cells + 1))
    if np.isnan(edges).any():
        raise StatisticError(f"reference: {feature} holds no value: give a reference with scores")
    return np.unique(edges if cut is None else np.append(edges, cut))


def _middles(edges: FloatArray) -> FloatArray:
    """(edges + 1,) a score in each cell; in the outermost ones, the edge."""
    return np.concatenate([edges[:1], (edges[:-1] + edges[1:]) / 2, edges[-1:]])


def _scores(sides: list[SideCounts]) -> FloatArray:
    return np.unique(np.concatenate([side.values.astype(np.float64) for side in sides]))


def _per_score(scores: FloatArray, side: SideCounts) -> FloatArray:
    place = np.searchsorted(scores, side.values.astype(np.float64))
    return np.bincount(place, weights=side.counts, minlength=len(scores)).astype(np.float64)


def _together(sides: list[SideCounts]) -> SideCounts:
    """Counts of rows with either label."""
    clusters = [side.clusters for side in sides if side.clusters is not None]
    return SideCounts(
        np.concatenate([side.values.astype(np.float64) for side in sides]),
        np.concatenate([side.counts for side in sides]),
        np.concatenate(clusters) if clusters else None,
        joined([side.slots for side in sides]),
    )
