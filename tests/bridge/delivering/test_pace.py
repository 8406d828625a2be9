import pytest

from recwatch_bridge.delivering.pace import NO_REST, Pace, pace_of, set_pace
from recwatch_bridge.storage.store import Store


def test_it_is_kept_by_sink(store: Store) -> None:
    with store.write() as connection:
        set_pace(connection, "slack", Pace(3, 1_000.5, 30.0))
    with store.read() as connection:
        assert pace_of(connection, "slack") == Pace(3, 1_000.5, 30.0)
        assert pace_of(connection, "email") == NO_REST


@pytest.mark.parametrize(
    ("now", "left"),
    [(970.0, 30.0), (999.0, 1.0), (1_000.0, 0.0), (5_000.0, 0.0), (969.5, 30.5), (960.0, 0.0), (0.0, 0.0)],
)
def test_a_rest_from_before_the_clock_was_set_back_is_over(now: float, left: float) -> None:
    assert Pace(1, 1_000.0, 30.0).wait(now) == left
