"""Which values of a metric are good, as its name says; for columns, comparisons and degradation alike."""

import re
from enum import Enum

__all__ = ["Better", "better"]

_LOWER = frozenset(
    {"loss", "rmse", "mse", "mae", "mape", "logloss", "error", "perplexity", "deviance", "brier"}
)
_HIGHER = frozenset(
    {"recall", "precision", "ndcg", "map", "mrr", "hit", "hr", "auc", "accuracy", "f1", "r2", "coverage"}
    | {"novelty", "diversity", "ctr", "acceptance", "engagement", "tolerance", "correlation"}
)
# What says how figures spread, or what they are compared with: neither more nor less is better.
_NEUTRAL = frozenset({"std", "folds", "n", "count", "samples", "baseline"})


class Better(Enum):
    """Which values of a metric are good."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is, 0 where neither is or that is not known."""
        return {Better.HIGHER: 1, Better.LOWER: -1, Better.NEITHER: 0}[self]


def better(name: str) -> Better:
    """Which values of a metric of this name are good: `val_rmse` gives LOWER, what is not known NEITHER."""
    words = set(re.split(r"[^a-z0-9]+", name.lower()))
    if words & _NEUTRAL:
        return Better.NEITHER
    if words & _LOWER or any(word.endswith("loss") for word in words):
        return Better.LOWER
    return Better.HIGHER if words & _HIGHER else Better.NEITHER
