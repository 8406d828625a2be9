"""Rows that come, day by day, for the type that counts them."""

from collections.abc import Sequence

import numpy as np

from benchmarks.calibration.memory import Table, table
from benchmarks.calibration.nulls import autoregressive

REFERENCE_DAYS, CURRENT_DAYS = 56, 7
_ROWS_A_DAY = 60
_PERSISTENCE, _SPREAD = 0.6, 0.3
_DAY = 86_400_000_000
WORDS = (
    f"{REFERENCE_DAYS} days against {CURRENT_DAYS}, {_ROWS_A_DAY} rows a day by a Poisson process; for the "
    f"series, the logarithm of a day's rate is autoregressive (coefficient {_PERSISTENCE}, standard "
    f"deviation {_SPREAD})"
)


def steady(columns: Sequence[str], rng: np.random.Generator) -> tuple[Table, Table]:  # noqa: ARG001 - as the others
    """Events of a Poisson process of one rate."""
    return _events(rng.poisson(_ROWS_A_DAY, REFERENCE_DAYS + CURRENT_DAYS), rng)


def bursts(columns: Sequence[str], rng: np.random.Generator) -> tuple[Table, Table]:  # noqa: ARG001 - as the others
    """As many on average, but the logarithm of a day's rate follows the day before's."""
    level = _SPREAD * autoregressive(REFERENCE_DAYS + CURRENT_DAYS, _PERSISTENCE, rng)
    return _events(rng.poisson(_ROWS_A_DAY * np.exp(level)), rng)


def _events(by_day: np.ndarray, rng: np.random.Generator) -> tuple[Table, Table]:
    day = np.repeat(np.arange(len(by_day)), by_day)
    offset = day * _DAY + rng.integers(0, _DAY, len(day))
    time = np.datetime64("2024-01-01T00:00:00", "us") + offset.astype("timedelta64[us]")
    before = day < REFERENCE_DAYS
    return table(time=time[before]), table(time=time[~before])
