import numpy as np

from recwatch_exporter.statistics.labels import label, range_labels


def test_values_as_a_person_writes_them() -> None:
    values = [np.float64(3), np.float64(3.5), np.float64(1e7), 12, np.str_("drama"), 0.1234567891]

    assert [label(value) for value in values] == ["3", "3.5", "10000000", "12", "drama", "0.123457"]


def test_long_text_is_cut() -> None:
    assert len(label("x" * 1000)) == 60


def test_ranges() -> None:
    assert range_labels([1.0, 2.5]) == ["up to 1", "1 to 2.5", "above 2.5"]
    assert range_labels([]) == ["all"]


def test_ends_that_are_close_are_told_apart() -> None:
    assert range_labels([1000.01, 1000.02]) == ["up to 1000.01", "1000.01 to 1000.02", "above 1000.02"]
