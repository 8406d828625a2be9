import numpy as np
import pytest

from recwatch_exporter.statistics.fourier import FourierMap
from recwatch_exporter.statistics.kernels import rbf


def test_its_scalar_product_is_the_kernel() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 6))

    features = FourierMap(6, 5000, 2.5, seed=0).apply(rows).astype(np.float64)

    np.testing.assert_allclose(features @ features.T, rbf(rows, rows, 2.5), atol=0.06)
    np.testing.assert_allclose((features**2).sum(axis=1), 1, atol=1e-5)


def test_the_same_frequencies_for_the_same_seed_in_every_version() -> None:
    found = FourierMap(2, 2, 1.0, seed=7).apply(np.ones((1, 2)))

    np.testing.assert_allclose(found, [[0.49057, -0.10535, 0.50926, 0.69922]], atol=1e-5)


@pytest.mark.parametrize("n", [0, 1, 9000])
def test_sums_by_unit(n: int) -> None:
    rng = np.random.default_rng(1)
    rows, unit = rng.normal(size=(n, 3)), rng.integers(0, 5, size=n)
    fourier = FourierMap(3, 8, 1.0, seed=0)
    sums = np.zeros((5, 16))
    fourier.add_sums(sums, unit, rows)

    expected = np.zeros((5, 16))
    np.add.at(expected, unit, fourier.apply(rows).astype(np.float64))
    np.testing.assert_allclose(sums, expected, rtol=1e-4, atol=1e-3)


def test_frequencies_of_a_block_are_at_right_angles_and_of_the_length_of_normal_ones() -> None:
    directions = FourierMap(40, 400, 2.0, seed=0)._directions.astype(np.float64)

    products = directions[:, :40].T @ directions[:, :40]
    np.testing.assert_allclose(products, np.diag(np.diagonal(products)), atol=1e-4)
    assert np.square(directions).sum(axis=0).mean() == pytest.approx(40 / 4, rel=0.05)


@pytest.mark.parametrize(("dimensions", "frequencies"), [(1, 7), (30, 16), (3, 16)])
def test_any_number_of_frequencies(dimensions: int, frequencies: int) -> None:
    assert FourierMap(dimensions, frequencies, 1.0, seed=0).apply(np.ones((2, dimensions))).shape == (
        2,
        2 * frequencies,
    )
