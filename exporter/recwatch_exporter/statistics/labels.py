"""Values and bins as a person reads them."""

from itertools import pairwise
from typing import Any

import numpy as np

_LONGEST = 60
_DIGITS = 4
_MOST_DIGITS = 17  # of a float
_WHOLE_BELOW = 1e15


def label(value: Any) -> str:
    """A value as text: 3.5, 10000000, `drama`; long text is cut."""
    if isinstance(value, float):  # as np.float64 is
        return f"{value:.0f}" if value == np.rint(value) and abs(value) < _WHOLE_BELOW else f"{value:.6g}"
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def range_labels(ends: list[float]) -> list[str]:
    """Names of the bins between ends: below the first, between each two, above the last.

    A bin holds its upper end.
    """
    if not ends:
        return ["all"]
    digits = _DIGITS
    while len({f"{end:.{digits}g}" for end in ends}) < len(set(ends)) and digits < _MOST_DIGITS:
        digits += 1
    written = [f"{end:.{digits}g}" for end in ends]
    between = [f"{low} to {high}" for low, high in pairwise(written)]
    return [f"up to {written[0]}", *between, f"above {written[-1]}"]
