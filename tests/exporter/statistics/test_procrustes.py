import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes

from recwatch_exporter.statistics.directions import Directions
from recwatch_exporter.statistics.procrustes import cross_products, fold_of, rotation


def test_agrees_with_scipy() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(30, 5)), rng.normal(size=(30, 5))

    np.testing.assert_allclose(
        rotation(first.T @ second), orthogonal_procrustes(first, second)[0], atol=1e-12
    )


@pytest.mark.parametrize(("wide", "narrow"), [(6, 2), (2, 6)])
def test_spaces_of_different_size_keep_lengths_of_the_smaller(wide: int, narrow: int) -> None:
    turned = rotation(np.random.default_rng(1).normal(size=(wide, narrow)))

    smaller = turned @ turned.T if wide < narrow else turned.T @ turned
    np.testing.assert_allclose(smaller, np.eye(2), atol=1e-12)


def test_products_of_chunks_add_up() -> None:
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(40, 3)), rng.normal(size=(40, 4))
    chunks = [
        Directions(np.arange(i, i + 10), first[i : i + 10], second[i : i + 10], 1) for i in range(0, 40, 10)
    ]

    found = cross_products(chunks, 3, seed=0)

    assert found is not None
    np.testing.assert_allclose(found.matched.sum(axis=0), first.T @ second, atol=1e-12)
    assert found.rows.tolist() == np.bincount(fold_of(np.arange(40), 3, seed=0)).tolist()
    assert found.left_out == 4


def test_a_fold_is_turned_by_the_others() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=(40, 3)), rng.normal(size=(40, 3))
    fold = fold_of(np.arange(40), 2, seed=0)

    found = cross_products([Directions(np.arange(40), first, second, 0)], 2, seed=0)

    assert found is not None
    expected = orthogonal_procrustes(first[fold == 1], second[fold == 1])[0]
    np.testing.assert_allclose(found.rotations()[0][0], expected, atol=1e-12)


def test_nothing_at_all() -> None:
    assert cross_products([], 2, seed=0) is None
