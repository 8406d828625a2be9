import numpy as np
import pytest
from scipy.spatial.distance import cosine

from recwatch_exporter.checks.embedding import row_cosine


def test_agrees_with_scipy() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(50, 7)), rng.normal(size=(50, 7))

    expected = [1 - cosine(a, b) for a, b in zip(first, second, strict=True)]

    np.testing.assert_allclose(row_cosine(first, second), expected, atol=1e-12)


def test_exact_values() -> None:
    first = np.array([[3.0, 4], [1, 0], [1, 0], [1, 0]])
    second = np.array([[3.0, 4], [0, 2], [-5, 0], [1, 1]])

    np.testing.assert_allclose(row_cosine(first, second), [1, 0, -1, np.sqrt(0.5)], atol=1e-15)


def test_vectors_of_zeros() -> None:
    zero, one = np.zeros((1, 3)), np.ones((1, 3))

    assert row_cosine(zero, zero).tolist() == [1.0]
    assert row_cosine(zero, one).tolist() == [0.0]


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_length_does_not_matter(scale: float) -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(5, 4)), rng.normal(size=(5, 4))

    np.testing.assert_allclose(row_cosine(first * scale, second), row_cosine(first, second), atol=1e-12)
