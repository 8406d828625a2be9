"""Check types that hold rows of numbers, all columns together, against each other."""

from typing import Any, cast

from recwatch_exporter.checks.base import Frozen, Measurement, Options
from recwatch_exporter.checks.sample_type import SampleTerms, SampleType
from recwatch_exporter.config import Check
from recwatch_exporter.data import Rows
from recwatch_exporter.errors import StatisticError
from recwatch_exporter.families.base import Run
from recwatch_exporter.sources.window import Window


def features(check: Check, current: Window) -> tuple[str, ...]:  # noqa: ARG001 - see `Family`
    """All columns together are one finding."""
    return (check.label,)


def freeze(check: Check, feature: str, reference: Window, run: Run) -> Frozen:  # noqa: ARG001 - see `Family`
    """What the type keeps of the reference: a sample, sums."""
    return _kind(check).freeze(_rows(check, reference), _terms(check, run))


def measure(
    check: Check,
    feature: str,  # noqa: ARG001 - see `Family`
    frozen: Frozen,
    current: Window,
    *,
    run: Run,
    reference: Window | None,  # noqa: ARG001 - see `Family`
) -> Measurement:
    """Compare rows, and permute clusters for the p-value."""
    rows = _rows(check, current)
    found = _kind(check).compare(frozen, rows, _terms(check, run))
    n_reference = int(frozen["rows"])
    details: dict[str, Any] = {**found.details}
    left_out = {"reference": int(frozen["left_out"]), "current": rows.left_out}
    if any(left_out.values()):
        details["left_out"] = left_out
    return Measurement(
        statistic=found.statistic,
        effect_size=found.statistic if found.effect_size is None else found.effect_size,
        p_value=found.p_value,
        n_reference=n_reference,
        n_current=rows.n,
        n_compared=min(n_reference, rows.n),
        details=details,
    )


def _rows(check: Check, window: Window) -> Rows:
    """The rows of a window; a column that holds nothing is not a window of few rows."""
    rows = window.numbers(check.fields, check.clusters)
    if rows.n or rows.left_out < check.min_rows:
        return rows
    facts = window.facts(check.fields)
    empty = [
        name for name, column in facts.columns.items() if column.missing + column.non_finite == facts.rows
    ]
    if empty:
        what = f"column {', '.join(empty)} holds no value in any"
    else:
        also = "" if check.cluster is None else f" and a {check.cluster}"
        what = f"finite numbers of {', '.join(check.fields)}{also} are together in none"
    raise StatisticError(
        f"{window.side}: {what} of its {facts.rows:,} rows: write values, or choose other columns"
    )


def _kind(check: Check) -> SampleType:
    kind = check.check_type
    assert isinstance(kind, SampleType)  # noqa: S101 - the table of families says so
    return kind


def _terms(check: Check, run: Run) -> SampleTerms:
    return SampleTerms(
        columns=check.fields,
        seed=check.seed,
        permutations=check.permutations,
        alpha=check.alpha,
        # A check's model has its type's options for a base (`config.check_model`).
        options=cast("Options", check),
        clustered=check.cluster is not None,
        go_on=run.deadline.check,
    )
