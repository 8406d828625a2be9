"""Check types that compare how often each value occurs: counts come back from the source, never rows."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import numpy as np

from recwatch_exporter.checks.base import Frozen, Measurement
from recwatch_exporter.checks.count_type import CountType
from recwatch_exporter.config import Check
from recwatch_exporter.errors import StatisticError
from recwatch_exporter.families.base import Run
from recwatch_exporter.families.counted import Counted, count_both, freeze_counts
from recwatch_exporter.families.pictures import describe
from recwatch_exporter.sources.window import Window
from recwatch_exporter.statistics.chance import beyond_chance
from recwatch_exporter.statistics.permutation import (
    clusters_of,
    draw_permutations,
    permutation_test,
)

T = TypeVar("T")


def features(check: Check, current: Window) -> tuple[str, ...]:  # noqa: ARG001 - see `Family`
    """Every column is a finding of its own."""
    return check.fields


def freeze(check: Check, feature: str, reference: Window, run: Run) -> Frozen:  # noqa: ARG001 - see `Family`
    """Counts of each value, or cell, by cluster where there are clusters."""
    return freeze_counts(check, feature, reference)


def measure(
    check: Check,
    feature: str,
    frozen: Frozen,
    current: Window,
    *,
    run: Run,
    reference: Window | None,
) -> Measurement:
    """Compare counts, and permute clusters for the p-value.

    Where cells are counted, the p-value compares figures of cells with figures of cells; the statistic itself
    is that of the numbers where more than the cells is known.
    """
    kind = check.check_type
    assert isinstance(kind, CountType)  # noqa: S101 - the table of families says so
    counted = count_both(check, feature, frozen, current)
    counts = counted.counts
    compare = _bound(kind.compare, counted)
    observed = float(compare(counts.reference, counts.current))
    n_reference, n_current = counted.totals
    n_compared = min(n_reference, n_current)
    if not np.isfinite(observed) and n_compared >= check.min_rows:
        raise StatisticError(f"{kind.name} is not defined on {feature}: {kind.undefined}")
    statistic, effect_size, p_value = observed, observed, None
    details: dict[str, Any] = {"values": len(counts.values)}
    if np.isfinite(observed):
        effect = None if kind.effect is None else _bound(kind.effect, counted)
        draws = draw_permutations(counts, check.permutations, np.random.default_rng(check.seed))
        chance = permutation_test(observed, run.deadline.guard(draws), compare, kind.bad, effect=effect)
        p_value, details["null_mean"] = chance.p_value, chance.null_mean
        if kind.describe is not None:
            details |= _bound(kind.describe, counted)(counts.reference, counts.current)
        if counted.edges is not None:
            figures = counted.exact(feature, reference, current)
            found = None if kind.exact is None or figures is None else kind.exact(figures)
            details["counted"] = "cells between quantiles of the reference"
            if kind.exact is not None:
                details["exact"] = found is not None
            if found is not None:
                details |= {"statistic_of_cells": observed, **found[1]}
                statistic = found[0]
        effect_size = statistic if effect is None else float(effect(counts.reference, counts.current))
        effect_size = beyond_chance(effect_size, chance.null_effects, kind.chance)
    details |= clusters_of(counts, check.alpha, check.permutations)
    left_out = [rows - total for rows, total in zip(counted.rows, counted.totals, strict=True)]
    if any(left_out):
        details["left_out"] = dict(zip(("reference", "current"), left_out, strict=True))
    return Measurement(
        statistic=statistic,
        effect_size=effect_size,
        p_value=p_value,
        n_reference=n_reference,
        n_current=n_current,
        n_compared=n_compared,
        details=details | describe(kind, counted),
    )


def _bound(compare: Callable[..., T], counted: Counted) -> Callable[..., T]:
    return partial(compare, counted.values, **counted.options)
