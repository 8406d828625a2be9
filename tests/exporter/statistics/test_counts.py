import numpy as np

from recwatch_exporter.data import SideCounts
from recwatch_exporter.statistics.counts import Counts, Tally, align


def aligned(reference: SideCounts, current: SideCounts) -> Counts:
    return align(Tally.of(reference), Tally.of(current))


def test_values_and_clusters_of_both_sides() -> None:
    reference = SideCounts(np.array([3.0, 1.0, 3.0]), np.array([5, 2, 1]), np.array([10, 10, 20]))
    current = SideCounts(np.array([2.0, 3.0]), np.array([4, 7]), np.array([30, 10]))

    counts = aligned(reference, current)

    assert counts.values.tolist() == [1.0, 2.0, 3.0]
    assert counts.reference.tolist() == [2.0, 0.0, 6.0]
    assert counts.current.tolist() == [0.0, 4.0, 7.0]
    assert counts.n_clusters == 3
    assert counts.by_cluster is not None
    assert counts.by_cluster[0].clusters.tolist() == [0, 0, 1]
    assert counts.by_cluster[1].values.tolist() == [1, 2]


def test_texts() -> None:
    reference = SideCounts(np.array(["b", "a"], dtype=object), np.array([1, 2]))
    current = SideCounts(np.array(["c"], dtype=object), np.array([3]))

    counts = aligned(reference, current)

    assert counts.values.tolist() == ["a", "b", "c"]
    assert counts.current.tolist() == [0.0, 0.0, 3.0]


def test_an_empty_side_takes_the_others_type() -> None:
    some = SideCounts(np.array(["b", "a"], dtype=object), np.array([1, 2]), np.array([1, 1]))
    none = SideCounts(np.empty(0), np.empty(0, dtype=np.int64), np.empty(0))

    for counts, totals in ((aligned(some, none), (3.0, 0.0)), (aligned(none, some), (0.0, 3.0))):
        assert counts.values.tolist() == ["a", "b"]
        assert (counts.reference.sum(), counts.current.sum()) == totals
    assert aligned(none, none).values.tolist() == []


def test_a_long_text_does_not_make_all_values_wide() -> None:
    long, other = "x" * 200_000, "x" * 199_999 + "y"
    texts = np.array([*(f"v{number}" for number in range(20_000)), long, other], dtype=object)
    side = SideCounts(texts, np.ones(len(texts), dtype=np.int64), texts)

    counts = aligned(side, side)

    assert len(counts.values) == counts.n_clusters == len(texts)
    assert counts.values.nbytes < 30_000_000
    assert sum(value.startswith("x" * 200 + "…") for value in counts.values) == 2


def test_large_ids_keep_apart_whatever_whole_type_they_have() -> None:
    ids = 2**53 + np.arange(0, 200, 2)
    signed = SideCounts(ids, np.ones(100, dtype=np.int64))
    unsigned = SideCounts((ids + 1).astype(np.uint64), np.ones(100, dtype=np.int64))
    largest = SideCounts(np.array([2**64 - 1], dtype=np.uint64), np.ones(1, dtype=np.int64))

    assert len(aligned(signed, unsigned).values) == 200
    assert aligned(signed, largest).values[-1] == 2**64 - 1
    assert len(aligned(signed, largest).values) == 101
