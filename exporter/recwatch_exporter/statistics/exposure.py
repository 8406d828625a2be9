"""How much longer one window watched its clusters than the other, and what is to be done where it did."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray, Frozen
from recwatch_exporter.data import Slotted

MOST_BASE_SLOTS = 4096
"""A window of unknown company is cut into so many slots at most; `at_length` makes longer ones of them."""

MOST_SLOTS = 64
MUCH = 1.5
"""Windows of which one watched its clusters this many times as long cannot simply be swapped."""

_FINEST = 64
_TOLERANCE = 0.05
_ALIKE = 1.25
_FEWEST = 5  # clusters in both windows that tell of their lengths
_SLACK = 0.02
_MOST_DEALT = 16


def whole_slots(ratio: float) -> int:
    """How many slots as long as the shorter window the longer one holds, at most `MOST_SLOTS`.

    Windows without limits are as long as from their first event to their last, a little less than they
    watched: what lacks no more than 2 % of a slot is one.
    """
    return min(MOST_SLOTS, max(1, int(ratio + _SLACK)))


def base_slot(length: float, other: float | None) -> tuple[float, int]:
    """The slots of a window whose company is still to come: the length of one, and how many.

    Args:
        length: of the window.
        other: how long the other window is to be, which is a whole number of slots; None where nobody knows.
    """
    if other is None:
        return length / MOST_BASE_SLOTS, MOST_BASE_SLOTS
    slot = other / min(_FINEST, max(1, int(MOST_BASE_SLOTS * other / length)))
    return slot, max(1, min(MOST_BASE_SLOTS, int(length / slot + _SLACK)))


def ratio_of(reference: FloatArray, current: FloatArray) -> float | None:
    """How many times as long the reference watched as the current window, by the rows of clusters in both.

    A cluster with n rows of which each is in the current window with chance q, and which is in both windows,
    has n (q - q^n) / (1 - q^n - (1 - q)^n) of them there on average: q is that for which the sum of this over
    the clusters is what is there.

    Args:
        reference: (clusters,) rows of each; may be shorter than `current`, or longer.
        current: likewise.

    Returns:
        None where the clusters in both windows are few, or had about the same time.
    """
    length = min(len(reference), len(current))
    both = (reference[:length] > 0) & (current[:length] > 0)
    if np.count_nonzero(both) < _FEWEST:
        return None
    there = float(current[:length][both].sum())
    n, clusters = np.unique((reference[:length] + current[:length])[both], return_counts=True)
    low, high = 1e-6, 1 - 1e-6
    for _ in range(50):
        q = (low + high) / 2
        expected = float((clusters * n * (q - q**n) / (1 - q**n - (1 - q) ** n)).sum())
        low, high = (q, high) if expected < there else (low, q)
    ratio = (1 - low) / low
    return None if 1 / _ALIKE <= ratio <= _ALIKE else float(ratio)


def deal(counts: FloatArray, ratio: float) -> tuple[NDArray[np.intp], FloatArray, Slotted]:
    """Put the rows of the longer window into slots of the shorter one's share, each by itself, by chance.

    Args:
        counts: (entries,) rows.
        ratio: how many times as long the window is, more than 1.

    Returns:
        (parts,) of which entry each part is, (parts,) its rows, and its slot.
    """
    number = min(_MOST_DEALT, whole_slots(ratio))
    share = min(1 / ratio, 1 / number)
    shares = [*np.full(number, share), max(0.0, 1 - number * share)]
    parts = np.random.default_rng(0).multinomial(counts.astype(np.int64), shares)
    entry, slot = np.nonzero(parts)
    return entry, parts[entry, slot].astype(np.float64), Slotted(slot, number)


def slots_of(frozen: Frozen, name: str = "slots") -> Slotted | None:
    """The slots of frozen rows; None where there are none."""
    return Slotted(frozen[name], int(frozen[f"n_{name}"])) if name in frozen else None


def frozen_slots(slots: Slotted | None, name: str = "slots") -> dict[str, NDArray[Any]]:
    """Named arrays, as a profile keeps them."""
    return {} if slots is None else {name: slots.slot.astype(np.int16), f"n_{name}": np.asarray(slots.number)}


def without_slots(frozen: Frozen) -> Frozen:
    """What was frozen, as one slot."""
    return {name: array for name, array in frozen.items() if not name.endswith("slots")}


def fits(ratio: float) -> bool:
    """Whether base slots together are about as long as a window of so many of them."""
    return abs(_together(ratio) / ratio - 1) <= _TOLERANCE


def at_length(frozen: Frozen, ratio: float) -> Frozen:
    """What was frozen in base slots, in slots of about the current window's length.

    Args:
        frozen: with arrays whose names end in `slots`.
        ratio: how many base slots make the current window.
    """
    together = _together(ratio)
    found = dict(frozen)
    for name in frozen:
        if name.startswith("n_") and name.endswith("slots"):
            number = min(MOST_SLOTS, max(1, int(frozen[name]) // together))
            slot = frozen[name.removeprefix("n_")] // together
            found[name] = np.asarray(number)
            found[name.removeprefix("n_")] = np.minimum(slot, number).astype(np.int16)
    return found


def _together(ratio: float) -> int:
    """How many base slots make one."""
    return max(1, round(ratio))
