import numpy as np
import pytest

from recwatch_exporter.data import Sample
from recwatch_exporter.statistics.fourier import FourierMap
from recwatch_exporter.statistics.hashing import ranks
from recwatch_exporter.statistics.scaling import Scale
from recwatch_exporter.statistics.sums import Space, block_sums, cluster_sums

SPACE = Space(Scale(np.zeros(2), np.ones(2)), FourierMap(2, 8, 1.0, seed=0))


def features(values: np.ndarray) -> np.ndarray:
    return SPACE.fourier.apply(values).astype(np.float64)


@pytest.mark.parametrize(("n", "size"), [(103, 10), (100, 10), (7, 10), (1000, 1)])
def test_blocks_all_have_one_size_and_hold_every_row(n: int, size: int) -> None:
    values = np.random.default_rng(0).normal(size=(n, 2))
    batches = [Sample(part) for part in np.array_split(values, 3)]

    found = block_sums(batches, n, size, SPACE, np.random.default_rng(1))

    # cos² + sin² of one row is 1, so a block of `size` rows of zeros sums to a length of `size`.
    assert (len(found.sums), found.rest_rows) == (n // size, n % size)
    np.testing.assert_allclose(found.sums.sum(axis=0) + found.rest, features(values).sum(axis=0), atol=1e-4)
    zeros = block_sums(
        [Sample(0 * batch.values) for batch in batches], n, size, SPACE, np.random.default_rng(1)
    )
    np.testing.assert_allclose(np.linalg.norm(zeros.sums, axis=1), size, rtol=1e-5)


def test_merged_blocks_hold_the_same_rows() -> None:
    values = np.random.default_rng(0).normal(size=(103, 2))
    found = block_sums([Sample(values)], 103, 10, SPACE, np.random.default_rng(1))

    merged = found.merged(4)

    assert (merged.size, len(merged.sums), merged.rest_rows) == (40, 2, 23)
    np.testing.assert_allclose(merged.sums.sum(axis=0) + merged.rest, found.sums.sum(axis=0) + found.rest)


@pytest.mark.parametrize("text", [False, True])
def test_every_cluster_is_summed_up_over_batches(text: bool) -> None:  # noqa: FBT001 - a parameter
    rng = np.random.default_rng(2)
    values, clusters = rng.normal(size=(400, 2)), rng.integers(0, 30, size=400)
    names = clusters.astype(str).astype(object) if text else clusters.astype(np.float64)
    batches = [
        Sample(*part) for part in zip(np.array_split(values, 7), np.array_split(names, 7), strict=True)
    ]

    found = cluster_sums(batches, SPACE, limit=100, seed=0)

    expected = np.zeros((30, 16))
    np.add.at(expected, clusters, features(values))
    order = found.clusters.astype(np.int64)
    np.testing.assert_allclose(found.sums, expected[order], atol=1e-5)
    assert found.rows.tolist() == np.bincount(clusters)[order].tolist()
    assert (len(order), found.below) == (30, 1.0)


def test_too_many_clusters_are_thinned_to_whole_ones_in_any_order() -> None:
    rng = np.random.default_rng(3)
    values, clusters = rng.normal(size=(2000, 2)), rng.integers(0, 500, size=2000)
    smallest = np.argsort(ranks(np.arange(500), seed=0))[:20]
    found = []
    for order in (np.arange(2000), rng.permutation(2000)):
        batches = [Sample(values[part], clusters[part]) for part in np.array_split(order, 40)]
        found.append(cluster_sums(batches, SPACE, limit=20, seed=0))

    assert found[0].clusters.tolist() == smallest.tolist()
    assert found[0].rows.tolist() == [np.count_nonzero(clusters == name) for name in smallest]
    np.testing.assert_allclose(found[0].sums, found[1].sums, atol=1e-5)


def test_no_rows_at_all() -> None:
    assert cluster_sums([], SPACE, limit=5, seed=0).sums.shape == (0, 16)
