"""How much of an effect is left when what chance alone gives is taken away."""

from enum import StrEnum

import numpy as np

from recwatch_exporter.checks.base import FloatArray


class Chance(StrEnum):
    """How chance enters an effect, and so how it is taken away.

    Attributes:
        KEPT: the effect is told as it is; its meaning does not lie in its distance from chance.
        ADDED: chance adds to it, as it does to divergences and shares: the mean under the null is subtracted.
        ADDED_SQUARED: chance adds to its square, as it does to distances (roots of divergences, lengths of
            differences): the mean square under the null is subtracted from the square.
        DIVIDED: the effect is told as a share of what chance gives, for figures that chance alone lowers.
    """

    KEPT = "kept"
    ADDED = "added"
    ADDED_SQUARED = "added squared"
    DIVIDED = "divided"


def beyond_chance(effect: float, null: FloatArray, chance: Chance) -> float:
    """The effect without what chance gives.

    An estimated divergence of two samples lies above 0 even where nothing has changed, the more so the fewer
    rows, or the fewer users, there are (Yurdakul and Naranjo, Statistical properties of the population
    stability index, Journal of Risk Model Validation 14, 2020; for Cramer's V: Bergsma, A bias-correction for
    Cramer's V and Tschuprow's T, Journal of the Korean Statistical Society 42, 2013). The permutations
    show by how much, whatever the clusters are.

    Args:
        effect: of the data.
        null: (permutations,) the same figure of each permutation; NaN where it is not defined.
        chance: how chance enters.

    Returns:
        The effect, at least 0 where something was subtracted, at most 1 as a share of what chance gives.
    """
    defined = null[~np.isnan(null)]
    if chance is Chance.KEPT or not len(defined):
        return effect
    if chance is Chance.ADDED:
        return max(0.0, effect - float(defined.mean()))
    if chance is Chance.ADDED_SQUARED:
        return _less_squares(effect, defined)
    expected = float(defined.mean())
    return min(1.0, effect / expected) if expected > 0 else 1.0


def _less_squares(effect: float, null: FloatArray) -> float:
    """The root of the effect's square less the mean square, in a unit in which no square overflows."""
    unit = max(abs(effect), float(np.abs(null).max()))
    if not 0 < unit < np.inf:
        return 0.0 if unit == 0 else float("nan")
    left = (effect / unit) ** 2 - float(np.square(null / unit).mean())
    return unit * float(np.sqrt(max(0.0, left)))
