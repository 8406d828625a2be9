"""One run of one check: find the files, count, compare, judge."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from recwatch.errors import RegistryError
from recwatch.registry import ModelRegistry
from recwatch_exporter.checks.base import CountType, Measurement, VectorType
from recwatch_exporter.config import Check, Side
from recwatch_exporter.errors import SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.results import CheckResult, judge
from recwatch_exporter.sources.columns import View
from recwatch_exporter.sources.duck import Source, open_source
from recwatch_exporter.sources.spans import current_span, reference_span
from recwatch_exporter.statistics.cosines import summarise
from recwatch_exporter.statistics.counts import Counts, SideCounts, align
from recwatch_exporter.statistics.permutation import draw_permutations, permutation_test


def run_check(check: Check, *, now: datetime, deadline: Deadline) -> CheckResult:
    """Run a check once.

    Args:
        check: what to do.
        now: the clock's time, aware, for windows that follow the clock.
        deadline: ends the run when its time is over.

    Raises:
        CheckError: when the check cannot say anything; the message says what to do.
    """
    with open_source(deadline) as source:
        reference, current = _views(check, source, now)
        kind = check.check_type
        if isinstance(kind, VectorType):
            measurement = _measure_vectors(check, kind, source, (reference, current))
        else:
            counts, totals = _count(check, kind, source, (reference, current))
            measurement = _measure_counts(check, kind, counts, totals, deadline)
        newest = _newest(check, source, (reference, current))
    return judge(check, measurement, newest)


def _views(check: Check, source: Source, now: datetime) -> tuple[View, View]:
    reference = View("reference", _files("reference", check.reference), check.filter, check.timestamp)
    current = View("current", _files("current", check.current), check.filter, check.timestamp)
    if not reference.files:
        raise SourceError(f"reference: {check.reference.path} matches no file: write one, or correct path")
    if check.timestamp is None:
        return reference, current
    newest_reference = source.newest(reference, check.timestamp)
    disjoint = check.reference.artifact is not None and check.current.path is not None
    end = now if check.current.follow == "clock" else source.newest(current, check.timestamp)
    before = reference_span(newest_reference, check.reference.window)
    after = current_span(end, check.current.window, newest_reference if disjoint else None)
    return (
        View("reference", reference.files, check.filter, check.timestamp, before),
        View("current", current.files, check.filter, check.timestamp, after),
    )


def _files(name: str, side: Side) -> tuple[Path, ...]:
    if side.path is not None:
        try:
            return side.path.files()
        except SourceError as error:
            raise SourceError(f"{name}: {error}") from None
    assert side.artifact is not None  # noqa: S101 - the configuration has one of the two
    registry = ModelRegistry(side.artifact.path)
    try:
        version = registry.current()
        if version is None:
            raise SourceError(f"{name}: no version in service in {side.artifact}: promote one")
        path = registry.path(version) / (side.file or "")
    except (RegistryError, OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{name}: {error}") from error
    if not path.is_file():
        raise SourceError(f"{name}: {path} does not exist: publish a version that holds it, or correct file")
    return (path,)


def _count(
    check: Check, kind: CountType, source: Source, views: tuple[View, View]
) -> tuple[Counts, tuple[int, int]]:
    before, after = (
        source.count_values(view, check.column, check.cluster, numeric=kind.numeric) for view in views
    )
    _same_kind(check, before, after)
    return align(before, after), (before.total, after.total)


def _measure_counts(
    check: Check, kind: CountType, counts: Counts, totals: tuple[int, int], deadline: Deadline
) -> Measurement:
    statistic = float(kind.compare(counts.reference, counts.current))
    effect_size, p_value = statistic, None
    details: dict[str, Any] = {"values": len(counts.values)}
    if np.isfinite(statistic):
        draws = draw_permutations(counts, check.permutations, np.random.default_rng(check.seed))
        chance = permutation_test(statistic, deadline.guard(draws), kind.compare, kind.bad)
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
        n_reference=totals[0],
        n_current=totals[1],
        n_compared=min(totals),
        details=details,
    )


def _same_kind(check: Check, before: SideCounts, after: SideCounts) -> None:
    pairs = [(check.column, before.values, after.values)]
    if before.clusters is not None and after.clusters is not None and check.cluster is not None:
        pairs.append((check.cluster, before.clusters, after.clusters))
    for column, first, second in pairs:
        if len(first) and len(second) and (first.dtype.kind == "O") != (second.dtype.kind == "O"):
            raise SourceError(
                f"column {column} holds text in one window and numbers in the other: write one of them"
            )


def _measure_vectors(check: Check, kind: VectorType, source: Source, views: tuple[View, View]) -> Measurement:
    key = check.key or ""
    n_reference, n_current = (source.count_vectors(view, check.column, key) for view in views)
    pairs = source.pairs(*views, check.column, key)
    summary = summarise(((pair.ids, pair.reference, pair.current) for pair in pairs), kind.compare)
    if n_reference and n_current and not summary.n:
        raise SourceError(f"the windows share no {key}: compare vectors of the same things")
    details: dict[str, Any] = {"shared": summary.n}
    if summary.n:
        worst = [{"id": name, "cosine": cosine} for cosine, name in summary.lowest]
        details |= {"std": summary.std, "min": summary.lowest[0][0], "worst": worst}
    return Measurement(
        statistic=summary.mean,
        effect_size=summary.mean,
        p_value=None,
        n_reference=n_reference,
        n_current=n_current,
        n_compared=summary.n,
        details=details,
    )


def _newest(check: Check, source: Source, views: tuple[View, View]) -> Mapping[str, datetime]:
    column = check.freshness_column
    if column is None:
        return {}
    found = {view.side: source.newest(view, column) for view in views}
    return {side: newest for side, newest in found.items() if newest is not None}
