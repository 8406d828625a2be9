import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recwatch_exporter.checks.embedding import row_cosine
from recwatch_exporter.errors import StatisticError
from recwatch_exporter.statistics.cosines import CosineSummary, summarise


@given(st.lists(st.lists(st.floats(-1, 1), max_size=30), max_size=6))
def test_chunks_give_what_all_at_once_gives(chunks: list[list[float]]) -> None:
    summary, start = CosineSummary(), 0
    for chunk in chunks:
        summary.add(np.arange(start, start + len(chunk)), np.array(chunk))
        start += len(chunk)
    everything = np.array([cosine for chunk in chunks for cosine in chunk])

    assert summary.n == len(everything)
    if len(everything):
        assert summary.mean == pytest.approx(everything.mean(), abs=1e-12)
        assert summary.std == pytest.approx(everything.std(), abs=1e-9)
        assert [cosine for cosine, _ in summary.lowest] == np.sort(everything)[:10].tolist()


def test_nothing_is_not_a_number() -> None:
    summary = summarise([], row_cosine)

    assert (summary.n, summary.lowest) == (0, [])
    assert np.isnan(summary.mean)
    assert np.isnan(summary.std)


def test_the_worst_are_named() -> None:
    vectors = np.array([[1.0, 0], [1, 0], [1, 0]])
    turned = np.array([[1.0, 0], [0, 1], [1, 1]])

    summary = summarise([(np.array(["a", "b", "c"], dtype=object), vectors, turned)], row_cosine)

    assert [name for _, name in summary.lowest] == ["b", "c", "a"]


def test_vectors_of_different_encoders() -> None:
    chunk = (np.array([1]), np.ones((1, 256)), np.ones((1, 384)))

    with pytest.raises(
        StatisticError, match=r"^vectors have 256 numbers in the reference and 384 in the current window"
    ):
        summarise([chunk], row_cosine)


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_vector_with_something_else_than_numbers_is_named(broken: float) -> None:
    current = np.array([[1.0, 2], [1, broken]])

    with pytest.raises(
        StatisticError, match=r"^the current vector of 8 holds NaN, Inf or null: write it anew$"
    ):
        summarise([(np.array([7, 8]), np.ones((2, 2)), current)], row_cosine)
