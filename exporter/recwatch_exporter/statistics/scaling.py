"""Columns brought to one scale, that of the reference."""

from dataclasses import dataclass

import numpy as np

from recwatch_exporter.checks.base import FloatArray

_FARTHEST = (
    1e6  # in units of the reference: what is as far as that is as far as can be, and squares stay finite
)


@dataclass(frozen=True)
class Scale:
    """A shift and a factor for each column.

    Attributes:
        centre: (columns,)
        unit: (columns,) above 0.
    """

    centre: FloatArray
    unit: FloatArray

    @classmethod
    def of(cls, rows: FloatArray, *, each: bool) -> "Scale":
        """The scale of some rows (n, columns).

        Args:
            rows: of the reference.
            each: a unit for each column, its standard deviation (1 for a constant one); else one unit for
                all,
                the root of their mean variance, so that their spread against each other is kept.
        """
        if not len(rows):
            return cls(np.zeros(rows.shape[1]), np.ones(rows.shape[1]))
        # By the largest part first, so that squares neither overflow nor vanish.
        highest = np.abs(rows).max(axis=0)
        highest[highest == 0] = 1.0
        centre = (rows / highest).mean(axis=0) * highest
        apart = np.abs(rows - centre)
        largest = apart.max(axis=0)
        largest[largest <= 1e-13 * np.abs(centre)] = 0.0  # a constant, but for rounding
        relative = apart / np.where(largest == 0, 1.0, largest)
        spread = largest * np.sqrt(np.mean(relative * relative, axis=0))
        if not each:
            greatest = spread.max(initial=0.0)
            part = spread / greatest if greatest > 0 else spread
            spread = np.full(rows.shape[1], greatest * np.sqrt(np.mean(part * part)))
        return cls(centre, np.where(spread > 0, spread, 1.0))

    def apply(self, rows: FloatArray) -> FloatArray:
        """(n, columns) in units of the reference."""
        with np.errstate(over="ignore"):
            scaled = (rows - self.centre) / self.unit
        return np.clip(scaled, -_FARTHEST, _FARTHEST)
