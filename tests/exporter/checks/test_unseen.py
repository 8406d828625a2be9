import numpy as np

from recwatch_exporter.checks.unseen import UNSEEN, statistic


def test_exact_values() -> None:
    values = np.array(["a", "b", "c"])

    assert statistic(values, np.array([5.0, 0, 1]), np.array([2.0, 5, 3])) == 0.5
    assert statistic(values, np.array([5.0, 1, 1]), np.array([2.0, 5, 3])) == 0.0
    assert statistic(values, np.array([1.0, 0, 0]), np.array([0.0, 5, 3])) == 1.0


def test_how_large_the_reference_is_does_not_matter() -> None:
    current = np.array([2.0, 5, 3])

    assert statistic(np.arange(3), np.array([1e6, 0, 1]), current) == statistic(
        np.arange(3), np.array([1.0, 0, 1]), current
    )


def test_details_name_the_most_frequent_of_them() -> None:
    assert UNSEEN.describe is not None

    details = UNSEEN.describe(np.array(["a", "b", "c"]), np.array([5.0, 0, 0]), np.array([2.0, 1, 3]))

    assert details == {
        "unseen_values": 2,
        "unseen_rows": 4,
        "unseen": [{"value": "c", "rows": 3}, {"value": "b", "rows": 1}],
    }
