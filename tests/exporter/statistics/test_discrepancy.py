import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recwatch_exporter.statistics.discrepancy import Dense, Mapped, SquaredDiscrepancy
from recwatch_exporter.statistics.units import Units, units_of_clusters


def naive(kernel: np.ndarray, side: np.ndarray, cluster: np.ndarray) -> float:
    """Means over pairs of rows of different clusters, pair by pair."""
    sums = {(False, False): [0.0, 0], (True, True): [0.0, 0], (False, True): [0.0, 0]}
    for i in range(len(side)):
        for j in range(len(side)):
            key = (bool(side[i]), bool(side[j]))
            if cluster[i] != cluster[j] and key in sums:
                sums[key][0] += kernel[i, j]
                sums[key][1] += 1
    means = {key: total / pairs for key, (total, pairs) in sums.items()}
    return means[False, False] + means[True, True] - 2 * means[False, True]


@given(seed=st.integers(0, 2**32 - 1))
def test_rows_agree_with_the_definition_under_every_labelling(seed: int) -> None:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(14, 3))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    kernel = features @ features.T
    units = Units.alone(np.ones(14), np.arange(14) >= 5)
    labels = np.concatenate([units.observed, *units.draw(5, rng)])

    expected = [naive(kernel, side == 1, np.arange(14)) for side in labels]

    for gram in (Dense(kernel), Mapped(features)):
        found = SquaredDiscrepancy(gram, units, whole=False)(labels)
        np.testing.assert_allclose(found, expected, atol=1e-12)


@given(seed=st.integers(0, 2**32 - 1))
def test_clusters_agree_with_the_definition_under_every_labelling(seed: int) -> None:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(20, 3))
    cluster = np.concatenate([np.arange(5).repeat(2), rng.integers(3, 9, size=10)])
    units, unit = units_of_clusters(cluster[:9], cluster[9:])
    labels = np.concatenate([units.observed, *units.draw(5, rng)])
    sums = np.zeros((len(units.rows), 3))
    np.add.at(sums, unit, features)

    expected = [naive(features @ features.T, side[unit] == 1, cluster) for side in labels]

    for gram in (Dense(features @ features.T, unit), Mapped(sums)):
        found = SquaredDiscrepancy(gram, units, whole=True)(labels)
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_blocks_are_counted_by_row() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(12, 3))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    units = Units.alone(np.array([3.0, 4, 5]), np.array([False, True, True]))
    sums = np.add.reduceat(features, [0, 3, 7])

    found = SquaredDiscrepancy(Mapped(sums), units, whole=False)(units.observed)[0]

    assert found == pytest.approx(naive(features @ features.T, np.arange(12) >= 3, np.arange(12)), abs=1e-12)


def test_many_units_are_summed_block_by_block() -> None:
    rng = np.random.default_rng(1)
    kernel = rng.normal(size=(1100, 1100))
    kernel += kernel.T
    labels = rng.integers(0, 2, size=(3, 1100)).astype(np.float64)

    found = Dense(kernel).within(labels)

    np.testing.assert_allclose(
        found, np.einsum("pi,ij,pj->p", labels, kernel, labels, optimize=True), rtol=1e-10
    )


def test_one_cluster_on_a_side_is_not_a_number() -> None:
    units, unit = units_of_clusters(np.array([1, 2, 3]), np.array([4, 4]))

    assert np.isnan(SquaredDiscrepancy(Dense(np.eye(5), unit), units, whole=True)(units.observed)).all()
