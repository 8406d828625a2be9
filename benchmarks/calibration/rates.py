"""Rates of alarms, with what chance leaves open."""

from dataclasses import dataclass
from math import sqrt

from scipy import stats

ALPHA = 0.05
SPLITS = 2000
"""Pairs of windows that a rate is to rest on."""

LOWEST, HIGHEST = 0.03, 0.07
"""Where the rate of false alarms at alpha 0.05 is to lie."""


@dataclass(frozen=True)
class Rate:
    """So many alarms in so many tries."""

    alarms: int
    tries: int

    @property
    def value(self) -> float:
        """The share of alarms; NaN without a try."""
        return self.alarms / self.tries if self.tries else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """The exact 95 % interval (Clopper and Pearson, Biometrika 26, 1934)."""
        found = stats.binomtest(self.alarms, self.tries).proportion_ci(0.95, method="exact")
        return float(found.low), float(found.high)

    @property
    def standard_error(self) -> float:
        """Of `value`, with two alarms and two silences more, so that it is never 0 (Agresti and Coull)."""
        tries = self.tries + 4
        share = (self.alarms + 2) / tries
        return sqrt(share * (1 - share) / tries)

    @property
    def honest(self) -> bool:
        """Whether a rate of false alarms is as asked for."""
        return LOWEST <= self.value <= HIGHEST

    @property
    def too_many(self) -> bool:
        """Whether false alarms are certainly more than asked for: the whole interval lies above."""
        return self.interval[0] > HIGHEST


def as_powerful(ours: Rate, peer: Rate) -> bool:
    """Whether our power is within two standard errors of the peer's, or above."""
    return ours.value >= peer.value - 2 * peer.standard_error
