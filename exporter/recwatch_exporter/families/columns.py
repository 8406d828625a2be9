"""Check types that look at columns and their kinds."""

from typing import cast

import numpy as np

from recwatch_exporter.checks.base import Frozen, Measurement
from recwatch_exporter.checks.schema import SchemaOptions, violations
from recwatch_exporter.config import Check
from recwatch_exporter.errors import SourceError
from recwatch_exporter.families.base import Run
from recwatch_exporter.sources.window import Window

_NAMED = 50


def features(check: Check, current: Window) -> tuple[str, ...]:  # noqa: ARG001 - see `Family`
    """All columns together."""
    return (check.label,)


def freeze(check: Check, feature: str, reference: Window, run: Run) -> Frozen:  # noqa: ARG001 - see `Family`
    """Names and kinds."""
    return {
        "names": np.asarray(list(reference.columns), dtype=np.str_),
        "kinds": np.asarray([str(kind) for kind in reference.columns.values()], dtype=np.str_),
        "rows": np.asarray(reference.rows()),
    }


def measure(
    check: Check,
    feature: str,  # noqa: ARG001 - see `Family`
    frozen: Frozen,
    current: Window,
    *,
    run: Run,  # noqa: ARG001 - see `Family`
    reference: Window | None,  # noqa: ARG001 - see `Family`
) -> Measurement:
    """Count the columns that came, went or changed."""
    options = cast("SchemaOptions", check)
    expected: dict[str, str] = dict(options.expect)
    if not expected:
        expected = dict(zip(frozen["names"].tolist(), frozen["kinds"].tolist(), strict=True))
    if not current.columns:
        raise SourceError("current: there is no file yet, and so no columns: write one, or correct path")
    found = violations(
        expected, {name: str(kind) for name, kind in current.columns.items()}, allow_new=options.allow_new
    )
    rows = current.rows()
    return Measurement(
        statistic=float(found.number),
        effect_size=float(found.number),
        p_value=None,
        n_reference=int(frozen.get("rows", 0)),
        n_current=rows,
        n_compared=rows,
        details={
            "columns": len(current.columns),
            "gone": list(found.gone[:_NAMED]),
            "new": list(found.new[:_NAMED]),
            "changed": {
                name: {"expected": was, "found": now}
                for name, (was, now) in list(found.changed.items())[:_NAMED]
            },
        },
    )
