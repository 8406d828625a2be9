"""Which family runs which check type."""

from types import ModuleType
from typing import cast

from recwatch_exporter.checks.base import CheckType
from recwatch_exporter.checks.count_type import CountType
from recwatch_exporter.checks.fact_type import AgeType, SchemaType, ShareType, VolumeType
from recwatch_exporter.checks.performance import EstimateType
from recwatch_exporter.checks.sample_type import SampleType
from recwatch_exporter.checks.vector_type import VectorType
from recwatch_exporter.families import ages, columns, counts, estimates, samples, shares, vectors, volumes
from recwatch_exporter.families.base import Family

_FAMILIES: tuple[tuple[type[CheckType], ModuleType], ...] = (
    (CountType, counts),
    (VectorType, vectors),
    (SampleType, samples),
    (EstimateType, estimates),
    (AgeType, ages),
    (VolumeType, volumes),
    (ShareType, shares),
    (SchemaType, columns),
)


def family_of(kind: CheckType) -> Family:
    """The family that runs a type."""
    return next(cast("Family", module) for base, module in _FAMILIES if isinstance(kind, base))
