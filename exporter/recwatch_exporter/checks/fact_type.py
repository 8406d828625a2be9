"""Check types that look at rows as such: how new, how many, how whole."""

from dataclasses import dataclass
from typing import Literal

from recwatch_exporter.checks.base import CheckType


@dataclass(frozen=True, kw_only=True)
class FactType(CheckType):
    """A type that looks at rows as such; a reference is there to compare with, not to test against.

    A new model brings neither rows that did not come nor values that are missing, so none of these types
    starts a retraining.
    """

    has_p_value: bool = False
    needs_reference: bool = False
    retrain: bool = False
    clusters: bool = False


@dataclass(frozen=True, kw_only=True)
class ShareType(FactType):
    """A type that counts the rows with something wrong about them.

    The statistic is their share in the current window; the effect size is by how much it is above the
    reference's, or the share itself without a reference. Families count the rows: see `families.shares`.
    """

    lowest_threshold: float = 0.0
    highest_threshold: float = 1.0


@dataclass(frozen=True, kw_only=True)
class SchemaType(FactType):
    """A type that looks at the columns and their kinds, never at rows."""

    columns: Literal["each", "together", "one", "none"] = "none"
    min_rows_of: tuple[Literal["reference", "current"], ...] = ()


@dataclass(frozen=True, kw_only=True)
class AgeType(FactType):
    """A type that holds a time against the clock."""

    seconds: bool = True
    columns: Literal["each", "together", "one", "none"] = "none"
    min_rows_of: tuple[Literal["reference", "current"], ...] = ()


@dataclass(frozen=True, kw_only=True)
class VolumeType(FactType):
    """A type that counts rows by periods of time. Few rows are what it looks for, so it asks for none."""

    has_p_value: bool = True
    p_value_needs: tuple[str, ...] = ("timestamp",)
    needs_reference: bool = True
    columns: Literal["each", "together", "one", "none"] = "none"
    min_rows_of: tuple[Literal["reference", "current"], ...] = ("reference",)
