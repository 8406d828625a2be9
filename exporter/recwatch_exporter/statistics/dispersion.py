"""How much counts vary about their means, where the busy ones may vary by more than the quiet ones."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from recwatch_exporter.checks.base import FloatArray
from recwatch_exporter.data import IntArray

_LEAST = 0.05
_ROUNDS = 10
_SINGULAR = 1e12
_SAME = 1e-9


@dataclass(frozen=True)
class Dispersion:
    """The variance of counts, phi * mean + tau * mean^2.

    Attributes:
        phi: 1 for independent rows, more where they come in bursts; at least 0.
        tau: the squared coefficient of variation of what multiplies a whole count, such as busy and quiet
            days; at least 0.
        covariance: (2, 2) of both estimates; zero for one that was left out.
        freedom: counts less the means that were estimated.
    """

    phi: float
    tau: float
    covariance: FloatArray
    freedom: int

    def variance(self, means: FloatArray) -> FloatArray:
        """(means,) of counts about means above 0."""
        return self.phi * means + self.tau * np.square(means)

    def at(self, mean: float) -> tuple[float, float]:
        """Variance over mean of a count with such a mean, and the degrees of freedom of that estimate.

        The degrees of freedom are Satterthwaite's, 2 v^2 / Var(v) (Biometrics Bulletin 2, 1946), at most
        `freedom`. The estimate is at least what chance leaves of 1 in one case of twenty, so that rows that
        came like clockwork do not make every change significant.
        """
        place = np.array([1.0, mean])
        found = float(place @ np.array([self.phi, self.tau]))
        least = float(special.chdtri(self.freedom, 1 - _LEAST)) / self.freedom
        if found <= least:
            return least, float(self.freedom)
        spread = float(place @ self.covariance @ place)
        return found, min(float(self.freedom), 2 * found**2 / spread)


def dispersion(counts: FloatArray, means: FloatArray, phases: IntArray) -> Dispersion:
    """Estimate how much counts vary about the means of their phases.

    The sample variance of each phase is regressed on phi m + tau m^2 with the weights (n - 1) / v^2 that it
    has as a multiple of chi square: a gamma model of squared residuals by pseudo-likelihood (Davidian and
    Carroll, JASA 82, 1987). Where phi or tau came out below 0, the other one is estimated alone: with tau = 0
    that is Pearson's dispersion (McCullagh and Nelder, Generalized Linear Models, 2nd ed., 1989, section
    4.5). Since the same counts decide that, the variance of the quietest phases is off by up to a fifth on
    average, and less sure than is told for it: docs/checks/row_count.md says how often the F-test errs.

    Args:
        counts: (counts,) at least one more than there are phases.
        means: (counts,) above 0, the mean of each one's phase.
        phases: (counts,) which phase each is of.
    """
    often = np.bincount(phases)
    kept = often > 1
    freedoms = np.asarray(often[kept] - 1, dtype=np.float64)
    rows = np.bincount(phases, weights=means)[kept]
    squares = np.bincount(phases, weights=np.square(counts - means))[kept]
    scale = float(rows.sum() / often[kept].sum())  # in whose multiples the two terms are of one size
    mean = np.asarray(rows / often[kept] / scale, dtype=np.float64)
    sample = np.asarray(squares / freedoms / scale, dtype=np.float64)
    terms: FloatArray = np.stack([mean, np.square(mean)], axis=1)
    if not sample.any() or np.ptp(mean) <= _SAME * mean.max():
        return _alone(0, terms, sample, freedoms, scale)
    variance: FloatArray = mean * (float(freedoms @ (sample / mean)) / float(freedoms.sum()))
    both: FloatArray = np.zeros(2)
    information: FloatArray = np.eye(2)
    for _ in range(_ROUNDS):
        weights = freedoms / np.square(variance)
        information = (terms * weights[:, np.newaxis]).T @ terms
        if np.linalg.cond(information) > _SINGULAR:
            return _alone(0, terms, sample, freedoms, scale)
        both = np.asarray(np.linalg.solve(information, terms.T @ (weights * sample)), dtype=np.float64)
        if both.min() <= 0:
            return _alone(int(both[0] <= 0), terms, sample, freedoms, scale)
        variance = terms @ both
    units = np.array([1.0, 1 / scale])
    phi, tau = units * both
    covariance = np.asarray(2 * np.linalg.inv(information) * np.outer(units, units), dtype=np.float64)
    return Dispersion(float(phi), float(tau), covariance, int(freedoms.sum()))


def _alone(
    which: int, terms: FloatArray, sample: FloatArray, freedoms: FloatArray, scale: float
) -> Dispersion:
    """The estimate with phi (0) or tau (1) alone."""
    freedom = int(freedoms.sum())
    found = np.zeros(2)
    found[which] = float(freedoms @ (sample / terms[:, which])) / freedom / scale**which
    return Dispersion(float(found[0]), float(found[1]), np.diag(2 * np.square(found) / freedom), freedom)
