"""Check types that compare vectors that share an id."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from recwatch_exporter.checks.base import CheckType, FloatArray


@dataclass(frozen=True, kw_only=True)
class VectorType(CheckType):
    """A type that compares vectors that share an id.

    Attributes:
        compare: takes vectors of the reference and of the current window, both (rows, dimensions), row by
            row of the same id, and gives (rows,).
    """

    compare: Callable[[FloatArray, FloatArray], FloatArray]
    has_p_value: bool = False
    columns: Literal["each", "together", "one", "none"] = "one"
    key: Literal["required", "none"] = "required"
    clusters: bool = False
