import numpy as np
import pytest
from scipy import stats

from recwatch_exporter.statistics.hashing import plain_ids, ranks, short_texts


def test_ranks_look_as_if_drawn_at_random() -> None:
    found = ranks(np.arange(5000), seed=0)

    assert stats.kstest(found, "uniform").pvalue > 0.01
    assert stats.spearmanr(found, np.arange(5000)).pvalue > 0.01


def test_a_rank_belongs_to_the_id() -> None:
    once, again = ranks(np.arange(100), seed=3), ranks(np.arange(99, -1, -1), seed=3)

    np.testing.assert_array_equal(once, again[::-1])
    assert not np.array_equal(once, ranks(np.arange(100), seed=4))


@pytest.mark.parametrize("other", [np.array([1.0, 2, 3]), np.array([1, 2, 3], dtype=np.int16)])
def test_whole_numbers_are_the_same_id_in_any_type(other: np.ndarray) -> None:
    assert plain_ids(other).dtype.kind == "i"
    np.testing.assert_array_equal(ranks(other, seed=0), ranks(np.array([1, 2, 3]), seed=0))


def test_text_of_any_kind() -> None:
    names = np.array(["a", "ü", "", "\udc80"], dtype=object)

    assert plain_ids(names).dtype.kind == "U"
    assert len(set(ranks(names, seed=0).tolist())) == 4


@pytest.mark.parametrize("seed", [0, 2**70, 10**200])
def test_no_ids_and_any_seed(seed: int) -> None:
    assert ranks(np.empty(0), seed=seed).shape == (0,)


def test_long_texts_are_told_by_how_they_begin_and_a_hash() -> None:
    texts = np.array(["a" * 256, "a" * 257, "a" * 257, "a" * 256 + "b"], dtype=object)

    short = short_texts(texts)

    assert short[0] == texts[0]
    assert short[1] == short[2] != short[3]
    assert short[1].startswith("a" * 200 + "… ")
    assert short.dtype.itemsize <= 4 * 256
