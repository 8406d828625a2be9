import numpy as np

from recwatch_exporter.checks.coverage import COVERAGE, statistic


def test_exact_values() -> None:
    reference = np.array([5.0, 1, 1, 1, 0])

    assert statistic(np.arange(5), reference, np.array([9.0, 0, 0, 0, 0])) == 0.25
    assert statistic(np.arange(5), reference, np.array([9.0, 0, 0, 0, 1])) == 0.4
    assert statistic(np.arange(5), reference, np.array([1.0, 1, 1, 1, 1])) == 1.0


def test_how_often_an_item_is_chosen_does_not_matter() -> None:
    reference, current = np.array([5.0, 1, 1]), np.array([1.0, 0, 700])

    assert statistic(np.arange(3), reference, current) == statistic(np.arange(3), reference, current / 100)


def test_details_count_items() -> None:
    assert COVERAGE.describe is not None

    assert COVERAGE.describe(np.arange(4), np.array([1.0, 2, 0, 0]), np.array([0.0, 2, 1, 0])) == {
        "items": 3,
        "items_reference": 2,
        "items_current": 2,
    }
