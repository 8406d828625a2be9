"""Check types that count the rows with something wrong about them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from recwatch_exporter.checks.base import Frozen, Measurement
from recwatch_exporter.checks.duplicates import repeats
from recwatch_exporter.checks.missing import STATES, increase
from recwatch_exporter.config import Check
from recwatch_exporter.families import limits
from recwatch_exporter.families.base import Run
from recwatch_exporter.families.counted import same_clusters
from recwatch_exporter.sources.window import Window
from recwatch_exporter.statistics.counts import Tally, align
from recwatch_exporter.statistics.permutation import clusters_of, draw_permutations, permutation_test


@dataclass(frozen=True, kw_only=True)
class Found:
    """The rows of one window.

    Attributes:
        rows: all that were looked at.
        wrong: those with something wrong about them.
        details: what else there is to say.
        tally: rows by whether they are wrong (of each cluster), where the type permutes.
    """

    rows: int
    wrong: int
    details: Mapping[str, Any] = field(default_factory=dict)
    tally: Tally | None = None

    @property
    def share(self) -> float:
        """NaN without rows."""
        return self.wrong / self.rows if self.rows else float("nan")


def features(check: Check, current: Window) -> tuple[str, ...]:  # noqa: ARG001 - see `Family`
    """Every column, or all columns of the key together."""
    return (check.label,) if check.check_type.columns == "together" else check.fields


def freeze(check: Check, feature: str, reference: Window, run: Run) -> Frozen:  # noqa: ARG001 - see `Family`
    """How many rows are wrong in the reference, and the limits that are taken from it."""
    learned = limits.learn(check, feature, reference) if check.type == "range" else {}
    found = _COUNT[check.type](check, feature, reference, learned)
    tally = {} if found.tally is None else found.tally.frozen()
    return {**learned, **tally, "rows": np.asarray(found.rows), "wrong": np.asarray(found.wrong)}


def measure(
    check: Check,
    feature: str,
    frozen: Frozen,
    current: Window,
    *,
    run: Run,
    reference: Window | None,  # noqa: ARG001 - see `Family`
) -> Measurement:
    """Hold the share of wrong rows against the reference's."""
    after = _COUNT[check.type](check, feature, current, frozen)
    details: dict[str, Any] = {"wrong": after.wrong, **after.details}
    if check.reference is None:
        return Measurement(
            statistic=after.share,
            effect_size=after.share,
            p_value=None,
            n_reference=0,
            n_current=after.rows,
            n_compared=after.rows,
            details=details,
        )
    before = Found(
        rows=int(frozen["rows"]),
        wrong=int(frozen["wrong"]),
        tally=Tally.thawed(frozen) if "value_index" in frozen else None,
    )
    p_value = None
    if before.tally is not None and after.tally is not None and before.rows and after.rows:
        p_value, more = _chance(check, before.tally, after.tally, run)
        details |= more
    return Measurement(
        statistic=after.share,
        effect_size=after.share - before.share,
        p_value=p_value,
        n_reference=before.rows,
        n_current=after.rows,
        n_compared=min(before.rows, after.rows),
        details=details | {"reference_share": before.share if before.rows else None},
    )


def _chance(check: Check, before: Tally, after: Tally, run: Run) -> tuple[float, dict[str, Any]]:
    """How often permuting clusters gives such an increase; and a picture of both windows."""
    same_clusters(check, before, after)
    counts = align(before, after)
    compare = partial(increase, np.asarray(counts.values, dtype=np.float64))
    observed = float(compare(counts.reference, counts.current))
    draws = draw_permutations(counts, check.permutations, np.random.default_rng(check.seed))
    chance = permutation_test(observed, run.deadline.guard(draws), compare, check.check_type.bad)
    picture = {"labels": [STATES[int(value)] for value in counts.values]}
    for side, counted in (("reference", counts.reference), ("current", counts.current)):
        picture[side] = (counted / counted.sum()).tolist()
    return chance.p_value, {"bins": picture, **clusters_of(counts, check.alpha, check.permutations)}


def _missing(check: Check, feature: str, window: Window, frozen: Frozen) -> Found:  # noqa: ARG001 - see `_COUNT`
    states = window.count_missing(feature, check.clusters)
    rows = [int(states.counts[states.values == state].sum()) for state in range(len(STATES))]
    return Found(
        rows=sum(rows),
        wrong=rows[1] + rows[2],
        details={"null": rows[1], "non_finite": rows[2]},
        tally=None if check.reference is None else Tally.of(states),
    )


def _outside(check: Check, feature: str, window: Window, frozen: Frozen) -> Found:
    rows, wrong, details = limits.count_outside(check, feature, window, frozen)
    return Found(rows=rows, wrong=wrong, details=details)


def _repeated(check: Check, feature: str, window: Window, frozen: Frozen) -> Found:  # noqa: ARG001 - see `_COUNT`
    facts = window.facts((), key=check.fields)
    wrong = repeats(facts.keyed, facts.distinct)
    details: dict[str, Any] = {"distinct": facts.distinct, "without_key": facts.rows - facts.keyed}
    if wrong and len(check.fields) == 1:
        details["most_frequent"] = list(window.most_frequent(check.fields[0], 10))
    return Found(rows=facts.keyed, wrong=wrong, details=details)


_COUNT: Mapping[str, Callable[[Check, str, Window, Frozen], Found]] = MappingProxyType(
    {"missing": _missing, "range": _outside, "duplicates": _repeated}
)
