"""Check types that compare vectors that share an id."""

from collections.abc import Iterable
from typing import cast

from recwatch_exporter.checks.base import Frozen, Measurement, Options
from recwatch_exporter.checks.vector_type import Compared, Terms, VectorType
from recwatch_exporter.config import Check
from recwatch_exporter.data import Pairs
from recwatch_exporter.errors import SourceError, StatisticError
from recwatch_exporter.families.base import Run
from recwatch_exporter.sources.window import Window


def features(check: Check, current: Window) -> tuple[str, ...]:  # noqa: ARG001 - see `Family`
    """The column of the vectors."""
    return check.fields


def freeze(check: Check, feature: str, reference: Window, run: Run) -> Frozen:  # noqa: ARG001 - see `Family`
    """Nothing: vectors are compared one by one, so the reference itself is needed (`CheckType.profiled`)."""
    return {}


def measure(
    check: Check,
    feature: str,
    frozen: Frozen,  # noqa: ARG001 - see `Family`
    current: Window,
    *,
    run: Run,
    reference: Window | None,
) -> Measurement:
    """Compare row by row, a chunk at a time."""
    kind, key = check.check_type, check.key or ""
    assert isinstance(kind, VectorType)  # noqa: S101 - the table of families says so
    if reference is None:
        raise SourceError(
            f"reference: {kind.name} compares vector by vector, so a profile cannot stand in for the data: "
            "give artifact with file, which the model's version keeps, or path"
        )
    n_reference, n_current = reference.count_vectors(feature, key), current.count_vectors(feature, key)

    def stream() -> Iterable[Pairs]:
        return run.deadline.guard(reference.pairs(current, feature, key))

    # A check's model has its type's options for a base (`config.check_model`).
    terms = Terms(threshold=check.threshold, seed=check.seed, options=cast("Options", check))
    found = kind.compare(stream, terms)
    if n_reference and n_current and not found.n_compared:
        raise _nothing(key, found)
    return Measurement(
        statistic=found.statistic,
        effect_size=found.statistic,
        p_value=None,
        # Only ids that both windows have are looked at, so whose vector is broken is all the same.
        n_reference=n_reference - found.left_out,
        n_current=n_current - found.left_out,
        n_compared=found.n_compared,
        details=found.details,
    )


def _nothing(key: str, found: Compared) -> SourceError | StatisticError:
    if found.left_out:
        return StatisticError(
            f"none of {found.left_out} shared vectors can be compared: they hold NaN, Inf, null or nothing "
            "but zeros: write them anew"
        )
    return SourceError(f"the windows share no {key}: compare vectors of the same things")
