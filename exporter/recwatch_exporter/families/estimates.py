"""Check types that estimate a quality metric where labels are not known yet."""

from itertools import pairwise
from typing import Any, cast

import numpy as np

from recwatch_exporter.checks.base import FloatArray, Frozen, Measurement
from recwatch_exporter.checks.performance import LOSSES, PerformanceOptions, estimate
from recwatch_exporter.config import Check
from recwatch_exporter.data import SideCounts
from recwatch_exporter.families import labels
from recwatch_exporter.families.base import Run
from recwatch_exporter.families.counted import same_clusters
from recwatch_exporter.sources.window import Window
from recwatch_exporter.statistics.counts import Counts, Tally, align
from recwatch_exporter.statistics.permutation import clusters_of, draw_permutations, permutation_test

_BINS = 20
_MIDDLE = (0.025, 0.975)


def features(check: Check, current: Window) -> tuple[str, ...]:  # noqa: ARG001 - see `Family`
    """The column of the scores."""
    return check.fields


def freeze(check: Check, feature: str, reference: Window, run: Run) -> Frozen:
    """How often each score occurs, what it means, and the metric that was measured."""
    learn = labels.losses if cast("PerformanceOptions", check).metric in LOSSES else labels.probabilities
    learned = learn(check, feature, reference, run.deadline)
    return {
        **Tally.of(learned.counts).frozen(),
        "scores": learned.scores,
        "expected": learned.expected,
        "edges": learned.edges,
        "measured": np.asarray(learned.measured),
        "labelled": np.asarray(learned.labelled),
    }


def measure(
    check: Check,
    feature: str,
    frozen: Frozen,
    current: Window,
    *,
    run: Run,
    reference: Window | None,  # noqa: ARG001 - see `Family`
) -> Measurement:
    """Estimate the metric by the scores, and permute clusters for the p-value."""
    options, measured = cast("PerformanceOptions", check), float(frozen["measured"])
    before, after = Tally.thawed(frozen), Tally.of(_scores(check, feature, frozen, current))
    same_clusters(check, before, after)
    counts = align(before, after)
    scores = np.asarray(counts.values, dtype=np.float64)
    expected = np.interp(scores, frozen["scores"], frozen["expected"])
    chosen = scores >= options.cut
    sign = 1 if options.metric in LOSSES else -1

    def metric(rows: FloatArray) -> FloatArray:
        return estimate(options.metric, rows, expected, chosen)

    def loss(reference: FloatArray, current: FloatArray) -> FloatArray:
        return sign * (metric(current) - metric(reference))

    lost = float(loss(counts.reference, counts.current))
    details: dict[str, Any] = {
        "metric": options.metric,
        "measured_reference": measured,
        "labelled": int(frozen["labelled"]),
    }
    p_value = None
    if np.isfinite(lost):
        draws = draw_permutations(counts, check.permutations, np.random.default_rng(check.seed))
        chance = permutation_test(lost, run.deadline.guard(draws), loss, check.check_type.bad)
        p_value = chance.p_value
        details |= {
            "estimated_reference": float(metric(counts.reference)),
            "estimated_current": float(metric(counts.current)),
            "loss_by_chance": _middle(chance.null),
            "outside": _outside(counts, frozen["scores"]),
            "bins": _picture(counts, scores),
        }
    details |= clusters_of(counts, check.alpha, check.permutations)
    return Measurement(
        statistic=measured + sign * lost,
        effect_size=lost,
        p_value=p_value,
        n_reference=before.total,
        n_current=after.total,
        n_compared=min(before.total, after.total),
        details=details,
    )


def _scores(check: Check, feature: str, frozen: Frozen, current: Window) -> SideCounts:
    """How often each score occurs: each by itself, or the middle of its cell as in the reference."""
    edges = frozen["edges"]
    if len(edges) == 0:
        counts = current.count_values(feature, check.clusters, numeric=True, limit=labels.MOST_SCORES)
        if counts is not None:
            return counts
        edges = np.union1d(frozen["scores"], [cast("PerformanceOptions", check).cut])
    return labels.in_middles(current.count_cells(feature, edges, check.clusters), edges)


def _middle(losses: FloatArray) -> list[float] | None:
    """Where 95 % of them lie; None where no permutation gave any."""
    defined = losses[np.isfinite(losses)]
    return np.quantile(defined, _MIDDLE).tolist() if len(defined) else None


def _outside(counts: Counts, scores: FloatArray) -> float:
    """The share of the current window's scores that are beyond any in the reference."""
    beyond = (counts.values < scores[0]) | (counts.values > scores[-1])
    return float(counts.current[beyond].sum() / counts.current.sum())


def _picture(counts: Counts, scores: FloatArray) -> dict[str, Any]:
    edges = np.linspace(scores[0], scores[-1], min(_BINS, len(scores)) + 1)
    cell = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, len(edges) - 2)
    shares = [
        (np.bincount(cell, weights=side, minlength=len(edges) - 1) / side.sum()).tolist()
        for side in (counts.reference, counts.current)
    ]
    names = [f"{low:.3g} to {high:.3g}" for low, high in pairwise(edges)]
    return {"labels": names, "reference": shares[0], "current": shares[1]}
