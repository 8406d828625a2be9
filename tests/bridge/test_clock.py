import pytest

from recwatch_bridge.clock import lasting


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s"),
        (44.9, "44 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (12_000, "3 h 20 min"),
        (86_400, "1 d"),
        (183_600, "2 d 3 h"),
    ],
)
def test_a_length_of_time_in_its_two_largest_units(seconds: float, said: str) -> None:
    assert lasting(seconds) == said
