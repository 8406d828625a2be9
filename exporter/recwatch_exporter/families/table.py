"""Which family runs which check type."""

from types import ModuleType
from typing import cast

from recwatch_exporter.checks.base import CheckType
from recwatch_exporter.checks.count_type import CountType
from recwatch_exporter.checks.vector_type import VectorType
from recwatch_exporter.families import counts, vectors
from recwatch_exporter.families.base import Family

_FAMILIES: tuple[tuple[type[CheckType], ModuleType], ...] = ((CountType, counts), (VectorType, vectors))


def family_of(kind: CheckType) -> Family:
    """The family that runs a type."""
    return next(cast("Family", module) for base, module in _FAMILIES if isinstance(kind, base))
