import numpy as np

from recwatch_exporter.data import Sample
from recwatch_exporter.statistics.hashing import ranks
from recwatch_exporter.statistics.thinning import same_share, whole_clusters


def batches(clusters: np.ndarray, parts: int = 5) -> list[Sample]:
    return [Sample(part[:, None].astype(np.float64), part) for part in np.array_split(clusters, parts)]


def test_few_rows_are_all_kept() -> None:
    clusters = np.repeat(np.arange(20), 3)

    found = whole_clusters(batches(clusters), 1, size=200, seed=0)

    assert sorted(found.clusters.tolist()) == clusters.tolist()
    assert found.below == 1.0


def test_whole_clusters_with_the_smallest_ranks_are_kept() -> None:
    clusters = np.random.default_rng(0).permutation(np.repeat(np.arange(300), 4))

    found = whole_clusters(batches(clusters), 1, size=202, seed=0)

    kept = np.unique(found.clusters)
    assert len(found.values) == 200
    assert set(kept) == set(np.argsort(ranks(np.arange(300), seed=0))[:50])
    assert found.values[:, 0].tolist() == found.clusters.tolist()


def test_a_huge_cluster_counts_by_some_of_its_rows() -> None:
    clusters = np.concatenate([np.zeros(5000, dtype=np.int64), np.arange(1, 90)])

    found = whole_clusters(batches(clusters), 1, size=100, seed=0)

    assert np.count_nonzero(found.clusters == 0) == 2
    assert len(found.values) == 91


def test_clusters_of_both_windows_are_kept_whole_or_not_at_all() -> None:
    many = whole_clusters(batches(np.repeat(np.arange(400), 2)), 1, size=100, seed=0)
    few = whole_clusters(batches(np.repeat(np.arange(390, 410), 2)), 1, size=100, seed=0)
    apart = whole_clusters(batches(np.repeat(np.arange(500, 510), 2)), 1, size=100, seed=0)

    first, second = same_share(many, few)
    if np.isin(few.clusters, many.clusters).any():
        assert set(second.clusters) == {
            name for name in few.clusters if ranks(np.array([name]), seed=0)[0] < many.below
        }
    else:
        assert second is few
    assert set(first.clusters) == set(many.clusters)
    assert same_share(many, apart) == (many, apart)


def test_the_order_of_rows_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    values, clusters = rng.normal(size=(5000, 2)), rng.integers(0, 30, size=5000)

    def kept(order: np.ndarray) -> np.ndarray:
        parts = np.array_split(order, 7)
        samples = [Sample(values[part], clusters[part]) for part in parts]
        return whole_clusters(samples, 2, size=1000, seed=0).values

    np.testing.assert_array_equal(kept(np.arange(5000)), kept(rng.permutation(5000)))
