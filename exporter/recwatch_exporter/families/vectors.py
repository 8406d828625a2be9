"""Check types that compare vectors that share an id."""

from typing import Any

from recwatch_exporter.checks.base import Frozen, Measurement
from recwatch_exporter.checks.vector_type import VectorType
from recwatch_exporter.config import Check
from recwatch_exporter.errors import SourceError
from recwatch_exporter.families.base import Run
from recwatch_exporter.sources.window import Window
from recwatch_exporter.statistics.cosines import summarise


def features(check: Check, current: Window) -> tuple[str, ...]:  # noqa: ARG001 - see `Family`
    """The column of the vectors."""
    return check.fields


def freeze(check: Check, feature: str, reference: Window, run: Run) -> Frozen:  # noqa: ARG001 - see `Family`
    """Nothing: vectors are compared one by one, so the reference itself is needed."""
    return {}


def measure(
    check: Check,
    feature: str,
    frozen: Frozen,  # noqa: ARG001 - see `Family`
    current: Window,
    *,
    run: Run,  # noqa: ARG001 - see `Family`
    reference: Window | None,
) -> Measurement:
    """Compare row by row, a chunk at a time."""
    kind, key = check.check_type, check.key or ""
    assert isinstance(kind, VectorType)  # noqa: S101 - the table of families says so
    assert reference is not None  # noqa: S101 - the type is never profiled
    n_reference, n_current = reference.count_vectors(feature, key), current.count_vectors(feature, key)
    pairs = reference.pairs(current, feature, key)
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
