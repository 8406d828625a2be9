"""Compare two means at any time, as often as one likes: a confidence sequence and an always-valid p-value.

A fixed-horizon test at 5 % that is looked at every minute calls nearly every pair of equal arms different in
the end. These hold at all looks together: under no difference the chance that the p-value *ever* is alpha
or less is at most alpha, and the interval covers the difference at all times with chance 1 - alpha.

Source: the Gaussian-mixture asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and
Ramdas (2021; Annals of Statistics 52, 2024), "Time-uniform central limit theory and asymptotic confidence
sequences", Theorem 2.2,

    mean_t +- sigma_t sqrt(2 (t rho^2 + 1) / (t^2 rho^2) log(sqrt(t rho^2 + 1) / alpha)).

Solved for alpha it is the p-value 1 / Lambda_t of the mixture sequential probability ratio test (mSPRT)
with a normal mixture of variance rho^2 sigma^2: Johari, Pekelis and Walsh (2015; Operations Research 70,
2022), "Always valid inference", equation for Lambda_n of a normal mean. For two arms, as they do, the
estimate is the difference of the means, whose variance is V_t = s_a^2 / n_a + s_b^2 / n_b: sigma_t^2 = t
V_t with t = n_a + n_b. It is asymptotic: it holds from a sample on that is large enough for the central
limit theorem, which is what `min_samples` is for and, for values between 0 and 1, ten rarer outcomes in
each arm. Both only put off the first look, and what holds at all looks together holds at fewer of them.
"""

import math
from functools import lru_cache
from typing import NamedTuple

from recwatch.quality.moments import Moments

__all__ = ["Difference", "difference", "mixture_scale", "rarer_outcomes"]

_RARER_OUTCOMES = 10
"""A textbook's n p >= 10 and n (1 - p) >= 10 for the normal approximation of a share."""
_ROUNDING = 1e-6


class Difference(NamedTuple):
    """How the mean of an arm differs from that of another.

    Attributes:
        value: arm less control.
        low: lower end of the confidence sequence.
        high: upper end.
        p_value: always-valid, of no difference.
    """

    value: float
    low: float
    high: float
    p_value: float


@lru_cache(maxsize=64)
def mixture_scale(alpha: float) -> float:
    """The t rho^2 for which the confidence sequence is narrowest at time t.

    The width is least where its derivative by u = t rho^2 is 0, which is u = log((u + 1) / alpha^2).

    Args:
        alpha: above 0 and below 1.
    """
    scale = 1.0
    for _ in range(100):
        scale = math.log1p(scale) - 2 * math.log(alpha)
    return scale


def rarer_outcomes(values: Moments) -> float:
    """On how many observations of its rarer outcome a mean of values between 0 and 1 rests.

    It is the effective number (sum x)^2 / sum x^2 (Kish 1965, "Survey Sampling", section 11.7) of the values
    that are not 0, or of those that are not 1 with 1 - x, where the mean is above a half. For zeros and ones
    it is their plain number.

    Args:
        values: a count, mean and variance that values between 0 and 1 can have; for others there is no rarer
            outcome.

    Returns:
        0 or more; infinite where some values cannot lie between 0 and 1.
    """
    samples, mean, squares = values
    if not 0 <= mean <= 1 or squares > samples * mean * (1 - mean) * (1 + _ROUNDING):
        return math.inf
    end = min(mean, 1 - mean)
    second_moment = squares / samples + end * end if samples else 0.0
    return samples * end * end / second_moment if second_moment else 0.0


def difference(arm: Moments, control: Moments, *, alpha: float, sharpest_at: int) -> Difference | None:
    """Compare an arm with the control as of now.

    Args:
        arm: of independent observations.
        control: likewise.
        alpha: chance that the interval ever misses, between 0 and 1.
        sharpest_at: observations of both together at which the interval is to be narrowest; fixed before
            the test.

    Returns:
        The comparison; None while one of the arms has shown no variation, since then nothing is known of its
        variance, or has shown its rarer outcome fewer than 10 times, since then little is.
    """
    if arm.squares <= 0 or control.squares <= 0:
        return None
    if min(rarer_outcomes(arm), rarer_outcomes(control)) < _RARER_OUTCOMES * (1 - _ROUNDING):
        return None
    variance = arm.variance / arm.samples + control.variance / control.samples
    scale = mixture_scale(alpha) * (arm.samples + control.samples) / sharpest_at
    value = arm.mean - control.mean
    margin = math.sqrt(variance * (2 * (scale + 1) / scale) * math.log(math.sqrt(scale + 1) / alpha))
    log_p = math.log(scale + 1) / 2 - scale / (scale + 1) * value * value / variance / 2
    return Difference(value, value - margin, value + margin, math.exp(min(0.0, log_p)))
