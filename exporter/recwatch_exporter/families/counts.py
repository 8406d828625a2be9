"""Check types that compare how often each value occurs: counts come back from the source, never rows."""

from typing import Any

import numpy as np

from recwatch_exporter.checks.base import Frozen, Measurement
from recwatch_exporter.checks.count_type import CountType
from recwatch_exporter.config import Check
from recwatch_exporter.data import SideCounts
from recwatch_exporter.errors import SourceError
from recwatch_exporter.families.base import Run
from recwatch_exporter.sources.window import Window
from recwatch_exporter.statistics.counts import align
from recwatch_exporter.statistics.permutation import draw_permutations, permutation_test


def features(check: Check, current: Window) -> tuple[str, ...]:  # noqa: ARG001 - see `Family`
    """Every column is a finding of its own."""
    return check.fields


def freeze(check: Check, feature: str, reference: Window, run: Run) -> Frozen:  # noqa: ARG001 - see `Family`
    """Counts of each value, by cluster where there are clusters."""
    counts = _count(check, feature, reference)
    frozen = {"values": counts.values, "counts": counts.counts}
    return frozen if counts.clusters is None else frozen | {"clusters": counts.clusters}


def measure(
    check: Check,
    feature: str,
    frozen: Frozen,
    current: Window,
    *,
    run: Run,
    reference: Window | None,  # noqa: ARG001 - see `Family`
) -> Measurement:
    """Compare counts, and permute clusters for the p-value."""
    kind = check.check_type
    assert isinstance(kind, CountType)  # noqa: S101 - the table of families says so
    before = SideCounts(frozen["values"], frozen["counts"], frozen.get("clusters"))
    after = _count(check, feature, current)
    _same_kind(check, feature, before, after)
    counts = align(before, after)
    statistic = float(kind.compare(counts.reference, counts.current))
    effect_size, p_value = statistic, None
    details: dict[str, Any] = {"values": len(counts.values)}
    if np.isfinite(statistic):
        draws = draw_permutations(counts, check.permutations, np.random.default_rng(check.seed))
        chance = permutation_test(statistic, run.deadline.guard(draws), kind.compare, kind.bad)
        p_value = chance.p_value
        if kind.beyond_chance:
            effect_size = max(0.0, statistic - chance.null_mean)
            details["null_mean"] = chance.null_mean
    if counts.n_clusters is not None:
        details["clusters"] = counts.n_clusters
    return Measurement(
        statistic=statistic,
        effect_size=effect_size,
        p_value=p_value,
        n_reference=before.total,
        n_current=after.total,
        n_compared=min(before.total, after.total),
        details=details,
    )


def _count(check: Check, feature: str, window: Window) -> SideCounts:
    kind = check.check_type
    assert isinstance(kind, CountType)  # noqa: S101 - the table of families says so
    return window.count_values(feature, check.clusters, numeric=kind.numeric)


def _same_kind(check: Check, feature: str, before: SideCounts, after: SideCounts) -> None:
    pairs = [(feature, before.values, after.values)]
    if before.clusters is not None and after.clusters is not None and check.cluster is not None:
        pairs.append((check.cluster, before.clusters, after.clusters))
    for column, first, second in pairs:
        if len(first) and len(second) and (first.dtype.kind in "OU") != (second.dtype.kind in "OU"):
            raise SourceError(
                f"column {column} holds text in one window and numbers in the other: write one of them"
            )
