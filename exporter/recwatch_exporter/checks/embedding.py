"""embedding: whether the same things still have the same vectors."""

import numpy as np

from recwatch_exporter.checks.base import Direction, FloatArray
from recwatch_exporter.checks.vector_type import VectorType


def row_cosine(reference: FloatArray, current: FloatArray) -> FloatArray:
    """Cosine of the angle between two vectors, row by row.

    Never more than one number a row: `np.diag(a @ b.T)` for a million rows would take 8 TB.

    Args:
        reference: (rows, dimensions), finite.
        current: (rows, dimensions), finite, row by row of the same id.

    Returns:
        (rows,) in -1..1. Two vectors of zeros count 1, one vector of zeros counts 0.
    """
    # Scaled by the largest part first, so that squares neither overflow nor vanish.
    a, b = _scaled(reference), _scaled(current)
    dot = np.einsum("ij,ij->i", a, b)
    aa, bb = np.einsum("ij,ij->i", a, a), np.einsum("ij,ij->i", b, b)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = dot / np.sqrt(aa * bb)
    cosine = np.where((aa == 0) & (bb == 0), 1.0, np.where((aa == 0) | (bb == 0), 0.0, cosine))
    return np.asarray(np.clip(cosine, -1.0, 1.0), dtype=np.float64)


def _scaled(vectors: FloatArray) -> FloatArray:
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0.0)
    return np.asarray(vectors / np.where(largest == 0, 1.0, largest), dtype=np.float64)


EMBEDDING = VectorType(
    name="embedding",
    statistic="mean cosine between the vectors of the ids that both windows have",
    effect_size="the statistic",
    bad=Direction.LOW,
    null="the same encoder and the same texts: every cosine is 1",
    p_value="none: there is no chance in an encoder, so the threshold alone decides",
    source="Salton and McGill, Introduction to Modern Information Retrieval, 1983, section 4.1",
    default_threshold=0.95,
    lowest_threshold=-1.0,
    highest_threshold=1.0,
    retrain=False,
    compare=row_cosine,
)
