from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recwatch_exporter.data import Sample
from recwatch_exporter.sources.rows import StreamedRows, hash_rows


def rows_of(sample: Sample, chunk: int, *, at_once: int = 1 << 24) -> StreamedRows:
    def read() -> Iterator[Sample]:
        for start in range(0, len(sample.values), chunk):
            part = slice(start, start + chunk)
            yield Sample(sample.values[part], None if sample.clusters is None else sample.clusters[part])

    return StreamedRows(len(sample.values), sample.values.shape[1], 0, read, at_once=at_once)


def as_counter(sample: Sample) -> Counter[tuple[object, ...]]:
    clusters = [None] * len(sample.values) if sample.clusters is None else sample.clusters.tolist()
    rows = zip(sample.values.tolist(), clusters, strict=True)
    return Counter((*row, cluster) for row, cluster in rows)


@given(
    values=st.lists(st.integers(-2, 2), min_size=1, max_size=60),
    size=st.integers(1, 40),
    seed=st.integers(0, 2**32),
    chunk=st.integers(1, 9),
    at_once=st.integers(3, 100),
)
def test_a_sample_is_a_part_of_the_rows_in_whatever_order_and_chunks(
    values: list[int], size: int, seed: int, chunk: int, at_once: int
) -> None:
    data = Sample(np.array(values, dtype=float)[:, None], np.array([f"u{value % 2}" for value in values]))
    backwards = Sample(data.values[::-1], None if data.clusters is None else data.clusters[::-1])

    sample = rows_of(data, chunk, at_once=at_once).sample(size, seed=seed)
    other = rows_of(backwards, 7).sample(size, seed=seed)

    assert len(sample.values) == min(size, len(values))
    assert as_counter(sample) <= as_counter(data)
    np.testing.assert_array_equal(sample.values, other.values)
    assert sample.clusters is not None
    assert other.clusters is not None
    assert sample.clusters.tolist() == other.clusters.tolist()


def test_equal_rows_are_as_likely_as_others() -> None:
    values = np.repeat([0.0, 1.0, 2.0], [900, 90, 10])[:, None]

    shares = np.mean(
        [
            rows_of(Sample(values), 100).sample(100, seed=seed).values == [0.0, 1.0, 2.0]
            for seed in range(200)
        ],
        axis=(0, 1),
    )

    # Hypergeometric: the standard error of each share is at most 0.0021 over 200 samples.
    np.testing.assert_allclose(shares, [0.9, 0.09, 0.01], atol=0.008)


def test_other_seeds_give_other_rows() -> None:
    data = Sample(np.arange(1000.0)[:, None])

    samples = {tuple(rows_of(data, 64).sample(10, seed=seed).values[:, 0]) for seed in range(20)}

    assert len(samples) == 20


@pytest.mark.parametrize("clusters", [[1, 2, 1], [1.5, 2.5, 1.5], ["a", "ü", "a"]])
def test_hashes_know_the_cluster_and_not_the_sign_of_zero(clusters: list[object]) -> None:
    hashes = hash_rows(Sample(np.array([[0.0], [0.0], [-0.0]]), np.array(clusters)), 0)

    assert hashes[0] == hashes[2] != hashes[1]


def test_no_rows() -> None:
    assert len(rows_of(Sample(np.empty((0, 2))), 5).sample(3, seed=0).values) == 0
