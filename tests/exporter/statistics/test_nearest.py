import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recwatch_exporter.statistics.nearest import Nearest, overlap


def naive(vectors: np.ndarray, places: np.ndarray, k: int) -> list[list[int]]:
    near = vectors[places] @ vectors.T
    found = []
    for row, own in zip(near, places, strict=True):
        order = sorted((i for i in range(len(row)) if i != own), key=lambda i: (-row[i], i))
        found.append(order[:k])
    return found


@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(0, 60), max_size=5), k=st.integers(1, 8))
def test_agrees_with_sorting_everything_with_ties(seed: int, cuts: list[int], k: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-2, 3, size=(60, 3)).astype(np.float64)
    places = rng.permutation(60)[:7]
    nearest = Nearest(vectors[places], places, k)
    for chunk in np.split(vectors, sorted(cuts)):
        nearest.add(chunk)

    assert nearest.neighbours.tolist() == naive(vectors, places, k)


def test_fewer_than_there_should_be() -> None:
    nearest = Nearest(np.eye(2), np.array([0, 1]), 3)
    nearest.add(np.eye(2))

    assert nearest.neighbours.tolist() == [[1, -1, -1], [0, -1, -1]]


def test_overlap_counts_neighbours_in_both() -> None:
    found = overlap(np.array([[1, 2, 3], [4, 5, -1]]), np.array([[3, 2, 9], [6, 7, -1]]))

    assert found.tolist() == pytest.approx([2 / 3, 0])
