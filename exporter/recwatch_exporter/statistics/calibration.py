"""From a model's score to the probability that it is right, learned where labels are known."""

import numpy as np
from scipy import special
from scipy.optimize import isotonic_regression

from recwatch_exporter.checks.base import FloatArray

_STEPS = 100
_HALVINGS = 30
_FLAT = 1e-10


def isotonic(scores: FloatArray, positives: FloatArray, counts: FloatArray) -> FloatArray:
    """Probabilities that never fall as the score rises, by least squares (pool adjacent violators).

    Zadrozny and Elkan, Transforming classifier scores into accurate multiclass probability estimates, KDD
    2002; as scikit-learn's IsotonicRegression, with which it agrees.

    Args:
        scores: (n,) ascending, each once; taken for their order alone.
        positives: (n,) how many rows of each are positive.
        counts: (n,) how many rows there are of each, more than 0.

    Returns:
        (n,) in 0..1.
    """
    del scores
    fitted = isotonic_regression(positives / counts, weights=counts).x
    return np.asarray(np.clip(fitted, 0.0, 1.0), dtype=np.float64)


def platt(scores: FloatArray, positives: FloatArray, counts: FloatArray) -> FloatArray:
    """Probabilities that are a logistic function of the score, by maximum likelihood.

    Platt, Probabilistic outputs for support vector machines, 1999, with his targets (n+ + 1) / (n+ + 2) and
    1 / (n- + 2) in place of 1 and 0; Newton's method with backtracking (Lin, Lin and Weng, A note on Platt's
    probabilistic outputs, Machine Learning 68, 2007). Fitter than `isotonic` for a few hundred labels.

    Args:
        scores: (n,) ascending, each once.
        positives: (n,) how many rows of each are positive.
        counts: (n,) how many rows there are of each, more than 0.

    Returns:
        (n,) between 0 and 1.
    """
    n_positive, n = float(positives.sum()), float(counts.sum())
    high, low = (n_positive + 1) / (n_positive + 2), 1 / (n - n_positive + 2)
    wanted = positives * high + (counts - positives) * low
    scores = scores / (np.abs(scores).max() or 1.0)  # so that no square overflows
    centre = float(scores @ counts) / n
    spread = float(np.sqrt(np.square(scores - centre) @ counts / n)) or 1.0
    design = np.stack([(scores - centre) / spread, np.ones_like(scores)])
    weights = np.array([0.0, special.logit((n_positive + 1) / (n + 2))])

    def loss(at: FloatArray) -> float:
        # -log sigmoid(z) = log(1 + exp(-z)), without overflow
        z = at @ design
        return float(wanted @ np.logaddexp(0, -z) + (counts - wanted) @ np.logaddexp(0, z))

    for _ in range(_STEPS):
        p = special.expit(weights @ design)
        gradient = design @ (counts * p - wanted)
        if np.abs(gradient).max() < _FLAT * n:
            break
        hessian = (design * (counts * p * (1 - p))) @ design.T + 1e-12 * n * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        halvings = (step / 2**times for times in range(_HALVINGS))
        step = next((smaller for smaller in halvings if loss(weights - smaller) <= loss(weights)), 0 * step)
        weights = weights - step
    return np.asarray(special.expit(weights @ design), dtype=np.float64)
