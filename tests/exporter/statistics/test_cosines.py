import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cosine
from sklearn.metrics.pairwise import cosine_similarity

from recwatch_exporter.data import Pairs
from recwatch_exporter.statistics.cosines import CosineSummary, row_cosine, summarise


def test_agrees_with_scipy() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(50, 7)), rng.normal(size=(50, 7))

    expected = [1 - cosine(a, b) for a, b in zip(first, second, strict=True)]

    np.testing.assert_allclose(row_cosine(first, second), expected, atol=1e-12)


def test_agrees_with_scikit_learn_over_several_blocks() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(900, 768)), rng.normal(size=(900, 768))

    np.testing.assert_allclose(
        row_cosine(first, second), np.diag(cosine_similarity(first, second)), atol=1e-12
    )


def test_float32_keeps_seven_digits() -> None:
    rng = np.random.default_rng(2)
    first, second = (rng.normal(size=(500, 768)).astype(np.float32) for _ in range(2))

    exact = row_cosine(first.astype(np.float64), second.astype(np.float64))

    np.testing.assert_allclose(row_cosine(first, second), exact, atol=1e-6)


@pytest.mark.parametrize("kind", [np.int8, np.float16, ">f4"])
def test_other_numbers_are_taken_for_what_they_are(kind: str) -> None:
    rng = np.random.default_rng(3)
    first, second = (rng.integers(-9, 9, size=(20, 5)) for _ in range(2))

    found = row_cosine(first.astype(kind), second.astype(kind))

    np.testing.assert_allclose(found, row_cosine(first, second), atol=1e-6)


def test_exact_values() -> None:
    first = np.array([[3.0, 4], [1, 0], [1, 0], [1, 0]])
    second = np.array([[3.0, 4], [0, 2], [-5, 0], [1, 1]])

    np.testing.assert_allclose(row_cosine(first, second), [1, 0, -1, np.sqrt(0.5)], atol=1e-15)


def test_vectors_of_zeros() -> None:
    zero, one = np.zeros((1, 3)), np.ones((1, 3))

    assert row_cosine(zero, zero).tolist() == [1.0]
    assert row_cosine(zero, one).tolist() == [0.0]


@pytest.mark.parametrize(
    ("kind", "power"), [(np.float64, 307), (np.float64, -300), (np.float32, 37), (np.float32, -30)]
)
def test_length_does_not_matter(kind: type, power: int) -> None:
    rng = np.random.default_rng(0)
    first, second = rng.uniform(-5, 5, size=(5, 4)), rng.normal(size=(5, 4))

    found = row_cosine((first * 10.0**power).astype(kind), second.astype(kind))

    np.testing.assert_allclose(found, row_cosine(first, second), atol=1e-6 if kind is np.float32 else 1e-12)


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_has_no_cosine(broken: float) -> None:
    first = np.array([[1.0, broken], [1, 2]])

    found = row_cosine(first, np.ones((2, 2)))

    assert np.isnan(found[0])
    assert found[1] == pytest.approx(3 / np.sqrt(10))


@given(
    seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(0, 30), max_size=4), shift=st.floats(-0.5, 0.5)
)
def test_chunks_add_up_to_the_whole(seed: int, cuts: list[int], shift: float) -> None:
    cosines = np.random.default_rng(seed).normal(size=30) * 0.1 + shift
    summary = CosineSummary(threshold=shift)
    for ids, chunk in zip(
        np.split(np.arange(30), sorted(cuts)), np.split(cosines, sorted(cuts)), strict=True
    ):
        summary.add(ids, chunk)

    assert summary.n == 30
    assert summary.mean == pytest.approx(cosines.mean(), abs=1e-12)
    assert summary.std == pytest.approx(cosines.std(), abs=1e-12)
    assert summary.below == np.count_nonzero(cosines < shift)
    assert summary.counts.sum() == 30
    assert [name for _, name in summary.lowest] == np.argsort(cosines)[:10].tolist()


def test_nothing_at_all() -> None:
    summary = summarise([])

    assert np.isnan(summary.mean)
    assert np.isnan(summary.std)
    assert summary.details() == {"shared": 0}


def test_the_worst_are_named() -> None:
    vectors = np.array([[1.0, 0], [1, 0], [1, 0]])
    turned = np.array([[1.0, 0], [0, 1], [1, 1]])

    summary = summarise([Pairs(np.array(["a", "b", "c"], dtype=object), vectors, turned)])

    assert [name for _, name in summary.lowest] == ["b", "c", "a"]


def test_the_first_broken_ones_are_named() -> None:
    summary = CosineSummary()
    for start in (0, 8):
        summary.add(np.arange(start, start + 8), np.full(8, np.nan))

    assert summary.left_out == 16
    assert summary.broken == list(range(10))
